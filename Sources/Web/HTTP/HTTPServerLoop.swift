import CWebServer
import HTTPMessages
import Posix
import Synchronization

/// The server's thread and what belongs to it.
final class HTTPServerLoop: @unchecked Sendable {
    // @unchecked: `inbox` and `endings` are guarded by mutexes; the variables below them are touched by the server's
    // own thread alone, through libwebsockets' callbacks and `perform`.

    private struct Inbox {
        var work: [@Sendable () -> Void] = []
        var isAwake = false
        /// The server while it can be woken.
        var server: ServerSocket?
    }

    private struct Endings {
        var hasEnded = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    let configuration: HTTPServerConfiguration
    let application: any HTTPApplication
    let log: HostLog
    private let connectionCount: Gauge
    private let inbox = Mutex(Inbox())
    private let endings = Mutex(Endings())

    private var connections: [ObjectIdentifier: HTTPConnection] = [:]
    private(set) var isDraining = false
    private var isFinished = false
    /// Bytes of bodies that are held by connections and handlers.
    var bodyBytes = 0
    private var dateSecond: Int64 = -1
    private var dateText: [UInt8] = []

    init(
        _ configuration: HTTPServerConfiguration, application: any HTTPApplication, log: HostLog,
        metrics: MetricsRegistry
    ) {
        self.configuration = configuration
        self.application = application
        self.log = log
        connectionCount = metrics.gauge("bullpen_http_connections", "Open HTTP connections.")
    }

    /// The time of day as a response's `Date` has it.
    var date: [UInt8] {
        let second = WallClock.milliseconds / 1000
        if second != dateSecond {
            dateSecond = second
            dateText = Array(HTTPDate.text(second).utf8)
        }
        return dateText
    }

    /// Listens and starts the thread. Returns the port.
    func start() throws(HTTPServerError) -> Int {
        try checkAddress()
        ServerLibraryLog.begin(log)
        var callbacks = unsafe cweb_callbacks()
        unsafe callbacks.owner = Unmanaged.passUnretained(self).toOpaque()
        unsafe callbacks.opened = { owner, raw, peer in
            let loop = unsafe Unmanaged<HTTPServerLoop>.fromOpaque(owner!).takeUnretainedValue()
            return unsafe loop.opened(raw!, peer: String(cString: peer!))
        }
        unsafe callbacks.received = { handle, bytes, count in
            let connection = unsafe Unmanaged<HTTPConnection>.fromOpaque(handle!).takeUnretainedValue()
            return unsafe connection.received(UnsafeBufferPointer(start: bytes, count: count)) ? 0 : -1
        }
        unsafe callbacks.writable = { handle in
            unsafe Unmanaged<HTTPConnection>.fromOpaque(handle!).takeUnretainedValue().writable() ? 0 : -1
        }
        unsafe callbacks.timer = { handle in
            unsafe Unmanaged<HTTPConnection>.fromOpaque(handle!).takeUnretainedValue().timerFired() ? 0 : -1
        }
        unsafe callbacks.closed = { handle in
            let connection = unsafe Unmanaged<HTTPConnection>.fromOpaque(handle!).takeRetainedValue()
            connection.closed()
            connection.loop.forget(connection)
        }
        unsafe callbacks.woken = { owner in
            unsafe Unmanaged<HTTPServerLoop>.fromOpaque(owner!).takeUnretainedValue().woken()
        }
        unsafe callbacks.logged = { line in unsafe ServerLibraryLog.write(String(cString: line!)) }

        guard let server = unsafe ServerSocket(configuration, callbacks: callbacks) else {
            throw HTTPServerError(
                code: configuration.tls == nil ? .address : .certificate,
                message: "cannot listen on \(configuration.address):\(configuration.port): "
                    + ServerLibraryLog.lastLine)
        }
        inbox.withLock { $0.server = server }
        let port = server.port
        do {
            try Thread.start(name: "web") { self.run() }
        } catch {
            inbox.withLock { $0.server = nil }
            server.destroy()
            throw HTTPServerError(code: .system, message: "cannot start the web thread: \(error)")
        }
        return port
    }

    /// libwebsockets says neither why an address nor which file it cannot have.
    private func checkAddress() throws(HTTPServerError) {
        for path in configuration.tls.map({ [$0.certificate, $0.key] }) ?? [] {
            do {
                _ = try FileDescriptor.open(path, 0)
            } catch {
                throw HTTPServerError(
                    code: .certificate, message: "cannot use the certificate or key: \(error)")
            }
        }
        guard let number = ServerSocket.probe(configuration.address, port: configuration.port) else { return }
        let reason = SystemCallError(
            call: "bind", number: number, subject: "\(configuration.address):\(configuration.port)")
        throw HTTPServerError(code: .address, message: "cannot listen: \(reason)")
    }

    // MARK: - From any thread

    /// Does `body` on the server's thread; never, once the server has ended.
    func perform(_ body: @escaping @Sendable () -> Void) {
        inbox.withLock { inbox in
            guard let server = inbox.server else { return }
            inbox.work.append(body)
            guard !inbox.isAwake else { return }
            inbox.isAwake = true
            server.wake()
        }
    }

    /// Returns once the thread is about to end and every connection is closed.
    func ended() async {
        await withCheckedContinuation { continuation in
            let hasEnded = endings.withLock { endings in
                if !endings.hasEnded { endings.waiting.append(continuation) }
                return endings.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    // MARK: - On the server's thread

    /// Answers what is under way, takes nothing new, and ends when the last connection has gone.
    func drain() {
        isDraining = true
        for connection in connections.values { connection.drain() }
        if connections.isEmpty { finish() }
    }

    /// Ends now.
    func finish() { isFinished = true }

    private func run() {
        guard let server = inbox.withLock({ $0.server }) else { return }
        while !isFinished {
            guard server.serve() else {
                log.error("the web server's loop broke off")
                break
            }
        }
        inbox.withLock { inbox in
            inbox.server = nil
            inbox.work = []
        }
        server.destroy()
        let waiting = endings.withLock { endings in
            endings.hasEnded = true
            defer { endings.waiting = [] }
            return endings.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    private func woken() {
        let work = inbox.withLock { inbox in
            defer {
                inbox.work = []
                inbox.isAwake = false
            }
            return inbox.work
        }
        for item in work { item() }
    }

    /// The handle of a new connection, or nil to close it at once.
    private func opened(_ raw: OpaquePointer, peer: String) -> UnsafeMutableRawPointer? {
        // A few more than allowed are let in to be told so; beyond them the door stays shut.
        guard connections.count < configuration.connectionLimit + 32 else { return nil }
        let connection = unsafe HTTPConnection(
            loop: self, socket: ConnectionSocket(raw), peer: peer,
            isTurnedAway: isDraining || connections.count >= configuration.connectionLimit)
        connections[ObjectIdentifier(connection)] = connection
        connectionCount.set(Double(connections.count))
        return unsafe Unmanaged.passRetained(connection).toOpaque()
    }

    fileprivate func forget(_ connection: HTTPConnection) {
        connections[ObjectIdentifier(connection)] = nil
        connectionCount.set(Double(connections.count))
        if isDraining, connections.isEmpty { finish() }
    }
}

/// Where libwebsockets' own complaints go. The library has one log for the whole process.
private enum ServerLibraryLog {
    private struct State {
        var log: HostLog?
        var lastLine = ""
    }

    private static let state = Mutex(State())

    static func begin(_ log: HostLog) {
        state.withLock {
            $0.log = log
            $0.lastLine = ""
        }
    }

    static var lastLine: String { state.withLock { $0.lastLine } }

    static func write(_ line: String) {
        let text = String(line.split(separator: "\n").joined(separator: " ").prefix(512))
        let log = state.withLock { state in
            state.lastLine = text
            return state.log
        }
        log?.warning("libwebsockets: \(text)")
    }
}
