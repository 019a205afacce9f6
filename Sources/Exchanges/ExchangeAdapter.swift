public import Trading

/// Why a venue could not be asked, or did not answer.
public enum VenueFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing left the host; the same request may be tried again.
    case unsent(String)
    /// The request may have arrived and done its work.
    case outcomeUnknown(String)
    /// The venue understood and said no.
    case refused(String)

    /// In words.
    public var description: String {
        switch self {
        case .unsent(let reason): "nothing was sent: \(reason)"
        case .outcomeUnknown(let reason): "no answer: \(reason)"
        case .refused(let reason): "refused: \(reason)"
        }
    }
}

/// A page of an account's trades, oldest first.
public struct TradePage: Hashable, Sendable {
    public let trades: [VenueTrade]
    /// Where the next page starts; the same as asked when nothing is newer.
    public let cursor: String?
    /// Whether nothing newer follows now.
    public let isComplete: Bool

    /// Describes a page.
    public init(trades: [VenueTrade], cursor: String?, isComplete: Bool) {
        self.trades = trades
        self.cursor = cursor
        self.isComplete = isComplete
    }
}

/// A venue as the host sees it: the only way to one, paper or real.
///
/// Everything happens on the floor's event loop. A completion is called there, once, and never before the call that
/// took it has returned.
public protocol ExchangeAdapter: AnyObject {
    /// The name under which accounts refer to it.
    var venue: VenueID { get }

    /// News that nobody asked for: trades, cancels, expiries. Set before the first request.
    var onReport: ((AccountID, VenueReport) -> Void)? { get set }

    /// Who hears every raw answer of the venue, for the orders' stories; nil, and without effect, where nothing passes
    /// over a network.
    var observer: (any AdapterObserver)? { get set }

    /// What can be traded, and in which steps.
    func instruments(_ completion: @escaping (Result<[Instrument], VenueFailure>) -> Void)

    /// Places an order. A client id that the venue knows already is answered with that order's own id.
    func place(
        _ request: PlaceRequest, on account: AccountID,
        _ completion: @escaping (Result<VenueOrderID, VenueFailure>) -> Void)

    /// Cancels an order. Success means that the venue took the request; the end itself is a report.
    func cancel(
        _ order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<Void, VenueFailure>) -> Void)

    /// Changes an order's quantity or price. Success carries what now holds.
    func amend(
        _ order: OrderReference, to amendment: Amendment, on account: AccountID,
        _ completion: @escaping (Result<Amendment, VenueFailure>) -> Void)

    /// What became of an order, open or closed; nil when the venue knows none by that client id.
    func status(
        of order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<VenueOrder?, VenueFailure>) -> Void)

    /// Every open order of an account.
    func openOrders(
        on account: AccountID, _ completion: @escaping (Result<[VenueOrder], VenueFailure>) -> Void)

    /// An account's trades after a cursor, oldest first; nil starts at the beginning.
    func trades(
        on account: AccountID, after cursor: String?,
        _ completion: @escaping (Result<TradePage, VenueFailure>) -> Void)

    /// A person has said which of several orders at the venue is ours: the one of `order`'s venue id, or none of them.
    func decided(_ order: OrderReference, isThere: Bool, on account: AccountID)

    /// An account's money.
    func balances(
        on account: AccountID, _ completion: @escaping (Result<[VenueBalance], VenueFailure>) -> Void)
}

extension ExchangeAdapter {
    /// Nobody: for a venue inside this process.
    public var observer: (any AdapterObserver)? {
        get { nil }
        // Nothing passes over a network that could be told.
        set { _ = newValue }
    }

    /// Nothing: most venues tell orders apart by our own names.
    public func decided(_ order: OrderReference, isThere: Bool, on account: AccountID) {}

    /// Carries out what the desk asks, and gives the desk's own words for the answer to `report`.
    ///
    /// This is the one translation from an adapter's answers to ``VenueReport``; every venue shares it.
    public func carryOut(
        _ request: VenueRequest, on account: AccountID, report: @escaping (VenueReport) -> Void
    ) {
        switch request {
        case .place(let place):
            let id = place.clientID
            self.place(place, on: account) { result in
                switch result {
                case .success(let venueOrderID): report(.accepted(id, venueOrderID))
                case .failure(.unsent(let reason)): report(.unsent(id, reason: reason))
                case .failure(.outcomeUnknown(let reason)): report(.outcomeUnknown(id, reason: reason))
                case .failure(.refused(let reason)): report(.rejected(id, reason: reason))
                }
            }
            report(.sent(id))
        case .cancel(let order):
            cancel(order, on: account) { result in
                if case .failure(let failure) = result {
                    report(.cancelRefused(order.clientID, reason: failure.description))
                }
            }
        case .amend(let order, let amendment):
            amend(order, to: amendment, on: account) { result in
                switch result {
                case .success(let amendment): report(.amended(order.clientID, amendment))
                case .failure(.outcomeUnknown(let reason)): report(.unanswered(request, reason: reason))
                case .failure(.unsent(let reason)), .failure(.refused(let reason)):
                    report(.amendRefused(order.clientID, reason: reason))
                }
            }
        case .status(let order):
            status(of: order, on: account) { result in
                switch result {
                case .success(.some(let found)): report(.order(found))
                case .success(.none): report(.absent(order.clientID))
                case .failure(let failure): report(.unanswered(request, reason: failure.description))
                }
            }
        case .trades(let cursor):
            trades(on: account, after: cursor) { result in
                switch result {
                case .success(let page):
                    report(.trades(page.trades, cursor: page.cursor, isComplete: page.isComplete))
                case .failure(let failure): report(.unanswered(request, reason: failure.description))
                }
            }
        case .decided(let order, let isThere): decided(order, isThere: isThere, on: account)
        case .balances:
            balances(on: account) { result in
                switch result {
                case .success(let balances): report(.balances(balances))
                case .failure(let failure): report(.unanswered(request, reason: failure.description))
                }
            }
        case .openOrders:
            openOrders(on: account) { result in
                switch result {
                case .success(let orders): report(.openOrders(orders))
                case .failure(let failure): report(.unanswered(request, reason: failure.description))
                }
            }
        }
    }
}
