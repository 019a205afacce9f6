internal import MarketData
internal import Trading

extension BacktestJob {
    /// Refuses what cannot be, naming the field.
    func check() throws(BacktestFailure) {
        guard (1...32).contains(series.count) else {
            throw BacktestFailure(field: "series", reason: "must be 1 to 32 series, not \(series.count)")
        }
        guard Set(series).count == series.count else {
            throw BacktestFailure(field: "series", reason: "names a series twice")
        }
        let venues = Dictionary(grouping: series, by: \.symbol).mapValues { Set($0.map(\.venue)) }
        if let symbol = venues.filter({ $0.value.count > 1 }).keys.min() {
            throw BacktestFailure(field: "series", reason: "has \(symbol) of more than one venue")
        }
        guard start < end else {
            throw BacktestFailure(field: "start", reason: "must be before end")
        }
        guard (0...100_000).contains(warmUp) else {
            throw BacktestFailure(field: "warm_up", reason: "must be 0 to 100000, not \(warmUp)")
        }
        guard capital.isPositive, capital <= TradingBounds.notional else {
            throw BacktestFailure(
                field: "capital",
                reason: "must be above 0 and at most \(TradingBounds.notional), not \(capital)")
        }
        try costs.check()
    }
}

extension CostModel {
    /// Refuses what cannot be, naming the field.
    func check() throws(BacktestFailure) {
        let tenth = FixedDecimal(units: FixedDecimal.unitsPerOne / 10)
        for (name, value) in [("maker_fee", makerFee), ("taker_fee", takerFee), ("slippage", slippage)] {
            guard !value.isNegative, value <= tenth else {
                throw BacktestFailure(field: "costs.\(name)", reason: "must be 0 to 0.1, not \(value)")
            }
        }
        guard (0...Self.mostTicks).contains(halfSpreadTicks) else {
            throw BacktestFailure(
                field: "costs.half_spread_ticks",
                reason: "must be 0 to \(Self.mostTicks), not \(halfSpreadTicks)")
        }
        if let impact {
            guard impact.coefficient.isPositive, impact.coefficient <= Self.mostImpact else {
                throw BacktestFailure(
                    field: "costs.impact",
                    reason: "must be above 0 and at most \(Self.mostImpact), not \(impact.coefficient)")
            }
        }
        guard (0...86_400_000).contains(latencyMilliseconds) else {
            throw BacktestFailure(
                field: "costs.latency_ms", reason: "must be 0 to 86400000, not \(latencyMilliseconds)")
        }
        if let volumeShare {
            guard volumeShare.isPositive, volumeShare <= .one else {
                throw BacktestFailure(
                    field: "costs.volume_share", reason: "must be above 0 and at most 1, not \(volumeShare)")
            }
        }
        if let fundingRate {
            guard FixedDecimal.absolute(fundingRate) <= tenth else {
                throw BacktestFailure(
                    field: "costs.funding_rate", reason: "must be -0.1 to 0.1, not \(fundingRate)")
            }
        }
        guard fundingHours > 0, fundingHours <= 24, 24 % fundingHours == 0 else {
            throw BacktestFailure(
                field: "costs.funding_hours", reason: "must divide 24, not \(fundingHours)")
        }
    }
}
