import Trading
public import Wire

/// A gate's criteria, each with what is known about it.
public struct Checklist: Hashable, Sendable {
    /// Whether a criterion holds.
    public enum Verdict: String, Hashable, Sendable, CaseIterable {
        case met
        case notMet = "not_met"
        /// Nobody has looked yet. It holds a promotion up as much as ``notMet``.
        case notKnown = "not_known"
    }

    /// One line.
    public struct Item: Hashable, Sendable {
        public let criterion: Criterion
        public let verdict: Verdict
        /// What was found, in words; nil when nothing is known.
        public let figure: String?
        /// What was asked for, in words.
        public let limit: String

        /// As in `trades in the backtest: 12, wanted at least 30`.
        public var words: String {
            "\(criterion.kind.title): \(figure ?? "not known"), wanted \(limit)"
        }

        /// As the API writes it.
        public var json: JSONValue {
            .members([
                "kind": .string(criterion.kind.rawValue), "title": .string(criterion.kind.title),
                "verdict": .string(verdict.rawValue), "figure": .optional(figure), "limit": .string(limit),
            ])
        }
    }

    /// The stage behind the gate.
    public let stage: PromotionStage
    public let items: [Item]

    /// Holds what is known against a gate's criteria.
    public init(_ criteria: PromotionCriteria, stage: PromotionStage, evidence: PromotionEvidence) {
        self.stage = stage
        items = criteria[stage].map { Item($0, evidence) }
    }

    /// Whether every criterion is met.
    public var isPassed: Bool { items.allSatisfy { $0.verdict == .met } }

    /// What is in the way.
    public var hindrances: [Item] { items.filter { $0.verdict != .met } }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "stage": .string(stage.rawValue), "passed": .bool(isPassed),
            "items": .array(items.map(\.json)),
        ])
    }
}

extension Checklist.Item {
    fileprivate init(_ criterion: Criterion, _ evidence: PromotionEvidence) {
        self.criterion = criterion
        let limit = criterion.limit
        switch criterion.kind {
        case .minimumTrades:
            (verdict, figure, self.limit) = Self.atLeast(limit, evidence.trades.map(Double.init), .count)
        case .minimumSharpe:
            (verdict, figure, self.limit) = Self.atLeast(limit, evidence.sharpe, .ratio)
        case .minimumOutOfSampleSharpe:
            let found = Self.atLeast(limit, evidence.outOfSampleSharpe, .ratio)
            let source = evidence.outOfSampleSource.map { ", \($0)" } ?? ""
            (verdict, figure, self.limit) = (found.0, found.1.map { $0 + source }, found.2)
        case .minimumReturn:
            (verdict, figure, self.limit) = Self.atLeast(limit, evidence.totalReturn, .part)
        case .maximumDrawdown:
            (verdict, figure, self.limit) = Self.atMost(limit, evidence.maximumDrawdown, .part)
        case .minimumDaysOnPaper:
            (verdict, figure, self.limit) = Self.atLeast(limit, evidence.daysOnPaper, .days)
        case .minimumPaperFills:
            (verdict, figure, self.limit) = Self.atLeast(limit, evidence.paperFills.map(Double.init), .count)
        case .maximumReplayDifferences:
            (verdict, figure, self.limit) = Self.atMost(
                limit, evidence.replayDifferences.map(Double.init), .count)
        case .lookaheadCheck: (verdict, figure, self.limit) = Self.check(evidence.lookahead)
        case .startupCheck: (verdict, figure, self.limit) = Self.check(evidence.startup)
        case .positionLimit: (verdict, figure, self.limit) = Self.isSet(evidence.positionLimit)
        case .dailyLossLimit: (verdict, figure, self.limit) = Self.isSet(evidence.dailyLossLimit)
        case .stopLimit: (verdict, figure, self.limit) = Self.isSet(evidence.stopLimit)
        case .reviews: (verdict, figure, self.limit) = Self.reviews(limit, evidence)
        }
    }

    private typealias Finding = (Checklist.Verdict, String?, String)

    private enum Unit {
        case count, ratio, part, days

        func words(_ value: Double) -> String {
            switch self {
            case .count: value.magnitude < 1e15 ? String(Int(value)) : "beyond counting"
            case .ratio: value.figure(2)
            case .part: (value * 100).figure(2) + " %"
            case .days: value.figure(1)
            }
        }
    }

    private static func atLeast(_ limit: FixedDecimal?, _ value: Double?, _ unit: Unit) -> Finding {
        let limit = limit?.figure ?? 0
        let words = "at least \(unit.words(limit))"
        guard let value, value.isFinite else { return (.notKnown, nil, words) }
        return (value >= limit ? .met : .notMet, unit.words(value), words)
    }

    private static func atMost(_ limit: FixedDecimal?, _ value: Double?, _ unit: Unit) -> Finding {
        let limit = limit?.figure ?? 0
        let words = "at most \(unit.words(limit))"
        guard let value, value.isFinite else { return (.notKnown, nil, words) }
        return (value <= limit ? .met : .notMet, unit.words(value), words)
    }

    private static func check(_ check: PromotionEvidence.Check?) -> Finding {
        switch check {
        case .passed(let words): (.met, words, "passed")
        case .failed(let words): (.notMet, words, "passed")
        case nil: (.notKnown, nil, "passed")
        }
    }

    private static func isSet(_ limit: String?) -> Finding {
        (limit == nil ? .notMet : .met, limit ?? "not set", "set")
    }

    /// One who refuses stands in the way of any number who approve.
    private static func reviews(_ limit: FixedDecimal?, _ evidence: PromotionEvidence) -> Finding {
        let wanted = Int(limit?.figure ?? 1)
        let words = wanted == 1 ? "one approval" : "\(wanted) approvals"
        let (approvers, refusers) = (evidence.approvers, evidence.refusers)
        guard refusers.isEmpty else {
            return (.notMet, "refused by \(refusers.joined(separator: ", "))", words)
        }
        guard !approvers.isEmpty else { return (.notKnown, nil, words) }
        return (
            approvers.count >= wanted ? .met : .notMet,
            "approved by \(approvers.joined(separator: ", "))", words
        )
    }
}

extension FixedDecimal {
    /// The nearest floating-point number, for figures and never for money.
    var figure: Double { Double(units) / Double(Self.unitsPerOne) }
}

extension Double {
    /// The number with so many digits behind the point, for people.
    func figure(_ digits: Int) -> String {
        guard isFinite, magnitude < 1e12 else { return "\(self)" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let whole = Int64((self * scale).rounded())
        guard digits > 0 else { return String(whole) }
        let rest = String(whole.magnitude % UInt64(scale))
        let zeros = String(repeating: "0", count: digits - rest.count)
        return "\(whole < 0 ? "-" : "")\(whole.magnitude / UInt64(scale)).\(zeros)\(rest)"
    }
}
