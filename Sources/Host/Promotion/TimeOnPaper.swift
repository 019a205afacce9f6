internal import Lab
internal import Trading
internal import Wire

/// What a version has shown with play money: for how long, and with how many fills.
struct TimeOnPaper {
    private let accounts: Set<String>
    private let parameters: JSONValue
    private var milliseconds: Int64 = 0
    private(set) var fills = 0

    /// Nothing yet.
    ///
    /// - Parameters:
    ///   - accounts: Those without real money.
    ///   - parameters: What its runs must have been given to count.
    init(accounts: Set<String>, parameters: JSONValue) {
        self.accounts = accounts
        self.parameters = parameters
    }

    var days: Double { Double(milliseconds) / 86_400_000 }

    /// Counts a run of the version, up to `now` where it is under way; one on another account or with other parameters
    /// counts for nothing.
    mutating func add(_ run: RunRecord, now: Int64) {
        guard accounts.contains(run.account), PromotionPackage.areSame(run.parameters, parameters) else {
            return
        }
        milliseconds += max(0, (run.endedAt?.milliseconds ?? now) - run.startedAt.milliseconds)
        fills += run.fills
    }
}
