import HTTPMessages
import Trading
import Wire

/// What CoinDCX refuses with: a status, words, sometimes a code of its own.
struct CoinDCXError: Error {
    let status: Int
    let message: String
    var errorCode: String?

    init(_ status: Int, _ message: String, _ errorCode: String? = nil) {
        self.status = status
        self.message = message
        self.errorCode = errorCode
    }

    static let credentials = CoinDCXError(401, "Invalid credentials")
    static let notFound = CoinDCXError(404, "not_found")

    var json: JSONValue {
        .members([
            "code": .integer(status), "message": .string(message), "status": .string("error"),
            "errorCode": errorCode.map { .string($0) },
        ])
    }
}

/// A signed request, read.
struct CoinDCXRequest {
    let account: AccountID
    let rights: Set<SimulatorKey.Right>
    let body: JSONValue

    /// Text, or a number as it was written.
    func text(_ name: String) -> String? { Self.text(body[name]) }

    static func text(_ value: JSONValue?) -> String? {
        switch value {
        case .string(let text), .number(let text): text.isEmpty ? nil : text
        default: nil
        }
    }
}

/// CoinDCX spot: REST, and Socket.IO on Engine.IO 4. On the loop.
final class CoinDCXVenue: WireVenue {
    private let core: VenueCore
    private let market: CoinDCXMarket
    private let orders: CoinDCXOrders
    private let streams: CoinDCXStreams
    private var requests: [String: WindowCounter] = [:]

    init(_ core: VenueCore) {
        self.core = core
        market = CoinDCXMarket(core)
        orders = CoinDCXOrders(core, market)
        streams = CoinDCXStreams(core, market, orders)
    }

    func answer(_ call: Call) -> Answer? {
        if call.path == "/socket.io/" || call.path == "/socket.io" {
            guard call.query("EIO") == "4", call.query("transport") == "websocket" else {
                return .json(
                    .members(["code": .integer(0), "message": .string("Transport unknown")]), status: 400)
            }
            streams.connect(call)
            return nil
        }
        do throws(CoinDCXError) {
            if call.method == "GET" { return try market.answer(call) }
            guard call.method == "POST", call.path.hasPrefix("/exchange/v1/") else { throw .notFound }
            let path = String(call.path.dropFirst("/exchange/v1/".count))
            guard CoinDCXOrders.paths.contains(path) else { throw .notFound }
            return .json(try orders.answer(path, try authenticate(call, path)))
        } catch {
            return .json(error.json, status: error.status)
        }
    }

    private func authenticate(_ call: Call, _ path: String) throws(CoinDCXError) -> CoinDCXRequest {
        // What is no JSON is refused before anybody looks at the signature.
        guard let body = try? JSONParser.parse(call.body), case .object = body else {
            throw CoinDCXError(400, "bad_request")
        }
        let refusal = CoinDCXError(401, "Invalid credentials", path == "orders/create" ? "BFF-AUTH-001" : nil)
        guard let name = call.head.headers["x-auth-apikey"], let key = core.keyring[name],
            let signature = call.head.headers["x-auth-signature"],
            Hashes.isSame(Hashes.hmac(.sha256, key: key.secret, call.body), signature.lowercased())
        else { throw refusal }
        let scope = core.settings.text(CoinDCXSettings.limitScope) == "key" ? name : call.peer
        var counter = requests[scope] ?? WindowCounter(milliseconds: 60_000)
        let count = counter.add(1, at: core.now)
        requests[scope] = counter
        guard count <= core.settings.integer(CoinDCXSettings.requestsPerMinute) else {
            throw CoinDCXError(429, "Too many requests")
        }
        guard case .number(let text) = body["timestamp"], let stamp = Int64(text) else {
            throw CoinDCXError(400, "Invalid Request.")
        }
        let window = core.settings.milliseconds(CoinDCXSettings.window)
        guard window == 0 || abs(core.now.milliseconds - Timestamp(named: stamp).milliseconds) <= window
        else {
            throw CoinDCXError(
                core.settings.integer(CoinDCXSettings.clockStatus),
                core.settings.text(CoinDCXSettings.clockMessage))
        }
        return CoinDCXRequest(account: key.account, rights: key.rights, body: body)
    }

    func faultAnswer(_ fault: FaultRule) -> Answer {
        guard !fault.isHTML else { return .html(fault.status) }
        let words = fault.status == 429 ? "Too many requests" : "Something went wrong"
        var answer = Answer.json(
            CoinDCXError(fault.status, fault.message ?? words).json, status: fault.status)
        if let seconds = fault.retryAfter { answer.headers.append(("Retry-After", String(seconds))) }
        return answer
    }

    func booksChanged(_ event: BookEvent) { streams.tell(event) }
    func marketMoved(_ event: Tape.Event) { streams.tell(event) }
    func disconnectStreams(isAnnounced: Bool) { streams.disconnect() }
    func stop() { streams.stop() }
}
