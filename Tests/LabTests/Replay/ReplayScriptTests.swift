import Journal
import Posix
import Testing
import Trading
import Wire

@testable import Lab

@Suite("Replay script and conductor")
struct ReplayScriptTests {
    private let folder = ScratchFolder()

    private let hello = Hello(
        strategy: "s-1", run: "r12", mode: .paper, time: Timestamp(milliseconds: 1_000), entry: "strategy.py",
        parameters: .object([]), config: .object([]), instruments: [],
        account: AccountView(
            currency: "USDT", equity: .one, available: .one, kind: .spot, leverage: .one),
        positions: [], orders: [], state: .null, heartbeatMilliseconds: 5_000)

    private func time(_ second: Int) -> Timestamp { Timestamp(milliseconds: Int64(second) * 1_000) }

    private func candle(_ minute: Int) -> [UInt8] {
        HostMessage.candle(
            Candle(
                symbol: "BTCUSDT", resolution: Resolution("1m")!, openTime: time(minute * 60),
                open: .one, high: .one, low: .one, close: .one, volume: .one), isHistory: false
        ).line
    }

    private func order(_ request: String, _ quantity: Int = 1) -> StrategyMessage {
        .order(
            request: request,
            terms: OrderTerms(
                symbol: "BTCUSDT", side: .buy, type: .market, quantity: FixedDecimal(quantity)))
    }

    private func report(_ request: String, _ status: OrderReport.Status = .filled) -> [UInt8] {
        HostMessage.order(
            OrderReport(
                request: request, order: "7", symbol: "BTCUSDT", side: .buy, type: .market, quantity: .one,
                timeInForce: .gtc, status: status, filledQuantity: .one, time: time(2))
        ).line
    }

    /// A recording in which the strategy answered the second candle.
    private func record(withHello: Bool = true) throws -> RunRecording {
        let thread = try FlushThread()
        let recorder = try RunRecorder(folder: folder.path, thread: thread)
        if withHello { recorder.record(.toStrategy, HostMessage.hello(hello).line[...], at: time(1)) }
        recorder.record(.toStrategy, candle(1)[...], at: time(2))
        recorder.record(.toStrategy, HostMessage.ping(id: 1).line[...], at: time(2))
        recorder.record(.toStrategy, candle(2)[...], at: time(3))
        recorder.record(.fromStrategy, order("r12-1").line[...], at: time(3))
        recorder.record(.toStrategy, report("r12-1")[...], at: time(3))
        thread.close()
        return RunRecording(folder: folder.path)
    }

    @Test func `heartbeats are not told again, and a decision knows what was told before it`() throws {
        let script = try ReplayScript(recording: try record())
        #expect(script.hello == hello)
        #expect(script.steps == 3)
        #expect(script.decisions.map(\.step) == [2])
        #expect(script.decisions.first?.message == order("r12-1"))
        #expect(script.remarks == [])
    }

    @Test func `a recording without its beginning cannot be replayed`() throws {
        let recording = try record(withHello: false)
        #expect(throws: ReplayScript.Flaw.noHello) { try ReplayScript(recording: recording) }
        #expect(throws: ReplayScript.Flaw.noHello) {
            try ReplayScript(recording: RunRecording(folder: folder.path + "/nowhere"))
        }
    }

    @Test func `the run's reports go to the order that stands for the run's own`() throws {
        var conductor = ReplayConductor(try ReplayScript(recording: try record()))
        _ = try conductor.tell(Array(candle(1).dropLast()), at: time(2))
        #expect(conductor.conclude().isEmpty)
        _ = try conductor.tell(Array(candle(2).dropLast()), at: time(3))
        conductor.hear(order("other-1"))
        #expect(conductor.conclude().isEmpty)
        let told = try conductor.tell(Array(report("r12-1").dropLast()), at: time(3))
        let message = try HostMessage(line: try #require(told).dropLast())
        guard case .order(let report) = message else {
            Issue.record("it was told \(message)")
            return
        }
        #expect(report.request == "other-1" && report.status == .filled)
        #expect(conductor.same == 1 && conductor.differences.isEmpty)
    }

    @Test func `nothing is told of an order that only the run made, and a new one is denied`() throws {
        var conductor = ReplayConductor(try ReplayScript(recording: try record()))
        _ = try conductor.tell(Array(candle(1).dropLast()), at: time(2))
        conductor.hear(
            .order(
                request: "n-1",
                terms: OrderTerms(symbol: "ETHUSDT", side: .sell, type: .market, quantity: .one)))
        let answers = conductor.conclude()
        #expect(answers.count == 1)
        guard case .order(let denial) = try HostMessage(line: try #require(answers.first).dropLast()) else {
            Issue.record("a denial was expected")
            return
        }
        #expect(denial.status == .denied && denial.request == "n-1" && denial.symbol == "ETHUSDT")
        _ = try conductor.tell(Array(candle(2).dropLast()), at: time(3))
        _ = conductor.conclude()
        #expect(try conductor.tell(Array(report("r12-1").dropLast()), at: time(3)) == nil)
        #expect(conductor.differences.map { $0.was == nil } == [true, false])
    }

    @Test func `one that asks again after each denial is left alone in the end`() throws {
        var conductor = ReplayConductor(try ReplayScript(recording: try record()))
        _ = try conductor.tell(Array(candle(1).dropLast()), at: time(2))
        var denials = 0
        for number in 0..<10 {
            conductor.hear(
                .order(
                    request: "n-\(number)",
                    terms: OrderTerms(
                        symbol: "ETHUSDT", side: .sell, type: .market, quantity: FixedDecimal(1 + number))))
            denials += conductor.conclude().count
        }
        #expect(denials == 3)
    }
}
