internal import Catalogue
internal import Journal
internal import Posix
internal import Sandbox
internal import Supervisor
internal import Trading
internal import Wire

/// One strategy on the floor: what it is, how it was started, and its runner.
///
/// It lives on the event loop.
final class FloorStrategy {
    /// How a strategy was started; kept so that a restart of the host starts it the same way.
    struct Plan: Hashable, Sendable {
        var version: String
        var feed: String
        var account: String
        var capital: FixedDecimal
        /// An object, over the `custom_params` of the configuration.
        var parameters: JSONValue
    }

    let id: String
    let owner: String
    let createdAt: Timestamp
    var name: String
    /// Newest first.
    var versions: [StrategyView.Version]
    /// The configuration of the version that runs, or of the newest.
    var config: StrategyConfig
    var warnings: [String]
    var plan: Plan?
    var runner: StrategyRunner?
    /// What it last saved; its next run finds it in `hello`.
    var savedState: JSONValue = .null
    /// Signals that it was given lately, by their senders' names.
    var namedSignals = NamedSignals()
    /// What it has subscribed to in this run.
    var subscribed: Set<Subscriptions.Key> = []
    /// The close of the last candle that it was given, by what was asked for.
    var deliveredUntil: [Subscriptions.Key: Timestamp] = [:]
    /// What becomes of its orders at the end that a person asked for; nil goes by its own policy.
    var ordersAtStop: OrdersAtEnd?
    /// Its log over all its runs.
    let log: LogFiles
    var recorder: RunRecorder?
    /// What it has last said about itself, by name.
    var metrics: [String: FixedDecimal] = [:]
    /// What it was refused.
    var violations: ViolationLedger
    /// Counts what it is refused, by call.
    var violationCounters: [String: Counter] = [:]
    /// What its child had used at the last look.
    var usage = GroupUsage()
    /// Says when a limit begins to hurt.
    var usageWatch = UsageWatch()
    /// Says whether it is to give way to others.
    var busyWatch = BusyWatch()
    /// What it uses, for those who collect figures.
    var usageGauges: (throttled: Gauge, memory: Gauge)?

    /// What was said about its bundle when it was taken in.
    var bundleWarnings: [String]
    /// How its last run ended, when that was under an earlier host.
    var lastEnd: FloorStore.LastEnd?
    /// It was paused when the last host ended.
    var startsPaused = false

    init(
        _ record: StrategyRecord, config: StrategyConfig, log: LogFiles,
        violations: ViolationLedger = ViolationLedger()
    ) {
        self.violations = violations
        id = record.id
        owner = record.owner
        createdAt = record.createdAt
        name = record.name
        versions = record.versions.reversed().map { .init(version: $0.version, uploadedAt: $0.uploadedAt) }
        bundleWarnings = record.latest.warnings
        warnings = bundleWarnings
        self.config = config
        self.log = log
    }

    /// Its state in the interface's words.
    var state: RunStatusView.State {
        RunStatusView.State(rawValue: runner?.state.name ?? "stopped") ?? .stopped
    }

    /// Whether there is a child, or one on its way.
    var isLive: Bool { runner?.state.isLive ?? false }
}
