/// Everything that can be said about a bundle without running an interpreter: configuration, entry, kind, profile,
/// requirements.
public struct BundleInspection: Sendable {
    /// The configuration, with name, entry, kind and profile filled in as far as they can be.
    public let config: StrategyConfig
    /// What is wrong; the bundle is not to be used unless this is empty.
    public let problems: [ValidationProblem]
    /// What its author should know.
    public let warnings: [String]

    /// Inspects a bundle.
    ///
    /// - Parameters:
    ///   - bundle: The files.
    ///   - nameHint: The name it has when its configuration gives none, such as the upload's file name.
    ///   - bounds: What the operator allows.
    ///   - packages: Package names and versions of each profile's runtime.
    public init(
        _ bundle: StrategyBundle, nameHint: String, bounds: ConfigBounds, packages: [String: [String: String]]
    ) {
        var config = StrategyConfig(bounds: bounds)
        var problems: [ValidationProblem] = []
        if let file = bundle[StrategyBundle.configPath] {
            (config, problems) = ConfigReader.read(file.content, bounds: bounds)
        }
        if config.name == nil { config.name = Self.name(from: nameHint) }
        do throws(ValidationProblem) {
            let entry = try bundle.entry(configured: config.entry)
            config.entry = entry
            problems += Self.settle(&config, entry: entry, bundle, bounds)
        } catch {
            problems.append(error)
        }
        if let requirements = bundle[StrategyBundle.requirementsPath], let profile = config.profile {
            let check = RequirementsCheck(installed: packages[profile] ?? [:], profile: profile)
            problems += check.problems(in: requirements.content)
        }
        self.config = config
        self.problems = problems
        warnings =
            bundle.leftOut.isEmpty
            ? [] : ["left out: \(bundle.leftOut.prefix(10).joined(separator: ", "))"]
    }

    /// Whether the Python check is to follow.
    public var needsPythonCheck: Bool { config.kind == .python }

    /// Fills in kind and profile and says where they contradict each other.
    private static func settle(
        _ config: inout StrategyConfig, entry: String, _ bundle: StrategyBundle, _ bounds: ConfigBounds
    ) -> [ValidationProblem] {
        var problems: [ValidationProblem] = []
        let kind = StrategyKind(entry: entry)
        if let given = config.kind, given != kind {
            problems.append(
                ValidationProblem(
                    .invalidConfig, "kind: is \"\(given.rawValue)\", but \(entry) is \(kind.rawValue)",
                    field: "kind"))
        }
        config.kind = kind
        if kind == .native, let file = bundle[entry],
            let problem = ELFCheck.problem(file.content, field: entry)
        {
            problems.append(problem)
        }
        let usual = kind == .native ? "native" : usualProfile(bundle, bounds)
        let profile = config.profile ?? usual
        if !kind.fits(profile: profile) {
            problems.append(
                ValidationProblem(
                    .invalidConfig, "profile: \"\(profile)\" is not for \(kind.rawValue) strategies",
                    field: "profile"))
        } else if !bounds.profiles.contains(profile) {
            problems.append(
                ValidationProblem(
                    .invalidConfig, "profile: this host has no profile \"\(profile)\"", field: "profile"))
        }
        config.profile = profile
        return problems
    }

    /// The smallest profile for Python that has the packages a bundle asks for.
    private static func usualProfile(_ bundle: StrategyBundle, _ bounds: ConfigBounds) -> String {
        let asked =
            bundle[StrategyBundle.requirementsPath].map { RequirementsCheck.names(in: $0.content) } ?? []
        if asked.isEmpty { return "python" }
        let isSmall = asked.isSubset(of: ["numpy", "pandas", "python-dateutil", "tzdata"])
        return isSmall && bounds.profiles.contains("python-pandas") ? "python-pandas" : "python-scientific"
    }

    private static func name(from hint: String) -> String {
        var name = hint.split(separator: "/").last.map(String.init) ?? ""
        for ending in [".py", ".zip", ".elf"] where name.lowercased().hasSuffix(ending) {
            name = String(name.dropLast(ending.count))
        }
        let plain = BundleName.printable(name.utf8).prefix(80)
        return plain.contains(where: { !$0.isWhitespace }) ? String(plain) : "strategy"
    }
}
