/// Reads what a client sends on a WebSocket (RFC 6455), piece by piece. A value: no socket, no clock.
///
/// Strict: every frame masked and without reserved bits, control frames whole and short, messages in order, text in
/// UTF-8, and a limit on the size of a message.
public struct WebSocketReader: Sendable {
    /// What came.
    public enum Event: Hashable, Sendable {
        /// A whole text message. Valid UTF-8.
        case text([UInt8])
        case binary([UInt8])
        case ping([UInt8])
        case pong([UInt8])
        case close(code: Int?)
    }

    /// Why the connection has to end, with the code that tells it to the other side.
    public struct Failure: Error, Hashable, Sendable {
        public let code: Int
        public let reason: String

        static func violation(_ reason: String) -> Failure { Failure(code: 1002, reason: reason) }
    }

    private struct Frame {
        let isFinal: Bool
        let opcode: UInt8
        let payload: [UInt8]
    }

    private let messageLimit: Int
    private var input: [UInt8] = []
    private var position = 0
    /// The pieces so far of a message that came in several frames.
    private var message: (opcode: UInt8, bytes: [UInt8])?

    /// Begins to read.
    ///
    /// - Parameter messageLimit: The largest message taken, in bytes.
    public init(messageLimit: Int) { self.messageLimit = messageLimit }

    /// Takes what came over the connection.
    public mutating func append(_ bytes: some Sequence<UInt8>) {
        if position > 0, position == input.count || position > 64 << 10 {
            input.removeFirst(position)
            position = 0
        }
        input.append(contentsOf: bytes)
    }

    /// The next event, or nil when it is not all there.
    public mutating func next() throws(Failure) -> Event? {
        while let frame = try frame() {
            switch frame.opcode {
            case 0x8: return try close(frame.payload)
            case 0x9: return .ping(frame.payload)
            case 0xA: return .pong(frame.payload)
            default:
                if let event = try data(frame) { return event }
            }
        }
        return nil
    }

    private mutating func data(_ frame: Frame) throws(Failure) -> Event? {
        var (opcode, bytes) = (frame.opcode, frame.payload)
        if opcode == 0 {
            guard let begun = message else { throw .violation("a continuation of nothing") }
            (opcode, bytes) = (begun.opcode, begun.bytes + frame.payload)
        } else if message != nil {
            throw .violation("a new message inside another")
        }
        guard bytes.count <= messageLimit else {
            throw Failure(code: 1009, reason: "a message has more than \(messageLimit) bytes")
        }
        guard frame.isFinal else {
            message = (opcode, bytes)
            return nil
        }
        message = nil
        guard opcode == 1 else { return .binary(bytes) }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw Failure(code: 1007, reason: "text that is not UTF-8")
        }
        return .text(bytes)
    }

    private func close(_ payload: [UInt8]) throws(Failure) -> Event {
        guard !payload.isEmpty else { return .close(code: nil) }
        guard payload.count >= 2 else { throw .violation("half a closing code") }
        let code = Int(payload[0]) << 8 | Int(payload[1])
        guard (1000...1003).contains(code) || (1007...1014).contains(code) || (3000...4999).contains(code)
        else {
            throw .violation("the closing code \(code) is not for the wire")
        }
        guard String(validating: payload[2...], as: UTF8.self) != nil else {
            throw Failure(code: 1007, reason: "a reason that is not UTF-8")
        }
        return .close(code: code)
    }

    private mutating func frame() throws(Failure) -> Frame? {
        let waiting = input.count - position
        guard waiting >= 2 else { return nil }
        let (first, second) = (input[position], input[position + 1])
        let opcode = first & 0x0F
        let isFinal = first & 0x80 != 0
        guard first & 0x70 == 0 else { throw .violation("a reserved bit is set") }
        guard [0x0, 0x1, 0x2, 0x8, 0x9, 0xA].contains(opcode) else {
            throw .violation("an unknown kind of frame")
        }
        guard second & 0x80 != 0 else { throw .violation("a client masks its frames") }
        let short = Int(second & 0x7F)
        if opcode >= 8 {
            guard isFinal, short <= 125 else { throw .violation("a control frame is whole and short") }
        }
        let lengthBytes = short == 127 ? 8 : short == 126 ? 2 : 0
        let headSize = 2 + lengthBytes + 4
        guard waiting >= headSize else { return nil }
        var length = short
        if lengthBytes > 0 {
            var wide: UInt64 = 0
            for index in 0..<lengthBytes { wide = wide << 8 | UInt64(input[position + 2 + index]) }
            guard wide <= UInt64(messageLimit) else {
                throw Failure(code: 1009, reason: "a frame has more than \(messageLimit) bytes")
            }
            guard wide > (lengthBytes == 2 ? 125 : 65_535) else { throw .violation("a length is too wide") }
            length = Int(wide)
        }
        guard waiting >= headSize + length else { return nil }
        let mask = position + headSize - 4
        let start = position + headSize
        var payload = Array(input[start..<start + length])
        for index in payload.indices { payload[index] ^= input[mask + index & 3] }
        position = start + length
        return Frame(isFinal: isFinal, opcode: opcode, payload: payload)
    }
}

/// Writes a server's frames.
public enum WebSocketFrame {
    /// A whole text message.
    public static func text(_ bytes: [UInt8]) -> [UInt8] { frame(0x1, bytes) }
    /// A ping with a payload of up to 125 bytes.
    public static func ping(_ bytes: [UInt8]) -> [UInt8] { frame(0x9, bytes) }
    /// The answer to a ping, with its payload.
    public static func pong(_ bytes: [UInt8]) -> [UInt8] { frame(0xA, bytes) }

    /// The end, with a code and up to 123 bytes of reason.
    public static func close(_ code: Int?, _ reason: String = "") -> [UInt8] {
        guard let code else { return frame(0x8, []) }
        return frame(0x8, [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8.prefix(123)))
    }

    private static func frame(_ opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [0x80 | opcode]
        bytes.reserveCapacity(payload.count + 10)
        switch payload.count {
        case ...125: bytes.append(UInt8(payload.count))
        case ...65_535: bytes += [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            bytes.append(127)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        return bytes + payload
    }
}
