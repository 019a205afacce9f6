public import Wire
import Trading

/// What each gate asks for. Data, which an operator changes; nobody passes a gate otherwise.
public struct PromotionCriteria: Hashable, Sendable {
    /// Between the Lab and play money.
    public var paper: [Criterion]
    /// Between play money and real money.
    public var live: [Criterion]

    /// The most criteria of one gate.
    public static let maximum = 32

    /// Sets both gates.
    public init(paper: [Criterion], live: [Criterion]) {
        self.paper = paper
        self.live = live
    }

    /// What holds until an operator says otherwise.
    ///
    /// The first gate asks for what the Lab alone can show. The second asks for time with play money, for limits, and for
    /// a second person.
    public static let standard = PromotionCriteria(
        paper: [
            Criterion(.minimumTrades, FixedDecimal(10)),
            Criterion(.maximumDrawdown, FixedDecimal("0.5")!),
            Criterion(.lookaheadCheck),
        ],
        live: [
            Criterion(.minimumTrades, FixedDecimal(30)),
            Criterion(.minimumOutOfSampleSharpe, FixedDecimal("0.5")!),
            Criterion(.maximumDrawdown, FixedDecimal("0.25")!),
            Criterion(.lookaheadCheck),
            Criterion(.startupCheck),
            Criterion(.minimumDaysOnPaper, FixedDecimal(14)),
            Criterion(.positionLimit),
            Criterion(.dailyLossLimit),
            Criterion(.stopLimit),
            Criterion(.reviews, FixedDecimal(1)),
        ])

    /// The criteria of the gate in front of `stage`; none for the Lab, which everybody is in.
    public subscript(stage: PromotionStage) -> [Criterion] {
        switch stage {
        case .lab: []
        case .paper: paper
        case .live: live
        }
    }

    /// Reads `{"paper":[…],"live":[…]}`. A gate that is left out stays as `self` has it.
    public func changed(by json: JSONValue) throws(FieldFailure) -> PromotionCriteria {
        var reader = try ObjectReader(json)
        var changed = self
        if let values = try reader.optionalArray("paper", count: Self.maximum) {
            changed.paper = try Self.criteria(values, "paper")
        }
        if let values = try reader.optionalArray("live", count: Self.maximum) {
            changed.live = try Self.criteria(values, "live")
        }
        try reader.finish()
        return changed
    }

    private static func criteria(
        _ values: [JSONValue], _ path: String
    ) throws(FieldFailure) -> [Criterion] {
        var criteria: [Criterion] = []
        for (index, value) in values.enumerated() {
            let criterion = try Criterion(value, path: "\(path)[\(index)]")
            guard !criteria.contains(where: { $0.kind == criterion.kind }) else {
                throw FieldFailure(
                    field: "\(path)[\(index)].kind", reason: "\(criterion.kind.rawValue) stands twice")
            }
            criteria.append(criterion)
        }
        return criteria
    }

    /// As the API and the database write it.
    public var json: JSONValue {
        .members(["paper": .array(paper.map(\.json)), "live": .array(live.map(\.json))])
    }
}
