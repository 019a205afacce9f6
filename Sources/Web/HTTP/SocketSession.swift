import HTTPMessages
import Posix
import Synchronization

/// One WebSocket: messages of the reader come in on the server's thread, messages for him are put in from any.
///
/// What waits for a slow reader is bounded. A message with a name takes the place of the one before it of that name, so
/// that prices are the latest when he gets to them; of the others none is left out: when they are more than fit, the
/// reader is told, and the connection ends.
public final class SocketSession: Sendable {
    private struct State {
        var reader: WebSocketReader
        /// Frames in their order; named ones stand in `named`.
        var waiting: [Waiting] = []
        var bytes = 0
        var named: [String: [UInt8]] = [:]
        var isOpen = true
        var isAnnounced = false
        /// When the reader last said something, on the monotonic clock in nanoseconds.
        var heard = MonotonicClock.nanoseconds
        var announce: (@Sendable () -> Void)?
        var onEnd: (@Sendable () -> Void)?
    }

    private enum Waiting {
        case frame([UInt8])
        case named(String)
    }

    /// How long a reader may be silent, in nanoseconds; he answers pings.
    private static let silence: UInt64 = 30_000_000_000

    private let limit: Int
    private let isAllowed: @Sendable () -> Bool
    private let onText: @Sendable (SocketSession, [UInt8]) -> Void
    private let state: Mutex<State>

    /// - Parameters:
    ///   - limit: The most bytes that may wait for the reader.
    ///   - messageLimit: The largest message taken of him, in bytes.
    ///   - isAllowed: Whether he may still be here; asked now and then, on the server's thread.
    ///   - onText: Hears his messages on the server's thread, one after another; it must be quick.
    ///   - onEnd: Called once when he has gone.
    public init(
        limit: Int = 1 << 20, messageLimit: Int = 16 << 10,
        isAllowed: @escaping @Sendable () -> Bool = { true },
        onEnd: (@Sendable () -> Void)? = nil,
        onText: @escaping @Sendable (SocketSession, [UInt8]) -> Void
    ) {
        self.limit = limit
        self.isAllowed = isAllowed
        self.onText = onText
        state = Mutex(State(reader: WebSocketReader(messageLimit: messageLimit), onEnd: onEnd))
    }

    /// Whether somebody is still there.
    public var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Sends a text message; false when nobody is there any more.
    ///
    /// - Parameter name: What waits under this name still is left out for it.
    @discardableResult
    public func send(_ text: [UInt8], name: String? = nil) -> Bool {
        let frame = WebSocketFrame.text(text)
        let (isTaken, announce) = state.withLock { state -> (Bool, (@Sendable () -> Void)?) in
            guard state.isOpen else { return (false, nil) }
            let before = name.flatMap { state.named[$0]?.count } ?? 0
            guard state.bytes - before + frame.count <= limit else {
                Self.drop(&state)
                return (false, state.announce)
            }
            state.bytes += frame.count - before
            if let name {
                if state.named.updateValue(frame, forKey: name) == nil { state.waiting.append(.named(name)) }
            } else {
                state.waiting.append(.frame(frame))
            }
            guard !state.isAnnounced else { return (true, nil) }
            state.isAnnounced = true
            return (true, state.announce)
        }
        announce?()
        return isTaken
    }

    /// Ends the connection of a reader for whom too much waits. He is told, since he may come back for what he missed.
    private static func drop(_ state: inout State) {
        state.isOpen = false
        state.named = [:]
        state.bytes = 0
        state.waiting = [
            .frame(WebSocketFrame.text(Array(#"{"type":"dropped","reason":"too much waits for you"}"#.utf8))),
            .frame(WebSocketFrame.close(1013, "too much waits for you")),
        ]
    }

    /// Ends the connection; what waits is still sent.
    public func close(_ code: Int, _ reason: String) {
        let announce = state.withLock { state -> (@Sendable () -> Void)? in
            guard state.isOpen else { return nil }
            state.isOpen = false
            state.waiting.append(.frame(WebSocketFrame.close(code, reason)))
            return state.announce
        }
        announce?()
    }

    // MARK: - The server's side

    /// Calls `announce` whenever something is there to be taken; `rest` is what came behind the handshake.
    func attach(_ rest: [UInt8], _ announce: @escaping @Sendable () -> Void) {
        let isReady = state.withLock { state in
            state.announce = announce
            state.reader.append(rest)
            return !state.waiting.isEmpty || !state.isOpen
        }
        read()
        if isReady { announce() }
    }

    /// Takes what came over the connection.
    func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        state.withLock { state in
            state.heard = MonotonicClock.nanoseconds
            unsafe state.reader.append(bytes)
        }
        read()
    }

    private func read() {
        while true {
            do throws(WebSocketReader.Failure) {
                guard let event = try nextEvent() else { return }
                take(event)
            } catch {
                return close(error.code, error.reason)
            }
        }
    }

    private func nextEvent() throws(WebSocketReader.Failure) -> WebSocketReader.Event? {
        let result: Result<WebSocketReader.Event?, WebSocketReader.Failure> = state.withLock { state in
            guard state.isOpen else { return .success(nil) }
            do throws(WebSocketReader.Failure) {
                return .success(try state.reader.next())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func take(_ event: WebSocketReader.Event) {
        switch event {
        case .text(let bytes): onText(self, bytes)
        case .binary: close(1003, "text only")
        case .ping(let payload): put(WebSocketFrame.pong(payload))
        case .pong: break
        case .close(let code): close(code ?? 1000, "")
        }
    }

    /// Puts a small frame of the protocol behind what waits.
    private func put(_ frame: [UInt8]) {
        state.withLock { state in
            guard state.isOpen, state.bytes + frame.count <= limit else { return }
            state.bytes += frame.count
            state.waiting.append(.frame(frame))
        }
    }

    /// Everything that waits, and whether the connection has ended behind it.
    func take() -> (frames: [UInt8], hasEnded: Bool) {
        state.withLock { state in
            var frames: [UInt8] = []
            frames.reserveCapacity(state.bytes)
            for waiting in state.waiting {
                switch waiting {
                case .frame(let frame): frames += frame
                case .named(let name): frames += state.named[name] ?? []
                }
            }
            state.waiting = []
            state.named = [:]
            state.bytes = 0
            state.isAnnounced = false
            return (frames, !state.isOpen)
        }
    }

    /// Asks for a sign of life; false when none came for too long.
    func heartbeat() -> Bool {
        guard isAllowed() else {
            close(4401, "your session has ended or your token was revoked")
            return true
        }
        guard MonotonicClock.nanoseconds - state.withLock({ $0.heard }) < Self.silence else { return false }
        put(WebSocketFrame.ping([]))
        return true
    }

    /// The reader has gone.
    func abandon() {
        let onEnd = state.withLock { state in
            state.isOpen = false
            state.waiting = []
            state.named = [:]
            state.announce = nil
            defer { state.onEnd = nil }
            return state.onEnd
        }
        onEnd?()
    }
}
