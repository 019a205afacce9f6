import Trading
import Wire

/// Binance's limits as windows of a budget.
///
/// Source: binance-spot-api-docs, rest-api.md ("LIMITS") and enums.md: weight and requests are counted by address, orders
/// by account. What exchangeInfo says holds; the documentation's own numbers contradict each other.
enum BinanceBudget {
    /// What holds until exchangeInfo was read.
    static let initial = RateBudget(windows: [
        RateBudget.Window(
            name: BinanceDialect.weightPerMinute, kind: .weight, limit: 6000, interval: .seconds(60)),
        RateBudget.Window(
            name: BinanceDialect.ordersPerTenSeconds, kind: .orders, limit: 50, interval: .seconds(10),
            isPerAccount: true),
        RateBudget.Window(
            name: BinanceDialect.ordersPerDay, kind: .orders, limit: 160_000, interval: .seconds(86_400),
            isPerAccount: true),
    ])

    /// Reads `rateLimits`; nil unless it names a window of weight.
    static func windows(_ limits: JSONValue?) -> [RateBudget.Window]? {
        var windows: [RateBudget.Window] = []
        for json in limits?.arrayValue ?? [] {
            guard let limit = json["limit"]?.intValue, limit >= 1,
                let count = json["intervalNum"]?.intValue, (1...1000).contains(count),
                let (letter, seconds) = interval(json["interval"]?.stringValue)
            else { continue }
            let (word, kind): (String, RateBudget.Kind)
            switch json["rateLimitType"]?.stringValue {
            case "REQUEST_WEIGHT": (word, kind) = ("weight", .weight)
            case "ORDERS": (word, kind) = ("orders", .orders)
            case "RAW_REQUESTS": (word, kind) = ("requests", .requests)
            default: continue
            }
            let name = "\(word)-\(count)\(letter)"
            guard !windows.contains(where: { $0.name == name }) else { continue }
            windows.append(
                RateBudget.Window(
                    name: name, kind: kind, limit: limit, interval: .seconds(Int64(count) * seconds),
                    isPerAccount: kind == .orders))
        }
        return windows.contains { $0.kind == .weight } ? windows : nil
    }

    private static func interval(_ word: String?) -> (letter: String, seconds: Int64)? {
        switch word {
        case "SECOND": ("S", 1)
        case "MINUTE": ("M", 60)
        case "HOUR": ("H", 3_600)
        case "DAY": ("D", 86_400)
        default: nil
        }
    }
}
