import Analytics
import Trading

extension RunComparison {
    /// The comparison as a page of its own, which needs no network.
    public var html: [UInt8] {
        let names = entries.map { "\($0.result.job.strategy) \($0.title) (\($0.id))" }
        let told = Metric.allCases.filter { metric in entries.contains { $0.performance[metric] != nil } }
        let rows: [[HTMLText]] = told.map { metric in
            let words = metric.explanation
            let best = best(of: metric)
            var row: [HTMLText] = ["\(words.title)"]
            row += entries.map { entry in
                let value = entry.performance[metric]
                let text = FigureText.metric(value, words.unit)
                return value != nil && value == best ? "<b>\(text)</b>" : "\(text)"
            }
            return row
        }
        let pairRows: [[HTMLText]] = pairs.map { pair in
            [
                "\(names[pair.first]) and \(names[pair.second])",
                "\(FigureText.metric(pair.correlation, .ratio))", "\(pair.verdict)",
            ]
        }
        let holdRows: [[HTMLText]] = entries.indices.compactMap { index in
            entries[index].holding.map { holding in
                [
                    "\(names[index]) and holding \(holding.symbol)",
                    "\(FigureText.metric(holding.correlation, .ratio))",
                    """
                    Holding it came to \(FigureText.metric(holding.totalReturn, .part)); \
                    beta \(FigureText.metric(holding.beta, .ratio)).
                    """,
                ]
            }
        }
        let intro: HTMLText = "<h1>Comparison of \(entries.count) runs</h1>\n"
        let growth = ReportPage.section("Growth of the capital", growthChart(names))
        let figures = ReportPage.section("Figures", ReportPage.table([""] + names, rows, className: "runs"))
        var costRows: [[HTMLText]] = [["Fees"], ["Slippage"]]
        for entry in entries {
            costRows[0].append("\(entry.result.job.costs.feeWords)")
            costRows[1].append("\(entry.result.job.costs.slippageWords)")
        }
        let costs = ReportPage.section(
            "What trading cost", ReportPage.table([""] + names, costRows, className: "runs"))
        let chance = ReportPage.section(
            "Likeness and chance",
            ReportPage.table(
                ["", "Correlation", "Verdict"], pairRows + holdRows, className: "runs metrics"))
        return ReportPage.document(title: "Comparison", "\(intro)\(growth)\(figures)\(costs)\(chance)")
    }

    private func growthChart(_ names: [String]) -> HTMLText {
        let curves = entries.map { growth(of: $0, limit: 800) }
        let times = curves.flatMap(\.times).map(\.milliseconds)
        let values = curves.flatMap(\.values)
        guard let start = times.min(), let end = times.max(), let low = values.min(), let high = values.max()
        else { return "" }
        var chart = SVGChart("Growth of the capital", height: 320, times: start...end, values: low...high) {
            FigureText.fixed($0, 3)
        }
        for (index, curve) in curves.enumerated() {
            chart.line(curve.times.map(\.milliseconds), curve.values, "line c\(index)")
        }
        let legend: [HTMLText] = names.enumerated().map { index, name in
            """
            <span><svg viewBox="0 0 22 8"><path class="line c\(index)" d="M0 4H22"/></svg> \(name)</span>

            """
        }
        return "\(chart.markup)<div class=\"legend\">\(legend)</div>"
    }
}
