public import HTTPMessages
public import Posix

/// What goes back.
public struct HTTPResponse: Sendable {
    /// What follows the head.
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Read piece by piece, on the server's thread, while the other side takes it; let go of when it has gone.
        case file(PiecewiseFile)
        /// Server-sent events until either side ends it.
        case events(EventStream)
        /// The connection becomes a WebSocket.
        case socket(SocketSession)
    }

    public var status: HTTPStatus
    public var headers: HTTPHeaders
    public var body: Body

    /// Puts a response together. The server adds length, date, connection and security headers.
    public init(_ status: HTTPStatus, headers: HTTPHeaders = [:], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
