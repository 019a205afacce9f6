import Analytics
import Catalogue
import MarketData
import Testing
import Trading
import Wire

@testable import Lab

/// Who pays funding, for which hours, and where it is booked.
@Suite struct `Funding in a backtest` {
    private static let key = MemoryCandles.key("BTCUSDT", "1m")

    /// One-minute candles at these minutes from the start, all at a price of 100.
    private func still(_ minutes: [Int]) -> MemoryCandles {
        var columns = CandleColumns(
            symbol: "BTCUSDT", resolution: Self.key.resolution, priceDigits: 2, volumeDigits: 0)
        let price = FixedDecimal(100)
        for minute in minutes {
            let candle = Candle(
                symbol: "BTCUSDT", resolution: Self.key.resolution,
                openTime: MemoryCandles.start.advanced(byMilliseconds: Int64(minute) * 60_000), open: price,
                high: price, low: price, close: price, volume: .one)
            precondition(columns.append(candle))
        }
        return MemoryCandles(series: [Self.key: columns])
    }

    /// Buys one at the close of one candle, and sells it at that of another.
    private struct Round: Script {
        let buyAt: Int
        var sellAt = Int.max
        private var number = -1

        init(buyAt: Int, sellAt: Int = .max) { (self.buyAt, self.sellAt) = (buyAt, sellAt) }

        mutating func answer(_ message: HostMessage) -> [StrategyMessage] {
            if case .funding(let told) = message {
                return [
                    .log(
                        level: .info, message: "\(told.amount) at \(told.time.milliseconds / 60_000 % 1_440)")
                ]
            }
            guard case .candle = message else { return [] }
            number += 1
            guard number == buyAt || number == sellAt else { return [] }
            return [
                .order(
                    request: "r-\(number)",
                    terms: OrderTerms(
                        symbol: "BTCUSDT", side: number == buyAt ? .buy : .sell, type: .market, quantity: .one
                    ))
            ]
        }
    }

    private func run(
        _ minutes: [Int], _ script: Round, _ mode: BacktestJob.Mode = .strict
    ) throws -> BacktestResult {
        let costs = CostModel(fundingRate: FixedDecimal("0.01")!, fundingHours: 1)
        let job = Bench.job(mode: mode, costs: costs, minutes: Int64(minutes.count + 600))
        let result = try Bench.run(job, still(minutes), script)
        #expect(result.end == .completed)
        return result
    }

    @Test(arguments: BacktestJob.Mode.allCases)
    func `is owed for the hours in which something is held, and for no others`(mode: BacktestJob.Mode) throws
    {
        let result = try run(Array(0..<290), Round(buyAt: 89, sellAt: 200), mode)
        #expect(result.log == ["-1 at 120", "-1 at 180"])
        #expect(result.fundingPayments == 2)
        #expect(result.finalEquity == FixedDecimal(999_998))
    }

    @Test(arguments: BacktestJob.Mode.allCases)
    func `is owed for hours without candles by who held something then`(mode: BacktestJob.Mode) throws {
        let minutes = Array(0..<10) + Array(200..<250)
        let held = try run(minutes, Round(buyAt: 3), mode)
        #expect(held.log == ["-3 at 200", "-1 at 240"])
        #expect(held.fundingPayments == 4 && held.funding == FixedDecimal(-4))
        #expect(held.finalEquity == FixedDecimal(999_996))
        // What was asked for before the gap fills behind it.
        let left = try run(minutes, Round(buyAt: 3, sellAt: 9), mode)
        #expect(left.log == ["-3 at 200"] && left.trades.map(\.fees) == [FixedDecimal(3)])
        let came = try run(minutes, Round(buyAt: 9), mode)
        #expect(came.log == ["-1 at 240"] && came.finalEquity == FixedDecimal(999_999))
    }

    @Test func `is counted with the trade that bore it, and with the account at the venue`() throws {
        let result = try run(Array(0..<290), Round(buyAt: 89, sellAt: 200))
        #expect(result.trades.map(\.fees) == [FixedDecimal(2)])
        #expect(result.trades.map(\.profit) == [FixedDecimal(-2)])
        let costs = CostModel(fundingRate: FixedDecimal("0.01")!, fundingHours: 1)
        let setup = try BacktestSetup(
            Bench.job(costs: costs, minutes: 290), config: .init(), source: still(Array(0..<290)),
            instrument: { _ in nil })
        let engine = setup.converse(ScriptedPeer(Round(buyAt: 89), batches: true)) { _ in true }.engine
        #expect(engine.funding == FixedDecimal(-3))
        #expect(engine.matching.equity(of: BacktestEngine.account) == engine.equity)
        #expect(engine.desk.profit(of: BacktestEngine.strategy)?.equity == engine.equity)
        #expect(engine.desk.profit(of: BacktestEngine.account)?.equity == engine.equity)
    }

    /// Trades one at the closes of candles.
    private struct Repeat: Script {
        let side: Side
        let at: Set<Int>
        var quantity = FixedDecimal.one
        private var number = -1

        init(_ side: Side, at: Set<Int>, quantity: FixedDecimal = .one) {
            (self.side, self.at, self.quantity) = (side, at, quantity)
        }

        mutating func answer(_ message: HostMessage) -> [StrategyMessage] {
            if case .order(let order) = message, let reason = order.reason {
                return [.log(level: .info, message: reason)]
            }
            guard case .candle = message else { return [] }
            number += 1
            guard at.contains(number) else { return [] }
            let terms = OrderTerms(symbol: "BTCUSDT", side: side, type: .market, quantity: quantity)
            return [.order(request: "r-\(number)", terms: terms)]
        }
    }

    private func books(
        _ source: MemoryCandles, _ script: any Script, _ mode: BacktestJob.Mode, rate: String = "0.01",
        minutes: Int64, dailyLoss: String = "1", leverage: Int = 1
    ) throws -> BacktestEngine {
        let costs = CostModel(fundingRate: FixedDecimal(rate)!, fundingHours: 1)
        var config = StrategyConfig()
        config.maximumDailyLoss = FixedDecimal(dailyLoss)!
        config.leverage = FixedDecimal(leverage)
        let setup = try BacktestSetup(
            Bench.job(mode: mode, costs: costs, minutes: minutes, capital: 1_000), config: config,
            source: source, instrument: { _ in nil })
        return setup.converse(ScriptedPeer(script, batches: true)) { _ in true }.engine
    }

    @Test(arguments: BacktestJob.Mode.allCases)
    func `is a loss of its day to the limit on them`(mode: BacktestJob.Mode) throws {
        // 1 of 1,000 is paid at two and at three; the limit is half of that.
        let source = still(Array(0..<1_700))
        func fills(_ side: Side, _ limit: String, _ second: Int = 130) throws -> Int {
            try books(
                source, Repeat(side, at: [89, second]), mode, minutes: 1_700, dailyLoss: limit
            ).fills.count
        }
        #expect(try fills(.buy, "0.0005") == 1)
        // Two are within it.
        #expect(try fills(.buy, "0.0025") == 2)
        // The short side is paid.
        #expect(try fills(.sell, "0.0005") == 2)
        // Another day, before its first hour but one.
        #expect(try fills(.buy, "0.0015", 1_441) == 2)
    }

    @Test(arguments: BacktestJob.Mode.allCases)
    func `is owed by who has no money but what the position is worth`(mode: BacktestJob.Mode) throws {
        // Bought for 900 of 1,000 and worth 9,000 ever after: 900 an hour are soon more than the money that is there.
        var columns = CandleColumns(
            symbol: "BTCUSDT", resolution: Self.key.resolution, priceDigits: 2, volumeDigits: 0)
        for minute in 0..<250 {
            let price = FixedDecimal(minute < 10 ? 100 : 1_000)
            let candle = Candle(
                symbol: "BTCUSDT", resolution: Self.key.resolution,
                openTime: MemoryCandles.start.advanced(byMilliseconds: Int64(minute) * 60_000), open: price,
                high: price, low: price, close: price, volume: .one)
            precondition(columns.append(candle))
        }
        let engine = try books(
            MemoryCandles(series: [Self.key: columns]), Repeat(.buy, at: [3], quantity: FixedDecimal(9)),
            mode,
            rate: "0.1", minutes: 250)
        #expect(engine.funding == FixedDecimal(-3_600))
        #expect(engine.equity == FixedDecimal(5_500))
        #expect(engine.matching.equity(of: BacktestEngine.account) == engine.equity)
        #expect(engine.log == [])
    }
}
