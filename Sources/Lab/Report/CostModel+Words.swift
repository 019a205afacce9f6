import Trading

/// What was assumed of costs, as a person reads it in comparisons and reports.
extension CostModel {
    /// Both fees in percent, such as `maker 0.02 %, taker 0.05 %`; one figure where they are the same.
    public var feeWords: String {
        guard makerFee != takerFee else { return Self.percent(makerFee) }
        return "maker \(Self.percent(makerFee)), taker \(Self.percent(takerFee))"
    }

    /// Each model of slippage that is on, with its parameters; they add up. `none` where all are off.
    public var slippageWords: String {
        var models: [String] = []
        if slippage != .zero { models.append("\(Self.percent(slippage)) of the price") }
        if halfSpreadTicks > 0 {
            models.append("half spread \(halfSpreadTicks) \(halfSpreadTicks == 1 ? "tick" : "ticks")")
        }
        if let impact {
            let share =
                switch impact.curve {
                case .linear: "share of volume"
                case .squareRoot: "√(share of volume)"
                case .quadratic: "(share of volume)²"
                }
            models.append("impact \(Self.percent(impact.coefficient)) × \(share)")
        }
        return models.isEmpty ? "none" : models.joined(separator: " + ")
    }

    /// A part as percent, with every digit that it has. Parts of costs are at most 1, so this cannot overflow.
    private static func percent(_ part: FixedDecimal) -> String {
        "\(FixedDecimal(units: part.units * 100)) %"
    }
}
