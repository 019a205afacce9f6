import Analytics
import Lab
import MarketData
import Synchronization
import Trading
import Wire

/// A backtester that computes nothing but what a test tells it to, and notes what it was asked for.
final class StandInBacktester: Backtester {
    /// What a job comes to.
    struct Answer {
        var finalEquity = FixedDecimal(1000)
        var equity: [EquityPoint] = []
        var decisions: [BacktestResult.Decision] = []
        var end = BacktestResult.End.completed
    }

    private let answer: @Sendable (BacktestJob) throws(BacktestFailure) -> Answer
    private let asked = Mutex<[BacktestJob]>([])
    /// Jobs in the order in which they were asked for.
    var jobs: [BacktestJob] { asked.withLock { $0 } }

    init(_ answer: @escaping @Sendable (BacktestJob) throws(BacktestFailure) -> Answer) {
        self.answer = answer
    }

    func run(
        _ job: BacktestJob, progress: @escaping @Sendable (BacktestProgress) -> Bool
    ) async throws(BacktestFailure) -> BacktestResult {
        asked.withLock { $0.append(job) }
        await Task.yield()
        let answer = try answer(job)
        return BacktestResult(
            job: job, dataHashes: [],
            end: progress(BacktestProgress(bars: 1, total: 1)) ? answer.end : .cancelled,
            bars: 1, finalEquity: answer.finalEquity, fills: [], trades: [], equity: answer.equity,
            decisions: answer.decisions, log: [], milliseconds: 1)
    }

    /// A job over an hour of one-minute candles from the epoch on.
    static let job = BacktestJob(
        strategy: "s", version: "v",
        series: [
            SeriesKey(
                venue: "paper", symbol: "BTCUSDT", resolution: Resolution(milliseconds: 60_000))
        ],
        start: Timestamp(milliseconds: 0), end: Timestamp(milliseconds: 3_600_000), warmUp: 20,
        capital: FixedDecimal(1000))

    /// The candle of this number's close.
    static func close(_ candle: Int) -> Timestamp { Timestamp(milliseconds: Int64(candle + 1) * 60_000) }

    /// A market order at the close of a candle.
    static func buy(at candle: Int, _ quantity: Int = 1) -> BacktestResult.Decision {
        BacktestResult.Decision(
            time: close(candle), symbol: "BTCUSDT", side: .buy, quantity: FixedDecimal(quantity),
            kind: "market", price: nil)
    }
}

extension BacktestJob {
    /// A parameter that is a number.
    func number(_ name: String) -> Double {
        if case .number(let text)? = parameters[name], let number = Double(text) { number } else { .nan }
    }

    /// How many candles lie in the span.
    var candles: Int { Int((end.milliseconds - start.milliseconds) / 60_000) }
}
