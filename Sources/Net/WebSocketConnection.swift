internal import Posix
internal import Synchronization

/// One WebSocket of a client, from the call until its last event.
final class WebSocketConnection: @unchecked Sendable {
    // @unchecked: `outbox` is guarded by its mutex; the variables below it are touched by the client's thread alone.

    enum Kind: Sendable {
        case text, binary, ping
    }

    private struct Outbox {
        var messages: [(kind: Kind, bytes: [UInt8])] = []
        /// The first of `messages` that was not sent: taking from the front of an array costs its length.
        var next = 0
        var bytes = 0
        var wantsPing = false
        var wantsClose = false
        var hasOverflowed = false
        var isOver = false
        /// Whether the client's thread was asked to look already.
        var isAttended = false

        mutating func attend() -> Bool {
            defer { isAttended = true }
            return !isOver && !isAttended
        }
    }

    private enum Phase {
        /// The name is being resolved, or an address tried.
        case connecting
        case open
        /// Closing was begun by us, with this to tell in the end.
        case closing(code: Int, reason: String)
        case over
    }

    let address: WebSocketAddress
    let limits: WebSocketLimits
    private let events: @Sendable (WebSocketEvent) -> Void
    private let outbox = Mutex(Outbox())

    /// When to look at it next; `.max` when there is nothing to wait for.
    private(set) var due: UInt64
    /// Addresses that were not tried yet.
    private var addresses: [String] = []
    private var socket: LinkSocket?
    private var phase = Phase.connecting
    private var assembler: WebSocketAssembler
    private var watch: WebSocketWatch?
    private var peerClose: (code: Int?, words: String)?
    private var library: LinkLibrary?

    /// How long the other side has to agree to a close.
    private static let closeWithin: UInt64 = 2_000_000_000

    init(
        address: WebSocketAddress, limits: WebSocketLimits,
        events: @escaping @Sendable (WebSocketEvent) -> Void
    ) {
        self.address = address
        self.limits = limits
        self.events = events
        assembler = WebSocketAssembler(limit: limits.messageBytes)
        due = MonotonicClock.nanoseconds + limits.connect.nanoseconds
    }

    // MARK: - From any thread

    /// Puts a message in the queue; true when the client's thread has to be told.
    func enqueue(_ kind: Kind, _ bytes: [UInt8]) -> Bool {
        outbox.withLock { outbox in
            guard !outbox.isOver, !outbox.wantsClose, !outbox.hasOverflowed else { return false }
            if outbox.bytes + bytes.count > limits.queueBytes {
                outbox.hasOverflowed = true
            } else {
                outbox.messages.append((kind, bytes))
                outbox.bytes += bytes.count
            }
            return outbox.attend()
        }
    }

    /// Likewise for a ping.
    func askForPing() -> Bool {
        outbox.withLock { outbox in
            outbox.wantsPing = true
            return outbox.attend()
        }
    }

    /// Likewise for a close.
    func askForClose() -> Bool {
        outbox.withLock { outbox in
            guard !outbox.wantsClose else { return false }
            outbox.wantsClose = true
            return outbox.attend()
        }
    }

    // MARK: - On the client's thread

    /// Whether its last event was given.
    var isOver: Bool {
        if case .over = phase { true } else { false }
    }

    /// Begins to connect to the addresses in turn.
    func connect(to addresses: [String], by library: LinkLibrary) {
        guard case .connecting = phase, socket == nil else { return }
        self.addresses = addresses
        self.library = library
        connectToNext(after: "the name has no address")
    }

    private func connectToNext(after failure: String) {
        var failure = failure
        while let library, !addresses.isEmpty {
            switch library.connect(address, at: addresses.removeFirst(), for: self) {
            case .success(let socket):
                self.socket = socket
                return
            case .failure(let next): failure = next.reason
            }
        }
        end(code: nil, "cannot connect to \(address.server): \(failure)")
    }

    /// Looks at what other threads asked for.
    func attend() {
        let (hasOverflowed, wantsClose) = outbox.withLock { outbox in
            outbox.isAttended = false
            return (outbox.hasOverflowed, outbox.wantsClose)
        }
        switch phase {
        case .over, .closing: break
        case _ where hasOverflowed:
            giveUp("more than \(limits.queueBytes) bytes waited to be sent to \(address.server)")
        case .connecting: if wantsClose { giveUp("closed before the connection to \(address.server) stood") }
        case .open:
            if wantsClose {
                startClosing(code: 1000, "closed on request")
            }
            socket?.wantWritable()
        }
    }

    /// Looks at the clock.
    func look(at now: UInt64) {
        guard due <= now else { return }
        switch phase {
        case .over: due = .max
        case .connecting:
            giveUp("the connection to \(address.server) was not made within \(limits.connect)")
        case .closing(let code, let reason):
            // The other side does not agree in time: it is over without it.
            socket?.abandon()
            socket = nil
            end(code: code, reason)
        case .open:
            switch watch?.look(at: now) {
            case .wait(let until): due = until
            case .ping(let until):
                due = until
                outbox.withLock { $0.wantsPing = true }
                socket?.wantWritable()
            case .giveUp(let reason): giveUp("\(reason) from \(address.server)")
            case nil: due = .max
            }
        }
    }

    /// Ends it now, without a word to the other side.
    func giveUp(_ reason: String) {
        socket?.abandon()
        socket = nil
        end(code: nil, reason)
    }

    private func startClosing(code: Int, _ reason: String) {
        phase = .closing(code: code, reason: reason)
        due = MonotonicClock.nanoseconds + Self.closeWithin
    }

    private func end(code: Int?, _ reason: String) {
        guard !isOver else { return }
        phase = .over
        due = .max
        addresses = []
        library = nil
        outbox.withLock { outbox in
            outbox = Outbox()
            outbox.isOver = true
        }
        events(.closed(code: code, reason: reason))
    }

    // MARK: - From libwebsockets

    func opened() {
        guard case .connecting = phase else { return }
        phase = .open
        let now = MonotonicClock.nanoseconds
        var watch = WebSocketWatch(limits, openedAt: now)
        if case .wait(let until) = watch.look(at: now) { due = until }
        self.watch = watch
        events(.opened)
        // What was asked before it stood.
        attend()
    }

    /// Takes a piece of a message. Once the connection closes, the rest is dropped.
    func received(
        _ piece: UnsafeBufferPointer<UInt8>, left: UInt64, isBinary: Bool, isFirst: Bool, isFinal: Bool
    ) {
        guard case .open = phase else { return }
        // Every piece shows life; only whole messages are passed on.
        let now = MonotonicClock.nanoseconds
        watch?.heardMessage(at: now)
        due = min(due, now + limits.pingAfter.nanoseconds)
        switch unsafe assembler.take(
            piece, left: left, isBinary: isBinary, isFirst: isFirst, isFinal: isFinal)
        {
        case .incomplete: break
        case .message(let bytes, let isBinary): events(isBinary ? .binary(bytes) : .text(bytes))
        case .tooLarge:
            startClosing(
                code: 1009, "a message of \(address.server) is larger than \(limits.messageBytes) bytes")
            socket?.wantWritable()
        }
    }

    func heardPong() {
        guard case .open = phase else { return }
        let now = MonotonicClock.nanoseconds
        watch?.heardPong(at: now)
        due = min(due, now + limits.pingAfter.nanoseconds)
        events(.pong)
    }

    /// Sends one thing; false closes.
    func writable() -> Bool {
        guard let socket else { return false }
        if case .closing(let code, _) = phase, code != 1000 {
            // Not on request, so what waits is not sent any more.
            socket.setClose(code)
            return false
        }
        let (next, hasMore) = outbox.withLock { outbox -> ((kind: Kind, bytes: [UInt8])?, Bool) in
            if outbox.wantsPing {
                outbox.wantsPing = false
                return ((.ping, []), outbox.next < outbox.messages.count)
            }
            guard outbox.next < outbox.messages.count else { return (nil, false) }
            let message = outbox.messages[outbox.next]
            outbox.next += 1
            outbox.bytes -= message.bytes.count
            if outbox.next == outbox.messages.count || outbox.next == 256 {
                outbox.messages.removeFirst(outbox.next)
                outbox.next = 0
            }
            return (message, outbox.next < outbox.messages.count)
        }
        if let next {
            guard socket.send(next.kind, next.bytes) else { return false }
            var isClosing = false
            if case .closing = phase { isClosing = true }
            if hasMore || isClosing { socket.wantWritable() }
            return true
        }
        guard case .closing(let code, _) = phase else { return true }
        socket.setClose(code)
        return false
    }

    /// The other side closes; libwebsockets answers it.
    func peerCloses(code: Int?, _ words: String) {
        peerClose = (code, words)
    }

    /// The socket is gone.
    func socketEnded(_ failure: String?, status: Int, wasReached: Bool) {
        socket = nil
        switch phase {
        case .over: break
        case .connecting:
            let words = Self.words(failure, status: status)
            // Where not even the handshake began, another address may do better.
            if wasReached || addresses.isEmpty {
                end(code: nil, "cannot connect to \(address.server): \(words)")
            } else {
                connectToNext(after: words)
            }
        case .closing(let code, let reason): end(code: code, reason)
        case .open:
            guard let peerClose else {
                let place = assembler.isInside ? "in the middle of a message" : "without a close message"
                return end(code: nil, "the connection to \(address.server) broke \(place)")
            }
            let words = peerClose.words.isEmpty ? "" : ": \(peerClose.words)"
            let code = peerClose.code.map { " with code \($0)" } ?? ""
            end(code: peerClose.code, "\(address.server) closed the connection\(code)\(words)")
        }
    }

    private static func words(_ failure: String?, status: Int) -> String {
        let words = failure.flatMap { $0.isEmpty ? nil : $0 } ?? "the connection could not be made"
        return status > 0 && status != 101 ? "\(words) (HTTP \(status))" : words
    }
}
