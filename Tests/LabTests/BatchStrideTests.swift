import Testing

@testable import Lab

@Suite struct `How far a strategy goes at a time` {
    private let millisecond: UInt64 = 1_000_000

    @Test func `grows while it is quick, up to a whole block`() {
        var stride = BatchStride()
        let first = stride.candles
        #expect(first < BacktestRun.blockCandles)
        var wasSlow = stride.took(millisecond, for: first)
        #expect(!wasSlow && stride.candles == 2 * first)
        for _ in 0..<12 {
            wasSlow = stride.took(millisecond, for: stride.candles)
            #expect(!wasSlow)
        }
        #expect(stride.candles == BacktestRun.blockCandles)
    }

    @Test func `shrinks to what takes a moment, and to one candle where that takes longer`() {
        var stride = BatchStride()
        var wasSlow = stride.took(10 * millisecond * UInt64(stride.candles), for: stride.candles)
        #expect(wasSlow && stride.candles == 20)
        wasSlow = stride.took(20 * 500 * millisecond, for: 20)
        #expect(wasSlow && stride.candles == 1)
        wasSlow = stride.took(500 * millisecond, for: 1)
        #expect(wasSlow && stride.candles == 1)
    }

    @Test func `stays where the strategy acted after a few, or took neither long nor short`() {
        var stride = BatchStride()
        let first = stride.candles
        let wasSlow = [stride.took(millisecond, for: 3), stride.took(100 * millisecond, for: first)]
        #expect(wasSlow == [false, false] && stride.candles == first)
    }
}
