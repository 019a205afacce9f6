internal import CPosix
internal import Glibc
internal import Synchronization

/// The one thread that starts children, and takes away what they leave.
///
/// The kernel ties a child's parent-death signal to the thread that made it, not to the process (man 2 prctl), so this
/// thread never ends: there is no way to stop it. What it is given may wait, for milliseconds.
public final class Spawner: Sendable {
    private let loop: EventLoop
    /// The children that somebody answers for. Each counts as often as it was taken on: a number may come again before the
    /// one who had it first has let go of it.
    private let known = Mutex<[Int32: Int]>([:])

    /// Starts the thread.
    public init(name: String = "spawner") throws(SystemCallError) {
        loop = try EventLoop(name: name)
    }

    /// Does `body` on the thread, after what was asked before. For any thread.
    public func perform(_ body: @escaping @Sendable () -> Void) {
        loop.perform(body)
    }

    /// Does `body` on the thread, not before `delay` has passed. For the spawner's own thread.
    public func schedule(after delay: Duration, _ body: @escaping () -> Void) {
        loop.schedule(after: delay, body)
    }

    /// Does `body` on the thread, after what was asked before, and waits for it. For any other thread.
    public func performAndWait(_ body: @escaping @Sendable () -> Void) throws(SystemCallError) {
        let pipe = try Pipe().release()
        let end = FileDescriptor(owning: pipe.readEnd)
        loop.perform {
            body()
            _ = Glibc.close(pipe.writeEnd)
        }
        var buffer: [UInt8] = [0]
        _ = try end.read(into: &buffer)
    }

    /// Calls `handler` whenever the descriptor can be read, until ``unwatch(_:)``. For the spawner's own thread.
    public func watch(
        _ descriptor: borrowing FileDescriptor, _ handler: @escaping () -> Void
    ) throws(SystemCallError) -> EventLoop.Watch {
        try loop.watch(descriptor, for: .read) { _ in handler() }
    }

    /// Stops watching. Call it before the descriptor closes. For the spawner's own thread.
    public func unwatch(_ watch: EventLoop.Watch) {
        loop.unwatch(watch)
    }

    // MARK: - Children

    /// Answers for a child of this thread, which from then on is no stranger. For the spawner's own thread.
    public func takeOn(_ pid: Int32) {
        known.withLock { $0[pid, default: 0] += 1 }
    }

    /// Lets go of a child that was taken on and has been reaped. For the spawner's own thread.
    public func letGo(_ pid: Int32) {
        known.withLock { known in
            guard let count = known[pid] else { return }
            known[pid] = count > 1 ? count - 1 : nil
        }
    }

    /// The children of this thread, ended ones too, that nobody answers for. For the spawner's own thread.
    ///
    /// None on a kernel that does not list them (without CONFIG_PROC_CHILDREN). One that comes or goes meanwhile may be
    /// missed (man 5 proc_tid_children), so ask again.
    public func strangers() -> [Int32] {
        precondition(isCurrent)
        // Where it cannot be read nobody is known to be a stranger.
        guard let file = try? FileDescriptor.open("/proc/thread-self/children", O_RDONLY) else { return [] }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        // What was read until an error is a part of the list, as good as one that was cut short.
        while let count = try? file.read(into: &buffer), count > 0 { text += buffer.prefix(count) }
        let pids = text.split(separator: UInt8(ascii: " ")).compactMap {
            Int32(String(decoding: $0, as: UTF8.self))
        }
        return known.withLock { known in pids.filter { known[$0] == nil } }
    }

    /// Whether the caller runs on the spawner's thread.
    public var isCurrent: Bool { loop.isCurrent }
}
