internal import Posix
internal import Synchronization

/// Commands of the operator's choice, run when something needs a person: a quarantine, a halt.
///
/// A command runs with `/bin/sh -c`, with nothing of the host's environment but `PATH` and what happened in
/// `BULLPEN_…` variables; it knows no key. It is killed when it takes too long, and its output stands in the host's log.
final class Hooks: Sendable {
    private let commands: Configuration.Hooks
    private let log: HostLog
    private let running = Atomic<Int>(0)

    /// How many commands may run at once; a flood of quarantines does not become one of processes.
    private static let limit = 8

    init(_ commands: Configuration.Hooks, log: HostLog) {
        self.commands = commands
        self.log = log
    }

    /// A strategy was quarantined.
    func quarantined(strategy: String, owner: String, reason: String) {
        run(
            commands.onQuarantine,
            [
                "BULLPEN_EVENT=quarantine", "BULLPEN_STRATEGY=\(strategy)", "BULLPEN_OWNER=\(owner)",
                "BULLPEN_REASON=\(reason)",
            ])
    }

    /// Trading was halted.
    func halted(scope: String, reason: String, by: String) {
        run(
            commands.onHalt,
            ["BULLPEN_EVENT=halt", "BULLPEN_SCOPE=\(scope)", "BULLPEN_REASON=\(reason)", "BULLPEN_BY=\(by)"])
    }

    /// An exchange's key is about to run out, has run out or is old.
    func keyNotice(credential: String, venue: String, owner: String, kind: String, reason: String) {
        run(
            commands.onKeyNotice,
            [
                "BULLPEN_EVENT=key_\(kind)", "BULLPEN_CREDENTIAL=\(credential)", "BULLPEN_VENUE=\(venue)",
                "BULLPEN_OWNER=\(owner)", "BULLPEN_REASON=\(reason)",
            ])
    }

    private func run(_ command: String, _ variables: [String]) {
        guard !command.isEmpty else { return }
        guard running.add(1, ordering: .relaxed).newValue <= Self.limit else {
            running.subtract(1, ordering: .relaxed)
            return log.error("a hook was not run: \(Self.limit) are running already")
        }
        let environment = ["PATH=/usr/local/bin:/usr/bin:/bin"] + variables.map { $0.filter { $0 != "\0" } }
        do {
            try Thread.start(name: "hook") { [self] in
                defer { running.subtract(1, ordering: .relaxed) }
                finish(command, environment)
            }
        } catch {
            running.subtract(1, ordering: .relaxed)
            log.error("a hook was not run: \(error)")
        }
    }

    private func finish(_ command: String, _ environment: [String]) {
        do {
            let (status, output) = try ChildProcess.run(
                "/usr/bin/timeout", ["--kill-after=5", "30", "/bin/sh", "-c", command],
                environment: environment)
            let words = String(output.prefix(2_000))
            guard status == .exited(code: 0) else {
                return log.error("a hook failed", ["status": "\(status)", "output": words])
            }
            log.info("a hook ran", ["output": words])
        } catch {
            log.error("a hook was not run: \(error)")
        }
    }
}
