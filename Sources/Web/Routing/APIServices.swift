public import Host
public import Identity
public import Lab
public import Posix

/// What the API works with.
public struct APIServices: Sendable {
    /// How the API behaves.
    public struct Settings: Sendable {
        /// The largest upload, in bytes.
        public var uploadLimit = 32 << 20
        /// The largest JSON body, in bytes.
        public var jsonLimit = 1 << 20
        /// How long a browser keeps its session cookie without using it, in seconds.
        public var sessionSeconds = 12 * 3600
        /// The program's version, as `GET /health` says it.
        public var version = "0"
        /// The folder with the pages.
        public var pages: String?
        /// The text served at `/openapi.json`.
        public var openAPI: [UInt8] = []
        /// Event streams of one user at once.
        public var streamsPerUser = 32

        /// The defaults.
        public init() {}
    }

    public let host: any HostService
    /// Promotion, deployments, trials, runs and their replays; nil where there is no Lab, as in tests of other things.
    public let promotion: (any PromotionService)?
    public let identity: IdentityService
    public let health: HealthBoard
    public let metrics: MetricsRegistry
    public let log: HostLog
    public let settings: Settings
    /// Nil on a host without a Lab.
    public let lab: LabService?
    /// Nil on a host without a Lab.
    public let studies: StudyService?
    /// When the host came up, on the monotonic clock in nanoseconds.
    let startedAt: UInt64
    let streams: StreamCounter

    /// Gathers what the API works with.
    public init(
        host: any HostService, identity: IdentityService, health: HealthBoard, metrics: MetricsRegistry,
        log: HostLog, settings: Settings = Settings(), lab: LabService? = nil,
        promotion: (any PromotionService)? = nil,
        studies: StudyService? = nil
    ) {
        self.host = host
        self.promotion = promotion
        self.identity = identity
        self.health = health
        self.metrics = metrics
        self.log = log
        self.settings = settings
        self.lab = lab
        self.studies = studies
        startedAt = MonotonicClock.nanoseconds
        streams = StreamCounter(limit: settings.streamsPerUser)
    }
}
