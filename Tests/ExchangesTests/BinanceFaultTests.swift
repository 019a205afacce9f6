import Exchanges
import Posix
import Testing
import Trading
import Wire

import struct FoundationEssentials.UUID

/// What can go wrong between the adapter and the exchange, row by row of the fault matrix.
@Suite("Binance's adapter under faults", .serialized)
struct BinanceFaultTests {
    private func with(
        settings: [(name: String, value: String)] = [], secret: String? = BinanceBench.secret,
        timing: BinanceVenue.Settings? = nil, _ body: (BinanceBench) async throws -> Void
    ) async throws {
        let path = "faults-\(UUID())"
        let bench = try await BinanceBench(path: path, settings: settings, secret: secret, timing: timing)
        do {
            try await body(bench)
        } catch {
            await bench.close()
            await BinanceBench.end(path)
            throw error
        }
        await bench.close()
        await BinanceBench.end(path)
    }

    private func isUnknown(_ result: Result<VenueOrderID, VenueFailure>) -> Bool {
        if case .failure(.outcomeUnknown) = result { true } else { false }
    }

    // MARK: - Orders

    @Test func `S1: an order whose answer was lost is unknown, is found by its name, and is there once`()
        async throws
    {
        try await with { bench in
            try await bench.control.fault([
                "kind": .string("drop_after"), "method": .string("POST"), "path": .string("/api/v3/order"),
                "times": .integer(1),
            ])
            #expect(isUnknown(await bench.place(1, order(.buy, "2", "90"))))
            let found = try #require(try await bench.answer(about: 1).get())
            #expect(found.state == .open && found.clientID == clientID(1))
            #expect(try await bench.control.orders().count == 1)
        }
    }

    @Test func `S2: an order that never arrived is unknown, and nobody knows it`() async throws {
        try await with { bench in
            try await bench.control.fault([
                "kind": .string("drop_before"), "method": .string("POST"), "path": .string("/api/v3/order"),
                "times": .integer(1),
            ])
            #expect(isUnknown(await bench.place(1, order(.buy, "2", "90"))))
            #expect(try await bench.answer(about: 1).get() == nil)
            #expect(try await bench.control.orders().isEmpty)
        }
    }

    @Test func `S3: where nobody listens nothing was sent`() async throws {
        let path = "faults-\(UUID())"
        // Nothing ever listens on port 1.
        let bench = try await BinanceBench(path: path, address: "http://127.0.0.1:1")
        guard case .failure(.unsent) = await bench.place(1, order(.buy, "2", "90")) else {
            Issue.record("it was not unsent")
            return
        }
        await bench.close()
        await BinanceBench.end(path)
    }

    @Test(arguments: [(503, -1006), (500, -1000), (502, 0), (504, -1007)])
    func `S4: a 5xx says nothing about the order, which is there`(_ status: Int, _ code: Int) async throws {
        try await with { bench in
            try await bench.control.fault([
                "kind": .string("status"), "status": .integer(status),
                "code": code == 0 ? nil : .integer(code), "html": .bool(code == 0), "processed": .bool(true),
                "method": .string("POST"), "path": .string("/api/v3/order"), "times": .integer(1),
            ])
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

    @Test func `S6: too many requests refuse the order, and the next goes when the time is over`()
        async throws
    {
        try await with { bench in
            try await bench.control.fault([
                "kind": .string("status"), "status": .integer(429), "retry_after": .integer(1),
                "method": .string("POST"), "path": .string("/api/v3/order"), "times": .integer(1),
            ])
            let began = ContinuousClock.now
            guard case .failure(.refused) = await bench.place(1, order(.buy, "2", "90")) else {
                Issue.record("it was not refused")
                return
            }
            await #expect(throws: Never.self) { try await bench.place(2, order(.buy, "2", "90")).get() }
            #expect(ContinuousClock.now - began >= .seconds(1))
            #expect(try await bench.control.orders().count == 1)
        }
    }

    @Test func `S7: under a ban nothing is sent until it ends, and the stream goes on`() async throws {
        try await with { bench in
            _ = try await bench.place(1, order(.buy, "2", "90")).get()
            try await bench.control.fault([
                "kind": .string("status"), "status": .integer(418), "retry_after": .integer(60),
                "method": .string("GET"), "path": .string("/api/v3/order"),
            ])
            _ = await bench.answer(about: 1)
            guard case .failure(.unsent) = await bench.place(2, order(.buy, "2", "90")) else {
                Issue.record("something was sent under a ban")
                return
            }
            try await bench.move(to: "89")
            try await bench.wait(for: "the fill by stream") { $0.contains { $0.trade != nil } }
        }
    }

    @Test func `S8: a clock that is off is set, and the order goes once under its name`() async throws {
        try await with { bench in
            try await bench.control.set("clock_offset_ms", "-45000")
            let id = try await bench.place(1, order(.buy, "2", "90")).get()
            let orders = try await bench.control.orders()
            #expect(orders.count == 1 && orders.first?["number"]?.intValue.map(String.init) == id.text)
        }
    }

    @Test func `S10: an answer cut short is no answer`() async throws {
        try await with { bench in
            try await bench.control.fault([
                "kind": .string("truncate"), "method": .string("POST"), "path": .string("/api/v3/order"),
                "times": .integer(1),
            ])
            #expect(isUnknown(await bench.place(1, order(.buy, "2", "90"))))
            #expect(try await bench.answer(about: 1).get()?.state == .open)
        }
    }

    @Test func `S13: a filter that changed refuses the order with its name, and is read anew`() async throws {
        try await with { bench in
            let told = Told()
            await bench.onLoop { bench.binance?.onInstruments = { told.instruments += $0 } }
            try await bench.control.put("instruments", ["symbol": "BTCUSDT", "minimum_notional": "500"])
            guard case .failure(.refused(let reason)) = await bench.place(1, order(.buy, "2", "90")) else {
                Issue.record("it was not refused")
                return
            }
            #expect(reason.contains("NOTIONAL"))
            try await bench.until("the new steps are known") {
                await bench.read(told) { $0.instruments.last?.minimumNotional } == d("500")
            }
        }
    }

    // MARK: - Changes

    @Test func `E12: a change whose answer was lost leaves one order, which is found and can be cancelled`()
        async throws
    {
        try await with { bench in
            _ = try await bench.place(1, order(.buy, "2", "90")).get()
            try await bench.control.fault([
                "kind": .string("drop_after"), "method": .string("POST"),
                "path": .string("/api/v3/order/cancelReplace"), "times": .integer(1),
            ])
            let wish = Amendment(quantity: d("3"), price: d("91"))
            guard case .failure(.outcomeUnknown) = await bench.amend(1, wish) else {
                Issue.record("it was not unknown")
                return
            }
            let found = try #require(try await bench.answer(about: 1).get())
            #expect(found.state == .open && found.quantity == d("3") && found.price == d("91"))
            // The end of the order that was replaced is no end of the order.
            #expect(await bench.takeReports().compactMap(\.end).isEmpty)
            try await bench.cancel(1).get()
            #expect(try await bench.openOrders().isEmpty)
        }
    }

    @Test func `E12: a change that never arrived leaves the order as it was`() async throws {
        try await with { bench in
            _ = try await bench.place(1, order(.buy, "2", "90")).get()
            try await bench.control.fault([
                "kind": .string("drop_before"), "method": .string("POST"),
                "path": .string("/api/v3/order/cancelReplace"), "times": .integer(1),
            ])
            guard
                case .failure(.outcomeUnknown) = await bench.amend(
                    1, Amendment(quantity: d("3"), price: d("91")))
            else {
                Issue.record("it was not unknown")
                return
            }
            let found = try #require(try await bench.answer(about: 1).get())
            #expect(found.state == .open && found.quantity == d("2") && found.price == d("90"))
        }
    }

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
        await second.close()
        await BinanceBench.end(path)
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

    @Test func `E7: a part and then a cancel keeps the part`() async throws {
        try await with { bench in
            _ = try await bench.place(1, order(.buy, "2", "90")).get()
            try await bench.control.hold("90", quantity: "0.5")
            try await bench.wait(for: "a part") { $0.contains { $0.trade != nil } }
            try await bench.cancel(1).get()
            let told = try await bench.wait(for: "the end") { $0.contains { $0.end != nil } }
            for case .cancelled(_, let filled, _) in told { #expect(filled.map { $0 > .zero } == true) }
            #expect(await bench.status(1)?.filledQuantity.isPositive == true)
        }
    }

    // MARK: - Streams

    @Test func `W1: a stream that was cut is opened again, and what filled meanwhile is found by asking`()
        async throws
    {
        try await with { bench in
            _ = try await bench.place(1, order(.buy, "2", "90")).get()
            try await bench.control.fault([
                "kind": .string("gap"), "stream": .string("user"), "events": .integer(10),
            ])
            try await bench.move(to: "89")
            try await bench.control.removeFaults()
            try await bench.control.disconnect()
            try await bench.waitUntilOpen(2)
            #expect(await bench.faultsNow().isEmpty)
            #expect(try await bench.trades().all.map(\.clientID) == [clientID(1)])
        }
    }

    @Test func `E14: an order made by hand is told as one of nobody here`() async throws {
        try await with { bench in
            try await bench.control.byHand(.buy, "1", price: "80")
            let told = try await bench.wait(for: "the order") { told in
                told.contains { if case .order = $0 { true } else { false } }
            }
            for case .order(let found) in told {
                #expect(found.clientID?.order == nil && found.state == .open && found.symbol == "BTCUSDT")
            }
        }
    }

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
                await bench.read(told) { $0.news.contains(.primed) && $0.news.contains(.fault(nil)) }
            }
            try await bench.control.hold("101")
            try await bench.until("quote and trade") {
                await bench.read(told) { told in
                    told.news.contains { $0.price == d("101") && $0.isQuote }
                        && told.news.contains { $0.price == d("101") && !$0.isQuote }
                }
            }
            let history = await bench.read(told) { told in
                told.news.compactMap { news -> [Candle]? in
                    if case .history(let candles) = news { candles } else { nil }
                }
            }
            #expect(history.map(\.count).sorted() == [50, 50])
            for series in history {
                for (one, next) in zip(series, series.dropFirst()) { #expect(one.closeTime == next.openTime) }
            }
            let seen = await bench.read(told) { $0.news.contains(.instruments([bitcoin])) }
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

extension BinanceBench {
    fileprivate func read<Value: Sendable>(
        _ told: BinanceFaultTests.Told, _ body: @escaping @Sendable (BinanceFaultTests.Told) -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            loop.perform { continuation.resume(returning: body(told)) }
        }
    }
}
