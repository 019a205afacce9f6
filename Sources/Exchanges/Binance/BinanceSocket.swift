import Net
import Posix
import Synchronization
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
    /// When the message at hand, or one behind it that waits with it, reached this host, on the monotonic clock in nanoseconds.
    private(set) var arrived: UInt64 = 0

    /// Starts to connect. `handle` is called on the loop, never before this returns.
    init(
        _ address: String, sockets: WebSocketClient, loop: EventLoop,
        limits: WebSocketLimits = WebSocketLimits(), inbox: SocketInboxLimits,
        handle: @escaping (Event) -> Void
    ) {
        self.loop = loop
        self.handle = handle
        self.limits = JSONParser.Limits(bytes: limits.messageBytes)
        let arrival = Arrival()
        let queue = SocketInbox(inbox, on: loop) { [weak self] in self?.take($0, arrival.newest) }
        link = sockets.connect(address, limits: limits) { event in
            arrival.note()
            queue.take(event)
        }
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

    private func take(_ event: WebSocketEvent, _ arrived: UInt64) {
        self.arrived = arrived
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

/// When a socket's newest message came, from its client's thread to the loop.
private final class Arrival: Sendable {
    private let nanoseconds = Atomic<UInt64>(0)

    var newest: UInt64 { nanoseconds.load(ordering: .relaxed) }

    func note() { nanoseconds.store(MonotonicClock.nanoseconds, ordering: .relaxed) }
}
