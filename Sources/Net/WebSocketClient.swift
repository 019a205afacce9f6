public import Posix

/// Speaks WebSocket as a client: any number of connections on one thread of its own, by libwebsockets.
///
/// Certificates are checked against the system's authorities, or against a file of them. Names are resolved beside that
/// thread, so that a slow resolver holds up no open connection. Messages are neither compressed nor offered to be.
/// Nothing reconnects by itself: ``WebSocketEvent/closed(code:reason:)`` is the end, and what follows is the caller's.
public final class WebSocketClient: Sendable {
    private let loop: WebSocketLoop

    /// Starts the client's thread, which ends when the client is released; its links are closed then.
    ///
    /// One is enough for a process: libwebsockets 4.1.6 does not give back the authorities' certificates, some 400 KB.
    ///
    /// - Parameter authorities: A PEM file of certificate authorities to trust instead of the system's; nil is the
    ///   system's.
    public init(authorities: String? = nil) throws(SystemCallError) {
        // libwebsockets would only log that it cannot read them, and trust nobody.
        if let authorities { _ = try FileDescriptor.open(authorities, 0) }
        loop = try WebSocketLoop(authorities: authorities)
    }

    deinit {
        loop.close()
    }

    /// Starts to connect, and returns at once.
    ///
    /// Whatever goes wrong, now or later, is told by ``WebSocketEvent/closed(code:reason:)``.
    ///
    /// - Parameters:
    ///   - url: `ws://` or `wss://`, with path and query as they are to be sent.
    ///   - headers: Sent with the handshake, 8 KiB at most in all.
    ///   - events: Called on the client's thread, one event at a time; it must be quick, and should pass the event on
    ///     with `loop.perform`. It may send and close.
    /// - Returns: The connection. Releasing it closes it.
    public func connect(
        _ url: String, headers: [(name: String, value: String)] = [],
        limits: WebSocketLimits = WebSocketLimits(),
        events: @escaping @Sendable (WebSocketEvent) -> Void
    ) -> WebSocketLink {
        let connection = WebSocketConnection(
            address: WebSocketAddress(url, headers: headers), limits: limits, events: events)
        loop.add(connection)
        return WebSocketLink(connection: connection, loop: loop)
    }
}

/// One WebSocket. Everything may be called from any thread, at any time, and waits for nothing.
public final class WebSocketLink: Sendable {
    private let connection: WebSocketConnection
    private let loop: WebSocketLoop

    init(connection: WebSocketConnection, loop: WebSocketLoop) {
        self.connection = connection
        self.loop = loop
    }

    deinit {
        close()
    }

    /// Sends a text message, after those before it; before the connection stands it waits. Without effect once closed.
    ///
    /// More than ``WebSocketLimits/queueBytes`` waiting closes the connection: nothing is left out in silence.
    public func send(text: [UInt8]) {
        if connection.enqueue(.text, text) { loop.attend(connection) }
    }

    /// Sends a binary message, likewise.
    public func send(binary: [UInt8]) {
        if connection.enqueue(.binary, binary) { loop.attend(connection) }
    }

    /// Sends a ping; the answer is ``WebSocketEvent/pong``. At most one waits to be sent.
    public func ping() {
        if connection.askForPing() { loop.attend(connection) }
    }

    /// Closes with code 1000: what waits is sent first, and the other side has two seconds to agree.
    public func close() {
        if connection.askForClose() { loop.attend(connection) }
    }
}
