import Glibc
import Posix
import Sandbox

/// Carries lines to and from a confined program until it ends.
///
/// It belongs to one thread, which waits in ``run(until:)``; the closures are called there.
final class ConfinedRelay {
    let child: ConfinedChild
    /// Called with what the program writes on standard output.
    var onOutput: ([UInt8]) -> Void = { _ in }
    /// Called with what the program writes on standard error.
    var onErrors: ([UInt8]) -> Void = { _ in }
    /// Called with each call that it was refused by name.
    var onViolation: (Violation) -> Void = { _ in }
    /// What else to wait for.
    private var watches: [Watch] = []

    /// Something to wait for beside the program.
    struct Watch {
        let descriptor: Int32
        /// Whether it feeds the program, and so waits while the program takes nothing.
        let isInput: Bool
        /// Called when it can be read; the watch ends when that returns false.
        let onReady: () -> Bool
    }

    private var pending: [UInt8] = []
    /// When refused calls are answered again, after many of them in a row.
    private var heardAgainAt: UInt64 = 0
    private var closesInput = false
    private var hasClosedInput = false

    init(_ child: ConfinedChild) { self.child = child }

    /// Waits for something else, too.
    func watch(_ watch: Watch) { watches.append(watch) }

    /// Writes to the program's standard input, as soon as it takes it.
    func send(_ bytes: [UInt8]) { pending += bytes }

    /// Says nothing more once what waits is written.
    func endInput() {
        closesInput = true
        // With nothing left to write, nothing else would wake the loop for it.
        write()
    }

    /// Goes on until the program has ended.
    ///
    /// - Parameter deadline: When it is killed if it has not ended, by the monotonic clock; nil for never.
    /// - Returns: Why it ended, and whether that was the deadline.
    func run(until deadline: UInt64?) async throws(CommandFailure) -> (report: DeathReport, isLate: Bool) {
        var isLate = false
        var (outputIsOpen, errorsAreOpen) = (true, true)
        while true {
            var waiting: [(Int32, Int16)] = [(child.process.number, Int16(POLLIN))]
            if outputIsOpen { waiting.append((child.standardOutput.number, Int16(POLLIN))) }
            if errorsAreOpen { waiting.append((child.standardError.number, Int16(POLLIN))) }
            if let number = listener { waiting.append((number, Int16(POLLIN))) }
            for watch in watches where !watch.isInput || pending.isEmpty {
                waiting.append((watch.descriptor, Int16(POLLIN)))
            }
            if !pending.isEmpty, !hasClosedInput {
                waiting.append((child.standardInput.number, Int16(POLLOUT)))
            }
            let ready = wait(for: waiting, until: isLate ? nil : deadline)
            if let deadline, !isLate, MonotonicClock.nanoseconds >= deadline {
                isLate = true
                child.kill()
            }
            write()
            if outputIsOpen { outputIsOpen = drain(child.standardOutput.number, onOutput) }
            if errorsAreOpen { errorsAreOpen = drain(child.standardError.number, onErrors) }
            if heardAgainAt <= MonotonicClock.nanoseconds {
                for violation in child.readViolations() { onViolation(violation) }
            }
            let pause = child.violations?.pauseMilliseconds ?? 0
            if pause > 0 { heardAgainAt = MonotonicClock.nanoseconds + UInt64(pause) * 1_000_000 }
            child.readCalls()
            watches.removeAll { ready.contains($0.descriptor) && !$0.onReady() }
            guard ready.contains(child.process.number) else { continue }
            let status: EndStatus?
            do { status = try child.reap() } catch { throw CommandFailure(.error, "\(error)") }
            guard status != nil, let report = child.deathReport() else { continue }
            if outputIsOpen { _ = drain(child.standardOutput.number, onOutput) }
            if errorsAreOpen { _ = drain(child.standardError.number, onErrors) }
            await withCheckedContinuation { done in child.finish { done.resume() } }
            return (report, isLate)
        }
    }

    private var listener: Int32? {
        guard heardAgainAt <= MonotonicClock.nanoseconds else { return nil }
        return child.violations?.listener.number ?? child.recorder?.listener.number
    }

    private func wait(for waiting: [(Int32, Int16)], until deadline: UInt64?) -> Set<Int32> {
        var entries = waiting.map { pollfd(fd: $0.0, events: $0.1, revents: 0) }
        let now = MonotonicClock.nanoseconds
        let milliseconds =
            deadline.map { $0 > now ? Int32(min(($0 - now) / 1_000_000 + 1, 1 << 20)) : 0 } ?? -1
        guard unsafe poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return [] }
        return Set(entries.filter { $0.revents != 0 }.map(\.fd))
    }

    private func write() {
        while !pending.isEmpty, !hasClosedInput {
            let count = unsafe Glibc.write(child.standardInput.number, pending, pending.count)
            if count > 0 {
                pending.removeFirst(count)
            } else if errno != EINTR {
                // A program that reads no more hears no more; that it ends shows elsewhere.
                if errno != EAGAIN { pending = [] }
                break
            }
        }
        if closesInput, pending.isEmpty, !hasClosedInput {
            hasClosedInput = true
            do { try child.endInput() } catch { child.kill() }  // Without descriptors nothing goes on.
        }
    }

    /// Reads what is there. Returns whether there may be more later.
    private func drain(_ descriptor: Int32, _ take: ([UInt8]) -> Void) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            if count > 0 {
                take(Array(buffer.prefix(count)))
            } else if count == 0 {
                return false
            } else if errno != EINTR {
                return errno == EAGAIN
            }
        }
    }
}
