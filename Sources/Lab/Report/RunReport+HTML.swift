import Analytics
import MarketData
import Trading
import Wire

extension RunReport {
    /// The report as a page of its own: one file that needs no network, to be kept and sent on.
    public var html: [UInt8] { ReportPage.document(title: heading, "\(header)\(charts)\(tables)") }

    private var header: HTMLText {
        let job = result.job
        let series = job.series.map(\.description).joined(separator: ", ")
        let warning: HTMLText = endText.map { "<p class=\"warn\">\($0)</p>" } ?? ""
        let shown: [Metric] = [
            .totalReturn, .annualReturn, .sharpe, .maximumDrawdown, .trades, .winRate, .profitFactor,
            .exposure,
        ]
        let tiles: [HTMLText] = shown.map { metric in
            let words = metric.explanation
            let text = FigureText.metric(performance[metric], words.unit)
            let isReturn = metric == .totalReturn || metric == .annualReturn
            let value = isReturn ? ReportPage.signed(text, performance[metric] ?? 0) : "\(text)"
            return "<div><span>\(words.title)</span><b>\(value)</b></div>"
        }
        return """
            <h1>\(heading)</h1>
            <p class="muted">\(series) · \(FigureText.time(job.start)) to \(FigureText.time(job.end)) UTC · \
            capital \(FigureText.money(job.capital.approximate)) · \(job.mode.rawValue) · run \(id)\(funding)</p>
            \(warning)<div class="tiles">\(tiles)</div>

            """
    }

    private var funding: HTMLText {
        guard result.fundingPayments > 0 else { return "" }
        let (amount, count) = (result.funding, result.fundingPayments)
        let word = amount.isNegative ? "paid" : "received"
        return " · funding \(word) \(count) times, \(FigureText.money(abs(amount.approximate))) in all"
    }

    // MARK: - Charts

    private var charts: HTMLText {
        let curve = equityCurve(limit: 1_200)
        let times = curve.times.map(\.milliseconds)
        guard let start = times.first, let last = times.last, let low = curve.values.min(),
            let high = curve.values.max()
        else { return "" }
        let span = start...max(start, last)
        var equity = SVGChart(
            "Equity over time", height: 300, times: span, values: low...high, format: FigureText.money)
        equity.area(times, curve.values, from: low)
        equity.line(times, curve.values)
        let deepest = curve.falls.min() ?? 0
        var falls = SVGChart("Drawdown over time", height: 150, times: span, values: deepest...0) {
            FigureText.fixed($0 * 100, 1) + " %"
        }
        falls.area(times, curve.falls, from: 0, "fall")
        falls.line(times, curve.falls, "fall-line")
        let first: HTMLText = ReportPage.section("Equity", equity.markup)
        return "\(first)\(ReportPage.section("Drawdown", falls.markup))\(priceChart(span))"
    }

    /// How many marks a chart bears before they hide each other.
    private static let markLimit = 400

    private func priceChart(_ span: ClosedRange<Int64>) -> HTMLText {
        guard let series = result.job.series.first, let low = prices.bars.map(\.low).min(),
            let high = prices.bars.map(\.high).max()
        else { return "" }
        let times = prices.bars.map(\.time.milliseconds)
        var chart = SVGChart(
            "Price with entries and exits", height: 320, times: span, values: low...high,
            format: FigureText.money)
        chart.band(times, prices.bars.map(\.low), prices.bars.map(\.high))
        chart.line(times, prices.bars.map(\.close))
        let trades = result.trades.filter { $0.symbol == series.symbol }
        let shown = trades.prefix(Self.markLimit / 2)
        for trade in shown {
            chart.mark(
                trade.entryTime.milliseconds, trade.entryPrice.approximate, isBuy: trade.isLong)
            chart.mark(trade.exitTime.milliseconds, trade.exitPrice.approximate, isBuy: !trade.isLong)
        }
        let note: HTMLText =
            shown.count < trades.count
            ? "<p class=\"muted\">Marked are the first \(shown.count) of \(trades.count) trades.</p>" : ""
        return ReportPage.section(
            "\(series.symbol) with entries and exits",
            """
            \(chart.markup)<div class="legend"><span class="up">▲ bought</span><span class="down">▼ sold</span>\
            <span>grey: from lowest to highest price</span></div>\(note)
            """)
    }

    // MARK: - Tables

    private var tables: HTMLText {
        let results: HTMLText = "\(monthTable)\(metricTable)\(drawdownTable)\(histogramChart)\(tradeTable)"
        return "\(results)\(chanceTable)\(regimeTable)\(settingsTable)\(logLines)"
    }

    private var metricTable: HTMLText {
        let rows: [[HTMLText]] = Metric.allCases.map { metric in
            let words = metric.explanation
            return [
                "\(words.title)", "\(FigureText.metric(performance[metric], words.unit))",
                "\(words.meaning)",
            ]
        }
        return ReportPage.section(
            "Metrics",
            "<p class=\"muted\">Returns are of \(periodText).</p>"
                + ReportPage.table(["Metric", "Value", "Meaning"], rows, className: "metrics"))
    }

    private var periodText: String {
        let count = performance.samples.returns.values.count
        return "\(count) periods of \(Resolution(milliseconds: max(1_000, performance.samples.period)))"
    }

    private var monthTable: HTMLText {
        guard !performance.months.isEmpty else { return "" }
        var cells: [Int: [Int: Double]] = [:]
        for month in performance.months { cells[month.year, default: [:]][month.month] = month.value }
        let largest = performance.months.map { abs($0.value) }.max() ?? 0
        let rows: [[HTMLText]] = MonthlyReturn.years(of: performance.months).map { year, total in
            var row: [HTMLText] = ["\(String(year))"]
            row += (1...12).map { month in Self.cell(cells[year]?[month], largest) }
            row.append(ReportPage.signed(FigureText.part(total), total))
            return row
        }
        return ReportPage.section(
            "Months", ReportPage.table([""] + FigureText.months + ["Year"], rows, className: "months"))
    }

    private static func cell(_ value: Double?, _ largest: Double) -> HTMLText {
        guard let value else { return "" }
        let strength = largest > 0 ? Int(8 + 42 * abs(value) / largest) : 0
        let name = value > 0 ? "gain" : value < 0 ? "loss" : ""
        return """
            <span class="\(name)" style="--strength: \(strength)%">\(FigureText.fixed(value * 100, 1))</span>
            """
    }

    private var drawdownTable: HTMLText {
        guard !performance.drawdowns.isEmpty else { return "" }
        let rows: [[HTMLText]] = performance.drawdowns.map { fall in
            let end = fall.recovery ?? result.equity.last?.time ?? fall.trough
            let days = Double(end.milliseconds - fall.peak.milliseconds) / 86_400_000
            return [
                "\(FigureText.part(fall.depth))", "\(FigureText.time(fall.peak))",
                "\(FigureText.time(fall.trough))",
                "\(fall.recovery.map { FigureText.time($0) } ?? "not yet")", "\(FigureText.fixed(days, 1)) d",
            ]
        }
        return ReportPage.section(
            "Deepest drawdowns", ReportPage.table(["Depth", "From", "Lowest", "Recovered", "Length"], rows))
    }

    private var histogramChart: HTMLText {
        guard let histogram else { return "" }
        let bars = histogram.counts.enumerated().map { index, count in
            let low = histogram.lowest + histogram.width * Double(index)
            let high = low + histogram.width
            return (
                height: count, name: "\(FigureText.part(low)) to \(FigureText.part(high)): \(count)",
                isGain: (low + high) / 2 > 0
            )
        }
        let last = histogram.lowest + histogram.width * Double(histogram.counts.count)
        return ReportPage.section(
            "Returns of trades",
            SVGChart.bars(
                "How many trades earned how much", bars,
                scale: (FigureText.part(histogram.lowest), FigureText.part(last))))
    }

    /// How many trades a page of its own lists.
    private static let tableLimit = 500

    private var tradeTable: HTMLText {
        let trades = result.trades
        guard !trades.isEmpty else { return ReportPage.section("Trades", "<p class=\"muted\">None.</p>") }
        let rows: [[HTMLText]] = trades.prefix(Self.tableLimit).map { trade in
            let hours = Double(trade.exitTime.milliseconds - trade.entryTime.milliseconds) / 3_600_000
            let profit = trade.profit.approximate
            return [
                "\(trade.symbol) \(trade.isLong ? "long" : "short")", "\(FigureText.time(trade.entryTime))",
                "\(trade.entryPrice.description)", "\(FigureText.time(trade.exitTime))",
                "\(trade.exitPrice.description)", "\(trade.quantity.description)",
                ReportPage.signed(FigureText.money(profit), profit),
                ReportPage.signed(FigureText.part(trade.returnOnEntry), profit),
                "\(FigureText.metric(hours, .hours))", "\(FigureText.part(trade.adverseExcursion))",
                "\(FigureText.part(trade.favourableExcursion))",
            ]
        }
        let note: HTMLText =
            trades.count > Self.tableLimit
            ? "<p class=\"muted\">The first \(Self.tableLimit) of \(trades.count); all are in the CSV.</p>"
            : ""
        return ReportPage.section(
            "Trades",
            note + ReportPage.table(Self.tradeHeads, rows))
    }

    private static let tradeHeads = [
        "Position", "Entry", "Price", "Exit", "Price", "Quantity", "Profit", "Return", "Duration", "MAE",
        "MFE",
    ]

    private var chanceTable: HTMLText {
        guard !shuffles.isEmpty else { return "" }
        let rows: [[HTMLText]] = shuffles.flatMap { shuffle -> [[HTMLText]] in
            let name = shuffle.method == .reshuffle ? "in another order" : "drawn anew"
            return [
                Self.row("Final equity, \(name)", shuffle.finalEquity, FigureText.money),
                Self.row("Maximum drawdown, \(name)", shuffle.maximumDrawdown, FigureText.part),
            ]
        }
        let words: [HTMLText] = shuffles.map { shuffle in
            let name = shuffle.method == .reshuffle ? "In another order" : "Drawn anew"
            return """
                <p class="muted">\(name), \(shuffle.runs) times: \(FigureText.part(shuffle.lossShare)) ended below the \
                capital, \(FigureText.part(shuffle.ruinShare)) lost everything, \
                \(FigureText.part(shuffle.worseDrawdownShare)) fell at least as deep as the run did.</p>

                """
        }
        return ReportPage.section(
            "Chance: the same trades otherwise",
            ReportPage.table(["", "5 %", "25 %", "Median", "75 %", "95 %"], rows) + "\(words)")
    }

    private static func row(
        _ name: String, _ spread: TradeShuffle.Spread, _ format: (Double) -> String
    ) -> [HTMLText] {
        [
            "\(name)", "\(format(spread.percentile5))", "\(format(spread.percentile25))",
            "\(format(spread.median))", "\(format(spread.percentile75))", "\(format(spread.percentile95))",
        ]
    }

    private var regimeTable: HTMLText {
        guard !regimes.isEmpty else { return "" }
        let rows: [[HTMLText]] = regimes.map { row in
            [
                "\(row.label)", "\(row.periods)",
                ReportPage.signed(FigureText.fixed(row.meanReturn * 100, 4) + " %", row.meanReturn),
                "\(FigureText.metric(row.sharpe, .ratio))", "\(FigureText.part(row.winRate))",
            ]
        }
        return ReportPage.section(
            "In which market",
            ReportPage.table(["Market", "Periods", "Mean return", "Sharpe", "Winning"], rows))
    }

    private var settingsTable: HTMLText {
        let job = result.job
        var pairs: [(String, String)] = [
            ("Strategy", job.strategy), ("Version", job.version), ("Parameters", job.parameters.text),
            ("Fees", job.costs.feeWords), ("Slippage", job.costs.slippageWords),
            ("Costs", job.costs.json.text), ("Seed", String(job.seed)), ("Warm-up", "\(job.warmUp) candles"),
            ("Candles answered", "\(result.bars)"), ("Took", "\(result.milliseconds) ms"),
        ]
        for (series, hash) in zip(job.series, result.dataHashes) { pairs.append(("Data of \(series)", hash)) }
        let rows: [HTMLText] = pairs.map { name, value in
            "<tr><td>\(name)</td><td class=\"words\">\(value)</td></tr>\n"
        }
        return ReportPage.section("What was run", "<table><tbody>\(rows)</tbody></table>")
    }

    private var logLines: HTMLText {
        guard !result.log.isEmpty else { return "" }
        let text = result.log.suffix(200).joined(separator: "\n")
        return ReportPage.section("Log", "<div class=\"log\">\(text)</div>")
    }
}
