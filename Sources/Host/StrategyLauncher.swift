internal import Catalogue
internal import Posix
internal import Sandbox
internal import Trading

/// Starts strategies behind the walls of their profiles.
struct StrategyLauncher: Sendable {
    let launcher: ConfinedLauncher
    /// The profiles by name.
    let profiles: [String: Profile]
    /// What each profile's runtime has, by package name.
    let packages: [String: [String: String]]

    /// Starts a child; answers on the spawner's thread.
    func launch(
        _ strategy: String, config: StrategyConfig, bundle: String, run: String,
        answer: @escaping @Sendable (Result<ConfinedChild, LaunchFailure>) -> Void
    ) {
        guard let name = config.profile, let profile = profiles[name] else {
            let reason = "this host has no profile \"\(config.profile ?? "")\""
            return answer(.failure(LaunchFailure(code: .profileRefused, step: "profile", reason: reason)))
        }
        launcher.launch(
            LaunchRequest(
                strategy: strategy, run: run, profile: profile, bundle: bundle,
                entry: config.entry ?? "strategy.py", memoryBytes: config.memoryMegabytes << 20,
                cpuShare: config.cpuShare.approximation, isColdStart: config.start == .cold), answer)
    }
}

extension FixedDecimal {
    /// The nearest floating-point number, for shares and charts and never for money.
    var approximation: Double { Double(units) / Double(Self.unitsPerOne) }
}

extension StrategyLauncher {
    /// The launcher of an installation, with its profiles and what its runtimes have.
    static func installed(
        layout: InstalledLayout, folders: DataFolders, sandbox: Configuration.Sandbox,
        nursery: Configuration.Nursery, log: HostLog
    ) throws -> StrategyLauncher {
        let profiles = try Profile.all(in: layout.profiles)
        let runtimes = try RuntimeCatalogue(runtimes: folders.runtimes)
        let installed = Dictionary(
            runtimes.entries.map { ($0.key.rawValue, $0.value.packages) },
            uniquingKeysWith: { first, _ in first })
        return StrategyLauncher(
            launcher: ConfinedLauncher(
                configuration: .init(
                    launcher: layout.confine, runtimes: folders.runtimes, sdk: layout.sdk,
                    groupName: ConfinedLauncher.groupName(data: folders.root),
                    withoutControlGroups: sandbox.withoutControlGroups,
                    nurseryLibrary: layout.nurseryLibrary, bundles: folders.strategies,
                    nurseries: NurserySettings(
                        isEnabled: nursery.isEnabled, startsBeforeRenewal: nursery.startsBeforeRenewal,
                        age: nursery.age),
                    report: { isFault, words in isFault ? log.warning(words) : log.info(words) }),
                spawner: try Spawner()),
            profiles: profiles, packages: profiles.mapValues { installed[$0.runtime] ?? [:] })
    }
}
