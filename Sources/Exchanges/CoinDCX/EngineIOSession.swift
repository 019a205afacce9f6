import Wire

/// One Socket.IO connection over Engine.IO 4, as a value: frames and time in, frames and news out.
///
/// Source: socket.io protocol 5 and engine.io protocol 4; the figures of CoinDCX's own opening as seen in 2026. The
/// server pings and the client answers; a client that pings of itself is dropped.
struct EngineIOSession {
    /// What is to be done.
    enum Action: Hashable, Sendable {
        /// Send this text.
        case send(String)
        /// The namespace is joined: channels may be.
        case joined
        /// An event with its payload, which is parsed when it was text.
        case event(name: String, payload: JSONValue)
        /// The connection is of no more use, for this reason.
        case end(String)
    }

    private enum State: Hashable {
        case opening, connecting, joined, over
    }

    private var state = State.opening
    /// After so long without a frame the server is gone, in milliseconds.
    private(set) var silenceLimit: Int64
    private var lastFrame: Int64
    private let limits: JSONParser.Limits

    /// Begins when the WebSocket stands.
    ///
    /// - Parameters:
    ///   - now: Any steady clock, in milliseconds.
    ///   - silenceLimit: Until the server has said how often it pings.
    ///   - messageBytes: The longest frame that is read.
    init(now: Int64, silenceLimit: Int64 = 20_000, messageBytes: Int = 4 << 20) {
        lastFrame = now
        self.silenceLimit = silenceLimit
        limits = JSONParser.Limits(bytes: messageBytes, depth: 32)
    }

    /// Whether channels can be joined.
    var isJoined: Bool { state == .joined }

    /// When silence will have lasted too long, by the same clock.
    var deadline: Int64 { lastFrame + silenceLimit }

    /// Says so when the server has been silent for too long.
    mutating func check(now: Int64) -> [Action] {
        guard state != .over, now >= deadline else { return [] }
        return end("it was silent for \(silenceLimit) ms")
    }

    /// Takes a text frame.
    mutating func take(_ frame: [UInt8], now: Int64) -> [Action] {
        guard state != .over else { return [] }
        lastFrame = now
        guard let type = frame.first else { return [] }
        let rest = frame[1...]
        switch (type, state) {
        case (UInt8(ascii: "0"), .opening): return open(rest)
        case (UInt8(ascii: "2"), _): return [.send("3" + String(decoding: rest, as: UTF8.self))]
        case (UInt8(ascii: "4"), .connecting), (UInt8(ascii: "4"), .joined): return packet(rest)
        case (UInt8(ascii: "1"), _): return end("the server closed it")
        case (UInt8(ascii: "3"), _), (UInt8(ascii: "5"), _), (UInt8(ascii: "6"), _): return []
        default: return end("a frame that does not belong here")
        }
    }

    /// The text of an event to be sent, such as `42["join",{…}]`.
    static func text(event: String, _ payload: JSONValue) -> String {
        "42" + JSONValue.array([.string(event), payload]).text
    }

    private mutating func open(_ bytes: ArraySlice<UInt8>) -> [Action] {
        guard let opening = parsed(bytes), let interval = opening["pingInterval"]?.intValue,
            let timeout = opening["pingTimeout"]?.intValue,
            (1...600_000).contains(interval), (0...600_000).contains(timeout)
        else { return end("an opening that cannot be read") }
        silenceLimit = Int64(interval + timeout)
        state = .connecting
        return [.send("40")]
    }

    private mutating func packet(_ bytes: ArraySlice<UInt8>) -> [Action] {
        guard let type = bytes.first else { return end("an empty packet") }
        let rest = bytes.dropFirst()
        switch type {
        case UInt8(ascii: "0"):
            guard state == .connecting else { return [] }
            state = .joined
            return [.joined]
        case UInt8(ascii: "1"): return end("the server ended the session: a refused key looks like this")
        case UInt8(ascii: "4"): return end("the server refused the session: \(words(rest))")
        case UInt8(ascii: "2"): return event(rest)
        // Acknowledgements and binary packets are never asked for.
        default: return []
        }
    }

    private func event(_ bytes: ArraySlice<UInt8>) -> [Action] {
        // A number in front would ask for an acknowledgement.
        let text = bytes.drop { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let elements = parsed(text)?.arrayValue, let name = elements.first?.stringValue else {
            return []
        }
        guard elements.count > 1 else { return [.event(name: name, payload: .null)] }
        return [.event(name: name, payload: payload(elements[1]))]
    }

    /// The payload stands as text inside `data` as a rule, but not always.
    private func payload(_ value: JSONValue) -> JSONValue {
        let data = value["data"] ?? value
        guard case .string(let text) = data else { return data }
        return parsed(Array(text.utf8)[...]) ?? data
    }

    private func parsed(_ bytes: ArraySlice<UInt8>) -> JSONValue? {
        // What cannot be read is told from what can by nil; the reason would help nobody.
        try? JSONParser.parse(bytes, limits: limits)
    }

    private func words(_ bytes: ArraySlice<UInt8>) -> String {
        parsed(bytes)?["message"]?.stringValue.map { String($0.prefix(200)) } ?? "without a reason"
    }

    private mutating func end(_ reason: String) -> [Action] {
        state = .over
        return [.end(reason)]
    }
}
