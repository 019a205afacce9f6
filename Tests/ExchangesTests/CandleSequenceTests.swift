import Exchanges
import Testing
import Trading

@Suite("Candles in order")
struct CandleSequenceTests {
    private var sequence = CandleSequence(limit: 3)

    private func candle(_ minute: Int) -> Candle {
        Candle(
            symbol: "BTCUSDT", resolution: Resolution("1m")!, openTime: at(Int64(minute) * 60_000),
            open: d("1"), high: d("1"), low: d("1"), close: d("1"), volume: d("1"))
    }

    private func candles(_ minutes: Int...) -> [Candle] { minutes.map { candle($0) } }

    @Test mutating func `what follows is handed on at once, and what is old or known is not`() {
        #expect(sequence.take(candle(1)) == .deliver(candles(1)))
        #expect(sequence.take(candle(2)) == .deliver(candles(2)))
        #expect(sequence.take(candle(2)) == .nothing)
        #expect(sequence.take(candle(1)) == .nothing)
    }

    @Test mutating func `W6: a gap is filled in order before what came after it`() {
        _ = sequence.take(candle(1))
        #expect(sequence.take(candle(4)) == .ask(from: at(2 * 60_000)))
        #expect(sequence.take(candle(5)) == .nothing)
        #expect(sequence.filled(candles(2, 3, 4)) == candles(2, 3, 4, 5))
        #expect(sequence.take(candle(6)) == .deliver(candles(6)))
    }

    @Test mutating func `what the venue lacks is a gap of its own, asked for once`() {
        _ = sequence.take(candle(1))
        _ = sequence.take(candle(4))
        #expect(sequence.filled([]) == candles(4))
        #expect(sequence.take(candle(5)) == .deliver(candles(5)))
    }

    @Test mutating func `without an answer nothing is handed on, and the next one asks again`() {
        _ = sequence.take(candle(1))
        _ = sequence.take(candle(3))
        #expect(sequence.filled(nil) == [])
        #expect(sequence.take(candle(4)) == .ask(from: at(2 * 60_000)))
        #expect(sequence.filled(candles(2)) == candles(2, 3, 4))
    }

    @Test mutating func `W1: after an interruption everything since the last one is asked for`() {
        #expect(sequence.interrupted() == nil)
        _ = sequence.take(candle(1))
        #expect(sequence.interrupted() == at(2 * 60_000))
        #expect(sequence.interrupted() == nil)
        #expect(sequence.take(candle(3)) == .nothing)
        #expect(sequence.filled(candles(2)) == candles(2, 3))
    }

    @Test mutating func `what comes before the history waits for it`() {
        sequence.began()
        #expect(sequence.take(candle(3)) == .nothing)
        #expect(sequence.filled(candles(1, 2)) == candles(1, 2, 3))
    }

    @Test mutating func `more than is held is not lost but asked for again`() {
        _ = sequence.take(candle(1))
        for minute in 3...7 { _ = sequence.take(candle(minute)) }
        #expect(sequence.filled(candles(2)) == candles(2, 3, 4, 5))
        #expect(sequence.take(candle(8)) == .ask(from: at(6 * 60_000)))
    }

    @Test
    mutating func
        `an answer that does not reach up to now is handed on, and what is held waits for the rest`()
    {
        _ = sequence.take(candle(1))
        _ = sequence.take(candle(6))
        #expect(sequence.filled(candles(2, 3), isComplete: false) == candles(2, 3))
        #expect(sequence.interrupted() == at(4 * 60_000))
        #expect(sequence.filled(candles(4, 5)) == candles(4, 5, 6))
    }
}
