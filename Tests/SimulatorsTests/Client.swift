import Simulators
import TestSupport
import Wire

/// A client that speaks HTTP and WebSockets byte by byte, and waits. Use it inside ``onThread(_:)``.
final class Client: LocalConnection {
    // MARK: - HTTP

    /// Sends a request and reads its answer. A broken connection is a ``Failure`` that says `closed`.
    func request(
        _ method: String, _ target: String, headers: [String] = [], body: String? = nil
    ) throws -> Response {
        try ask(
            method, target, headers: ["Host: 127.0.0.1:\(port)"] + headers, body: body.map { Array($0.utf8) })
        return try response()
    }

    // MARK: - WebSocket

    /// Asks for a WebSocket; the status other than 101 is a failure.
    func upgrade(_ target: String) throws {
        let lines = [
            "GET \(target) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "",
        ]
        try send(Array(lines.joined(separator: "\r\n").utf8))
        let head = try read(until: "\r\n\r\n").split(separator: "\r\n")
        guard head[0].contains("101") else { throw Failure(String(head[0])) }
        // The example of RFC 6455, section 1.3.
        guard head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") else {
            throw Failure("a wrong answer to the key")
        }
    }

    func send(text: String) throws { try sendFrame(0x81, Array(text.utf8)) }

    func sendFrame(_ first: UInt8, _ payload: [UInt8]) throws {
        let mask: [UInt8] = [1, 2, 3, 4]
        var frame = [first]
        if payload.count < 126 {
            frame.append(0x80 | UInt8(payload.count))
        } else {
            frame += [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        }
        try send(frame + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] })
    }

    /// The next frame: its kind and what it carries. Pings are answered and passed over unless asked for.
    func frame(showsPings: Bool = false) throws -> (opcode: UInt8, payload: [UInt8]) {
        while true {
            let head = try take(2)
            var length = Int(head[1])
            if length == 126 {
                length = try take(2).reduce(0) { $0 << 8 | Int($1) }
            } else if length == 127 {
                length = try take(8).reduce(0) { $0 << 8 | Int($1) }
            }
            let payload = try take(length)
            if head[0] & 0x0F == 9, !showsPings {
                try sendFrame(0x8A, payload)
                continue
            }
            return (head[0] & 0x0F, payload)
        }
    }

    /// The next text.
    func text() throws -> String {
        let frame = try frame()
        guard frame.opcode == 1 else { throw Failure("closed by frame \(frame.opcode)") }
        return String(decoding: frame.payload, as: UTF8.self)
    }

    /// The next text that is JSON and fits.
    func json(where fits: (JSONValue) -> Bool) throws -> JSONValue {
        while true {
            let value = try JSONParser.parse(try text())
            if fits(value) { return value }
        }
    }
}

/// Runs a simulator, and a client's work against it.
func withSimulator<Value: Sendable>(
    _ exchange: SimulatedExchange, _ change: (inout SimulatorConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (_ port: Int) throws -> Value
) async throws -> Value {
    var configuration = SimulatorConfiguration(exchange)
    configuration.port = 0
    configuration.keys = [SimulatorKey(key: Keys.name, secret: Keys.secret)]
    change(&configuration)
    let simulator = try await Simulator.start(configuration)
    let port = simulator.port
    do {
        let value = try await onThread { try body(port) }
        await simulator.stop()
        return value
    } catch {
        await simulator.stop()
        throw error
    }
}

/// The key that tests trade with.
enum Keys {
    static let name = "test-key"
    static let secret = "test-secret"
}

extension LocalConnection.Response {
    var json: JSONValue {
        get throws { try JSONParser.parse(body) }
    }
}

extension Client {
    /// Orders something at the control door.
    @discardableResult
    func control(_ method: String, _ path: String, _ body: String? = nil) throws -> JSONValue {
        let response = try request(method, "/_control" + path, body: body)
        guard response.status == 200 else {
            throw Failure("\(response.status) \(response.text)")
        }
        return try response.json
    }

    /// Holds the price of a symbol, so that a test knows it.
    func hold(_ symbol: String, bid: String, ask: String, quantity: String = "1000") throws {
        try control(
            "PUT", "/market",
            """
            {"symbol":"\(symbol)","bid":"\(bid)","ask":"\(ask)","bid_quantity":"\(quantity)","ask_quantity":"\(quantity)"}
            """)
    }

    /// The books of the account, as the simulator itself holds them.
    func books() throws -> JSONValue {
        try control("GET", "/books")["accounts"]?.arrayValue?.first ?? .null
    }
}

extension JSONValue {
    /// The element at an index of an array.
    subscript(index: Int) -> JSONValue? {
        arrayValue.flatMap { $0.indices.contains(index) ? $0[index] : nil }
    }

    /// The text, or the number as it was written.
    var plain: String? {
        switch self {
        case .string(let text), .number(let text): text
        default: nil
        }
    }
}
