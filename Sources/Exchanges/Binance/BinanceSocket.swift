import Net
import Posix
import Wire

/// One WebSocket of Binance on the event loop: it says what it hears there, and nothing after ``close()``.
final class BinanceSocket {
    /// What a socket says.
    enum Event {
        case opened
        /// A message that is JSON.
        case message(JSONValue, text: String)
        /// It is over, in words. Once, last.
        case closed(String)
    }

    private let loop: EventLoop
    private var link: WebSocketLink?
    private var handle: ((Event) -> Void)?
    private let limits: JSONParser.Limits

    /// Starts to connect. `handle` is called on the loop, never before this returns.
    init(
        _ address: String, sockets: WebSocketClient, loop: EventLoop,
        limits: WebSocketLimits = WebSocketLimits(), inbox: SocketInboxLimits,
        handle: @escaping (Event) -> Void
    ) {
        self.loop = loop
        self.handle = handle
        self.limits = JSONParser.Limits(bytes: limits.messageBytes)
        let queue = SocketInbox(inbox, on: loop) { [weak self] in self?.take($0) }
        link = sockets.connect(address, limits: limits) { queue.take($0) }
    }

    /// Sends a message once the socket is open.
    func send(_ message: JSONValue) {
        link?.send(text: message.bytes)
    }

    /// Closes it and says no more.
    func close() {
        handle = nil
        link?.close()
        link = nil
    }

    private func take(_ event: WebSocketEvent) {
        switch event {
        case .opened: handle?(.opened)
        case .text(let bytes), .binary(let bytes):
            do throws(JSONParser.Failure) {
                let value = try JSONParser.parse(bytes, limits: limits)
                handle?(.message(value, text: String(decoding: bytes.prefix(4096), as: UTF8.self)))
            } catch {
                // Whoever sends what is no JSON cannot be believed to have left nothing out.
                end("a message was no JSON: \(error)")
            }
        case .pong: break
        case .closed(_, let reason): end(reason)
        }
    }

    private func end(_ reason: String) {
        let handle = handle
        close()
        handle?(.closed(reason))
    }
}
