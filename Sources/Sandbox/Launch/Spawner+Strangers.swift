internal import Glibc
internal import Posix

extension Spawner {
    /// Kills and reaps `pids`, and with them every child of this thread that nobody answers for.
    ///
    /// Who is killed before it could tell the number of a process that it has just made, by the kernel for memory say,
    /// leaves a child that nobody was told of. It ends by itself, since it hears no word to go on, and is found here by
    /// the kernel's own list. For the spawner's own thread, while nothing is being started on it. Waits for two seconds
    /// at most, longer than any process takes to die but one that a broken device holds.
    func clearAway(_ pids: [Int32] = []) {
        precondition(isCurrent)
        let limit = MonotonicClock.nanoseconds + 2_000_000_000
        var left = Set(pids)
        while true {
            left.formUnion(strangers())
            if left.isEmpty { return }
            // All are children that nobody has reaped yet, so no number can belong to another process. In any order, and
            // again and again: process 1 of a namespace does not end before all others in there were reaped.
            left = left.filter { pid in
                _ = Glibc.kill(pid, SIGKILL)
                return !hasReaped(pid)
            }
            if left.isEmpty { continue }
            guard MonotonicClock.nanoseconds < limit else { return }
            usleep(200)
        }
    }

    /// Whether a child is gone, reaping it if it has ended.
    private func hasReaped(_ pid: Int32) -> Bool {
        do throws(SystemCallError) {
            return try ChildProcess.reap(ChildProcess.open(pid)) != nil
        } catch {
            // Without descriptors it has to be tried again. Else it is no child any more.
            return ![EMFILE, ENFILE, ENOMEM].contains(error.number)
        }
    }
}
