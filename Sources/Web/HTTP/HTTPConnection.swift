import HTTPMessages
import Posix

/// One connection: requests in, one at a time, responses out in their order.
///
/// Everything here runs on the server's thread.
final class HTTPConnection {
    private enum Phase {
        /// Between requests, or in the head of one.
        case head
        case body(PendingRequest)
        /// The application has the request.
        case handling
        case writing
        case streaming(EventStream, isChunked: Bool)
        /// Messages go both ways.
        case socket(SocketSession)
        /// The last response is on its way out.
        case closing
        /// The response has gone while the other side still sends: what comes is thrown away for a while, since
        /// closing at once would make the kernel take the response back (RFC 9112, section 9.6).
        case lingering
        case closed
    }

    /// A request whose body is arriving.
    private struct PendingRequest {
        let head: HTTPRequestHead
        let limit: Int
        let handler: @Sendable (HTTPRequest) async -> HTTPResponse
        var body: [UInt8] = []
        let startedAt: UInt64
    }

    /// What may wait behind the request in hand: enough for a few pipelined ones.
    private static let pipelineLimit = 64 << 10
    /// How long, and how much, is read and thrown away after the last response.
    private static let lingerMilliseconds: Int64 = 2000

    let loop: HTTPServerLoop
    private let socket: ConnectionSocket
    private var parser: RequestParser
    private var phase = Phase.head
    private var output = OutputQueue()
    /// The head of the request in hand.
    private var head: HTTPRequestHead?
    private var persists = true
    private var isTurnedAway: Bool
    /// Whether the time-out of the head in hand is set already, which each further byte must not put off.
    private var isHeadTimed = false
    private var written = 0
    private var writtenAtLastCheck = 0
    /// Whether more may come in of the request that was answered.
    private var hasUnreadBody = false

    /// - Parameter isTurnedAway: Whether there are too many connections, and this one is only told so.
    init(loop: HTTPServerLoop, socket: ConnectionSocket, peer: String, isTurnedAway: Bool) {
        self.loop = loop
        self.socket = socket
        self.isTurnedAway = isTurnedAway
        let configuration = loop.configuration
        parser = RequestParser { headers in
            guard configuration.isBehindProxy else {
                return RequestOrigin(peer: peer, isSecure: configuration.tls != nil)
            }
            // The last entry is the one that our own proxy added; those before it are anybody's word.
            let forwarded = headers["x-forwarded-for"]?.split(separator: ",").last.map { String($0.trimmed) }
            return RequestOrigin(
                peer: forwarded.map { String($0.prefix(64)) } ?? peer,
                isSecure: headers["x-forwarded-proto"]?.lowercased() == "https")
        }
        arm(configuration.headTimeout)
    }

    // MARK: - From the socket. Each answers whether the connection may live on.

    func received(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        switch phase {
        case .streaming, .closing, .lingering, .closed: return true
        case .socket(let session):
            unsafe session.received(bytes)
            return goOn()
        case .head, .body, .handling, .writing: break
        }
        unsafe parser.append(bytes)
        if isTurnedAway {
            isTurnedAway = false
            refuse(.unavailable, "there are too many connections; try again in a moment")
        }
        guard goOn() else { return false }
        if case .handling = phase, parser.waiting > Self.pipelineLimit { read(false) }
        if case .writing = phase, parser.waiting > Self.pipelineLimit { read(false) }
        return true
    }

    func writable() -> Bool {
        if case .closing = phase, output.isEmpty { return finishClosing() }
        return goOn()
    }

    func timerFired() -> Bool {
        switch phase {
        case .head:
            guard parser.isInsideRequest else { return false }
            refuse(.requestTimeout, "the request took too long to arrive")
        case .body:
            refuse(.requestTimeout, "the body took too long to arrive")
        case .handling: return true
        case .writing, .closing:
            guard written > writtenAtLastCheck else { return false }
            writtenAtLastCheck = written
            arm(loop.configuration.writeTimeout)
        case .streaming(let stream, let isChunked):
            stream.checkPermission()
            arm(loop.configuration.heartbeat)
            // A comment that waits behind events tells nothing new.
            if output.isEmpty { output.append(frame(Array(": \n\n".utf8), isChunked: isChunked)) }
        case .socket(let session):
            guard session.heartbeat() else { return false }
            arm(loop.configuration.heartbeat)
        case .lingering, .closed: return false
        }
        return goOn()
    }

    /// The socket has gone.
    func closed() {
        releaseBody()
        if case .streaming(let stream, _) = phase { stream.abandon() }
        if case .socket(let session) = phase { session.abandon() }
        phase = .closed
    }

    /// The server stops: what waits for nothing ends now, the rest after its response.
    func drain() {
        persists = false
        switch phase {
        case .head: socket.close()
        case .streaming(let stream, _): stream.close()
        case .socket(let session): session.close(1001, "the host ends")
        case .body, .handling, .writing, .closing, .lingering, .closed: break
        }
    }

    // MARK: - Requests

    /// Does all that can be done now; false when the connection is broken.
    private func goOn() -> Bool {
        while true {
            switch phase {
            case .head, .body:
                guard flush() else { return false }
                guard takeStep() else { return true }
            case .writing:
                guard flush() else { return false }
                guard output.isEmpty else { return true }
                startNext()
            case .streaming(let stream, let isChunked):
                guard flush() else { return false }
                guard output.isEmpty, take(from: stream, isChunked: isChunked) else { return true }
            case .socket(let session):
                guard flush() else { return false }
                guard output.isEmpty, take(from: session) else { return true }
            case .closing:
                guard flush() else { return false }
                // Only a call of `writable` says that libwebsockets holds nothing back any more.
                if output.isEmpty { socket.wantWritable() }
                return true
            case .handling, .lingering, .closed:
                return true
            }
        }
    }

    /// Reads the next piece of a request; false when it has not come yet.
    private func takeStep() -> Bool {
        switch parser.next() {
        case .needsMore:
            waitForMore()
            return false
        case .head(let head, let persists, let expectsContinue, let isComplete):
            self.head = head
            self.persists = persists
            hasUnreadBody = !isComplete
            begin(head, expectsContinue: expectsContinue)
        case .body(let piece): take(piece)
        case .end: dispatch()
        case .failure(let failure): refuse(failure.status, failure.message)
        }
        return true
    }

    private func waitForMore() {
        switch phase {
        case .head:
            guard parser.isInsideRequest, !isHeadTimed else { return }
            isHeadTimed = true
            arm(loop.configuration.headTimeout)
        case .body(let pending):
            let elapsed = Int64((MonotonicClock.nanoseconds - pending.startedAt) / 1_000_000)
            let pause = loop.configuration.bodyTimeout.wholeMilliseconds
            let left = pause + Int64(pending.body.count / 16) - elapsed
            arm(milliseconds: max(1, min(left, pause)))
        case .handling, .writing, .streaming, .socket, .closing, .lingering, .closed: break
        }
    }

    private func begin(_ head: HTTPRequestHead, expectsContinue: Bool) {
        if let host = head.headers["host"], !loop.configuration.accepts(host: host) {
            return refuse(.misdirectedRequest, "this host does not answer to the name in Host")
        }
        switch loop.application.admit(head) {
        case .answer(let response):
            respond(response)
        case .read(let limit, let handler):
            if let length = head.contentLength, length > limit { return refuseTooLarge(limit) }
            phase = .body(
                PendingRequest(
                    head: head, limit: limit, handler: handler, startedAt: MonotonicClock.nanoseconds))
            if expectsContinue { output.append(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
        }
    }

    private func take(_ piece: ArraySlice<UInt8>) {
        guard case .body(var pending) = phase else { preconditionFailure("a body without a head") }
        guard pending.body.count + piece.count <= pending.limit else { return refuseTooLarge(pending.limit) }
        guard loop.bodyBytes + piece.count <= loop.configuration.bodyMemoryLimit else {
            return refuse(.unavailable, "too much is being uploaded at once; try again in a moment")
        }
        phase = .handling  // so that the body has one owner, and growing it copies nothing
        pending.body.append(contentsOf: piece)
        loop.bodyBytes += piece.count
        phase = .body(pending)
    }

    private func dispatch() {
        guard case .body(let pending) = phase else { preconditionFailure("a body without a head") }
        hasUnreadBody = false
        phase = .handling
        disarm()
        let request = HTTPRequest(head: pending.head, body: pending.body)
        let handler = pending.handler
        let postbox = Postbox(connection: self, loop: loop)
        let count = pending.body.count
        // The task ends with the handler's answer; nobody waits for it but this connection.
        Task.detached {
            let response = await handler(request)
            postbox.perform { $0.answered(response, bodyCount: count) }
        }
    }

    /// Takes this connection through other threads, back to its own.
    private struct Postbox: @unchecked Sendable {
        // @unchecked: the connection is only touched in `perform`, on the server's thread.
        let connection: HTTPConnection
        let loop: HTTPServerLoop

        func perform(_ body: @escaping @Sendable (HTTPConnection) -> Void) {
            loop.perform { body(connection) }
        }
    }

    private func answered(_ response: HTTPResponse, bodyCount: Int) {
        loop.bodyBytes -= bodyCount
        guard case .handling = phase else {
            if case .events(let stream) = response.body { stream.abandon() }
            if case .socket(let session) = response.body { session.abandon() }
            return
        }
        respond(response)
        if !goOn() { socket.close() }
    }

    // MARK: - Responses

    private func refuseTooLarge(_ limit: Int) {
        refuse(.contentTooLarge, "the body has more than \(limit) bytes")
    }

    private func refuse(_ status: HTTPStatus, _ message: String) {
        releaseBody()
        hasUnreadBody = true
        respond(loop.application.refuse(status, message, head: head))
    }

    private func releaseBody() {
        if case .body(let pending) = phase { loop.bodyBytes -= pending.body.count }
    }

    private func respond(_ response: HTTPResponse) {
        let isOld = head?.isOld ?? false
        let hasBody =
            head?.method != "HEAD" && response.status != .noContent && response.status != .notModified
        if case .socket(let session) = response.body { return upgrade(response, to: session) }
        let closes = !persists || hasUnreadBody || loop.isDraining
        let framing: ResponseHead.Framing
        switch response.body {
        case _ where response.status == .noContent || response.status == .notModified: framing = .none
        case .bytes(let bytes): framing = .length(bytes.count)
        case .file(let file): framing = .length(file.size)
        case .events: framing = isOld ? .untilClose : .chunks
        case .socket: preconditionFailure("a WebSocket has no body")
        }
        output.append(
            ResponseHead.bytes(
                response, framing: framing, closes: closes,
                isSecure: head?.origin.isSecure ?? (loop.configuration.tls != nil), date: loop.date))
        phase = closes ? .closing : .writing
        writtenAtLastCheck = written
        arm(loop.configuration.writeTimeout)
        switch response.body {
        case .bytes(let bytes): if hasBody { output.append(bytes) }
        case .file(let file): if hasBody { output.append(file) }
        case .events(let stream):
            if hasBody { startStreaming(stream, isChunked: !isOld) } else { stream.abandon() }
        case .socket: break
        }
    }

    private func startNext() {
        head = nil
        isHeadTimed = false
        if loop.isDraining {
            phase = .closing
            return
        }
        phase = .head
        parser.startNext()
        read(true)
        arm(loop.configuration.idleTimeout)
    }

    /// libwebsockets holds nothing back any more.
    private func finishClosing() -> Bool {
        guard hasUnreadBody else { return false }
        phase = .lingering
        socket.shutdownWriting()
        read(true)
        arm(milliseconds: Self.lingerMilliseconds)
        return true
    }

    /// Writes what the socket takes; false when the connection is broken.
    private func flush() -> Bool {
        while !socket.isChoked {
            let piece: ArraySlice<UInt8>?
            do {
                piece = try output.next()
            } catch {
                // The length has gone out already: ending early is how the reader learns of it.
                loop.log.error("a file could not be sent", ["cause": "\(error)"])
                return false
            }
            guard let piece else { return true }
            guard socket.write(piece) else { return false }
            written += piece.count
        }
        if !output.isEmpty { socket.wantWritable() }
        return true
    }

    // MARK: - Event streams

    private func startStreaming(_ stream: EventStream, isChunked: Bool) {
        phase = .streaming(stream, isChunked: isChunked)
        arm(loop.configuration.heartbeat)
        let postbox = Postbox(connection: self, loop: loop)
        stream.attach { postbox.perform { $0.streamHasNews() } }
    }

    private func streamHasNews() {
        guard case .streaming = phase else { return }
        if !goOn() { socket.close() }
    }

    /// Takes what the stream holds; false when that is nothing. While the socket is full it stays in the stream,
    /// which is bounded and drops its reader in the end.
    private func take(from stream: EventStream, isChunked: Bool) -> Bool {
        if socket.isChoked {
            socket.wantWritable()
            if stream.isOpen { return false }
        }
        let (frames, hasEnded) = stream.take()
        if !frames.isEmpty { output.append(frame(frames, isChunked: isChunked)) }
        if hasEnded {
            stream.abandon()
            if isChunked { output.append(Array("0\r\n\r\n".utf8)) }
            phase = .closing
            writtenAtLastCheck = written
            arm(loop.configuration.writeTimeout)
        }
        return hasEnded || !frames.isEmpty
    }

    private func frame(_ bytes: [UInt8], isChunked: Bool) -> [UInt8] {
        isChunked ? ResponseHead.chunk(bytes) : bytes
    }

    // MARK: - WebSockets

    private func upgrade(_ response: HTTPResponse, to session: SocketSession) {
        guard !loop.isDraining else {
            session.abandon()
            return refuse(.unavailable, "the host ends")
        }
        output.append(
            ResponseHead.bytes(
                response, framing: .none, closes: false,
                isSecure: head?.origin.isSecure ?? (loop.configuration.tls != nil), date: loop.date))
        phase = .socket(session)
        arm(loop.configuration.heartbeat)
        read(true)
        let postbox = Postbox(connection: self, loop: loop)
        session.attach(parser.takeRest()) { postbox.perform { $0.socketHasNews() } }
    }

    private func socketHasNews() {
        guard case .socket = phase else { return }
        if !goOn() { socket.close() }
    }

    /// Takes what a session has to say; false when that is nothing. While the socket is full it stays in the session,
    /// which is bounded.
    private func take(from session: SocketSession) -> Bool {
        if socket.isChoked {
            socket.wantWritable()
            return false
        }
        let (frames, hasEnded) = session.take()
        if !frames.isEmpty { output.append(frames) }
        if hasEnded {
            session.abandon()
            hasUnreadBody = true
            phase = .closing
            writtenAtLastCheck = written
            arm(loop.configuration.writeTimeout)
        }
        return hasEnded || !frames.isEmpty
    }

    // MARK: - The socket's settings

    private func read(_ reads: Bool) { socket.setReading(reads) }

    private func arm(_ delay: Duration) { arm(milliseconds: delay.wholeMilliseconds) }

    private func arm(milliseconds: Int64) { socket.setTimer(milliseconds: milliseconds) }

    private func disarm() { socket.setTimer(milliseconds: nil) }
}

extension Duration {
    /// The whole milliseconds in it, rounded down.
    var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
