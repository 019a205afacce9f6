public import Trading

/// The first place at which two runs of one strategy decided differently.
public struct DecisionDifference: Hashable, Sendable {
    /// The close of the candle that was answered differently.
    public let time: Timestamp
    /// What one run asked for there, in order; empty for nothing.
    public let first: [BacktestResult.Decision]
    /// What the other asked for there.
    public let second: [BacktestResult.Decision]

    /// Compares two runs' decisions over a span, candle by candle.
    ///
    /// - Parameters:
    ///   - start: Decisions at or before this are left out; nil for none.
    ///   - end: Decisions after this are left out.
    /// - Returns: The first difference, or nil when there is none.
    public static func find(
        _ one: [BacktestResult.Decision], _ other: [BacktestResult.Decision], after start: Timestamp? = nil,
        upTo end: Timestamp
    ) -> DecisionDifference? {
        func inside(_ decisions: [BacktestResult.Decision]) -> ArraySlice<BacktestResult.Decision> {
            decisions.filter { decision in
                decision.time <= end && start.map { decision.time > $0 } ?? true
            }[...]
        }
        var (one, other) = (inside(one), inside(other))
        while let time = [one.first?.time, other.first?.time].compactMap({ $0 }).min() {
            let first = Array(one.prefix { $0.time == time })
            let second = Array(other.prefix { $0.time == time })
            if first != second { return DecisionDifference(time: time, first: first, second: second) }
            one = one.dropFirst(first.count)
            other = other.dropFirst(second.count)
        }
        return nil
    }

    /// In words, such as `at … it asked to buy 1 BTCUSDT (market) on the whole span, and for nothing in a strict run`.
    ///
    /// - Parameters:
    ///   - one: Says of which run ``first`` is, such as `on the whole span`.
    ///   - other: Says of which run ``second`` is.
    public func words(_ one: String, _ other: String) -> String {
        "at \(InstantWords.text(time)) it asked \(Self.words(first)) \(one), and \(Self.words(second)) \(other)"
    }

    private static func words(_ decisions: [BacktestResult.Decision]) -> String {
        if decisions.isEmpty { return "for nothing" }
        let shown = decisions.prefix(3).map { decision in
            var words = "to \(decision.side) \(decision.quantity) \(decision.symbol) (\(decision.kind)"
            if let price = decision.price { words += " at \(price)" }
            return words + ")"
        }
        let rest = decisions.count - shown.count
        return shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }
}

/// Instants for people.
enum InstantWords {
    /// As in `2026-01-31 09:05:00Z`, with milliseconds where there are any.
    static func text(_ time: Timestamp) -> String {
        time.utcText(to: time.milliseconds % 1000 == 0 ? .seconds : .milliseconds) + "Z"
    }
}
