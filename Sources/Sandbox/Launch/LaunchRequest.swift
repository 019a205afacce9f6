/// What is to be started, and within which bounds.
public struct LaunchRequest: Sendable {
    /// The strategy's id, for messages.
    public var strategy: String
    /// The run's id, which names its control group. Letters, digits, `-` and `_`.
    public var run: String
    /// How it is confined.
    public var profile: Profile
    /// The folder of the strategy's own files.
    public var bundle: String
    /// The file in it that is the strategy, relative to it.
    public var entry: String
    /// Memory instead of the profile's; nil for that.
    public var memoryBytes: Int?
    /// Processors instead of the profile's; nil for that.
    public var cpuShare: Double?
    /// Arguments after those of the profile's command.
    public var arguments: [String]
    /// Variables beside those of the profile.
    public var environment: [String: String]
    /// Whether every system call is heard and written down, instead of the refused ones alone.
    public var isRecorded = false
    /// Whether it is started by the launcher program even where a nursery could.
    public var isColdStart: Bool

    /// Describes a run.
    public init(
        strategy: String, run: String, profile: Profile, bundle: String, entry: String = "strategy.py",
        memoryBytes: Int? = nil, cpuShare: Double? = nil, arguments: [String] = [],
        environment: [String: String] = [:], isColdStart: Bool = false
    ) {
        self.strategy = strategy
        self.run = run
        self.profile = profile
        self.bundle = bundle
        self.entry = entry
        self.memoryBytes = memoryBytes
        self.cpuShare = cpuShare
        self.arguments = arguments
        self.environment = environment
        self.isColdStart = isColdStart
    }

    /// The whole command line.
    func commandLine() throws(LaunchFailure) -> [String] {
        let parts = entry.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(where: { ["", ".", ".."].contains($0) }), !entry.utf8.contains(0) else {
            throw LaunchFailure(
                code: .profileRefused, step: "compile plan",
                reason: "the entry \"\(entry)\" is not a plain path inside the bundle")
        }
        return profile.command.map { part in
            part.split(separator: "{entry}", omittingEmptySubsequences: false).joined(separator: entry)
        } + arguments
    }

    /// The whole environment, in order of names.
    func wholeEnvironment() -> [String] {
        var variables = [
            "HOME": "/work", "LANG": "C.UTF-8", "PATH": "/usr/bin", "TMPDIR": "/tmp", "TZ": "UTC",
            // One thread each: more would be held back by the processor limit, and abort at the process limit.
            "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
            "NUMEXPR_NUM_THREADS": "1", "BLIS_NUM_THREADS": "1",
        ]
        variables.merge(profile.environment) { _, new in new }
        variables.merge(environment) { _, new in new }
        return variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }
}
