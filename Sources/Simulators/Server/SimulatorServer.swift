import Posix

/// Serves HTTP and WebSockets on an event loop, and can misbehave on purpose.
///
/// The host's own web server must never cut an answer short or fall silent; a simulator has to, at a byte's precision
/// and in step with its books. So it has connections of its own on the loop that everything else of a simulator lives
/// on, and shares the reading of requests with the web server.
final class SimulatorServer {
    let loop: EventLoop
    private let listener: TCPListener
    private let handle: (Call) -> Void
    /// The second that answers carry as `Date`.
    let second: () -> Int64
    private var watch: EventLoop.Watch?
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    /// Connections at once; more are closed at once.
    static let connectionLimit = 4096

    var port: Int { listener.port }
    var connectionCount: Int { connections.count }

    /// Listens. On the loop.
    init(
        loop: EventLoop, address: String, port: Int, second: @escaping () -> Int64,
        handle: @escaping (Call) -> Void
    ) throws(SystemCallError) {
        self.loop = loop
        self.handle = handle
        self.second = second
        listener = try TCPListener(address: address, port: port)
        watch = try loop.watch(listener.descriptor, for: .read) { [weak self] _ in self?.accept() }
    }

    func stop() {
        if let watch { loop.unwatch(watch) }
        watch = nil
        for connection in Array(connections.values) { connection.end() }
    }

    private func accept() {
        while true {
            var peer = ""
            do throws(SystemCallError) {
                let descriptor = try listener.accept(peer: &peer)
                guard connections.count < Self.connectionLimit else { continue }
                let connection = try Connection(self, descriptor, peer: peer)
                connections[ObjectIdentifier(connection)] = connection
            } catch {
                // Nobody waits any more, or whoever did has gone.
                return
            }
        }
    }

    func forget(_ connection: Connection) { connections[ObjectIdentifier(connection)] = nil }

    func received(_ call: Call) { handle(call) }

    /// Reads what is there; nil at the end.
    func read(_ descriptor: borrowing FileDescriptor) throws(SystemCallError) -> ArraySlice<UInt8>? {
        let count = try descriptor.read(into: &buffer)
        return count == 0 ? nil : buffer[..<count]
    }
}
