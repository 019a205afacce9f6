import Exchanges
import Posix
import Testing
import Trading
import Wire

import struct FoundationEssentials.UUID

/// What can go wrong at Binance alone; what can at every exchange, `ExchangeFaultContractTests` has.
@Suite("Binance's adapter under faults", .serialized)
struct BinanceFaultTests {
    private func with(
        settings: [(name: String, value: String)] = [], secret: String? = SimulatorBench.secret,
        timing: BinanceVenue.Settings? = nil, _ body: (BinanceBench) async throws -> Void
    ) async throws {
        let path = "faults-\(UUID())"
        let bench = try await BinanceBench(path: path, settings: settings, secret: secret, timing: timing)
        do {
            try await body(bench)
        } catch {
            await bench.end()
            throw error
        }
        await bench.end()
    }

    private func isUnknown(_ result: Result<VenueOrderID, VenueFailure>) -> Bool {
        if case .failure(.outcomeUnknown) = result { true } else { false }
    }

    // MARK: - Orders

    @Test(arguments: [(503, -1006), (500, -1000), (502, 0), (504, -1007)])
    func `S4: a 5xx says nothing about the order, which is there`(_ status: Int, _ code: Int) async throws {
        try await with { bench in
            var more: [String: JSONValue] = [
                "status": .integer(status), "html": .bool(code == 0), "processed": .bool(true),
            ]
            if code != 0 { more["code"] = .integer(code) }
            try await bench.strike(bench.traits.place, "status", more)
            #expect(isUnknown(await bench.place(1, order(.buy, "2", "90"))))
            #expect(try await bench.answer(about: 1).get()?.state == .open)
            #expect(try await bench.control.orders().count == 1)
        }
    }

    @Test func `S5: a wrong secret is refused, and then nothing more is sent with it`() async throws {
        try await with(secret: "not the secret") { bench in
            try await bench.until("the stream is refused") {
                await bench.faultsNow().values.contains { $0.contains("-1022") }
            }
            guard case .failure(.refused(let reason)) = await bench.place(1, order(.buy, "2", "90")) else {
                Issue.record("an order with a wrong signature was not refused")
                return
            }
            #expect(reason.contains("-1022"))
            guard case .failure(.unsent) = await bench.place(2, order(.buy, "2", "90")) else {
                Issue.record("a credential that was refused was used again")
                return
            }
            let orders = try await bench.control.orders()
            #expect(orders.isEmpty)
        }
    }

    @Test func `S5: without a credential nothing is sent`() async throws {
        try await with(secret: nil) { bench in
            guard case .failure(.unsent(let reason)) = await bench.place(1, order(.buy, "2", "90")) else {
                Issue.record("without a credential something was sent")
                return
            }
            #expect(reason.contains("no active credential"))
            let orders = try await bench.control.orders()
            #expect(orders.isEmpty)
        }
    }

    @Test
    func
        `S6: too many orders of an account make its orders wait as long as the venue says, and nothing else`()
        async throws
    {
        try await with { bench in
            let id = try await bench.place(1, order(.buy, "2", "90")).get()
            try await bench.strike(
                bench.traits.place, "status",
                ["status": .integer(429), "code": .integer(-1015), "retry_after": .integer(2)])
            let start = ContinuousClock.now
            guard case .failure(.refused(let reason)) = await bench.place(2, order(.buy, "2", "90")) else {
                Issue.record("it was not refused")
                return
            }
            #expect(reason.contains("-1015"))
            async let third = bench.place(3, order(.buy, "2", "90"))
            try await bench.cancel(1).get()
            #expect(try await bench.openOrders().allSatisfy { $0.venueOrderID != id })
            #expect(ContinuousClock.now - start < .seconds(1))
            _ = try await third.get()
            #expect(ContinuousClock.now - start >= .seconds(2))
        }
    }

    @Test func `S6: an order whose time is over before the account may order again is not sent`() async throws
    {
        try await with { bench in
            try await bench.strike(
                bench.traits.place, "status",
                ["status": .integer(429), "code": .integer(-1015), "retry_after": .integer(3_600)])
            _ = await bench.place(1, order(.buy, "2", "90"))
            let start = ContinuousClock.now
            guard case .failure(.unsent(let reason)) = await bench.place(2, order(.buy, "2", "90")) else {
                Issue.record("it was sent")
                return
            }
            #expect(reason.contains("orders of account main"))
            #expect(ContinuousClock.now - start < .seconds(1))
        }
    }

    @Test func `S7: under a ban nothing is sent until it ends, and the stream goes on`() async throws {
        try await with { bench in
            _ = try await bench.place(1, order(.buy, "2", "90")).get()
            try await bench.strike(
                bench.traits.ask, "status", times: nil,
                ["status": .integer(418), "retry_after": .integer(60)])
            _ = await bench.answer(about: 1)
            guard case .failure(.unsent) = await bench.place(2, order(.buy, "2", "90")) else {
                Issue.record("something was sent under a ban")
                return
            }
            try await bench.move(to: "89")
            try await bench.wait(for: "the fill by stream") { $0.contains { $0.trade != nil } }
        }
    }

    // MARK: - Changes

    @Test func `E12: after a restart a replaced order is found under its own name`() async throws {
        let path = "faults-\(UUID())"
        let first = try await BinanceBench(path: path)
        _ = try await first.place(1, order(.buy, "2", "90")).get()
        await #expect(throws: Never.self) {
            try await first.amend(1, Amendment(quantity: d("3"), price: d("91"))).get()
        }
        await first.close()
        let second = try await BinanceBench(path: path)
        let found = try #require(try await second.answer(about: 1).get())
        #expect(found.clientID == clientID(1) && found.quantity == d("3") && found.state == .open)
        try await second.move(to: "89")
        try await second.wait(for: "the fill of the replacement") {
            $0.contains { $0.trade?.clientID == clientID(1) }
        }
        #expect(try await second.trades().all.map(\.clientID) == [clientID(1)])
        await second.end()
    }

    @Test func `a change is refused in words when something has traded`() async throws {
        try await with { bench in
            _ = try await bench.place(1, order(.buy, "2", "90")).get()
            try await bench.control.hold("90", quantity: "0.5")
            try await bench.wait(for: "a part") { $0.contains { $0.trade != nil } }
            guard
                case .failure(.refused(let reason)) = await bench.amend(
                    1, Amendment(quantity: d("3"), price: d("91")))
            else {
                Issue.record("it was not refused")
                return
            }
            #expect(reason.contains("traded"))
            #expect(await bench.status(1)?.state == .open)
        }
    }

    // MARK: - Prices

    @Test func `a market gives instruments, history and then what happens`() async throws {
        try await with { bench in
            let told = Told()
            await bench.onLoop {
                let market = bench.binance?.market()
                told.market = market
                market?.begin(
                    MarketWish(
                        symbols: ["BTCUSDT"], resolutions: [Resolution("1m")!, Resolution("1h")!], history: 50
                    )
                ) { told.news.append($0) }
            }
            try await bench.until("everything is there") {
                await bench.read { [told] _ in told.news.contains(.primed) && told.news.contains(.fault(nil))
                }
            }
            try await bench.control.hold("101")
            try await bench.until("quote and trade") {
                await bench.read { [told] _ in
                    told.news.contains { $0.price == d("101") && $0.isQuote }
                        && told.news.contains { $0.price == d("101") && !$0.isQuote }
                }
            }
            let history = await bench.read { [told] _ in
                told.news.compactMap { news -> [Candle]? in
                    if case .history(let candles) = news { candles } else { nil }
                }
            }
            #expect(history.map(\.count).sorted() == [50, 50])
            for series in history {
                for (one, next) in zip(series, series.dropFirst()) { #expect(one.closeTime == next.openTime) }
            }
            let seen = await bench.read { [told] _ in told.news.contains(.instruments([bitcoin])) }
            #expect(seen)
            await bench.onLoop { told.market?.end() }
        }
    }

    /// What was told on the loop.
    final class Told: @unchecked Sendable {
        // @unchecked: touched on the loop's thread alone.
        var news: [MarketNews] = []
        var instruments: [Instrument] = []
        var market: (any MarketSource)?
    }
}

extension MarketNews {
    fileprivate var isQuote: Bool {
        if case .event(.quote) = self { true } else { false }
    }

    fileprivate var price: FixedDecimal? {
        switch self {
        case .event(.quote(let quote)): quote.bid
        case .event(.trade(let trade)): trade.price
        default: nil
        }
    }
}
