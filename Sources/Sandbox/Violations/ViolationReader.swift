internal import CConfine
internal import Glibc
public import Posix

/// Hears of the calls that a strategy is refused by name, and refuses them.
///
/// A strategy's thread waits inside its call until it is answered, which takes the host some microseconds. What a
/// strategy can demand of the host that way is bounded by ``pauseMilliseconds``.
public final class ViolationReader {
    /// Readable when a call waits, hung up when the strategy has gone. For watching.
    public let listener: FileDescriptor
    private let fatal: Set<String>
    /// Allowed calls that are heard of only to see what becomes of them.
    private let leftToTheWalls: Set<String>
    private let words: CallWords
    private var pace = RefusalPace(now: MonotonicClock.nanoseconds)

    init(listener: consuming FileDescriptor, profile: Profile) {
        self.listener = listener
        fatal = Set(profile.systemCalls.fatal)
        leftToTheWalls = Set(
            profile.systemCalls.allowed.flatMap(\.calls).filter { SandboxRule.ofCall[$0] == .writing })
        words = CallWords(writable: profile.writable.map(\.path))
    }

    /// How long to leave the listener alone before the next ``read()``, in milliseconds; 0 when it need not be.
    public var pauseMilliseconds: Int64 { pace.pause(now: MonotonicClock.nanoseconds) }

    /// Takes and answers what waits now, a few at a time. A fatal call is not answered: kill the strategy.
    func read() -> [Violation] {
        var violations: [Violation] = []
        for _ in 0..<RefusalPace.batch where Readiness.canRead(listener.number) {
            var notification = confine_notification()
            let result = unsafe confine_notification_receive(listener.number, &notification)
            // Its caller has died between the two calls.
            if result == -ENOENT || result == -EINTR { continue }
            guard result == 0 else { break }
            let call = SystemCallFilter.name(of: notification.call)
            let (violation, isRefusedHere) = judge(call, notification)
            pace.count(isRefused: violation != nil)
            if let violation { violations.append(violation) }
            // It waits in the call until it is killed, and comes to nothing more.
            if violation?.isFatal == true { break }
            // ENOENT: the caller has died, and needs no answer.
            _ = confine_notification_answer(
                listener.number, notification.id, isRefusedHere ? EPERM : 0)
        }
        return violations
    }

    /// What to report, and whether the host refuses the call or leaves it to the walls behind.
    private func judge(_ call: String, _ notification: confine_notification) -> (Violation?, Bool) {
        let values = unsafe withUnsafeBytes(of: notification.arguments) {
            unsafe Array($0.bindMemory(to: UInt64.self))
        }
        let described = describe(call, values, notification)
        // Whether a file may be written is not ours to say: Landlock and read-only mounts decide, by the file itself.
        guard !leftToTheWalls.contains(call) else {
            guard let described, !words.mayWrite(call, values, path: described.path) else {
                return (nil, false)
            }
            return (violation(call, described.text), false)
        }
        return (violation(call, described?.text ?? words.describe(call, values, .none).text), true)
    }

    private func violation(_ call: String, _ arguments: String) -> Violation {
        Violation(
            rule: SandboxRule.ofCall[call] ?? .otherCalls, systemCall: call, arguments: arguments,
            isFatal: fatal.contains(call))
    }

    /// The arguments with what they point at; nil when the caller has gone meanwhile.
    private func describe(
        _ call: String, _ values: [UInt64], _ notification: confine_notification
    ) -> CallWords.Description? {
        let described = words.describe(call, values, .of(notification.pid))
        return confine_notification_is_valid(listener.number, notification.id) == 0 ? described : nil
    }
}
