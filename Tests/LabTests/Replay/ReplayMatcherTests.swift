import Testing
import Trading
import Wire

@testable import Lab

@Suite("Replay matcher")
struct ReplayMatcherTests {
    private func order(
        _ request: String, _ step: Int, _ quantity: Int = 1, side: Side = .buy, symbol: String = "BTCUSDT",
        at milliseconds: Int64? = nil
    ) -> ReplayDecision {
        ReplayDecision(
            step: step, time: Timestamp(milliseconds: milliseconds ?? Int64(step) * 60_000),
            message: .order(
                request: request,
                terms: OrderTerms(
                    symbol: symbol, side: side, type: .market, quantity: FixedDecimal(quantity))))!
    }

    private func cancel(_ request: String, _ step: Int) -> ReplayDecision {
        ReplayDecision(
            step: step, time: Timestamp(milliseconds: Int64(step) * 60_000),
            message: .cancel(request: request)
        )!
    }

    @Test func `the same orders agree, whatever they are called`() {
        var matcher = ReplayMatcher([order("a-1", 3), order("a-2", 7, side: .sell)])
        #expect(matcher.take([order("b-1", 3)]).isEmpty)
        #expect(matcher.take([order("b-2", 7, side: .sell)]).isEmpty)
        #expect(matcher.same == 2)
        #expect(matcher.differences(until: 10).isEmpty)
        #expect(matcher.replayedRequest["a-2"] == "b-2")
    }

    @Test func `another quantity is one change, and stands in the other's place`() {
        var matcher = ReplayMatcher([order("a-1", 3, 1)])
        #expect(matcher.take([order("a-1", 3, 2)]).isEmpty)
        let found = matcher.differences(until: 10)
        #expect(found.count == 1)
        #expect(found.first?.was?.words == "buy 1 BTCUSDT market")
        #expect(found.first?.now?.words == "buy 2 BTCUSDT market")
        #expect(matcher.recordedRequest["a-1"] == "a-1")
    }

    @Test func `what is new has nobody to answer it, and what is gone is told`() {
        var matcher = ReplayMatcher([order("a-1", 3)])
        let alone = matcher.take([order("b-1", 1, side: .sell)])
        #expect(alone.map(\.request) == ["b-1"])
        let found = matcher.differences(until: 10)
        #expect(found.map { $0.was?.request } == [nil, "a-1"])
        #expect(found.map { $0.now?.request } == ["b-1", nil])
    }

    @Test func `the same order many candles later is not the same`() {
        var matcher = ReplayMatcher([order("a-1", 9)])
        #expect(matcher.take([order("b-1", 3)]).count == 1)
        #expect(matcher.differences(until: 10).count == 2)
    }

    /// A slow strategy was told five candles before its answer to the first was heard.
    @Test func `an answer that came late in the run is known by its id`() {
        var matcher = ReplayMatcher([order("a-1", 9)])
        #expect(matcher.take([order("a-1", 4)]).isEmpty)
        #expect(matcher.same == 1)
    }

    @Test func `an answer that was heard some lines later is the answer all the same`() {
        let late = order("a-1", 40, at: 180_900)
        var matcher = ReplayMatcher([late])
        #expect(matcher.take([order("b-1", 3, at: 180_000)]).isEmpty)
        #expect(matcher.same == 1)
    }

    @Test func `a new order beside an old one does not take its place`() {
        var matcher = ReplayMatcher([order("a-1", 3, 1)])
        let alone = matcher.take([order("b-1", 3, 5), order("b-2", 3, 1)])
        #expect(alone.map(\.request) == ["b-1"])
        #expect(matcher.replayedRequest["a-1"] == "b-2")
        #expect(matcher.same == 1)
    }

    @Test func `a cancel is of the order that stands for the run's`() {
        var matcher = ReplayMatcher([order("a-1", 3), cancel("a-1", 5)])
        #expect(matcher.take([order("b-9", 3)]).isEmpty)
        #expect(matcher.take([cancel("b-9", 5)]).isEmpty)
        #expect(matcher.same == 2)
        #expect(matcher.differences(until: 10).isEmpty)
    }

    @Test func `a cancel of another order is not the same`() {
        var matcher = ReplayMatcher([order("a-1", 3), order("a-2", 3, 2), cancel("a-1", 5)])
        _ = matcher.take([order("a-1", 3), order("a-2", 3, 2)])
        #expect(matcher.take([cancel("a-2", 5)]).count == 1)
        #expect(matcher.differences(until: 10).count == 2)
    }

    @Test func `what the run asked for after the replay's end is no difference`() {
        let matcher = ReplayMatcher([order("a-1", 3), order("a-2", 30)])
        #expect(matcher.differences(until: 10).map { $0.was?.request } == ["a-1"])
    }
}
