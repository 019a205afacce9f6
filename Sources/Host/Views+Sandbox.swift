internal import Sandbox
internal import Trading
internal import Wire

extension ProfileView {
    /// A profile, and whether this machine can use it.
    init(_ profile: Profile, _ launcher: StrategyLauncher) {
        var problems: [String] = []
        do {
            try launcher.launcher.check(profile)
        } catch {
            problems = [error.description]
        }
        let packages = (launcher.packages[profile.name] ?? [:]).sorted { $0.key < $1.key }
        self.init(
            name: profile.name, description: profile.description, isAvailable: problems.isEmpty,
            problems: problems,
            details: .members([
                "runtime": .string(profile.runtime), "memory_bytes": .integer(profile.limits.memoryBytes),
                "cpu_share": .number("\(profile.limits.cpuShare)"),
                "processes": .integer(profile.limits.processes),
                "open_files": .integer(profile.limits.openFiles),
                "packages": .object(packages.map { .init($0.key, .string($0.value)) }),
            ]))
    }
}

extension EnforcementView {
    init(_ enforcement: Enforcement) {
        self.init(
            memory: enforcement.memory, cpu: enforcement.cpu, processes: enforcement.processes,
            user: enforcement.user, notPromised: enforcement.notPromised)
    }
}

extension CheckView {
    /// A layer of the sandbox as this kernel gives it.
    init(_ row: KernelReport.Row) {
        self.init(
            name: row.layer.rawValue, state: row.isPresent ? .ok : .missing, detail: row.finding,
            remedy: row.isPresent ? nil : row.remedy)
    }
}
