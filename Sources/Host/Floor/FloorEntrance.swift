internal import Posix

/// The way onto the floor for whoever does not run on its thread.
actor FloorEntrance {
    private nonisolated let loop: EventLoop
    /// Work done through here runs on the floor's own thread, between two events.
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

    private var floor: Floor?

    init(loop: EventLoop) {
        self.loop = loop
    }

    /// Makes the floor, on its own thread.
    func open(_ make: @Sendable (EventLoop) throws -> Floor) throws {
        precondition(floor == nil, "the floor is open already")
        floor = try make(loop)
    }

    /// Does something on the floor. It must not wait.
    func callAsFunction<Result: Sendable>(
        _ body: @Sendable (Floor) throws(HostError) -> Result
    ) throws(HostError) -> Result {
        guard let floor else { throw .unavailable("the host is starting") }
        return try body(floor)
    }

    /// Does something on the floor, soon, and does not wait for it. Nothing is done while the host starts.
    nonisolated func soon(_ body: @escaping @Sendable (Floor) -> Void) {
        loop.perform { [self] in
            assumeIsolated { entrance in
                if let floor = entrance.floor { body(floor) }
            }
        }
    }
}
