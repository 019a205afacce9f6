internal import Analytics
internal import Catalogue
internal import MarketData
internal import Trading
public import Wire

extension SearchBook.Known {
    /// The point and what came of it.
    public var json: JSONValue {
        .members(["point": point.json, "outcome": outcome.json])
    }
}

extension SearchReport {
    var json: JSONValue {
        .members([
            "best": best?.json ?? .null, "points": .integer(points.count),
            "failed": .integer(points.count { $0.outcome.failure != nil }),
            "without_score": .integer(points.count { $0.outcome.score == nil }),
        ])
    }
}

extension WalkForwardPlan.Window {
    var json: JSONValue {
        .members(["in_start": .time(inStart), "out_start": .time(outStart), "out_end": .time(outEnd)])
    }
}

extension WalkForwardRunner.Report {
    /// The most points of the stitched equity that are kept.
    private static let equityLimit = 2000

    /// With the figures of the stitched equity.
    func json(of job: BacktestJob) -> JSONValue {
        let equity = summary?.equity ?? []
        let width = max(1, (equity.count + Self.equityLimit - 1) / Self.equityLimit)
        let kept = equity.indices.filter { $0 % width == 0 || $0 == equity.count - 1 }
        return .members([
            "efficiency": summary?.efficiency.map { .number($0.description) } ?? .null,
            "profitable_windows": .integer(summary?.profitable ?? 0),
            "figures": figures(job),
            "windows": .array(
                steps.map { step in
                    .members([
                        "window": step.window.json, "point": step.point.json,
                        "in_sample": step.inSample.json, "out_of_sample": step.outOfSample.json,
                        "run": .optional(step.run.map(String.init)),
                    ])
                }),
            "skipped": .array(skipped.map(\.json)),
            "equity": .array(kept.map { .array([.time(equity[$0].time), .decimal(equity[$0].equity)]) }),
        ])
    }

    private func figures(_ job: BacktestJob) -> JSONValue {
        guard let summary, let first = steps.first, let last = steps.last else { return .null }
        let figures = PerformanceSummary(
            .init(
                capital: job.capital, equity: summary.equity, start: first.window.outStart,
                end: last.window.outEnd, bar: job.series[0].resolution.milliseconds))
        // Those that are about trades and fills are not of the equity.
        let own: [Metric] = [
            .finalEquity, .netProfit, .totalReturn, .annualReturn, .volatility, .sharpe, .sortino, .calmar,
            .omega, .maximumDrawdown, .longestDrawdown, .ulcerIndex, .valueAtRisk, .conditionalValueAtRisk,
            .stability,
        ]
        return .object(
            own.compactMap { metric in
                figures[metric].map { JSONValue.Member(metric.rawValue, .number($0.description)) }
            })
    }
}

extension DecisionDifference {
    var json: JSONValue {
        func list(_ decisions: [BacktestResult.Decision]) -> JSONValue {
            .array(
                decisions.prefix(20).map { decision in
                    .members([
                        "symbol": .string(decision.symbol), "side": .string(decision.side.rawValue),
                        "quantity": .decimal(decision.quantity), "kind": .string(decision.kind),
                        "price": decision.price.map { .decimal($0) },
                    ])
                })
        }
        return .members(["time": .time(time), "first": list(first), "second": list(second)])
    }
}

extension LookaheadCheck.Report {
    var json: JSONValue {
        .members([
            "verdict": .string(verdict.rawValue), "words": .string(words),
            "comparisons": .integer(comparisons), "decisions": .integer(decisions),
            "difference": difference?.json ?? .null,
        ])
    }
}

extension StartUpCheck.Report {
    var json: JSONValue {
        .members([
            "is_enough": .bool(isEnough), "enough": enough.map { .integer($0) } ?? .null,
            "words": .string(words),
            "rows": .array(
                rows.map { row in
                    .members([
                        "warm_up": .integer(row.warmUp), "same": .bool(row.isSame),
                        "failure": .optional(row.failure), "difference": row.difference?.json ?? .null,
                    ])
                }),
        ])
    }
}

extension SearchParameter {
    /// What a search goes through where strategy.json says what a parameter may be.
    init(_ range: ParameterRange) {
        switch range.values {
        case .integers(let bounds, let step):
            self.init(
                name: range.name,
                range: range.isLogarithmic && bounds.count > 1
                    ? .logarithmic(
                        low: FixedDecimal(bounds.lowerBound), high: FixedDecimal(bounds.upperBound),
                        count: 10,
                        isWhole: true)
                    : .integer(
                        low: bounds.lowerBound, high: bounds.upperBound,
                        step: max(step, (bounds.count - 1) / SearchSpace.maximumGrid + 1)))
        case .decimals(let bounds, let step):
            let (low, high) = (bounds.lowerBound, bounds.upperBound)
            let width = high.units / 2 - low.units / 2
            let least = width / Int128(SearchSpace.maximumGrid / 2) + 1
            self.init(
                name: range.name,
                range: range.isLogarithmic && low < high
                    ? .logarithmic(low: low, high: high, count: 10, isWhole: false)
                    : .decimal(
                        low: low, high: high,
                        step: FixedDecimal(units: max(step?.units ?? max(1, width / 50), least))))
        case .choices(let choices): self.init(name: range.name, range: .choice(choices))
        case .booleans: self.init(name: range.name, range: .choice([.bool(false), .bool(true)]))
        }
    }
}
