import Testing

@testable import Trading

/// Markets that take limit orders alone, as most of CoinDCX's rupee markets.
@Suite("Limit orders alone")
struct LimitOrdersOnlyTests {
    private func fixture(price: String? = "100") throws -> DeskFixture {
        var fixture = try DeskFixture(price: price)
        let limited = Instrument(
            symbol: bitcoin.symbol, base: bitcoin.base, quote: bitcoin.quote, tickSize: bitcoin.tickSize,
            stepSize: bitcoin.stepSize, minimumNotional: bitcoin.minimumNotional, takesMarketOrders: false)
        fixture.desk.setInstruments([limited], at: "paper")
        return fixture
    }

    /// A strategy that holds 3.
    private func holding(price: String? = "100") throws -> DeskFixture {
        var fixture = try fixture(price: price)
        fixture.open("1", limit(.buy, "3", "100"))
        fixture.fill("1", "3")
        return fixture
    }

    @Test func `S13: a market order is denied in words, and nothing is sent`() throws {
        var fixture = try fixture()
        let actions = fixture.submit("1", market(.buy, "1"))
        #expect(actions.requests.isEmpty)
        #expect(actions.toldOrders.first?.status == .denied)
        #expect(actions.toldOrders.first?.reason == "BTCUSDT takes limit orders alone")
        #expect(fixture.submit("2", limit(.buy, "1", "99")).placed.count == 1)
    }

    @Test func `a position is closed beyond the last price, and further when that does not trade`() throws {
        var fixture = try holding()
        let first = fixture.keep(fixture.desk.flatten(.everything, at: at(0)))
        let order = try #require(first.placed.first)
        #expect(order.terms == limit(.sell, "3", "98", reduceOnly: true))
        fixture.report(.accepted(order.clientID, "c1"))
        #expect(
            !fixture.review(after: 4_000).requests.contains { if case .cancel = $0 { true } else { false } })
        #expect(
            fixture.review(after: 6_000).requests.contains { if case .cancel = $0 { true } else { false } })
        fixture.report(.cancelled(order.clientID, filled: .zero, reason: nil), after: 6_000)
        let next = fixture.review(after: 9_000)
        #expect(next.placed.map(\.terms) == [limit(.sell, "3", "96", reduceOnly: true)])
        #expect(fixture.desk.flaws == [])
    }

    @Test func `a stop that is reached closes beyond the last price, and further when that does not trade`()
        throws
    {
        var fixture = try fixture()
        fixture.bracket("1", limit(.buy, "2", "100"), stop: "90", take: "120")
        fixture.fill("1", "2")
        // 89 less a fiftieth, in whole ticks.
        #expect(fixture.price("89").placed.map(\.terms) == [limit(.sell, "2", "87.3", reduceOnly: true)])
        let exit = fixture.exit("1").intent.clientID
        fixture.report(.accepted(exit, "x1"))
        #expect(
            fixture.review(after: 6_000).requests.contains { if case .cancel = $0 { true } else { false } })
        let next = fixture.report(.cancelled(exit, filled: .zero, reason: nil), after: 6_000)
        #expect(next.placed.map(\.terms) == [limit(.sell, "2", "85.5", reduceOnly: true)])
        #expect(fixture.fillExit("1", "2", "86").toldBrackets.map(\.status) == [.done])
        #expect(fixture.desk.flaws == [])
    }

    @Test func `without a price nothing is taken for dust, and people are told`() throws {
        var fixture = try holding(price: nil)
        let actions = fixture.keep(fixture.desk.flatten(.everything, at: at(1)))
        #expect(actions.placed.isEmpty)
        let isTold = actions.alarms.contains { alarm in
            if case .flattenStopped(_, let reason) = alarm {
                reason.contains("limit orders alone")
            } else {
                false
            }
        }
        #expect(isTold)
        #expect(fixture.position.quantity == d("3"))
    }
}
