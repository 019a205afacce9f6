import Analytics
import Testing
import Trading

@Suite struct `Closed trades` {
    @Test func `two that differ in one member are not the same`() {
        func trade(_ isLong: Bool) -> ClosedTrade {
            ClosedTrade(
                symbol: "BTCUSDT", isLong: isLong, entryTime: Timestamp(milliseconds: 0),
                exitTime: Timestamp(milliseconds: 60_000), entryPrice: FixedDecimal(100),
                exitPrice: FixedDecimal(110), quantity: .one, fees: .zero, profit: FixedDecimal(10))
        }
        #expect(trade(true) == trade(true))
        #expect(trade(true) != trade(false))
    }
}
