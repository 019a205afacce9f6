import Testing
import Trading
import Wire

@testable import Exchanges

/// A venue's numbers are read on the host's one loop: none of them may end the host.
@Suite("Numbers that no venue should send")
struct HostileNumberTests {
    @Test(arguments: [
        "1e-9223372036854775808", "1e9223372036854775807", "1e-99999999999999999999",
        "170141183460469231731.6873037158841057275", "-170141183460469231731.6873037158841057279",
    ])
    func `a number beyond every range is none`(_ text: String) throws {
        #expect(try JSONParser.parse(text).looseDecimal == nil)
        #expect(JSONValue.string(text).looseDecimal == nil)
        #expect(JSONValue.string(text).looseTime == nil)
    }

    @Test func `what a venue says is used of a window fills it, however much it is`() throws {
        let window = RateBudget.Window(name: "w", kind: .weight, limit: 100, interval: .seconds(1))
        var budget = RateBudget(windows: [window])
        for now in [UInt64(0), 1, 2] {
            let charge = RateBudget.Charge(weight: 1, isCancel: true)
            // Only the first finds room.
            guard let ticket = budget.spend(charge, at: now) else { continue }
            budget.settle(ticket, at: now)
            budget.report(["w": .max], for: ticket, at: now)
        }
        #expect(budget.room(for: .init(weight: 1), at: 3) != .now)
        #expect(budget.room(for: .init(weight: 1), at: 2_000_000_000) == .now)
    }

    @Test func `a limit of any size is one`() throws {
        let json = try JSONParser.parse(
            #"[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":9223372036854775807}]"#
        )
        let budget = RateBudget(windows: try #require(BinanceBudget.windows(json)))
        #expect(budget.room(for: .init(weight: 20), at: 0) == .now)
    }

    @Test func `behind the last number that a trade can have the place stays`() {
        var cursor = BinanceTradeCursor()
        cursor.move("BTCUSDT", behind: .max)
        #expect(cursor.text == "BTCUSDT:9223372036854775807")
    }

    @Test func `trades of any size are counted to the end of the range`() {
        let account = CoinDCXAccount("a", opened: Timestamp(milliseconds: 0), symbols: [:])
        for number in 1...3 {
            account.hasTold(
                VenueTrade(
                    trade: TradeID("\(number)"), clientID: nil, venueOrderID: "1", symbol: "BTCUSDT",
                    side: .buy,
                    price: d("1"), quantity: d("100000000000000000000"), fee: .zero, feeCurrency: "",
                    liquidity: .taker, time: Timestamp(milliseconds: 0)))
        }
        #expect(!account.isOwedTrades(of: "1"))
    }

    @Test func `what is left of any amount is in range`() {
        let most = d("170141183460469231731")
        #expect(most.less(d("-170141183460469231731")) >= most)
        #expect(d("-170141183460469231731").less(most) == .zero)
    }
}
