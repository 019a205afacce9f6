import HTTPMessages
import Trading
import Wire

/// Why CoinSpot refuses: a status and words, no code.
struct CoinSpotError: Error {
    let status: Int
    let message: String
}

/// CoinSpot: v2, read-only v2, and what ccxt still uses of v1. On the loop.
final class CoinSpotVenue: WireVenue {
    private let core: VenueCore
    private let orders: CoinSpotOrders
    private let market: CoinSpotMarket
    private var nonces: [String: Int64] = [:]
    private var requests: [String: WindowCounter] = [:]

    init(_ core: VenueCore) {
        self.core = core
        market = CoinSpotMarket(core)
        orders = CoinSpotOrders(core, market)
    }

    func answer(_ call: Call) -> Answer? {
        do throws(CoinSpotError) {
            var counter = requests[call.peer] ?? WindowCounter(milliseconds: 60_000)
            let count = counter.add(1, at: core.now)
            requests[call.peer] = counter
            guard count <= core.settings.integer(CoinSpotSettings.requestsPerMinute) else {
                throw CoinSpotError(
                    status: core.settings.integer(CoinSpotSettings.limitStatus), message: "Too many requests")
            }
            return .json(try route(call))
        } catch {
            return .json(
                .members(["status": .string("error"), "message": .string(error.message)]),
                status: error.status)
        }
    }

    private func route(_ call: Call) throws(CoinSpotError) -> JSONValue {
        var parts = call.head.target.segments[...]
        let door = parts.popFirst()
        let isSecond = parts.first == "v2"
        if isSecond { parts.removeFirst() }
        switch (door, call.method) {
        case ("pubapi", "GET"):
            return Self.ok(try market.answer(Array(parts)), isSecond: isSecond)
        case ("api", "POST"):
            let isReadOnly = parts.first == "ro"
            if isReadOnly { parts.removeFirst() }
            let request = try authenticate(call, isReadOnly: isReadOnly)
            let path = parts.joined(separator: "/")
            let members =
                isSecond
                ? try orders.second(path, isReadOnly: isReadOnly, request)
                : try orders.first(path, isReadOnly: isReadOnly, request)
            return Self.ok(members, isSecond: isSecond)
        default: throw CoinSpotError(status: 404, message: "Not found")
        }
    }

    private static func ok(_ members: [JSONValue.Member], isSecond: Bool) -> JSONValue {
        let head: [JSONValue.Member] = [.init("status", .string("ok"))]
        return .object(head + (isSecond ? [.init("message", .string("ok"))] : []) + members)
    }

    /// Checks key, signature and nonce.
    private func authenticate(_ call: Call, isReadOnly: Bool) throws(CoinSpotError) -> CoinSpotRequest {
        let refusal = CoinSpotError(
            status: core.settings.integer(CoinSpotSettings.authStatus),
            message: core.settings.text(CoinSpotSettings.authMessage))
        guard let name = call.head.headers["key"], let key = core.keyring[name],
            let sign = call.head.headers["sign"],
            Hashes.isSame(Hashes.hmac(.sha512, key: key.secret, call.body), sign.lowercased())
        else { throw refusal }
        guard isReadOnly || key.rights.contains(.trade) else { throw refusal }
        let body: JSONValue
        do throws(JSONParser.Failure) {
            body = try JSONParser.parse(call.body)
        } catch {
            throw CoinSpotError(status: 400, message: "Invalid JSON")
        }
        let nonce: Int64?
        switch body["nonce"] {
        case .number(let text): nonce = Int64(text)
        case .string(let text) where core.settings.text(CoinSpotSettings.textNonce) == "taken":
            nonce = Int64(text)
        default: nonce = nil
        }
        guard let nonce, nonce > nonces[name] ?? 0 else {
            throw CoinSpotError(
                status: core.settings.integer(CoinSpotSettings.nonceStatus),
                message: core.settings.text(CoinSpotSettings.nonceMessage))
        }
        nonces[name] = nonce
        return CoinSpotRequest(account: key.account, body: body, call: call)
    }

    func faultAnswer(_ fault: FaultRule) -> Answer {
        var answer =
            fault.isHTML
            ? Answer.html(fault.status)
            : Answer.json(
                .members([
                    "status": .string("error"), "message": .string(fault.message ?? "Something went wrong"),
                ]),
                status: fault.status)
        if let seconds = fault.retryAfter { answer.headers.append(("Retry-After", String(seconds))) }
        return answer
    }

    // There are no streams.
    func booksChanged(_ event: BookEvent) {}
    func marketMoved(_ event: Tape.Event) {}
    func disconnectStreams(isAnnounced: Bool) {}
    func stop() {}
}

/// A signed request, read.
struct CoinSpotRequest {
    let account: AccountID
    let body: JSONValue
    let call: Call

    /// Text, or a number as it was written.
    func text(_ name: String) -> String? {
        switch body[name] {
        case .string(let text), .number(let text): text.isEmpty ? nil : text
        default: nil
        }
    }

    func required(_ name: String) throws(CoinSpotError) -> String {
        guard let text = text(name) else { throw CoinSpotError(status: 400, message: "\(name) is required") }
        return text
    }

    /// A decimal above nought with so many digits after the point at most.
    func amount(_ name: String, digits: Int = 8) throws(CoinSpotError) -> FixedDecimal {
        let text = try required(name)
        var step = FixedDecimal.one
        for _ in 0..<digits { step = FixedDecimal(units: step.units / 10) }
        guard let amount = FixedDecimal(text), amount.isPositive, amount.isMultiple(of: step),
            amount <= TradingBounds.quantity
        else { throw CoinSpotError(status: 400, message: "Invalid \(name)") }
        return amount
    }
}
