internal import CPosix
internal import Glibc

/// The one thread that starts children, and takes away what they leave.
///
/// The kernel ties a child's parent-death signal to the thread that made it, not to the process (man 2 prctl), so this
/// thread never ends: there is no way to stop it. What it is given may wait, for milliseconds.
public final class Spawner: Sendable {
    private let loop: EventLoop

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

    /// Whether the caller runs on the spawner's thread.
    public var isCurrent: Bool { loop.isCurrent }
}
