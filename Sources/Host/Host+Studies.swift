internal import Lab
internal import Posix
internal import Sandbox

/// Searches over parameters, walks forward and checks.
extension Host {
    /// Studies of a Lab, with Optuna behind the walls of scientific strategies. Whether its runtime is there shows when a
    /// search asks for it.
    static func openStudies(
        _ lab: LabService?, _ launcher: StrategyLauncher, _ folders: DataFolders
    ) -> StudyService? {
        guard let lab else { return nil }
        let profile = launcher.profiles["python-scientific"].map(OptimiserProcess.profile)
        let confined = launcher.launcher
        // Its profile shows no bundle; the launcher wants one all the same.
        let unseen = folders.strategies
        return StudyService(
            lab: lab,
            startOptimiser: profile.map { profile in
                { (run) async throws(SearchFailure) in
                    try await OptimiserProcess.start(profile, launcher: confined, bundle: unseen, run: run)
                }
            })
    }

    /// Takes up the studies that the last host left under way.
    func startStudies() {
        do throws(LabFailure) {
            try studies?.start()
        } catch {
            log.error("studies do not start", ["reason": "\(error)"])
        }
    }
}
