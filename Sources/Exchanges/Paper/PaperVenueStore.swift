public import Trading

/// Why the paper venue's storage did not do what was asked. Nothing of it is durable then.
public struct PaperStoreFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// In words.
    public let description: String

    /// Carries a reason in words.
    public init(_ description: String) {
        self.description = description
    }
}

/// All that the paper venue has committed, except ended orders and trades, which may be many.
public struct PaperVenueState: Hashable, Sendable {
    public var accounts: [MatchingAccount]
    public var openOrders: [MatchingOrder]
    public var lastOrder: Int64
    public var lastTrade: Int64

    /// Describes a state; by default a new venue's.
    public init(
        accounts: [MatchingAccount] = [], openOrders: [MatchingOrder] = [], lastOrder: Int64 = 0,
        lastTrade: Int64 = 0
    ) {
        self.accounts = accounts
        self.openOrders = openOrders
        self.lastOrder = lastOrder
        self.lastTrade = lastTrade
    }
}

/// Where the paper venue keeps its books.
///
/// Calls take effect and are answered in the order in which they are made, on the venue's event loop, never before the
/// call has returned. A read therefore sees every save before it. Once a save has failed every later save fails too,
/// until ``load(_:)`` was asked for: what builds on something lost must not become durable.
public protocol PaperVenueStore: AnyObject {
    /// Makes changes durable, all of them or none.
    func save(
        _ changes: MatchingChanges, _ completion: @escaping (Result<Void, PaperStoreFailure>) -> Void)

    /// Reads what is committed, and takes saves again.
    func load(_ completion: @escaping (Result<PaperVenueState, PaperStoreFailure>) -> Void)

    /// An order by its client's name for it, open or ended.
    func order(
        _ id: ClientOrderID, on account: AccountID,
        _ completion: @escaping (Result<MatchingOrder?, PaperStoreFailure>) -> Void)

    /// The open orders of an account, oldest first.
    func openOrders(
        on account: AccountID, _ completion: @escaping (Result<[MatchingOrder], PaperStoreFailure>) -> Void)

    /// An account's trades with a number above `number`, oldest first, at most `limit`.
    func trades(
        on account: AccountID, after number: Int64, limit: Int,
        _ completion: @escaping (Result<[MatchingTrade], PaperStoreFailure>) -> Void)

    /// An account.
    func account(
        _ id: AccountID, _ completion: @escaping (Result<MatchingAccount?, PaperStoreFailure>) -> Void)
}
