import HTTPMessages
import Trading
import Wire

/// One request by REST or by the WebSocket API, read.
struct BinanceRequest {
    /// Names and values, decoded.
    private(set) var values: [String: String]
    /// What was signed, byte for byte.
    let payload: String
    let signature: String?
    let apiKey: String?
    /// Whether times are microseconds in what is answered.
    var isInMicroseconds = false
    /// Whose it is, once its signature was checked.
    var account: AccountID?
    var rights: Set<SimulatorKey.Right> = []

    /// Reads a REST request: the query, then the form of its body; the query wins.
    init(_ call: Call) throws(BinanceError) {
        let form = String(decoding: call.body, as: UTF8.self)
        guard let body = RequestTarget("/?" + form) else {
            throw BinanceError(-1100, "Illegal characters found in a parameter.")
        }
        var values: [String: String] = [:]
        for pair in body.query + call.head.target.query { values[pair.name] = pair.value }
        self.values = values
        payload = Self.unsigned(call.head.target.queryText) + Self.unsigned(form)
        signature = values["signature"]
        apiKey = call.head.headers["x-mbx-apikey"]
        isInMicroseconds = call.head.headers["x-mbx-time-unit"]?.uppercased() == "MICROSECOND"
    }

    /// Reads the parameters of a request on the WebSocket API.
    init(parameters: JSONValue?) throws(BinanceError) {
        var values: [String: String] = [:]
        if let parameters, parameters != .null {
            guard case .object(let members) = parameters else {
                throw BinanceError(-1135, "Invalid JSON Request: params is not an object")
            }
            for member in members {
                switch member.value {
                case .string(let text), .number(let text): values[member.name] = text
                case .bool(let value): values[member.name] = value ? "true" : "false"
                case .array(let items): values[member.name] = JSONValue.array(items).text
                case .null: break
                case .object:
                    throw BinanceError(-1100, "Illegal characters found in parameter '\(member.name)'.")
                }
            }
        }
        self.values = values
        payload = values.filter { $0.key != "signature" }.sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value)" }.joined(separator: "&")
        signature = values["signature"]
        apiKey = values["apiKey"]
    }

    /// The same request with other values.
    func with(_ values: [String: String]) -> BinanceRequest {
        var request = self
        request.values = values
        return request
    }

    /// A query or form without its signature, wherever that stood.
    private static func unsigned(_ text: String) -> String {
        text.split(separator: "&", omittingEmptySubsequences: false).filter { !$0.hasPrefix("signature=") }
            .joined(separator: "&")
    }

    // MARK: - Values

    /// A value that is there and not empty.
    func text(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

    func required(_ name: String) throws(BinanceError) -> String {
        guard let text = text(name) else { throw .missing(name) }
        return text
    }

    func integer(_ name: String) throws(BinanceError) -> Int64? {
        guard let text = text(name) else { return nil }
        guard let number = Int64(text) else {
            throw BinanceError(
                -1100, "Illegal characters found in parameter '\(name)'; legal range is '^[0-9]{1,20}$'.")
        }
        return number
    }

    func decimal(_ name: String) throws(BinanceError) -> FixedDecimal? {
        guard let text = text(name) else { return nil }
        guard let number = FixedDecimal(text), !number.isNegative,
            text.utf8.allSatisfy({ $0 != 0x65 && $0 != 0x45 })
        else {
            throw BinanceError(
                -1100,
                "Illegal characters found in parameter '\(name)'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'."
            )
        }
        return number
    }

    func positive(_ name: String) throws(BinanceError) -> FixedDecimal {
        guard let number = try decimal(name) else { throw .missing(name) }
        return number
    }

    func limit(standard: Int, most: Int) throws(BinanceError) -> Int {
        guard let number = try integer("limit") else { return standard }
        guard number > 0 else { throw BinanceError(-1130, "Data sent for parameter 'limit' is not valid.") }
        return Int(min(number, Int64(most)))
    }

    /// An instant in milliseconds; microseconds are understood by their size.
    func instant(_ name: String) throws(BinanceError) -> Timestamp? {
        guard let number = try integer(name) else { return nil }
        return Timestamp(named: number >= 100_000_000_000_000 ? number / 1000 : number)
    }

    /// The time as it is answered.
    func shown(_ time: Timestamp) -> JSONValue {
        .integer(isInMicroseconds ? time.milliseconds * 1000 : time.milliseconds)
    }

}

/// Who may ask, and how often. On the loop.
final class BinanceGate {
    private struct Address {
        var weight = WindowCounter(milliseconds: 60_000)
        var beyond = 0
        var bannedUntil: Int64 = 0
    }

    private struct OrderCount {
        var short = WindowCounter(milliseconds: 10_000)
        var day = WindowCounter(milliseconds: 86_400_000)
    }

    private let core: VenueCore
    private var addresses: [String: Address] = [:]
    private var orderCounts: [AccountID: OrderCount] = [:]

    init(_ core: VenueCore) { self.core = core }

    /// Counts a request's weight, or refuses it.
    func admit(_ peer: String, weight: Int) throws(BinanceError) {
        let now = core.now
        var address = addresses[peer] ?? Address()
        defer { addresses[peer] = address }
        if address.bannedUntil > now.milliseconds {
            var error = BinanceError(
                -1003, "Way too much request weight used; IP banned until \(address.bannedUntil).",
                status: 418)
            error.retryAfter = Int((address.bannedUntil - now.milliseconds + 999) / 1000)
            throw error
        }
        let limit = core.settings.integer(BinanceSettings.weightPerMinute)
        guard address.weight.add(weight, at: now) > limit else {
            if address.weight.sum(at: now) <= weight { address.beyond = 0 }
            return
        }
        address.beyond += 1
        if address.beyond > core.settings.integer(BinanceSettings.banAfter) {
            address.bannedUntil =
                now.milliseconds + core.settings.milliseconds(BinanceSettings.banSeconds) * 1000
            address.beyond = 0
        }
        var error = BinanceError(
            -1003, "Too much request weight used; current limit is \(limit) request weight per 1 MINUTE.",
            status: 429)
        error.retryAfter = address.weight.secondsLeft(at: now)
        throw error
    }

    /// Gives back what a successful order or cancel does not cost.
    func giveBack(_ peer: String, weight: Int) { _ = addresses[peer]?.weight.add(-weight, at: core.now) }

    func usedWeight(_ peer: String) -> Int { addresses[peer]?.weight.sum(at: core.now) ?? 0 }

    /// Counts an order to come, or refuses it.
    func admitOrder(_ account: AccountID) throws(BinanceError) {
        let now = core.now
        var counts = orderCounts[account] ?? OrderCount()
        let short = core.settings.integer(BinanceSettings.ordersPer10Seconds)
        let day = core.settings.integer(BinanceSettings.ordersPerDay)
        guard counts.short.sum(at: now) < short else {
            var error = BinanceError(
                -1015, "Too many new orders; current limit is \(short) orders per 10 SECOND.", status: 429)
            error.retryAfter = counts.short.secondsLeft(at: now)
            throw error
        }
        guard counts.day.sum(at: now) < day else {
            var error = BinanceError(
                -1015, "Too many new orders; current limit is \(day) orders per 1 DAY.", status: 429)
            error.retryAfter = counts.day.secondsLeft(at: now)
            throw error
        }
        _ = counts.short.add(1, at: now)
        _ = counts.day.add(1, at: now)
        orderCounts[account] = counts
    }

    /// A fill takes the count down again.
    func filled(_ account: AccountID) {
        let now = core.now
        if orderCount(account).short > 0 { _ = orderCounts[account]?.short.add(-1, at: now) }
        if orderCount(account).day > 0 { _ = orderCounts[account]?.day.add(-1, at: now) }
    }

    func orderCount(_ account: AccountID) -> (short: Int, day: Int) {
        let now = core.now
        return (orderCounts[account]?.short.sum(at: now) ?? 0, orderCounts[account]?.day.sum(at: now) ?? 0)
    }

    /// Checks key, time and signature, and says whose request it is.
    func authenticate(_ request: inout BinanceRequest) throws(BinanceError) {
        let status = core.settings.integer(BinanceSettings.keyErrorStatus)
        guard let name = request.apiKey, !name.isEmpty, name.utf8.count <= 128 else {
            throw BinanceError(-2014, "API-key format invalid.", status: status)
        }
        guard let key = core.keyring[name] else {
            throw BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", status: status)
        }
        guard let signature = request.signature, !signature.isEmpty else { throw .missing("signature") }
        guard let stamp = try request.integer("timestamp") else { throw .missing("timestamp") }
        var window = FixedDecimal(5000)
        if let text = request.text("recvWindow") {
            guard let given = FixedDecimal(text), !given.isNegative, given <= FixedDecimal(60_000) else {
                throw BinanceError(-1131, "recvWindow must be less than 60000.")
            }
            window = given
        }
        // In microseconds, which both may be given in.
        let micro = stamp >= 100_000_000_000_000 ? stamp : max(0, stamp) * 1000
        let now = core.now.milliseconds * 1000
        guard micro < now + 1_000_000 else {
            throw BinanceError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        }
        guard Int128(now - micro) * FixedDecimal.unitsPerOne <= window.units * 1000 else {
            throw BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")
        }
        let expected = Hashes.hmac(.sha256, key: key.secret, Array(request.payload.utf8))
        guard Hashes.isSame(expected, signature.lowercased()) else {
            throw BinanceError(-1022, "Signature for this request is not valid.")
        }
        request.account = key.account
        request.rights = key.rights
    }
}
