import Glibc
import Posix
import Sandbox
import Wire

/// Why a strategy in a replay is not heard any more.
struct ReplayChildFailure: Error, Hashable, Sendable {
    /// In words, with its last words where it had any.
    let reason: String
}

/// The pipes of one confined strategy, for a thread that waits for it.
///
/// It lives on the thread that made it, and only there.
final class ReplayChild {
    private let child: ConfinedChild
    private var pending: ArraySlice<UInt8> = []
    private var partial: [UInt8] = []
    private var messages: [StrategyMessage] = []
    private var nextMessage = 0
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    private var errors: [UInt8] = []
    private var outputIsOpen = true
    private var errorsAreOpen = true
    private(set) var refusedLines = 0

    init(_ child: ConfinedChild) {
        self.child = child
        // Nobody is to be told what it is refused, so nothing must wait for an answer.
        child.stopListening()
    }

    /// Adds lines to what it is told.
    func send(_ bytes: [UInt8]) { pending = Array(pending)[...] + bytes }

    /// What it says next.
    ///
    /// - Parameter deadline: On the monotonic clock, in nanoseconds.
    /// - Throws: When it has ended, or says nothing until then.
    func next(until deadline: UInt64) throws(ReplayChildFailure) -> StrategyMessage {
        while nextMessage == messages.count {
            messages.removeAll(keepingCapacity: true)
            nextMessage = 0
            guard outputIsOpen else { throw failure("it ended") }
            let now = MonotonicClock.nanoseconds
            guard now < deadline else { throw failure("it did not answer in time") }
            wait(milliseconds: Int32(min((deadline - now) / 1_000_000 + 1, 1_000)))
        }
        defer { nextMessage += 1 }
        return messages[nextMessage]
    }

    /// Waits until it has ended by itself, or ends it at the deadline.
    func end(by deadline: UInt64) {
        while outputIsOpen, MonotonicClock.nanoseconds < deadline { wait(milliseconds: 50) }
        child.kill()
        var entry = pollfd(fd: child.process.number, events: Int16(POLLIN), revents: 0)
        // Killed, it ends within moments.
        _ = unsafe poll(&entry, 1, 5_000)
        _ = try? child.reap()  // What is left to do takes it away either way.
        child.finish()
    }

    private func failure(_ reason: String) -> ReplayChildFailure {
        let words = String(decoding: errors.suffix(2_000), as: UTF8.self)
            .split(separator: "\n").suffix(6).joined(separator: "\n")
        return ReplayChildFailure(reason: words.isEmpty ? reason : "\(reason): \(words)")
    }

    private func wait(milliseconds: Int32) {
        write()
        var entries: [pollfd] = []
        if outputIsOpen {
            entries.append(pollfd(fd: child.standardOutput.number, events: Int16(POLLIN), revents: 0))
        }
        if errorsAreOpen {
            entries.append(pollfd(fd: child.standardError.number, events: Int16(POLLIN), revents: 0))
        }
        if !pending.isEmpty {
            entries.append(pollfd(fd: child.standardInput.number, events: Int16(POLLOUT), revents: 0))
        }
        guard unsafe poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return }
        write()
        if outputIsOpen { outputIsOpen = read(child.standardOutput, isError: false) }
        if errorsAreOpen { errorsAreOpen = read(child.standardError, isError: true) }
    }

    private func write() {
        while !pending.isEmpty {
            let count = unsafe pending.withUnsafeBytes {
                unsafe Glibc.write(child.standardInput.number, $0.baseAddress, $0.count)
            }
            if count > 0 {
                pending = pending.dropFirst(count)
            } else if errno != EINTR {
                // One that reads no more has ended or is ending, which its output shows.
                if errno != EAGAIN { pending = [] }
                return
            }
        }
    }

    /// Reads what is there; false at the end.
    private func read(_ descriptor: borrowing FileDescriptor, isError: Bool) -> Bool {
        do {
            let count = try descriptor.read(into: &buffer)
            guard count > 0 else { return false }
            if isError {
                errors = Array((errors + buffer[..<count]).suffix(16 << 10))
            } else {
                split(buffer[..<count])
            }
            return true
        } catch {
            return error.wouldBlock
        }
    }

    private func split(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while let end = rest.firstIndex(of: 0x0A) {
            partial += rest[..<end]
            take(partial[...])
            partial.removeAll(keepingCapacity: true)
            rest = rest[(end + 1)...]
        }
        partial += rest
        // Beyond a line's limit it is refused whatever comes; its beginning says so as well as the whole.
        if partial.count > StrategyProtocol.lineBytes {
            partial = Array(partial.prefix(StrategyProtocol.lineBytes))
        }
    }

    private func take(_ line: ArraySlice<UInt8>) {
        do {
            messages.append(try StrategyMessage(line: line))
        } catch {
            refusedLines += 1
        }
    }
}
