import Trading
import Wire

/// What Binance's answers mean.
///
/// Source: binance-spot-api-docs, rest-api.md and errors.md. Codes are stable and texts vary; the documentation gives no
/// status for each code, so the code decides before the status.
enum BinanceDialect {
    /// The dialect for ``VenueConnection``.
    static var dialect: VenueDialect {
        VenueDialect(
            judge: { answer, _ in verdict(answer) }, usage: usage,
            time: VenueDialect.TimeSource(
                call: VenueConnection.Call(
                    "GET", "/api/v3/time", weight: 1, group: "time", urgency: .query, isRepeatable: true),
                read: { $0.body.time("serverTime") }))
    }

    /// The names of the windows of ``RateBudget``, as ``usage(_:)`` gives them.
    static let weightPerMinute = "weight-1M"
    static let ordersPerTenSeconds = "orders-10S"
    static let ordersPerDay = "orders-1D"

    /// What an answer means; nil where its status says all.
    static func verdict(_ answer: VenueAnswer) -> VenueVerdict? {
        guard !(200..<300).contains(answer.status), let code = answer.body["code"]?.intValue else {
            return nil
        }
        let message = VenueDialect.words(of: answer)
        let text = String(code)
        switch code {
        // -1000 and -1001 are internal errors that do not say how far the request came.
        case -1000, -1001, -1006, -1007: return .unknown("\(message) (\(code))")
        case -1021: return .clockWrong(code: text, message: message)
        case -1002, -1022, -2014, -2015: return .credentialsRefused(code: text, message: message)
        case -1003 where answer.status == 418: return .banned(code: text, message: message)
        case -1003: return .limited(code: text, message: message, isUndone: true)
        // Too many orders of one account: nothing that other calls should wait for.
        case -1015 where answer.status == 429: return .ordersLimited(code: text, message: message)
        // Or a venue too busy.
        case -1008, -1015: return .refused(code: text, message: message)
        default:
            // A 5xx stays unknown whatever stands in it.
            return answer.status < 500 && answer.status != 418 && answer.status != 429
                ? .refused(code: text, message: message) : nil
        }
    }

    /// `X-MBX-USED-WEIGHT-1M: 12` and `X-MBX-ORDER-COUNT-10S: 1`, by the names of our windows.
    static func usage(_ answer: VenueAnswer) -> [String: Int] {
        var usage: [String: Int] = [:]
        for header in answer.headers {
            for (prefix, kind) in [("x-mbx-used-weight-", "weight-"), ("x-mbx-order-count-", "orders-")]
            where header.name.hasPrefix(prefix) {
                usage[kind + header.name.dropFirst(prefix.count).uppercased()] = Int(header.value)
            }
        }
        return usage
    }
}

extension CallFailure {
    /// The venue's code of a refusal, such as -2013; nil for other failures.
    var binanceCode: Int? {
        guard case .refused(let refusal) = self else { return nil }
        return refusal.code.flatMap { Int($0) }
    }

    /// Whether an open order has the client id of the one that was to be placed.
    var isDuplicateOrder: Bool {
        guard case .refused(let refusal) = self else { return false }
        return binanceCode == -2010 && refusal.message.hasPrefix("Duplicate order")
    }

    /// Whether a filter refused an order, so that ours may be out of date.
    var isFilter: Bool {
        guard case .refused(let refusal) = self else { return false }
        return binanceCode == -1013 && refusal.message.hasPrefix("Filter failure")
    }
}
