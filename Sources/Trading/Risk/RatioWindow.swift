/// Over which time orders are counted for each trade, and from how many orders on the limit holds.
struct RatioRule: Hashable, Sendable {
    /// At least 1.
    var minutes = 60
    /// So many orders pass whatever became of them.
    var minimumOrders = 100
}

/// Counts orders and trades over the last while, in sixty slices of it, so that it takes the same memory at any rate.
struct RatioWindow: Hashable, Sendable {
    private struct Slice: Hashable, Sendable {
        var number: Int64 = -1
        var orders = 0
        var trades = 0
    }

    private static let count = 60
    /// None before the first event.
    private var slices: [Slice] = []

    /// What lies within the time before `time`.
    func counts(at time: Timestamp, _ rule: RatioRule) -> (orders: Int, trades: Int) {
        let horizon = Self.number(time, rule) - Int64(Self.count)
        var sum = (orders: 0, trades: 0)
        for slice in slices where slice.number > horizon {
            sum.orders += slice.orders
            sum.trades += slice.trades
        }
        return sum
    }

    /// Notes events of an instant.
    mutating func note(orders: Int = 0, trades: Int = 0, at time: Timestamp, _ rule: RatioRule) {
        if slices.isEmpty { slices = Array(repeating: Slice(), count: Self.count) }
        let number = Self.number(time, rule)
        let place = Int(number % Int64(Self.count))
        if slices[place].number < number { slices[place] = Slice(number: number) }
        slices[place].orders += orders
        slices[place].trades += trades
    }

    /// Which slice of all time an instant lies in. A minute is sixty thousand milliseconds, so a slice is a second of each.
    private static func number(_ time: Timestamp, _ rule: RatioRule) -> Int64 {
        max(0, time.milliseconds) / (Int64(rule.minutes) * 1_000)
    }
}

extension RiskGate {
    /// Denies an order that would be one too many for the trades that came of those before.
    func checkRatio(_ question: RiskQuestion, at time: Timestamp) throws(RiskDenial) {
        let (strategy, account) = (rows[question.row].strategy, rows[question.row].account)
        let isLimited =
            limits.orderToTrade != nil || strategies[strategy].enrolment.limits.orderToTrade != nil
            || accounts[account].limits.orderToTrade != nil
            || venues[accounts[account].venue].limits.orderToTrade != nil
        guard isLimited else { return }
        for level in [Level.strategy, .account, .venue, .everything] {
            guard let limit = limits(of: level, question.row).orderToTrade else { continue }
            let counts = ratio(of: level, question.row).counts(at: time, ratioRule)
            let sent = counts.orders + 1
            guard sent > ratioRule.minimumOrders,
                FixedDecimal(sent) > FixedDecimal.product(limit, FixedDecimal(counts.trades), .down)
            else { continue }
            throw .orderToTrade(
                orders: counts.orders, trades: counts.trades, limit: limit, minutes: ratioRule.minutes,
                scope: scope(level, of: question.row))
        }
    }

    /// Counts an order or a trade where that is limited.
    mutating func noteRatio(_ row: Int, orders: Int = 0, trades: Int = 0, at time: Timestamp) {
        let (strategy, account) = (rows[row].strategy, rows[row].account)
        let venue = accounts[account].venue
        if strategies[strategy].enrolment.limits.orderToTrade != nil {
            strategies[strategy].ratio.note(orders: orders, trades: trades, at: time, ratioRule)
        }
        if accounts[account].limits.orderToTrade != nil {
            accounts[account].ratio.note(orders: orders, trades: trades, at: time, ratioRule)
        }
        if venues[venue].limits.orderToTrade != nil {
            venues[venue].ratio.note(orders: orders, trades: trades, at: time, ratioRule)
        }
        if limits.orderToTrade != nil {
            ratio.note(orders: orders, trades: trades, at: time, ratioRule)
        }
    }

    private func ratio(of level: Level, _ row: Int) -> RatioWindow {
        switch level {
        case .strategy: strategies[rows[row].strategy].ratio
        case .account: accounts[rows[row].account].ratio
        case .venue: venues[accounts[rows[row].account].venue].ratio
        case .everything: ratio
        }
    }
}
