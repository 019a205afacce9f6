import HTTPMessages
import MarketData
import Trading

/// One request and the ways to end it. On the loop; the first way taken counts.
final class Call {
    let head: HTTPRequestHead
    let body: [UInt8]
    /// The sender's numeric address.
    let peer: String
    private weak var connection: Connection?
    private var isOver = false

    init(_ head: HTTPRequestHead, _ body: [UInt8], peer: String, _ connection: Connection) {
        self.head = head
        self.body = body
        self.peer = peer
        self.connection = connection
    }

    var method: String { head.method }
    var path: String { head.target.path }

    /// The first of the query's values under that name.
    func query(_ name: String) -> String? { head.target.query.first { $0.name == name }?.value }

    /// The time, in milliseconds, under that name; nil when it is absent or no whole number.
    func time(_ name: String) -> Timestamp? {
        query(name).flatMap { Int64($0) }.map { Timestamp(named: $0) }
    }

    /// Whether a WebSocket is asked for.
    var wantsWebSocket: Bool {
        method == "GET" && head.headers.lists("websocket", in: "upgrade")
            && head.headers.lists("upgrade", in: "connection")
    }

    /// Answers.
    func answer(_ answer: Answer) {
        end { $0.answer(answer, to: self.head) }
    }

    /// Sends the head and the first `count` bytes of the body, then closes.
    func cut(_ answer: Answer, after count: Int) {
        end { $0.cut(answer, after: count) }
    }

    /// Closes without a word; with a reset when asked.
    func drop(reset: Bool = false) {
        end { $0.drop(reset: reset) }
    }

    /// Says nothing more, ever, and keeps the connection.
    func fallSilent() {
        end { $0.fallSilent() }
    }

    /// Makes the connection a WebSocket, or refuses what is no proper request for one.
    func upgrade(messageLimit: Int = 1 << 20) -> WebSocket? {
        guard wantsWebSocket, head.headers["sec-websocket-version"] == "13",
            let key = head.headers["sec-websocket-key"], key.utf8.count == 24, let connection, !isOver
        else {
            answer(
                Answer(
                    wantsWebSocket ? 400 : 426, type: "text/plain", Array("this path is a WebSocket's\n".utf8)
                ))
            return nil
        }
        isOver = true
        return connection.upgrade(key: key, messageLimit: messageLimit)
    }

    private func end(_ body: (Connection) -> Void) {
        guard !isOver else { return }
        isOver = true
        // The other side may have gone meanwhile.
        if let connection { body(connection) }
    }
}

/// A WebSocket with a client. On the loop.
final class WebSocket {
    private weak var connection: Connection?
    let peer: String
    var onText: ([UInt8]) -> Void = { _ in }
    var onPong: ([UInt8]) -> Void = { _ in }
    /// Whether pings are answered; a peer that hangs does not.
    var answersPings = true
    /// Called once, when the connection has ended.
    var onClose: () -> Void = {}

    init(_ connection: Connection, peer: String) {
        self.connection = connection
        self.peer = peer
    }

    var isOpen: Bool { connection != nil }

    func send(text: [UInt8]) { connection?.send(WebSocketFrame.text(text)) }
    func send(text: String) { send(text: Array(text.utf8)) }
    func ping(_ payload: [UInt8]) { connection?.send(WebSocketFrame.ping(payload)) }

    /// Says goodbye and closes.
    func close(_ code: Int = 1000, _ reason: String = "") { connection?.closeSocket(code, reason) }

    /// Closes without a word.
    func drop() { connection?.drop(reset: false) }

    fileprivate func ended() {
        connection = nil
        let body = onClose
        (onText, onPong, onClose) = ({ _ in }, { _ in }, {})
        body()
    }
}

extension WebSocket {
    /// For the connection alone.
    func connectionEnded() { ended() }
}

extension Timestamp {
    /// The time that a client names. What lies beyond all times is the nearest that there is, so that it can be reckoned with.
    init(named milliseconds: Int64) {
        self.init(milliseconds: min(max(milliseconds, 0), Timestamp.endOfTime.milliseconds))
    }
}
