/// What happens on a WebSocket, in order.
public enum WebSocketEvent: Hashable, Sendable {
    /// The connection stands; messages may be sent and will come. At most once, first.
    case opened
    /// A whole text message, its fragments joined. Valid UTF-8.
    case text([UInt8])
    /// A whole binary message.
    case binary([UInt8])
    /// The other side answered a ping, ours or the watchdog's.
    case pong
    /// It is over, or never began. Exactly once, last.
    ///
    /// - Parameters:
    ///   - code: The close code that was agreed (RFC 6455, 7.4), nil when the connection ended without one.
    ///   - reason: What happened in words; it names the server and never path, query or headers.
    case closed(code: Int?, reason: String)
}

/// Times and sizes of one WebSocket.
public struct WebSocketLimits: Hashable, Sendable {
    /// The largest message taken, in bytes; a larger one, however it comes in pieces, closes the connection with 1009.
    public var messageBytes: Int
    /// The most that waits to be sent, in bytes; one message more closes the connection.
    public var queueBytes: Int
    /// From the call until the connection stands: name, TCP, TLS, handshake.
    public var connect: Duration
    /// After so long without a message or pong a ping is sent.
    public var pingAfter: Duration
    /// So long after such a ping, without a message or pong, the connection is given up.
    public var pongWithin: Duration
    /// After so long without a *message* the connection is given up even though pongs come; nil for a stream that may
    /// be silent.
    public var messageWithin: Duration?

    /// Sets limits.
    public init(
        messageBytes: Int = 4 << 20, queueBytes: Int = 1 << 20, connect: Duration = .seconds(10),
        pingAfter: Duration = .seconds(15), pongWithin: Duration = .seconds(10),
        messageWithin: Duration? = nil
    ) {
        precondition(messageBytes > 0 && queueBytes > 0)
        self.messageBytes = messageBytes
        self.queueBytes = queueBytes
        self.connect = connect
        self.pingAfter = pingAfter
        self.pongWithin = pongWithin
        self.messageWithin = messageWithin
    }
}
