import Glibc
import Wire

@testable import Simulators

/// Signs as Binance wants it.
extension Client {
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    func binance(
        _ method: String, _ path: String, _ parameters: String = "", secret: String = Keys.secret,
        at time: Int64? = nil,
        inBody: Bool = false, root: String = "/api/v3"
    ) throws -> Response {
        let stamped = (parameters.isEmpty ? "" : parameters + "&") + "timestamp=\(time ?? Self.now)"
        let signature = Hashes.hmac(.sha256, key: Array(secret.utf8), Array(stamped.utf8))
        let whole = stamped + "&signature=" + signature
        let headers = ["X-MBX-APIKEY: \(Keys.name)"]
        guard inBody else { return try request(method, "\(root)/\(path)?\(whole)", headers: headers) }
        return try request(
            method, "\(root)/\(path)", headers: headers + ["Content-Type: application/x-www-form-urlencoded"],
            body: whole)
    }

    /// Places an order and gives its answer.
    func order(_ parameters: String) throws -> JSONValue {
        let response = try binance("POST", "order", parameters)
        guard response.status == 200 else {
            throw Failure("\(response.status) \(response.text)")
        }
        return try response.json
    }

    /// Asks the WebSocket API, signed, and gives the answer.
    func socketRequest(_ method: String, _ parameters: [String: String], signed: Bool = true) throws
        -> JSONValue
    {
        var all = parameters
        if signed {
            all["apiKey"] = Keys.name
            all["timestamp"] = String(Self.now)
            let payload = all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(
                separator: "&")
            all["signature"] = Hashes.hmac(.sha256, key: Array(Keys.secret.utf8), Array(payload.utf8))
        }
        let members = all.map { JSONValue.Member($0.key, .string($0.value)) }
        let request = JSONValue.members([
            "id": .string("r"), "method": .string(method), "params": .object(members),
        ])
        try send(text: request.text)
        return try json { $0["id"] == .string("r") }
    }
}
