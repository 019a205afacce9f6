import Analytics
import MarketData
import Testing
import Trading
import Wire

@testable import Lab

/// Where and at what cost orders meet candles that are written out here.
@Suite struct `A backtest's fills` {
    private let key = MemoryCandles.key("BTCUSDT", "1m")

    /// Candles of open, high, low and close, one a minute, each with a volume of 10.
    private func source(_ candles: [(Int, Int, Int, Int)]) -> MemoryCandles {
        var columns = CandleColumns(
            symbol: "BTCUSDT", resolution: key.resolution, priceDigits: 2, volumeDigits: 3)
        for (index, (open, high, low, close)) in candles.enumerated() {
            let candle = Candle(
                symbol: "BTCUSDT", resolution: key.resolution,
                openTime: MemoryCandles.start.advanced(byMilliseconds: Int64(index) * 60_000),
                open: FixedDecimal(open), high: FixedDecimal(high), low: FixedDecimal(low),
                close: FixedDecimal(close), volume: FixedDecimal(10))
            precondition(columns.append(candle))
        }
        return MemoryCandles(series: [key: columns])
    }

    /// Says what it is to say at the closes of the candles with these numbers, from 0.
    private struct Plan: Script {
        var acts: [Int: [StrategyMessage]]
        var number = -1

        mutating func answer(_ message: HostMessage) -> [StrategyMessage] {
            guard case .candle = message else { return [] }
            number += 1
            return acts[number] ?? []
        }
    }

    private func order(
        _ side: Side, _ type: OrderType = .market, _ quantity: Int = 1, price: Int? = nil, stop: Int? = nil,
        bracket: BracketPrices? = nil, request: String = "a"
    ) -> StrategyMessage {
        .order(
            request: request,
            terms: OrderTerms(
                symbol: "BTCUSDT", side: side, type: type, quantity: FixedDecimal(quantity),
                price: price.map { FixedDecimal($0) }, stopPrice: stop.map { FixedDecimal($0) }),
            bracket: bracket)
    }

    private func run(
        _ candles: [(Int, Int, Int, Int)], _ acts: [Int: [StrategyMessage]], _ costs: CostModel = CostModel()
    ) throws -> BacktestResult {
        let result = try Bench.run(Bench.job(costs: costs, minutes: 60), source(candles), Plan(acts: acts))
        #expect(result.end == .completed)
        return result
    }

    private func prices(_ result: BacktestResult) -> [FixedDecimal] { result.fills.map(\.price) }

    private let flat = [
        (100, 110, 90, 105), (106, 112, 104, 108), (109, 111, 95, 97), (98, 120, 96, 119),
        (118, 121, 117, 120),
    ]

    @Test func `a market order fills at the next open, and pays the taker's fee`() throws {
        let result = try run(flat, [0: [order(.buy)]], CostModel(takerFee: FixedDecimal("0.001")!))
        #expect(prices(result) == [FixedDecimal(106)])
        #expect(result.fills[0].fee == FixedDecimal("0.106"))
        #expect(result.fills[0].time == MemoryCandles.start.advanced(byMilliseconds: 60_000))
        #expect(result.finalEquity == FixedDecimal("1000013.894"))
        #expect(result.equity.last?.equity == result.finalEquity)
    }

    @Test func `or at the close that it answers, where that is asked for`() throws {
        let result = try run(flat, [0: [order(.buy)]], CostModel(marketFill: .sameClose))
        #expect(prices(result) == [FixedDecimal(105)])
    }

    @Test func `slippage makes it worse`() throws {
        let result = try run(
            flat, [0: [order(.buy)], 1: [order(.sell, request: "b")]],
            CostModel(slippage: FixedDecimal("0.01")!))
        #expect(prices(result) == [FixedDecimal("107.06"), FixedDecimal("107.91")])
    }

    @Test func `latency lets it meet the first candle that opens afterwards`() throws {
        let result = try run(flat, [0: [order(.buy)]], CostModel(latencyMilliseconds: 60_001))
        #expect(prices(result) == [FixedDecimal(98)])
    }

    @Test func `a share of the volume fills in parts`() throws {
        let result = try run(
            flat, [0: [order(.buy, .market, 12)]], CostModel(volumeShare: FixedDecimal("0.5")!))
        #expect(prices(result) == [FixedDecimal(106), FixedDecimal(109), FixedDecimal(98)])
        #expect(result.fills.map(\.quantity) == [FixedDecimal(5), FixedDecimal(5), FixedDecimal(2)])
    }

    @Test func `a limit fills at its price when the market went beyond, as maker`() throws {
        let costs = CostModel(makerFee: FixedDecimal("0.0005")!, takerFee: FixedDecimal("0.001")!)
        let result = try run(flat, [0: [order(.buy, .limit, price: 96)]], costs)
        #expect(prices(result) == [FixedDecimal(96)])
        #expect(result.fills[0].fee == FixedDecimal("0.048"))
        // A touch is not enough.
        #expect(try run(flat, [0: [order(.buy, .limit, price: 95)]], costs).fills.isEmpty)
    }

    @Test func `a stop fires at its price, or at an open beyond it`() throws {
        #expect(try prices(run(flat, [1: [order(.sell, .stop, stop: 96)]])) == [FixedDecimal(96)])
        #expect(try prices(run(flat, [2: [order(.buy, .stop, stop: 98)]])) == [FixedDecimal(98)])
        let gap = [(100, 101, 99, 100), (90, 92, 88, 91)]
        #expect(try prices(run(gap, [0: [order(.sell, .stop, stop: 95)]])) == [FixedDecimal(90)])
        // The same for one that was waiting already.
        let later = [(100, 101, 99, 100)] + gap
        #expect(try prices(run(later, [0: [order(.sell, .stop, stop: 95)]])) == [FixedDecimal(90)])
    }

    @Test(
        arguments: [
            (CostModel.Intrabar.pessimistic, 95), (.byDirection, 95), (.optimistic, 115),
        ])
    func `stop and target in one candle go by the assumption`(intrabar: CostModel.Intrabar, price: Int) throws
    {
        // Rises: by direction the low comes first.
        let candles = [(100, 101, 99, 100), (100, 101, 99, 100), (100, 120, 90, 110)]
        let bracket = BracketPrices(stopLoss: FixedDecimal(95), takeProfit: FixedDecimal(115))
        let costs = CostModel(intrabar: intrabar)
        let result = try run(candles, [0: [order(.buy, bracket: bracket)]], costs)
        #expect(prices(result) == [FixedDecimal(100), FixedDecimal(price)])
        // The same with two orders of the strategy's own.
        let exits = [
            order(.sell, .stop, stop: 95, request: "s"), order(.sell, .takeProfit, stop: 115, request: "t"),
        ]
        let own = try run(candles, [0: [order(.buy)], 1: exits], costs)
        #expect(own.fills.dropFirst().first?.price == FixedDecimal(price))
    }

    @Test func `a falling candle has its high first, by direction`() throws {
        let candles = [(100, 101, 99, 100), (100, 101, 99, 100), (100, 120, 90, 92)]
        let bracket = BracketPrices(stopLoss: FixedDecimal(95), takeProfit: FixedDecimal(115))
        let result = try run(candles, [0: [order(.buy, bracket: bracket)]], CostModel(intrabar: .byDirection))
        #expect(prices(result) == [FixedDecimal(100), FixedDecimal(115)])
    }

    @Test func `a bracket whose entry fills in a candle can be stopped in it, and takes no profit in it`()
        throws
    {
        let candles = [(100, 101, 99, 100), (100, 106, 90, 104), (104, 108, 103, 107)]
        func bracket(_ stop: Int, _ target: Int) -> BracketPrices {
            BracketPrices(stopLoss: FixedDecimal(stop), takeProfit: FixedDecimal(target))
        }
        let stopped = try run(candles, [0: [order(.buy, .limit, price: 97, bracket: bracket(92, 200))]])
        #expect(prices(stopped) == [FixedDecimal(97), FixedDecimal(92)])
        let held = try run(candles, [0: [order(.buy, .limit, price: 97, bracket: bracket(80, 105))]])
        #expect(prices(held) == [FixedDecimal(97), FixedDecimal(105)])
        #expect(held.fills[1].time > held.fills[0].time)
    }

    @Test(arguments: [(110, 97, 92, 105), (90, 103, 108, 95)])
    func `an entry on the way to the first extreme is stopped on that way, by direction`(
        close: Int, entry: Int, stop: Int, target: Int
    ) throws {
        // Opens at 100 and goes to the extreme on the entry's side first; only then comes what would be its target.
        let candles = [(100, 101, 99, 100), (100, 120, 80, close), (close, close, close, close)]
        let bracket = BracketPrices(stopLoss: FixedDecimal(stop), takeProfit: FixedDecimal(target))
        let side: Side = stop < entry ? .buy : .sell
        let result = try run(
            candles, [0: [order(side, .limit, price: entry, bracket: bracket)]],
            CostModel(intrabar: .byDirection))
        #expect(prices(result) == [FixedDecimal(entry), FixedDecimal(stop)])
    }

    @Test(arguments: CostModel.Intrabar.allCases)
    func `a bracket's target is beyond what the market only touched`(intrabar: CostModel.Intrabar) throws {
        let candles = [
            (100, 101, 99, 100), (100, 101, 99, 100), (100, 115, 99, 110), (110, 116, 109, 112),
            (112, 113, 111, 112),
        ]
        let bracket = BracketPrices(stopLoss: FixedDecimal(80), takeProfit: FixedDecimal(115))
        let result = try run(
            candles, [0: [order(.buy, bracket: bracket)]], CostModel(intrabar: intrabar))
        #expect(prices(result) == [FixedDecimal(100), FixedDecimal(115)])
        #expect(result.trades.first?.exitTime == MemoryCandles.start.advanced(byMilliseconds: 4 * 60_000))
    }

    @Test(arguments: [(90, 90), (110, 110), (96, 95)])
    func `a bracket that the open jumped over exits at the open`(open: Int, price: Int) throws {
        let candles = [
            (100, 101, 99, 100), (100, 101, 99, 100), (open, open + 1, 89, open), (open, open, open, open),
        ]
        let bracket = BracketPrices(stopLoss: FixedDecimal(95), takeProfit: FixedDecimal(105))
        let result = try run(candles, [0: [order(.buy, bracket: bracket)]])
        #expect(prices(result) == [FixedDecimal(100), FixedDecimal(price)])
    }

    /// Does as planned, and notes what it hears of its position.
    private struct Holder: Script {
        final class Heard {
            var quantities: [FixedDecimal] = []
        }

        var plan: Plan
        let heard: Heard

        mutating func answer(_ message: HostMessage) -> [StrategyMessage] {
            if case .position(let position) = message { heard.quantities.append(position.quantity) }
            return plan.answer(message)
        }
    }

    @Test(arguments: [BacktestJob.Mode.strict, .batched])
    func `a position that is closed as it opens is heard of in that order`(mode: BacktestJob.Mode) throws {
        // The open behind the entry's candle is beyond the target.
        let candles = [(100, 101, 99, 100), (110, 111, 109, 110), (110, 111, 109, 110)]
        let bracket = BracketPrices(stopLoss: FixedDecimal(80), takeProfit: FixedDecimal(105))
        let heard = Holder.Heard()
        let result = try Bench.run(
            Bench.job(mode: mode, minutes: 60), source(candles),
            Holder(plan: Plan(acts: [0: [order(.buy, bracket: bracket)]]), heard: heard))
        #expect(prices(result) == [FixedDecimal(110), FixedDecimal(110)])
        #expect(heard.quantities == [.one, .zero])
    }

    @Test(arguments: BacktestJob.Mode.allCases)
    func `what slippage costs an entry moves no market`(mode: BacktestJob.Mode) throws {
        // The entry pays 110, beyond its target; the market itself goes beyond 105 only at 107, and beyond 95 only at 94.
        func run(_ last: (Int, Int, Int, Int)) throws -> BacktestResult {
            let candles = [(100, 101, 99, 100), (100, 101, 99, 100), (100, 101, 99, 100), last]
            let bracket = BracketPrices(stopLoss: FixedDecimal(95), takeProfit: FixedDecimal(105))
            return try Bench.run(
                Bench.job(mode: mode, costs: CostModel(slippage: FixedDecimal("0.1")!), minutes: 60),
                source(candles), Plan(acts: [0: [order(.buy, bracket: bracket)]]))
        }
        let won = try run((107, 108, 106, 107))
        #expect(prices(won) == [FixedDecimal(110), FixedDecimal("96.3")])
        #expect(won.trades.first?.exitTime == MemoryCandles.start.advanced(byMilliseconds: 3 * 60_000))
        #expect(try prices(run((100, 101, 94, 100))) == [FixedDecimal(110), FixedDecimal("85.5")])
        // Neither was reached.
        #expect(try prices(run((100, 101, 99, 100))) == [FixedDecimal(110)])
    }

    @Test(arguments: BacktestJob.Mode.allCases)
    func `nobody loses more than there was`(mode: BacktestJob.Mode) throws {
        // Short nine of a thousand's worth when the price jumps to three times what it was: 1,800 would be lost.
        let candles = [
            (100, 100, 100, 100), (100, 100, 100, 100), (300, 300, 300, 300), (300, 300, 300, 300),
        ]
        let setup = try BacktestSetup(
            Bench.job(mode: mode, minutes: 60, capital: 1_000), config: .init(), source: source(candles),
            instrument: { _ in nil })
        let engine = setup.converse(
            ScriptedPeer(Plan(acts: [0: [order(.sell, .market, 9)]]), batches: true)
        ) { _ in true }.engine
        #expect(engine.fills.map(\.price) == [FixedDecimal(100), FixedDecimal(300)])
        #expect(engine.equity == .zero)
        #expect(engine.desk.profit(of: BacktestEngine.strategy)?.equity == .zero)
        #expect(engine.matching.equity(of: BacktestEngine.account) == .zero)
        #expect(engine.log.suffix(2) == ["the account was liquidated", "the venue bore 800 of the loss"])
    }

    @Test func `round trips are first in, first out, with how far the price went`() throws {
        let acts = [
            0: [order(.buy, .market, 2, request: "a")], 1: [order(.buy, .market, 1, request: "b")],
            2: [order(.sell, .market, 3, request: "c")],
        ]
        let result = try run(flat, acts, CostModel(takerFee: FixedDecimal("0.01")!))
        #expect(result.trades.map(\.entryPrice) == [FixedDecimal(106), FixedDecimal(109)])
        #expect(result.trades.map(\.exitPrice) == [FixedDecimal(98), FixedDecimal(98)])
        #expect(result.trades.map(\.quantity) == [FixedDecimal(2), FixedDecimal(1)])
        #expect(result.trades[0].fees == FixedDecimal("4.08"))
        #expect(result.trades[0].profit == FixedDecimal("-20.08"))
        #expect(result.trades[0].adverseExcursion == 11.0 / 106)
        #expect(result.trades[0].favourableExcursion == 6.0 / 106)
        let sum = result.trades.reduce(Int128(0)) { $0 + $1.profit.units }
        #expect(result.finalEquity.units == FixedDecimal(1_000_000).units + sum)
    }

    @Test func `longs pay funding at the hour, shorts are paid`() throws {
        let candles = (0..<130).map { _ in (100, 101, 99, 100) }
        var costs = CostModel(fundingRate: FixedDecimal("0.01")!, fundingHours: 1)
        func final(_ side: Side) throws -> FixedDecimal {
            try Bench.run(
                Bench.job(costs: costs, minutes: 130), source(candles), Plan(acts: [5: [order(side)]])
            ).finalEquity
        }
        #expect(try final(.buy) == FixedDecimal(999_998))
        #expect(try final(.sell) == FixedDecimal(1_000_002))
        costs.fundingHours = 2
        #expect(try final(.buy) == FixedDecimal(999_999))
    }

    /// Opens a position and says what it hears of funding.
    private struct Payer: Script {
        let opening: StrategyMessage
        var hasOrdered = false

        mutating func answer(_ message: HostMessage) -> [StrategyMessage] {
            if case .funding(let told) = message {
                let words = "\(told.symbol) \(told.quantity) \(told.rate) \(told.amount) \(told.currency)"
                return [.log(level: .info, message: "\(words) \(told.time.milliseconds % 86_400_000)")]
            }
            guard case .candle = message, !hasOrdered else { return [] }
            hasOrdered = true
            return [opening]
        }
    }

    @Test(arguments: BacktestJob.Mode.allCases)
    func `a strategy is told of funding, and the result has the sum`(mode: BacktestJob.Mode) throws {
        let still = Array(repeating: (100, 100, 100, 100), count: 200)
        let costs = CostModel(fundingRate: FixedDecimal("0.01")!, fundingHours: 1)
        func result(_ side: Side) throws -> BacktestResult {
            try Bench.run(
                Bench.job(mode: mode, costs: costs, minutes: 200), source(still),
                Payer(opening: order(side)))
        }
        let paid = try result(.buy)
        #expect(
            paid.log == [1, 2, 3].map { "BTCUSDT 1 0.01 -1 USDT \($0 * 3_600_000)" }, "\(paid.log)")
        #expect(paid.funding == FixedDecimal(-3) && paid.fundingPayments == 3)
        #expect(RunSummary(paid).funding == FixedDecimal(-3))
        let received = try result(.sell)
        #expect(received.funding == FixedDecimal(3))
        #expect(received.log.first == "BTCUSDT -1 0.01 1 USDT 3600000")
        let back = try #require(BacktestResult.unpack(paid.packed()))
        #expect(back == paid && back.fingerprint == paid.fingerprint)
        #expect(received.fingerprint != paid.fingerprint)
    }

    @Test func `orders during history are denied`() throws {
        let result = try Bench.run(
            Bench.job(warmUp: 3, minutes: 60, skipping: 3), source(flat), Plan(acts: [1: [order(.buy)]]))
        #expect(result.fills.isEmpty)
        #expect(result.bars == 2)
    }

    @Test func `the books agree with the desk's`() throws {
        var source = MemoryCandles()
        source.add("BTCUSDT", "1m", count: 500, seed: 21)
        let costs = CostModel(makerFee: FixedDecimal("0.0004")!, takerFee: FixedDecimal("0.001")!)
        let job = Bench.job(mode: .batched, costs: costs, minutes: 500)
        let setup = try BacktestSetup(job, config: .init(), source: source, instrument: { _ in nil })
        var finished = setup.converse(ScriptedPeer(Dabbler(seed: 9, pace: 4), batches: true)) { _ in true }
            .engine
        finished.mark()
        #expect(finished.fills.count > 50)
        #expect(finished.equity == finished.desk.profit(of: BacktestEngine.strategy)?.equity)
        #expect(finished.equity == finished.matching.equity(of: BacktestEngine.account))
    }
}
