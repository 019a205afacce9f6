internal import Exchanges
internal import Journal
internal import MarketData
internal import Posix
internal import Supervisor
internal import Trading
internal import Wire

/// Where strategies run: their children, the feeds, the order desk and the paper venue, on one event loop, so that from a
/// price to a gated order there is no hop and no lock.
///
/// It is a plain object that only its loop's thread touches. Other threads come in through ``FloorEntrance``.
final class Floor {
    let loop: EventLoop
    let around: Surroundings
    let desk: DeskDriver
    let paper: PaperVenue
    let hub = EventHub()
    let markets = MarketHub()
    let story: StoryBook
    let pruning: JournalPruning
    let scratch = ReadBuffer()
    var strategies: [String: FloorStrategy] = [:]
    var feeds: [String: Feed] = [:]
    var accounts: [String: AccountSetup] = [:]
    /// Where the desk finds the venue of an account.
    let accountVenues: AccountVenues
    /// The exchanges that something wants.
    var venues: [VenueID: any LiveVenue] = [:]
    let outside = Outside()
    /// What the accounts at exchanges held when they were last asked.
    var held: [String: [VenueBalance]] = [:]
    /// What can be traded at the paper venue, by its name there.
    var listings: [String: Instrument] = [:]
    var limits: LimitSetup
    /// Who asked for the halts in force.
    var haltedBy: [RiskScope: String] = [:]
    var nextRunNumber: Int64
    var lastSignal: Int64
    var isDraining = false
    /// What was to become of the orders of strategies that the last host stopped.
    var stopsBefore: [String: OrdersAtEnd] = [:]
    /// What waits for the last child to go.
    var whenEmpty: [() -> Void] = []
    /// Strategies that are being taken out of the catalogue.
    var deleting: [String: FloorStrategy] = [:]
    /// Lines that strategies were told, or asked for something with, and that their recordings do not hold yet.
    var unrecorded: [(RunRecorder, RunRecorder.Direction, [UInt8], Timestamp)] = []
    /// When the latest price reached this host, on the monotonic clock in nanoseconds.
    var lastTick: UInt64 = 0
    /// Seconds since the floor began.
    var seconds = 0

    init(
        loop: EventLoop, around: Surroundings, desk: DeskDriver, paper: PaperVenue,
        accountVenues: AccountVenues, limits: LimitSetup, lastRun: Int64, lastSignal: Int64,
        story: StoryBook
    ) {
        self.loop = loop
        self.around = around
        self.desk = desk
        self.paper = paper
        self.accountVenues = accountVenues
        self.limits = limits
        nextRunNumber = lastRun + 1
        self.lastSignal = lastSignal
        self.story = story
        pruning = JournalPruning(around.deskStore, on: loop)
        connectDesk()
        listenForStories()
    }

    /// The time of day.
    var now: Timestamp { Timestamp(milliseconds: WallClock.milliseconds) }

    /// The strategy with the id.
    func find(_ id: String) throws(HostError) -> FloorStrategy {
        guard let strategy = strategies[id] else { throw .notFound(kind: "strategy", id: id) }
        return strategy
    }

    /// Writes a line about the strategy into its log and tells those who watch.
    func log(_ strategy: FloorStrategy, _ level: StrategyLogLevel, _ source: LogSource, _ message: String) {
        let time = now
        let sequence = strategy.log.append(level, source, message, at: time)
        hub.publishLog(
            LogLine(sequence: sequence, time: time, level: level, source: source, message: message),
            strategy: strategy.id)
    }

    /// Tells those who watch what state the strategy is in.
    func publishStatus(_ strategy: FloorStrategy) {
        let view = status(of: strategy)
        hub.publish(.status, strategy: strategy.id, owner: strategy.owner, data: view.json)
    }
}
