import MarketData
import Testing
import Trading

@Suite("Files of trades and quotes")
struct EventFileTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private func trades(_ rows: [String], flaws: FlawPolicy = .stop) throws -> [MarketEvent] {
        let text = ([TradeFile.header] + rows).joined(separator: "\n")
        let file = try TradeFile(path: try scratch.write("t.csv", text), symbol: "X", flaws: flaws)
        var events: [MarketEvent] = []
        while let event = try file.next() { events.append(event) }
        return events
    }

    /// Quotes of these times, bids and asks.
    private func quotes(_ rows: [(String, String, String)]) throws -> [MarketEvent] {
        let columns = QuoteFile.header.split(separator: ",").map(String.init)
        let lines = rows.map { time, bid, ask in
            columns.map { ["time_ms": time, "bid_close": bid, "ask_close": ask][$0] ?? "1" }.joined(
                separator: ",")
        }
        let text = ([QuoteFile.header] + lines).joined(separator: "\n")
        let file = try QuoteFile(
            path: try scratch.write("q.csv", text), symbol: "X", resolution: Resolution("1m")!)
        var events: [MarketEvent] = []
        while let event = try file.next() { events.append(event) }
        return events
    }

    @Test func `trades are read in their order, and a wrong one is named by its line`() throws {
        let good = ["60000,7,100.5,2,0", "60000,8,101,1,1"]
        #expect(
            try trades(good).first
                == .trade(
                    MarketTrade(
                        symbol: "X", time: Timestamp(milliseconds: 60_000), price: FixedDecimal("100.5")!,
                        quantity: FixedDecimal(2))))
        for (bad, words) in [
            ("59999,9,1,1,0", "is before 60000"), ("60001,8,1,1,0", "does not follow 8"),
            ("60001,9,0,1,0", "price"), ("60001,9,1,-1,0", "qty"), ("60001,9,1,1,2", "buyer_is_maker"),
            ("60001,x,1,1,0", "trade_id"),
        ] {
            let failure = #expect(throws: MarketFileFailure.self) { try trades(good + [bad]) }
            #expect(failure?.line == 4 && failure?.reason.contains(words) == true, "\(bad)")
            #expect(try trades(good + [bad], flaws: .skip).count == 2)
        }
    }

    @Test func `a quote whose bid is above its ask, or that is out of order, is named by its line`() throws {
        let good = ("60000", "2", "2")
        guard case .quote(let quote)? = try quotes([good]).first else {
            Issue.record("there is no quote")
            return
        }
        #expect(quote.bid == quote.ask && quote.time == Timestamp(milliseconds: 120_000))
        for (bad, words) in [
            (("120000", "2.1", "2"), "is above ask_close"), (("60000", "1", "2"), "does not follow"),
            (("120000", "0", "2"), "bid_close"),
        ] {
            let failure = #expect(throws: MarketFileFailure.self) { try quotes([good, bad]) }
            #expect(failure?.line == 3 && failure?.reason.contains(words) == true, "\(bad)")
        }
    }
}
