public import Trading
public import Wire

/// One thing that must be so before a version goes on.
public struct Criterion: Hashable, Sendable {
    /// What it looks at.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Round trips in the backtest.
        case minimumTrades = "minimum_trades"
        /// Sharpe ratio of the backtest, a year.
        case minimumSharpe = "minimum_sharpe"
        /// Sharpe ratio outside of what parameters were chosen on, a year.
        case minimumOutOfSampleSharpe = "minimum_out_of_sample_sharpe"
        /// Total return of the backtest, as a part of its capital.
        case minimumReturn = "minimum_return"
        /// The deepest fall below a peak in the backtest, as a part of that peak.
        case maximumDrawdown = "maximum_drawdown"
        /// The look-ahead check was passed.
        case lookaheadCheck = "lookahead_check"
        /// The start-up check was passed.
        case startupCheck = "startup_check"
        /// Days that this version has run with play money.
        case minimumDaysOnPaper = "minimum_days_on_paper"
        /// Fills that this version had with play money.
        case minimumPaperFills = "minimum_paper_fills"
        /// Orders that differed when the last run was replayed.
        case maximumReplayDifferences = "maximum_replay_differences"
        /// A limit on its position is set.
        case positionLimit = "position_limit"
        /// A limit on its loss in a day is set.
        case dailyLossLimit = "daily_loss_limit"
        /// A drawdown is set at which it is stopped.
        case stopLimit = "stop_limit"
        /// So many operators other than its author have approved of it.
        case reviews
    }

    public let kind: Kind
    /// The bound; nil exactly where ``Kind/range`` is nil.
    public let limit: FixedDecimal?

    /// Sets a bound.
    ///
    /// - Precondition: The bound lies in the kind's range; it is nil where the kind has none.
    public init(_ kind: Kind, _ limit: FixedDecimal? = nil) {
        precondition((limit == nil) == (kind.range == nil), "\(kind.rawValue) and its limit do not fit")
        if let limit, let range = kind.range { precondition(range.contains(limit)) }
        self.kind = kind
        self.limit = limit
    }

    /// Reads `{"kind":"minimum_trades","limit":"30"}`.
    public init(_ json: JSONValue, path: String) throws(FieldFailure) {
        var reader = try ObjectReader(json, path: path)
        let kind = try reader.choice("kind", as: Kind.self)
        let limit = try reader.optionalDecimal("limit")
        try reader.finish()
        switch (kind.range, limit) {
        case (nil, nil): break
        case (nil, _): throw reader.failure("limit", "\(kind.rawValue) has none")
        case (_, nil): throw reader.failure("limit", "is missing")
        case (let range?, let limit?):
            guard range.contains(limit) else {
                throw reader.failure(
                    "limit", "is \(limit), allowed are \(range.lowerBound) to \(range.upperBound)")
            }
            guard !kind.countsWholes || limit.units % FixedDecimal.unitsPerOne == 0 else {
                throw reader.failure("limit", "must be a whole number, not \(limit)")
            }
        }
        self.init(kind, limit)
    }

    /// As the API and the database write it.
    public var json: JSONValue {
        .members(["kind": .string(kind.rawValue), "limit": limit.map { .decimal($0) }])
    }
}

extension Criterion.Kind {
    /// What a limit may be; nil for what is either so or not.
    public var range: ClosedRange<FixedDecimal>? {
        switch self {
        case .minimumTrades, .minimumPaperFills, .maximumReplayDifferences:
            .zero...FixedDecimal(1_000_000)
        case .minimumSharpe, .minimumOutOfSampleSharpe: FixedDecimal(-10)...FixedDecimal(10)
        case .minimumReturn: FixedDecimal(-1)...FixedDecimal(1_000)
        case .maximumDrawdown: .zero...FixedDecimal(1)
        case .minimumDaysOnPaper: .zero...FixedDecimal(3_650)
        case .reviews: FixedDecimal(1)...FixedDecimal(10)
        case .lookaheadCheck, .startupCheck, .positionLimit, .dailyLossLimit, .stopLimit: nil
        }
    }

    /// Whether half of one makes no sense.
    var countsWholes: Bool {
        switch self {
        case .minimumTrades, .minimumPaperFills, .maximumReplayDifferences, .reviews: true
        case .minimumSharpe, .minimumOutOfSampleSharpe, .minimumReturn, .maximumDrawdown,
            .minimumDaysOnPaper, .lookaheadCheck, .startupCheck, .positionLimit, .dailyLossLimit, .stopLimit:
            false
        }
    }

    /// What it is about, as the first column of a checklist says it.
    public var title: String {
        switch self {
        case .minimumTrades: "trades in the backtest"
        case .minimumSharpe: "Sharpe ratio of the backtest"
        case .minimumOutOfSampleSharpe: "Sharpe ratio out of sample"
        case .minimumReturn: "return of the backtest"
        case .maximumDrawdown: "maximum drawdown of the backtest"
        case .lookaheadCheck: "look-ahead check"
        case .startupCheck: "start-up check"
        case .minimumDaysOnPaper: "days on paper"
        case .minimumPaperFills: "fills on paper"
        case .maximumReplayDifferences: "orders that differ in a replay"
        case .positionLimit: "limit on its position"
        case .dailyLossLimit: "limit on its loss in a day"
        case .stopLimit: "drawdown at which it is stopped"
        case .reviews: "reviewed by an operator who is not its author"
        }
    }
}
