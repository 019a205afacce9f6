/// What an account holds of one currency or coin beside what its sub-ledgers hold.
///
/// What the account should hold is ``unowned`` and what the sub-ledgers come to; what it does hold is
/// ``external`` more.
public struct HoldingRecord: Hashable, Sendable {
    public let account: AccountID
    /// The currency or coin, as the venue names it.
    public let asset: String
    /// What no strategy has: what was there at first sight and what was accepted since, less fees that no ledger counts.
    public internal(set) var unowned: FixedDecimal
    /// What the venue holds beyond the books and nobody has accepted; nought when they agree. Below nought, it holds less.
    public internal(set) var external: FixedDecimal
    /// Since when they differ; nil when they agree.
    public internal(set) var since: Timestamp?
    public internal(set) var time: Timestamp

    /// Describes a holding.
    public init(
        account: AccountID, asset: String, unowned: FixedDecimal, external: FixedDecimal = .zero,
        since: Timestamp? = nil, time: Timestamp
    ) {
        self.account = account
        self.asset = asset
        self.unowned = unowned
        self.external = external
        self.since = since
        self.time = time
    }

    /// A difference in words.
    static func words(_ account: AccountID, _ asset: String, _ difference: FixedDecimal) -> String {
        "the venue holds \(FixedDecimal.size(difference)) \(asset) \(difference.isNegative ? "less" : "more") on "
            + "account \(account) than its fills come to"
    }
}
