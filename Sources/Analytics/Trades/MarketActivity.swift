public import Trading

/// How much of the time something was held, and how much was traded.
public struct MarketActivity: Hashable, Sendable {
    /// The part of the span in which a position was open in any instrument, 0 to 1; nil for an empty span.
    public let exposure: Double?
    /// What was bought and sold, in quote currency.
    public let volume: Double

    /// Looks at fills, in order of time. A position still open at `end` counts until there.
    public init(_ fills: [Fill], from start: Timestamp, to end: Timestamp) {
        var held: [String: Int128] = [:]
        var openSince: Int64?
        var open: Int64 = 0
        for fill in fills {
            let change = fill.side == .buy ? fill.quantity.units : -fill.quantity.units
            let now = held[fill.symbol, default: 0] &+ change
            held[fill.symbol] = now == 0 ? nil : now
            if let since = openSince, held.isEmpty {
                open += max(0, fill.time.milliseconds - since)
                openSince = nil
            } else if openSince == nil, !held.isEmpty {
                openSince = fill.time.milliseconds
            }
        }
        if let since = openSince { open += max(0, end.milliseconds - since) }
        let span = end.milliseconds - start.milliseconds
        exposure = span > 0 ? min(1, Double(open) / Double(span)) : nil
        volume = Statistics.sum(fills.lazy.map { $0.price.approximate * $0.quantity.approximate })
    }
}
