internal import CConfine
internal import Glibc
public import Posix

/// Hears of the calls that a strategy is refused by name, and refuses them.
///
/// A strategy's thread waits inside its call until it is answered, which takes the host some microseconds. So that a
/// strategy cannot keep the host busy with that, only so many are heard: see ``isExhausted``.
public final class ViolationReader {
    /// Readable when a call waits, hung up when the strategy has gone. For watching.
    public let listener: FileDescriptor
    private let fatal: Set<String>
    private var remaining: Int

    /// How many calls are answered at one time, so that other strategies have their turn.
    private static let batch = 16

    init(listener: consuming FileDescriptor, fatal: [String], limit: Int = 200) {
        self.listener = listener
        self.fatal = Set(fatal)
        remaining = limit
    }

    /// Whether enough were heard. Let go of the reader then: the kernel refuses by itself from there on (ENOSYS).
    public var isExhausted: Bool { remaining <= 0 }

    /// Takes and refuses what waits now, a few at a time.
    func read() -> [Violation] {
        var violations: [Violation] = []
        while violations.count < Self.batch, remaining > 0, Readiness.canRead(listener.number) {
            var notification = confine_notification()
            let result = unsafe confine_notification_receive(listener.number, &notification)
            // Its caller has died between the two calls.
            if result == -ENOENT || result == -EINTR { continue }
            guard result == 0 else { break }
            remaining -= 1
            violations.append(describe(notification))
            // ENOENT: the caller has died, and needs no answer.
            _ = confine_notification_answer(listener.number, notification.id, EPERM)
        }
        return violations
    }

    private func describe(_ notification: confine_notification) -> Violation {
        let call = SystemCallFilter.name(of: notification.call)
        let values = unsafe withUnsafeBytes(of: notification.arguments) {
            unsafe Array($0.bindMemory(to: UInt64.self))
        }
        var words = Advice.arguments(of: call, values)
        if call == "execve" { words = path(at: values[0], notification) ?? words }
        return Violation(
            systemCall: call, arguments: words, advice: Advice.words(for: call),
            isFatal: fatal.contains(call))
    }

    /// The text at an address of the strategy's memory, or nil. Only for messages: the strategy may change it at will.
    private func path(at address: UInt64, _ notification: confine_notification) -> String? {
        var buffer = [CChar](repeating: 0, count: 128)
        let length = unsafe confine_read_text(notification.pid, address, &buffer, buffer.count)
        guard length > 0, confine_notification_is_valid(listener.number, notification.id) == 0 else {
            return nil
        }
        let bytes = buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }
        // Nothing in a log but what can be printed.
        return String(decoding: bytes.map { (0x20...0x7e).contains($0) ? $0 : 0x3f }, as: UTF8.self)
    }
}
