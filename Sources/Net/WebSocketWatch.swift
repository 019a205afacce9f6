internal import Posix

/// Whether an open WebSocket still lives: when to ping, and when to give it up. Times are nanoseconds of the steady
/// clock.
struct WebSocketWatch: Hashable, Sendable {
    enum Verdict: Hashable, Sendable {
        /// Nothing to do before then.
        case wait(until: UInt64)
        /// Send a ping; look again then.
        case ping(until: UInt64)
        /// It is dead.
        case giveUp(reason: String)
    }

    private let pingAfter: UInt64
    private let pongWithin: UInt64
    private let messageWithin: UInt64?
    private var heard: UInt64
    private var message: UInt64
    private var pinged: UInt64?

    init(_ limits: WebSocketLimits, openedAt now: UInt64) {
        pingAfter = limits.pingAfter.nanoseconds
        pongWithin = limits.pongWithin.nanoseconds
        messageWithin = limits.messageWithin.map(\.nanoseconds)
        heard = now
        message = now
    }

    mutating func heardMessage(at now: UInt64) {
        heard = now
        message = now
        pinged = nil
    }

    mutating func heardPong(at now: UInt64) {
        heard = now
        pinged = nil
    }

    mutating func look(at now: UInt64) -> Verdict {
        if let messageWithin, now >= message + messageWithin {
            return .giveUp(reason: "no message came for \(Self.seconds(now - message))")
        }
        let end = messageWithin.map { message + $0 } ?? .max
        if let pinged {
            let due = pinged + pongWithin
            guard now < due else {
                return .giveUp(
                    reason: "nothing was heard for \(Self.seconds(now - heard)), not even an answer to a ping"
                )
            }
            return .wait(until: min(due, end))
        }
        guard now >= heard + pingAfter else { return .wait(until: min(heard + pingAfter, end)) }
        pinged = now
        return .ping(until: min(now + pongWithin, end))
    }

    private static func seconds(_ nanoseconds: UInt64) -> String {
        nanoseconds < 10_000_000_000 ? "\(nanoseconds / 1_000_000) ms" : "\(nanoseconds / 1_000_000_000) s"
    }
}

/// Joins the pieces of messages, within a limit.
struct WebSocketAssembler: Sendable {
    enum Result: Hashable, Sendable {
        case incomplete
        case message([UInt8], isBinary: Bool)
        case tooLarge
    }

    let limit: Int
    private var bytes: [UInt8] = []
    private var isBinary = false

    init(limit: Int) { self.limit = limit }

    /// Whether a message has begun and not ended.
    private(set) var isInside = false

    /// Takes a piece.
    ///
    /// - Parameter left: What the frame still announces after this piece: a message that will be too large is refused at
    ///   once.
    mutating func take(
        _ piece: some Collection<UInt8>, left: UInt64, isBinary: Bool, isFirst: Bool, isFinal: Bool
    ) -> Result {
        if isFirst {
            bytes.removeAll(keepingCapacity: bytes.capacity <= 64 << 10)
            self.isBinary = isBinary
        }
        isInside = true
        guard left <= UInt64(limit), bytes.count + piece.count + Int(left) <= limit else {
            bytes = []
            return .tooLarge
        }
        bytes.append(contentsOf: piece)
        guard isFinal, left == 0 else { return .incomplete }
        isInside = false
        defer { bytes.removeAll(keepingCapacity: bytes.capacity <= 64 << 10) }
        return .message(bytes, isBinary: self.isBinary)
    }
}

extension Duration {
    /// At least 0, as a steady clock counts.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
