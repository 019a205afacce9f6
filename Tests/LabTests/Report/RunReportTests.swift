import Analytics
import MarketData
import Testing
import Trading
import Wire

@testable import Lab

@Suite struct `Reports of runs` {
    /// Three days of hours: the price climbs by one an hour; two trades, of which the second loses.
    private static func result(
        title: String = "", log: [String] = [], end: BacktestResult.End = .completed, drift: Int = 10
    ) -> BacktestResult {
        let hour: Int64 = 3_600_000
        let at = { (number: Int64) in Timestamp(milliseconds: number * hour) }
        let job = BacktestJob(
            strategy: "crossover", version: "abc", parameters: .members(["fast": .integer(10)]),
            series: [SeriesKey(venue: "binance", symbol: "BTCUSDT", resolution: Resolution("1h")!)],
            start: at(0), end: at(72), capital: FixedDecimal(1_000))
        let trade = { (from: Int64, to: Int64, profit: Int) in
            ClosedTrade(
                symbol: "BTCUSDT", isLong: true, entryTime: at(from), exitTime: at(to),
                entryPrice: FixedDecimal(100 + Int(from)), exitPrice: FixedDecimal(100 + Int(from) + profit),
                quantity: .one, fees: FixedDecimal("0.25")!, profit: FixedDecimal(profit),
                adverseExcursion: 0.01, favourableExcursion: nil)
        }
        let equity = (1...72).map { number in
            EquityPoint(
                time: at(Int64(number)), equity: FixedDecimal(1_000 + number * drift / 10 - number % 7))
        }
        return BacktestResult(
            job: job, dataHashes: ["d0"], end: end, bars: 72, finalEquity: equity.last!.equity, fills: [],
            trades: [trade(2, 20, 18), trade(30, 40, -5)], equity: equity, decisions: [], log: log,
            milliseconds: 12)
    }

    /// Prices that climb by one an hour from 100, in pieces as they are asked for.
    private struct Climb: CandleSource {
        func candles(
            of series: SeriesKey, from start: Timestamp, to end: Timestamp, limit: Int
        ) throws(MarketFileFailure) -> CandleColumns {
            var columns = CandleColumns(
                symbol: series.symbol, resolution: series.resolution, priceDigits: 2, volumeDigits: 0)
            let step = series.resolution.milliseconds
            var time = (start.milliseconds + step - 1) / step * step
            while time < end.milliseconds, columns.count < limit {
                let price = FixedDecimal(100 + Int(time / 3_600_000))
                _ = columns.append(
                    Candle(
                        symbol: series.symbol, resolution: series.resolution,
                        openTime: Timestamp(milliseconds: time), open: price,
                        high: FixedDecimal(units: price.units + FixedDecimal.unitsPerOne),
                        low: price, close: FixedDecimal(units: price.units + FixedDecimal.unitsPerOne),
                        volume: .one))
                time += step
            }
            return columns
        }

        func contentHash(of series: SeriesKey, from start: Timestamp, to end: Timestamp)
            throws(MarketFileFailure) -> String
        { "" }
    }

    private static func report(_ id: String, _ title: String, _ result: BacktestResult) throws -> RunReport {
        RunReport(id: id, title: title, result: result, prices: try RunReport.prices(of: result, in: Climb()))
    }

    @Test func `the JSON has the curve, the prices, the trades and every metric`() throws {
        let report = try Self.report("7", "first", Self.result())
        let json = report.json
        #expect(json["id"] == .string("7"))
        #expect(json["metrics"]?.arrayValue?.count == Metric.allCases.count)
        let total = try #require(
            json["metrics"]?.arrayValue?.first { $0["name"] == .string("total_return") })
        #expect(total["value"] == .number("0.07"))
        #expect(report.performance.metricsJSON["trades"] == .number("2"))
        #expect(json["equity"]?["values"]?.arrayValue?.count == 73)
        #expect(json["price"]?["close"]?.arrayValue?.count == 72)
        #expect(json["trades"]?["total"] == .integer(2))
        #expect(json["trades"]?["items"]?.arrayValue?[1]["profit"] == .string("-5"))
        #expect(json["monte_carlo"]?.arrayValue?.count == 2)
        #expect(json["months"]?.arrayValue?.count == 1)
        // What is written can be read.
        #expect(try JSONParser.parse(json.bytes, limits: JSONParser.Limits(bytes: 1 << 24)) == json)
    }

    @Test func `prices are those of the run's own span`() throws {
        let whole = Self.result()
        var job = whole.job
        job.start = Timestamp(milliseconds: 24 * 3_600_000)
        let later = BacktestResult(
            job: job, dataHashes: [], end: .completed, bars: 48, finalEquity: whole.finalEquity, fills: [],
            trades: [], equity: whole.equity.filter { $0.time > job.start }, decisions: [], log: [],
            milliseconds: 0)
        let report = try Self.report("1", "", later)
        #expect(report.prices.bars.first?.time == job.start && report.prices.bars.count == 48)
        // Held from an open of 124 to a close of 172.
        #expect(abs((report.performance[.benchmarkReturn] ?? 0) - (172.0 / 124 - 1)) < 1e-12)
    }

    @Test func `without prices or trades the report says what it can`() throws {
        let whole = Self.result()
        let bare = BacktestResult(
            job: whole.job, dataHashes: [], end: .failed("it <died>"), bars: 0,
            finalEquity: whole.job.capital,
            fills: [], trades: [], equity: [], decisions: [], log: [], milliseconds: 0)
        let report = RunReport(id: "8", title: "", result: bare)
        #expect(report.json["price"] == .null && report.json["histogram"] == .null)
        let page = String(decoding: report.html, as: UTF8.self)
        #expect(page.contains("it &lt;died&gt;") && !page.contains("it <died>"))
        #expect(!page.contains("NaN"))
    }

    @Test func `the page needs no network, runs no script and takes no markup from outside`() throws {
        let evil = Self.result(log: ["<script>alert('x')</script> & \"more\""])
        let page = String(
            decoding: try Self.report("9", "</title><img src=x onerror=alert(1)>", evil).html, as: UTF8.self)
        #expect(!page.contains("<script") && !page.contains("<img") && !page.contains("http"))
        #expect(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;"))
        for heading in ["Equity", "Drawdown", "Months", "Metrics", "Trades", "Returns of trades", "Chance"] {
            #expect(page.contains("<h2>\(heading)"), "\(heading)")
        }
        #expect(page.contains("<svg") && page.contains("class=\"buy\""))
    }

    @Test func `CSV is exact, and a comma stays within its field`() {
        let result = Self.result()
        let trades = String(decoding: RunTables.trades(result.trades), as: UTF8.self)
        #expect(
            trades.split(separator: "\r\n")[1]
                == "BTCUSDT,long,7200000,72000000,102,120,1,0.25,18,0.17647058823529413,0.01,")
        let equity = String(decoding: RunTables.equity(result.equity), as: UTF8.self)
        #expect(equity.hasPrefix("time,equity\r\n3600000,1000\r\n"))
        #expect(RunTables.equity([]) == Array("time,equity\r\n".utf8))
    }

    @Test func `long prices become bars that keep their extremes`() throws {
        let series = SeriesKey(venue: "v", symbol: "BTCUSDT", resolution: Resolution("1m")!)
        let days: Int64 = 10
        let history = try PriceHistory(
            series, from: Timestamp(milliseconds: 0), to: Timestamp(milliseconds: days * 86_400_000),
            period: 86_400_000, source: Climb())
        #expect(history.bars.count <= PriceHistory.limit && history.bars.count > PriceHistory.limit / 3)
        #expect(history.length % 60_000 == 0)
        #expect(history.bars.first?.open == 100 && history.bars.last?.close == Double(100 + days * 24))
        // The first open and the close of each day.
        #expect(history.closes.count == 11)
    }
}

@Suite struct `What reports are made of` {
    @Test func `thinning keeps the ends and every extreme that can be seen`() {
        var values = (0..<10_000).map { Double($0 % 100) }
        values[7_777] = 1_000
        values[3_333] = -1_000
        let places = CurveThinning.places(values, limit: 500)
        #expect(places.count <= 500)
        #expect(places.first == 0 && places.last == 9_999)
        #expect(places.contains(7_777) && places.contains(3_333))
        #expect(places == places.sorted() && Set(places).count == places.count)
        #expect(CurveThinning.places([1, 2, 3], limit: 4) == [0, 1, 2])
        #expect(CurveThinning.places([], limit: 4) == [])
    }

    @Test func `numbers are written for people`() {
        #expect(FigureText.fixed(1_234_567.891, 2) == "1\u{2009}234\u{2009}567.89")
        #expect(FigureText.fixed(-0.05, 1) == "\u{2212}0.1")
        #expect(FigureText.fixed(-0.001, 2) == "0.00")
        #expect(FigureText.fixed(0.5, 0) == "1")
        #expect(FigureText.part(0.123_45) == "12.35 %" && FigureText.part(nil) == "–")
        #expect(FigureText.money(0.000_012_3) == "0.00001230")
        #expect(FigureText.time(Timestamp(milliseconds: 1_720_096_205_000)) == "2024-07-04 12:30")
        #expect(FigureText.metric(1e300, .money).contains("e"))
    }

    @Test func `scales have round numbers within their range`() {
        #expect(SVGChart.ticks(0...10, count: 5) == [0, 2, 4, 6, 8, 10])
        #expect(SVGChart.ticks(-1...1, count: 4).contains(0))
        #expect(SVGChart.ticks(5...5, count: 4) == [])
        #expect((3...12).contains(SVGChart.ticks(0.000_1...0.000_9, count: 5).count))
    }
}

@Suite struct `Comparisons of runs` {
    private func entry(
        _ id: String, _ values: [Int], prices: PriceHistory = .none, costs: CostModel = CostModel()
    ) -> RunComparison.Entry {
        let job = BacktestJob(
            strategy: "s", version: "v",
            series: [SeriesKey(venue: "x", symbol: "BTCUSDT", resolution: Resolution("1d")!)],
            start: Timestamp(milliseconds: 0),
            end: Timestamp(milliseconds: Int64(values.count) * 86_400_000), capital: FixedDecimal(10_000),
            costs: costs)
        let equity = values.enumerated().map { index, value in
            EquityPoint(
                time: Timestamp(milliseconds: Int64(index + 1) * 86_400_000), equity: FixedDecimal(value))
        }
        return RunComparison.Entry(
            id: id, title: "run \(id)",
            result: BacktestResult(
                job: job, dataHashes: [], end: .completed, bars: values.count,
                finalEquity: equity.last?.equity ?? job.capital, fills: [], trades: [], equity: equity,
                decisions: [], log: [], milliseconds: 0), prices: prices)
    }

    @Test func `each run is held against holding its instrument`() throws {
        // A price that wavers; one run holds it from the start, one bets against it.
        let prices = (1...120).map { 1_000 + $0 * 3 + ($0 * 37) % 101 }
        let days = SeriesKey(venue: "x", symbol: "BTCUSDT", resolution: Resolution("1d")!)
        var columns = CandleColumns(
            symbol: "BTCUSDT", resolution: days.resolution, priceDigits: 0, volumeDigits: 0)
        for (day, price) in prices.enumerated() {
            let (open, close) = (FixedDecimal(day == 0 ? 1_000 : prices[day - 1]), FixedDecimal(price))
            precondition(
                columns.append(
                    Candle(
                        symbol: "BTCUSDT", resolution: days.resolution,
                        openTime: Timestamp(milliseconds: Int64(day) * 86_400_000), open: open,
                        high: max(open, close), low: min(open, close), close: close, volume: .one)))
        }
        let source = MemoryCandles(series: [days: columns])
        let history = try PriceHistory(
            days, from: Timestamp(milliseconds: 0), to: Timestamp(milliseconds: 120 * 86_400_000),
            period: 86_400_000, source: source)
        let long = entry("1", prices.map { 10 * $0 }, prices: history)
        let short = entry("2", prices.map { 20_000 - 10 * $0 }, prices: history)
        let bare = entry("3", prices.map { 10 * $0 })
        let comparison = RunComparison([long, short, bare])
        let held = try #require(comparison.entries[0].holding)
        #expect(held.symbol == "BTCUSDT")
        #expect(abs((held.correlation ?? 0) - 1) < 1e-9 && abs((held.beta ?? 0) - 1) < 1e-9)
        #expect(abs(held.totalReturn - (Double(prices[119]) / 1_000 - 1)) < 1e-12)
        #expect((comparison.entries[1].holding?.correlation ?? 0) < -0.9)
        #expect(comparison.entries[2].holding == nil)
        let told = try #require(comparison.json["holdings"]?.arrayValue)
        #expect(told.map { $0["run"]?.stringValue } == ["1", "2", "3"])
        #expect(told[2]["correlation"] == .null && told[2]["symbol"]?.stringValue == "BTCUSDT")
        let page = String(decoding: comparison.html, as: UTF8.self)
        #expect(page.contains("and holding BTCUSDT"))
    }

    @Test func `the better run is told from its like, and figures stand side by side`() throws {
        let steady = entry("1", (0..<120).map { 10_000 + $0 * 20 + ($0 * 37) % 11 })
        let alike = entry("2", (0..<120).map { 10_000 + $0 * 20 + ($0 * 37) % 11 })
        let falling = entry("3", (0..<120).map { 10_000 - $0 * 20 + ($0 * 53) % 31 })
        let comparison = RunComparison([steady, alike, falling])
        #expect(comparison.pairs.count == 3)
        #expect(abs((comparison.pairs[0].correlation ?? 0) - 1) < 1e-12)
        #expect(comparison.pairs[0].verdict.contains("not beyond chance"))
        #expect(comparison.pairs[1].verdict.hasPrefix("The first is better"))
        #expect(comparison.best(of: .totalReturn) == steady.performance[.totalReturn])
        let json = comparison.json
        #expect(json["runs"]?.arrayValue?.count == 3)
        let sharpe = try #require(json["metrics"]?.arrayValue?.first { $0["name"] == .string("sharpe") })
        #expect(sharpe["values"]?.arrayValue?.count == 3)
        let page = String(decoding: comparison.html, as: UTF8.self)
        #expect(page.contains("class=\"line c2\"") && !page.contains("<script"))
    }

    @Test func `fees stand beside each other, and each model of slippage with its parameters`() {
        let costs = CostModel(
            makerFee: FixedDecimal("0.0002")!, takerFee: FixedDecimal("0.0005")!,
            slippage: FixedDecimal("0.0005")!, halfSpreadTicks: 2,
            impact: MarketImpact(coefficient: FixedDecimal("0.1")!))
        #expect(costs.feeWords == "maker 0.02 %, taker 0.05 %")
        #expect(
            costs.slippageWords
                == "0.05 % of the price + half spread 2 ticks + impact 10 % × √(share of volume)")
        let quadratic = CostModel(
            halfSpreadTicks: 1, impact: MarketImpact(coefficient: FixedDecimal("0.05")!, curve: .quadratic))
        #expect(quadratic.slippageWords == "half spread 1 tick + impact 5 % × (share of volume)²")
        let comparison = RunComparison([entry("1", [1, 2], costs: costs), entry("2", [1, 2])])
        let page = String(decoding: comparison.html, as: UTF8.self)
        #expect(page.contains(costs.feeWords) && page.contains(costs.slippageWords))
        #expect(page.contains("<td>none</td>") && page.contains("<td>0 %</td>"))
    }

    @Test func `runs that share no time are not compared`() {
        let long = entry("1", (0..<40).map { 10_000 + $0 })
        let short = entry("2", [10_000, 10_010, 10_020])
        let comparison = RunComparison([long, short])
        #expect(comparison.pairs[0].bootstrap == nil)
        #expect(comparison.pairs[0].verdict.contains("too few"))
    }
}
