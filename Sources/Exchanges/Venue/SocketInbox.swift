internal import Net
internal import Posix
internal import Synchronization

/// How much of what a socket says may wait for the event loop.
public struct SocketInboxLimits: Hashable, Sendable {
    /// The most messages. At least 1.
    public var messages: Int
    /// The most bytes of them all. At least 1; one message may be as large as the socket takes.
    public var bytes: Int

    /// Sets limits.
    public init(messages: Int = 20_000, bytes: Int = 32 << 20) {
        precondition(messages >= 1 && bytes >= 1)
        self.messages = messages
        self.bytes = bytes
    }
}

/// Brings what a socket says from its client's thread to the event loop, of which no more waits than is allowed.
///
/// While the loop is held up messages gather here. One more than may wait ends it: what waits is handed on, then the
/// socket counts as closed, and nothing that comes later is taken. So its owner opens another and asks for what it
/// missed, as after every loss; memory never grows beyond the limits.
final class SocketInbox: Sendable {
    private struct State {
        var events: [WebSocketEvent] = []
        var bytes = 0
        /// Whether the loop was asked to look already.
        var isPlanned = false
        var isOver = false
    }

    private let state = Mutex(State())
    private let limits: SocketInboxLimits
    private let handle: LoopBound<(WebSocketEvent) -> Void>

    /// Makes an empty one. On the loop, where `handle` is called too.
    init(_ limits: SocketInboxLimits, on loop: EventLoop, handle: @escaping (WebSocketEvent) -> Void) {
        self.limits = limits
        self.handle = LoopBound(handle, on: loop)
    }

    /// How much waits.
    var load: (messages: Int, bytes: Int) { state.withLock { ($0.events.count, $0.bytes) } }

    /// Takes an event, from any thread.
    func take(_ event: WebSocketEvent) {
        let mustPlan = state.withLock { state in
            guard !state.isOver else { return false }
            let size = event.size
            if case .closed = event { state.isOver = true }
            // One alone may be larger: how large the socket's own limit says.
            let fits =
                state.events.count < limits.messages
                && (state.events.isEmpty || state.bytes + size <= limits.bytes)
            if fits || state.isOver {
                state.events.append(event)
                state.bytes += size
            } else {
                state.isOver = true
                state.events.append(
                    .closed(
                        code: nil,
                        reason: "\(state.events.count) messages waited, more may not; the rest was left out"))
            }
            defer { state.isPlanned = true }
            return !state.isPlanned
        }
        guard mustPlan else { return }
        // Strongly: its owner may have let go already, and the last words are to be heard.
        handle.perform { [self] handle in
            for event in all() { handle(event) }
        }
    }

    private func all() -> [WebSocketEvent] {
        state.withLock { state in
            let events = state.events
            state.events = []
            (state.bytes, state.isPlanned) = (0, false)
            return events
        }
    }
}

extension WebSocketEvent {
    /// About how much memory it takes.
    fileprivate var size: Int {
        switch self {
        case .text(let bytes), .binary(let bytes): bytes.count + 64
        case .opened, .pong, .closed: 64
        }
    }
}
