internal import Posix
internal import Synchronization

/// The thread of a WebSocket client and what other threads ask of it.
final class WebSocketLoop: @unchecked Sendable {
    // @unchecked: `inbox` is guarded by its mutex; `connections` and what stands below it are touched by the client's
    // thread alone.

    private struct Inbox {
        var arriving: [WebSocketConnection] = []
        var toAttend: [WebSocketConnection] = []
        var resolved: [(WebSocketConnection, Result<[String], LinkFailure>)] = []
        var isClosed = false
        /// Whether the library may not be woken any more.
        var isDestroyed = false
    }

    private let library: LinkLibrary
    private let inbox = Mutex(Inbox())

    private var connections: [ObjectIdentifier: WebSocketConnection] = [:]
    private var lookUps = 0
    private var toLookUp: [WebSocketConnection] = []

    /// The most names that are looked up at once, each on a short thread of its own.
    private static let lookUpLimit = 4

    init(authorities: String?) throws(SystemCallError) {
        guard let library = LinkLibrary(authorities: authorities) else {
            throw SystemCallError(call: "lws_create_context", number: 12, subject: authorities ?? "")
        }
        self.library = library
        do {
            try Thread.start(name: "websockets") { [self] in run() }
        } catch {
            library.destroy()
            throw error
        }
    }

    // MARK: - From any thread

    func add(_ connection: WebSocketConnection) { tell { $0.arriving.append(connection) } }

    func attend(_ connection: WebSocketConnection) { tell { $0.toAttend.append(connection) } }

    /// Ends the thread and every connection.
    func close() { tell { $0.isClosed = true } }

    private func tell(_ change: (inout Inbox) -> Void) {
        inbox.withLock { inbox in
            guard !inbox.isDestroyed else { return }
            change(&inbox)
            library.wake()
        }
    }

    // MARK: - On the client's thread

    private func run() {
        var isBroken = false
        while !isBroken {
            let news = inbox.withLock { inbox in
                defer { inbox = Inbox(isClosed: inbox.isClosed) }
                return inbox
            }
            if news.isClosed { break }
            for connection in news.arriving { begin(connection) }
            for (connection, result) in news.resolved { resolved(connection, result) }
            for connection in news.toAttend { connection.attend() }
            lookAtClock()
            isBroken = !library.serve()
        }
        let words = isBroken ? "the WebSocket client's loop broke off" : "the WebSocket client was closed"
        let left = inbox.withLock { inbox in
            defer { inbox = Inbox(isClosed: true, isDestroyed: true) }
            return inbox.arriving
        }
        for connection in left + connections.values { connection.giveUp(words) }
        library.destroy()
        connections = [:]
    }

    private func begin(_ connection: WebSocketConnection) {
        if let fault = connection.address.fault { return connection.giveUp(fault) }
        connections[ObjectIdentifier(connection)] = connection
        if Self.isNumeric(connection.address.host) {
            connection.connect(to: [connection.address.host], by: library)
        } else {
            toLookUp.append(connection)
            lookUp()
        }
    }

    private func lookUp() {
        while lookUps < Self.lookUpLimit, !toLookUp.isEmpty {
            let connection = toLookUp.removeFirst()
            guard !connection.isOver else { continue }
            do throws(SystemCallError) {
                try Thread.start(name: "names") { [self] in
                    let result = LinkLibrary.resolve(connection.address.host)
                    tell { $0.resolved.append((connection, result)) }
                }
                lookUps += 1
            } catch {
                connection.giveUp("cannot look up \(connection.address.host): \(error)")
            }
        }
    }

    private func resolved(_ connection: WebSocketConnection, _ result: Result<[String], LinkFailure>) {
        lookUps -= 1
        switch result {
        case .success(let addresses): connection.connect(to: addresses, by: library)
        case .failure(let failure):
            connection.giveUp("no server of that name: \(connection.address.host) (\(failure.reason))")
        }
        lookUp()
    }

    /// Lets connections whose time has come look at it, and sets the alarm for the next one.
    private func lookAtClock() {
        let now = MonotonicClock.nanoseconds
        var next = UInt64.max
        for (id, connection) in connections {
            connection.look(at: now)
            if connection.isOver {
                connections[id] = nil
            } else {
                next = min(next, connection.due)
            }
        }
        library.setAlarm(next == .max ? nil : next > now ? Int64((next - now + 999_999) / 1_000_000) : 0)
    }

    private static func isNumeric(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { part in part.utf8.count <= 3 && UInt8(part) != nil }
    }
}
