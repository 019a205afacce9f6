internal import Lab
internal import Posix
internal import Sandbox

/// Searches over parameters, walks forward and checks.
extension Host {
    /// Studies of a Lab, with Optuna behind the walls of scientific strategies. Whether its runtime is there shows when a
    /// search asks for it.
    static func openStudies(
        _ lab: LabService?, _ launcher: StrategyLauncher, _ layout: InstalledLayout
    ) -> StudyService? {
        guard let lab else { return nil }
        // Its profile shows no bundle; the launcher wants one all the same, that every user may read.
        let (confined, unseen) = (launcher.launcher, layout.sdk)
        guard let scientific = launcher.profiles["python-scientific"] else {
            return StudyService(lab: lab, startOptimiser: nil)
        }
        let profile = OptimiserProcess.profile(from: scientific)
        let start: StudyService.OptimiserStart = {
            (run: String) async throws(SearchFailure) -> any LineDialogue in
            try await OptimiserProcess.start(profile, launcher: confined, bundle: unseen, run: run)
        }
        return StudyService(lab: lab, startOptimiser: start)
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
