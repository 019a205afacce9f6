public import Trading
public import Wire

/// A strategy as the catalogue keeps it.
public struct StrategyRecord: Hashable, Sendable {
    /// Made of its name and a few random letters; never used again.
    public let id: String
    /// Who uploaded it.
    public let owner: String
    /// Unique among the owner's strategies.
    public let name: String
    /// When its first version was uploaded.
    public let createdAt: Timestamp
    /// At least one; the one uploaded last comes last.
    public let versions: [VersionRecord]
    /// How it was started last, and whether it should run now; nil when it never was.
    public let desired: DesiredRun?

    /// The version uploaded last.
    public var latest: VersionRecord { versions[versions.count - 1] }

    /// The version called `version`, or with nil the latest.
    public func version(_ version: String?) -> VersionRecord? {
        version == nil ? latest : versions.first { $0.version == version }
    }
}

/// One immutable version of a strategy.
public struct VersionRecord: Hashable, Sendable {
    /// The hash that names the bundle's folder.
    public let version: String
    /// When it was uploaded.
    public let uploadedAt: Timestamp
    /// Who uploaded it.
    public let uploadedBy: String
    /// What runs it.
    public let kind: StrategyKind
    /// The sandbox profile.
    public let profile: String
    /// The file to start.
    public let entry: String
    /// Files and their bytes.
    public let fileCount: Int
    /// Bytes of all its files.
    public let byteCount: Int
    /// Its configuration, in the form of strategy.json.
    public let config: JSONValue
    /// What its author should know.
    public let warnings: [String]

    /// Describes an inspected bundle.
    ///
    /// - Precondition: The inspection found no problem.
    public init(
        bundle: StrategyBundle, inspection: BundleInspection, uploadedAt: Timestamp, uploadedBy: String
    ) {
        precondition(inspection.problems.isEmpty, "only a bundle without problems is kept")
        let config = inspection.config
        version = bundle.version
        self.uploadedAt = uploadedAt
        self.uploadedBy = uploadedBy
        kind = config.kind ?? .python
        profile = config.profile ?? "python"
        entry = config.entry ?? "strategy.py"
        fileCount = bundle.files.count
        byteCount = bundle.size
        self.config = config.json
        warnings = inspection.warnings
    }

    init(
        version: String, uploadedAt: Timestamp, uploadedBy: String, kind: StrategyKind, profile: String,
        entry: String, fileCount: Int, byteCount: Int, config: JSONValue, warnings: [String]
    ) {
        self.version = version
        self.uploadedAt = uploadedAt
        self.uploadedBy = uploadedBy
        self.kind = kind
        self.profile = profile
        self.entry = entry
        self.fileCount = fileCount
        self.byteCount = byteCount
        self.config = config
        self.warnings = warnings
    }
}

/// How a strategy was asked to run.
///
/// The host starts it so again after its own restart.
public struct DesiredRun: Hashable, Sendable {
    /// Whether it should run; when false the rest is how it ran last.
    public var shouldRun: Bool
    /// Whether it should be started paused.
    public var isPaused: Bool
    /// Where its orders go.
    public var account: String
    /// Where its prices come from.
    public var feed: String
    /// What it may count as its equity at the start, in the account's currency.
    public var capital: FixedDecimal
    /// What was given in place of the configuration's parameters; an object or null.
    public var parameters: JSONValue
    /// Which of its versions.
    public var version: String
    /// When this was asked for.
    public var since: Timestamp

    /// Describes a wish.
    public init(
        shouldRun: Bool = true, isPaused: Bool = false, account: String, feed: String,
        capital: FixedDecimal, parameters: JSONValue = .null, version: String, since: Timestamp
    ) {
        self.shouldRun = shouldRun
        self.isPaused = isPaused
        self.account = account
        self.feed = feed
        self.capital = capital
        self.parameters = parameters
        self.version = version
        self.since = since
    }
}

/// Why the catalogue did not do what was asked.
public enum StrategyStoreFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The owner has a strategy of this name already.
    case nameTaken(String)
    /// There is no such strategy.
    case unknownStrategy(String)
    /// The strategy has no such version.
    case unknownVersion(String)
    /// The strategy has this version already.
    case versionExists(String)

    /// The reason in words.
    public var description: String {
        switch self {
        case .nameTaken(let name):
            "you have a strategy called \"\(name)\" already; upload a new version of it or take another name"
        case .unknownStrategy(let id): "there is no strategy \(id)"
        case .unknownVersion(let version): "the strategy has no version \(version)"
        case .versionExists(let version):
            "the strategy has exactly these files already, as version \(version)"
        }
    }
}
