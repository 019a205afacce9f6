internal import Exchanges
internal import Journal
internal import MarketData
internal import Posix
internal import Secrets
internal import Trading

/// What the floor needs of the rest of the host, and does not make itself.
struct Surroundings: Sendable {
    var configuration: Configuration
    var log: HostLog
    var store: FloorStore
    var deskStore: DeskStore
    /// Where orders' stories are kept; nil when they cannot be.
    var stories: StoryStore?
    var folders: DataFolders
    var launcher: StrategyLauncher
    var hooks: Hooks
    var metrics: FloorMetrics
    var health: HealthBoard
    /// Writes logs and recordings, so that the floor does not wait for a disk.
    var flush: FlushThread
    /// What a measurement hears.
    var instruments: Instruments
    /// An account's active credential, as its signer holds it; nil when it has none.
    var keys: @Sendable (_ account: String) -> SigningKey?
    /// The nonces of those keys.
    var nonces: NonceKeeper
    /// Writes a line of the audit trail: actor, action, subject, detail.
    var audit: @Sendable (_ actor: String, _ action: String, _ subject: String, _ detail: String) -> Void
    /// Fetches the candles of a span that an exchange has, and gives those that nothing is missing behind, oldest first,
    /// on any thread; nil where nothing is collected.
    var past:
        (
            @Sendable (
                _ series: SeriesKey, _ span: Range<Timestamp>, _ done: @escaping @Sendable ([Candle]) -> Void
            ) -> Void
        )?
}
