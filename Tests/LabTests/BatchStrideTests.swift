import Testing

@testable import Lab

@Suite struct `How far a strategy goes at a time` {
    private let millisecond: UInt64 = 1_000_000

    @Test func `grows while it is quick, up to a whole block`() {
        var stride = BatchStride()
        #expect(stride.candles == 1)
        var wasSlow = stride.took(millisecond, for: 1)
        #expect(!wasSlow && stride.candles == 2)
        for _ in 0..<12 {
            wasSlow = stride.took(millisecond, for: stride.candles)
            #expect(!wasSlow)
        }
        #expect(stride.candles == BacktestRun.blockCandles)
    }

    @Test func `shrinks to what takes a moment, and to one candle where that takes longer`() {
        var stride = grown()
        var wasSlow = stride.took(10 * millisecond * 64, for: 64)
        #expect(wasSlow && stride.candles == 20)
        wasSlow = stride.took(20 * 500 * millisecond, for: 20)
        #expect(wasSlow && stride.candles == 1)
        wasSlow = stride.took(500 * millisecond, for: 1)
        #expect(wasSlow && stride.candles == 1)
    }

    @Test func `stays where the strategy acted after a few, or took neither long nor short`() {
        var stride = grown()
        let wasSlow = [stride.took(millisecond, for: 3), stride.took(100 * millisecond, for: 64)]
        #expect(wasSlow == [false, false] && stride.candles == 64)
    }

    /// Of 64 candles.
    private func grown() -> BatchStride {
        var stride = BatchStride()
        while stride.candles < 64 { _ = stride.took(millisecond, for: stride.candles) }
        return stride
    }
}
