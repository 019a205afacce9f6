/// One server-sent event.
public struct ServerSentEvent: Hashable, Sendable {
    /// Its kind; `message` when the server named none.
    public let name: String
    public let data: String
    /// The last id that the server gave, to be sent as `Last-Event-ID` after a break.
    public let id: String?
}

/// Takes a `text/event-stream` apart, in whatever pieces it arrives.
public struct ServerSentEventParser {
    private let limit: Int
    private var line: [UInt8] = []
    private var data = ""
    private var hasData = false
    private var name = ""
    private var id: String?
    private var endedWithReturn = false

    /// Starts with an empty stream. An event with more than `limit` bytes of data is given without its rest.
    public init(limit: Int = 1 << 20) {
        self.limit = limit
    }

    /// Takes the next piece and returns the events that it completes.
    public mutating func take(_ bytes: some Sequence<UInt8>) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            defer { endedWithReturn = byte == 0x0D }
            switch byte {
            case 0x0A where endedWithReturn: continue
            case 0x0A, 0x0D:
                if let event = endLine() { events.append(event) }
            default:
                if line.count < limit { line.append(byte) }
            }
        }
        return events
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else { return endEvent() }
        let mark = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[mark...].dropFirst()
        if value.first == 0x20 { value = value.dropFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch String(decoding: line[..<mark], as: UTF8.self) {
        case "event": name = text
        case "id": id = text
        case "data":
            if hasData { data += "\n" }
            hasData = true
            data += text.prefix(max(0, limit - data.utf8.count))
        default: break  // Comments, `retry`, and what later versions may bring.
        }
        return nil
    }

    private mutating func endEvent() -> ServerSentEvent? {
        defer { (data, hasData, name) = ("", false, "") }
        guard hasData else { return nil }
        return ServerSentEvent(name: name.isEmpty ? "message" : name, data: data, id: id)
    }
}
