internal import CConfine
internal import Glibc
public import Posix

/// Hears of every system call of a strategy that is recorded, and decides each as the profile's filter would.
///
/// The strategy is behind all its other walls, and what the profile refuses is refused, so that the record shows what
/// the strategy does under that profile, the ways round included. Only registers decide, as in the kernel, so that no
/// other thread can change a call between the decision and the call. Each call costs the strategy two switches to the
/// host and back; a recorded run is many times slower.
public final class CallRecorder {
    /// Readable when a call waits, hung up when the strategy has gone. For watching.
    public let listener: FileDescriptor
    /// What was seen so far.
    public private(set) var recording = CallRecording()
    private let filter: [FilterProgram]
    private let fatal: Set<String>

    init(listener: consuming FileDescriptor, filter: SystemCallFilter, fatal: [String]) {
        self.listener = listener
        self.filter = [filter.listening, filter.allowing].map { program in
            guard let program = FilterProgram(program) else {
                preconditionFailure("libseccomp wrote a program that FilterProgram does not know")
            }
            return program
        }
        self.fatal = Set(fatal)
    }

    /// Decides the calls that wait now.
    ///
    /// - Returns: Whether one of them is to be the strategy's last, so that it must be killed.
    func read() -> Bool {
        // As many as there can be threads: others want to be heard, too.
        for _ in 0..<64 {
            guard Readiness.canRead(listener.number) else { return false }
            var notification = confine_notification()
            let result = unsafe confine_notification_receive(listener.number, &notification)
            // Its caller has died between the two calls.
            if result == -ENOENT || result == -EINTR { continue }
            guard result == 0 else { return false }
            if !decide(notification) { return true }
        }
        return false
    }

    /// Returns whether the strategy may live.
    private func decide(_ notification: confine_notification) -> Bool {
        let arguments = unsafe withUnsafeBytes(of: notification.arguments) {
            unsafe Array($0.bindMemory(to: UInt64.self))
        }
        let call = FilterProgram.Call(number: notification.call, arguments: arguments)
        let verdict = filter.reduce(FilterProgram.Verdict.allow) { $0.stricter($1.verdict(on: call)) }
        let name = SystemCallFilter.name(of: notification.call)
        let (outcome, error): (CallRecording.Outcome, Int32) =
            switch verdict {
            case .allow: (.allowed, 0)
            case .notify where fatal.contains(name): (.fatal, EPERM)
            // Heard of, and left to the walls behind.
            case .notify where SandboxRule.ofCall[name] == .writing: (.allowed, 0)
            case .notify: (.named, EPERM)
            case .fail(let error): (.refused, error)
            case .kill: (.fatal, EPERM)
            }
        recording.add(
            CallRecording.Use(
                call: name, arguments: ArgumentWords.deciding(name, arguments), outcome: outcome))
        // It waits in the call until it is killed, and comes to nothing more.
        if outcome == .fatal { return false }
        // ENOENT: the caller has died, and needs no answer.
        _ = confine_notification_answer(listener.number, notification.id, error)
        return true
    }
}
