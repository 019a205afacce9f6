import Testing

@testable import Trading

/// Fees in an exchange's own coin, or in the country's money where the market is paid in another.
@Suite("Fees in a third currency")
struct ThirdCurrencyFeeTests {
    private func isNotCounted(_ alarm: DeskAlarm) -> Bool {
        if case .feeNotCounted = alarm { true } else { false }
    }

    @Test(arguments: [("BNBUSDT", "BNB", "USDT", "500", "0.0002"), ("USDTAUD", "USDT", "AUD", "1.6", "0.16")])
    func `it counts at what it was worth, by a market of the two, either way round`(
        _ symbol: String, _ base: String, _ quote: String, _ price: String, _ fee: String
    ) throws {
        var fixture = try DeskFixture()
        let other = Instrument(
            symbol: symbol, base: base, quote: quote, tickSize: d("0.01"), stepSize: d("0.01"),
            minimumNotional: d("1"))
        fixture.desk.setInstruments([bitcoin, other], at: "paper")
        fixture.keep(fixture.desk.priceMoved(trade(price, symbol), on: "paper", at: at(0)))
        fixture.open("1", limit(.buy, "1", "100"))
        let told = fixture.fill("1", "1", fee: fee, currency: base == "USDT" ? quote : base)
        #expect(!told.alarms.contains(where: isNotCounted))
        // Nothing of the holding pays for it.
        #expect(fixture.position.quantity == d("1") && fixture.position.fees == d("0.1"))
        #expect(fixture.order("1").fee == d("0.1") && fixture.desk.flaws.isEmpty)
        // What was booked stays, whatever the coin is worth later.
        fixture.keep(fixture.desk.priceMoved(trade("900", symbol), on: "paper", at: at(1)))
        #expect(fixture.position.fees == d("0.1"))
    }

    @Test func `where nobody knows its worth it is not counted, and that is said`() throws {
        var fixture = try DeskFixture()
        fixture.open("1", limit(.buy, "1", "100"))
        let told = fixture.fill("1", "1", fee: "0.0002", currency: "BNB")
        #expect(told.alarms.contains(where: isNotCounted))
        #expect(fixture.position.fees == .zero && fixture.order("1").fee == .zero)
        #expect(told.alarms.filter(isNotCounted).first?.description.contains("a feed of that market") == true)
    }
}
