public import HTTPMessages
public import Posix

/// What goes back.
public struct HTTPResponse: Sendable {
    /// What follows the head.
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Read piece by piece while the other side takes it.
        case file(HTTPFile)
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

/// A file to be sent: what it is read from is let go of when it has gone.
public final class HTTPFile: Sendable {
    let size: Int
    private let source: @Sendable (_ offset: Int, _ count: Int) throws(SystemCallError) -> [UInt8]

    /// Sends `size` bytes.
    ///
    /// - Parameter read: Gives up to `count` bytes from `offset` on. Called on the server's thread, so it must not wait.
    public init(
        size: Int,
        read: @escaping @Sendable (_ offset: Int, _ count: Int) throws(SystemCallError) -> [UInt8]
    ) {
        self.size = size
        source = read
    }

    func read(at offset: Int, count: Int) throws(SystemCallError) -> [UInt8] { try source(offset, count) }
}
