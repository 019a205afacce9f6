import HTTPMessages
import Posix

/// One connection: requests one after another, or a WebSocket. On the loop.
final class Connection {
    private enum Phase {
        case reading(head: HTTPRequestHead?, body: [UInt8])
        case handling
        case webSocket(WebSocket, WebSocketReader)
        /// What comes is thrown away, and nothing goes out.
        case silent
        /// Ends when everything is written.
        case closing
        case closed
    }

    private static let bodyLimit = 1 << 20
    /// What may wait for a reader of a WebSocket before he is given up.
    private static let backlogLimit = 16 << 20

    private let server: SimulatorServer
    private var socket: OpenSocket?
    private var watch: EventLoop.Watch?
    private let peer: String
    private var parser: RequestParser
    private var phase = Phase.reading(head: nil, body: [])
    private var persists = true
    private var output: [UInt8] = []
    private var written = 0
    private var waitsToWrite = false

    init(_ server: SimulatorServer, _ descriptor: consuming FileDescriptor, peer: String)
        throws(SystemCallError)
    {
        self.server = server
        self.peer = peer
        parser = RequestParser { _ in RequestOrigin(peer: peer, isSecure: false) }
        let socket = OpenSocket(descriptor)
        self.socket = socket
        watch = try server.loop.watch(socket.descriptor, for: .read) { [weak self] in self?.became($0) }
    }

    // MARK: - Reading

    private func became(_ ready: EventLoop.Readiness) {
        if ready.canWrite, waitsToWrite { flush() }
        if ready.canRead { read() }
    }

    private func read() {
        do throws(SystemCallError) {
            guard let socket else { return }
            guard let bytes = try server.read(socket.descriptor) else { return end() }
            take(bytes)
        } catch {
            if !error.wouldBlock { end() }
        }
    }

    private func take(_ bytes: ArraySlice<UInt8>) {
        switch phase {
        case .reading, .handling:
            parser.append(bytes)
            goOn()
        case .webSocket(let client, var reader):
            reader.append(bytes)
            phase = .webSocket(client, reader)
            goOnSocket()
        case .silent, .closing, .closed: break
        }
    }

    private func goOn() {
        while case .reading(let head, var body) = phase {
            switch parser.next() {
            case .needsMore: return
            case .head(let head, let persists, let expectsContinue, _):
                self.persists = persists
                phase = .reading(head: head, body: [])
                if expectsContinue { send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
            case .body(let piece):
                guard body.count + piece.count <= Self.bodyLimit else {
                    return refuse(413, "the body has more than \(Self.bodyLimit) bytes")
                }
                body += piece
                phase = .reading(head: head, body: body)
            case .end:
                guard let head else { preconditionFailure("a body without a head") }
                phase = .handling
                server.received(Call(head, body, peer: peer, self))
            case .failure(let failure):
                return refuse(failure.status.code, failure.message)
            }
        }
    }

    private func refuse(_ status: Int, _ words: String) {
        persists = false
        phase = .handling
        answer(Answer(status, type: "text/plain", Array((words + "\n").utf8)), to: nil)
    }

    private func goOnSocket() {
        while case .webSocket(let client, var reader) = phase {
            do throws(WebSocketReader.Failure) {
                let event = try reader.next()
                phase = .webSocket(client, reader)
                switch event {
                case nil: return
                case .text(let bytes): client.onText(bytes)
                case .binary: closeSocket(1003, "text only")
                case .ping(let payload): if client.answersPings { send(WebSocketFrame.pong(payload)) }
                case .pong(let payload): client.onPong(payload)
                case .close(let code): closeSocket(code)
                }
            } catch {
                closeSocket(error.code, error.reason)
            }
        }
    }

    // MARK: - Ends of a request

    func answer(_ answer: Answer, to head: HTTPRequestHead?) {
        guard case .handling = phase else { return }
        send(answer.bytes(second: server.second(), closes: !persists, hasBody: head?.method != "HEAD"))
        guard persists else { return closeAfterOutput() }
        guard case .handling = phase else { return }
        parser.startNext()
        phase = .reading(head: nil, body: [])
        goOn()
    }

    func cut(_ answer: Answer, after count: Int) {
        let whole = answer.bytes(second: server.second(), closes: false)
        send(Array(whole.prefix(whole.count - answer.body.count + min(count, max(0, answer.body.count - 1)))))
        closeAfterOutput()
    }

    func drop(reset: Bool) {
        if reset, let socket {
            // The connection ends one way or another.
            try? TCPListener.resetOnClose(socket.descriptor)
        }
        end()
    }

    func fallSilent() {
        guard socket != nil else { return }
        phase = .silent
    }

    func upgrade(key: String, messageLimit: Int) -> WebSocket? {
        guard case .handling = phase else { return nil }
        send(
            Array(
                ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Accept: \(Hashes.acceptance(of: key))\r\n\r\n").utf8))
        guard case .handling = phase else { return nil }
        let client = WebSocket(self, peer: peer)
        var reader = WebSocketReader(messageLimit: messageLimit)
        reader.append(parser.takeRest())
        phase = .webSocket(client, reader)
        // What came behind the request is read when whoever upgraded has set up his callbacks.
        server.loop.atEndOfTurn { [weak self] in self?.goOnSocket() }
        return client
    }

    func closeSocket(_ code: Int?, _ reason: String = "") {
        guard case .webSocket(let client, _) = phase else { return }
        send(WebSocketFrame.close(code, reason))
        closeAfterOutput()
        client.connectionEnded()
    }

    // MARK: - Writing

    func send(_ bytes: [UInt8]) {
        switch phase {
        case .silent, .closing, .closed: return
        case .reading, .handling, .webSocket: break
        }
        if written == output.count {
            (output, written) = (bytes, 0)
        } else {
            output += bytes
        }
        // An answer is as long as it is; a stream may not pile up without end.
        if case .webSocket = phase, output.count - written > Self.backlogLimit { return end() }
        if !waitsToWrite { flush() }
    }

    private func flush() {
        do throws(SystemCallError) {
            while written < output.count {
                guard let socket else { return }
                written += try socket.descriptor.write(output[written...])
            }
            (output, written) = ([], 0)
            wait(forWriting: false)
            if case .closing = phase { end() }
        } catch {
            guard error.wouldBlock else { return end() }
            wait(forWriting: true)
        }
    }

    private func wait(forWriting waits: Bool) {
        guard waits != waitsToWrite, let watch else { return }
        waitsToWrite = waits
        do throws(SystemCallError) {
            try server.loop.change(watch, to: waits ? [.read, .write] : .read)
        } catch {
            end()
        }
    }

    private func closeAfterOutput() {
        guard socket != nil else { return }
        if case .closed = phase { return }
        phase = .closing
        if written == output.count { end() }
    }

    /// Ends the connection now.
    func end() {
        guard socket != nil else { return }
        if let watch { server.loop.unwatch(watch) }
        watch = nil
        let before = phase
        phase = .closed
        socket = nil
        server.forget(self)
        if case .webSocket(let client, _) = before { client.connectionEnded() }
    }
}

/// An open socket that may be held in an optional.
private final class OpenSocket {
    let descriptor: FileDescriptor

    init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
}
