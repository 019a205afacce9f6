internal import Glibc
internal import Posix
internal import Sandbox
internal import Synchronization

/// What the thread of a backtest and those who watch its strategy tell each other.
final class ChildVitals: Sendable {
    /// Counts up whenever the strategy has said something.
    let progress = Atomic<UInt64>(0)
    /// Whether the thread waits for the strategy, and not the other way round.
    let isWaiting = Atomic<Bool>(false)
    /// Counts up whenever the strategy was asked something.
    let questions = Atomic<UInt64>(0)
    /// Whether whoever asked for the backtest wants no more of it, and the strategy was killed for that.
    let isUnwanted = Atomic<Bool>(false)
}

/// The pipes of a confined strategy, read and written by one thread that waits.
///
/// Somebody else watches the clock, see ``ChildAttendant``: one who waits too long finds the pipe closed.
final class ChildPipes: BacktestPeer {
    private let child: ConfinedChild
    private let vitals: ChildVitals

    init(_ child: ConfinedChild, _ vitals: ChildVitals) throws(SystemCallError) {
        self.child = child
        self.vitals = vitals
        for end in [child.standardInput.number, child.standardOutput.number] {
            guard fcntl(end, F_SETFL, 0) == 0 else { throw SystemCallError(call: "fcntl", number: errno) }
        }
    }

    func send(_ bytes: [UInt8]) throws(PeerEnd) {
        vitals.questions.add(1, ordering: .relaxed)
        vitals.isWaiting.store(true, ordering: .relaxed)
        do throws(SystemCallError) { try child.standardInput.writeAll(bytes[...]) } catch { throw .gone }
    }

    func receive(into buffer: inout [UInt8], from offset: Int) throws(PeerEnd) -> Int {
        let count: Int
        // Also behind the first part of an answer: one that says something may hang all the same.
        vitals.isWaiting.store(true, ordering: .relaxed)
        do throws(SystemCallError) {
            count = try child.standardOutput.read(into: &buffer, from: offset)
        } catch { throw .gone }
        vitals.isWaiting.store(false, ordering: .relaxed)
        vitals.progress.add(1, ordering: .relaxed)
        return count
    }
}
