import Testing

@testable import Trading

@Suite("Sub-ledger")
struct SubLedgerTests {
    private func fill(
        _ side: Side, _ quantity: FixedDecimal, _ price: FixedDecimal, fee: FixedDecimal = .zero,
        currency: String = "USDT"
    ) -> Fill {
        Fill(
            key: FillKey(venue: "v", account: "a", symbol: "BTCUSDT", trade: "t"), order: OrderID(1),
            strategy: "s",
            side: side, price: price, quantity: quantity, fee: fee, feeCurrency: currency, liquidity: .maker,
            time: at(0))
    }

    @Test func `buys average, sells realise, and turning over opens the other side at the trade's price`() {
        var ledger = SubLedger()
        ledger.book(fill(.buy, d("1"), d("100")), in: bitcoin)
        ledger.book(fill(.buy, d("3"), d("200"), fee: d("0.6")), in: bitcoin)
        #expect(ledger.averagePrice == d("175") && ledger.cost == d("700") && ledger.fees == d("0.6"))
        ledger.book(fill(.sell, d("1"), d("205")), in: bitcoin)
        #expect(ledger.realised == d("30") && ledger.averagePrice == d("175"))
        #expect(ledger.unrealised(at: d("180")) == d("15"))
        ledger.book(fill(.sell, d("5"), d("170")), in: bitcoin)
        #expect(ledger.quantity == d("-2") && ledger.averagePrice == d("170") && ledger.realised == d("15"))
        #expect(ledger.unrealised(at: d("160")) == d("20"))
        ledger.book(fill(.buy, d("2"), d("160")), in: bitcoin)
        #expect(ledger.quantity == .zero && ledger.cost == .zero && ledger.realised == d("35"))
    }

    @Test func `a fee in base makes the holding smaller and costs its worth`() {
        var ledger = SubLedger()
        let fee = ledger.book(fill(.buy, d("1"), d("100"), fee: d("0.001"), currency: "BTC"), in: bitcoin)
        #expect(fee == d("0.1") && ledger.quantity == d("0.999") && ledger.fees == d("0.1"))
        #expect(ledger.unrealised(at: d("100")) == .zero && ledger.cashFlow == d("-100"))
        #expect(
            ledger.book(fill(.sell, d("0.5"), d("100"), fee: d("1"), currency: "BNB"), in: bitcoin) == nil)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `realised less cost is the money that moved, to the last digit`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var ledger = SubLedger()
        var (money, quantity, fees) = (Int128(0), Int128(0), Int128(0))
        for _ in 0..<300 {
            let side: Side = random.chance(50) ? .buy : .sell
            let size = FixedDecimal(units: Int128(Int64.random(in: 1...(.max), using: &random)))
            let price = FixedDecimal(units: Int128(Int64.random(in: 1...(.max), using: &random)) * 97)
            let fee = FixedDecimal(units: Int128(Int64.random(in: -1000...1_000_000, using: &random)))
            let inBase = random.chance(20)
            let fill = fill(side, size, price, fee: fee, currency: inBase ? "BTC" : "USDT")
            ledger.book(fill, in: bitcoin)
            let sign: Int128 = side == .buy ? 1 : -1
            money -= sign * fill.notional.units
            quantity += sign * size.units
            if inBase {
                let worth = FixedDecimal.product(fee, price, .nearestEven).units
                quantity -= fee.units
                money += worth
                fees += worth
            } else {
                fees += fee.units
            }
            #expect(ledger.quantity.units == quantity)
            #expect(ledger.realised.units - ledger.cost.units == money)
            #expect(ledger.fees.units == fees)
            #expect(ledger.quantity.isZero == ledger.cost.isZero || ledger.cost.units.magnitude < 100)
        }
    }
}
