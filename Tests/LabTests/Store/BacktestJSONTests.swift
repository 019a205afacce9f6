import MarketData
import Testing
import Trading
import Wire

@testable import Lab

@Suite struct `Backtests as JSON` {
    private let job = BacktestJob(
        strategy: "s", version: "v", parameters: .object([.init("fast", .integer(3))]),
        series: [SeriesKey(venue: "binance", symbol: "BTCUSDT", resolution: Resolution("5m")!)],
        start: Timestamp(milliseconds: 1000), end: Timestamp(milliseconds: 2000), warmUp: 3,
        capital: FixedDecimal("12.5")!, mode: .strict,
        costs: CostModel(
            makerFee: FixedDecimal("0.001")!, takerFee: FixedDecimal("0.002")!,
            slippage: FixedDecimal("0.0005")!, latencyMilliseconds: 250,
            volumeShare: FixedDecimal("0.5")!, intrabar: .byDirection, marketFill: .sameClose,
            fundingRate: FixedDecimal("-0.0001")!, fundingHours: 4, halfSpreadTicks: 3,
            impact: MarketImpact(coefficient: FixedDecimal("0.1")!, curve: .quadratic)), seed: .max)

    @Test func `a job comes back as it was`() throws {
        #expect(try BacktestJob(JSONParser.parse(job.json.text)) == job)
        var plain = job
        plain.costs = CostModel()
        plain.parameters = .null
        #expect(try BacktestJob(JSONParser.parse(plain.json.text)) == plain)
    }

    @Test func `a result comes back as it was, and its fingerprint forgets only time and log`() throws {
        let result = PretendedBacktester.result(job, end: .failed("it \"died\""), bars: 5)
        let back = try #require(BacktestResult.unpack(result.packed()))
        #expect(back == result)
        #expect(back.fingerprint == result.fingerprint)
        #expect(PretendedBacktester.result(job, end: .completed, bars: 5).fingerprint != result.fingerprint)
        #expect(BacktestResult.unpack([1, 2, 3]) == nil)
        #expect(BacktestResult.unpack(Array(result.packed().dropLast(9))) == nil)
    }

    @Test(arguments: [
        (#"{"series":[{"venue":"b","symbol":"B","resolution":"1x"}]}"#, "series[0].resolution"),
        (#"{"venue":"b"}"#, "symbol"), (#"{"venue":"b b","symbol":"B","resolution":"1m"}"#, "venue"),
        (#"{"start":5,"end":5}"#, "end"), (#"{"capital":"0"}"#, "capital"), (#"{"capital":"-1"}"#, "capital"),
        (#"{"warm_up":-1}"#, "warm_up"), (#"{"mode":"quick"}"#, "mode"), (#"{"seed":-1}"#, "seed"),
        (#"{"seed":1.5}"#, "seed"), (#"{"costs":{"taker_fee":"0.2"}}"#, "costs.taker_fee"),
        (#"{"costs":{"funding_hours":5}}"#, "costs.funding_hours"),
        (#"{"costs":{"volume_share":"0"}}"#, "costs.volume_share"),
        (#"{"costs":{"slip":"0"}}"#, "costs.slip"), (#"{"costs":{"impact":"0.6"}}"#, "costs.impact"),
        (#"{"costs":{"half_spread_ticks":10001}}"#, "costs.half_spread_ticks"),
        (#"{"costs":{"half_spread_ticks":-1}}"#, "costs.half_spread_ticks"),
        (#"{"costs":{"impact":"0.1","impact_curve":"cubic"}}"#, "costs.impact_curve"),
        (#"{"costs":{"impact_curve":"linear"}}"#, "costs.impact_curve"),
        (#"{"parameters":[]}"#, "parameters"),
        (#"{"speed":1}"#, "speed"),
    ])
    func `what is wrong is named`(_ text: String, _ field: String) throws {
        let value = try JSONParser.parse(text)
        do throws(FieldFailure) {
            var reader = try ObjectReader(value)
            _ = try BacktestRequest(&reader)
            try reader.finish()
            Issue.record("taken")
        } catch {
            #expect(error.field == field)
        }
    }
}
