import Exchanges
import Testing
import Trading
import Wire

/// What nobody is sure of about an exchange, one switch of its simulator after the other.
@Suite("Unsure facts, either way", .serialized)
struct UnsureFactTests {
    /// A switch, and a value other than its usual one.
    struct Fact: Sendable, CustomTestStringConvertible {
        let exchange: String
        let name: String
        let value: String

        var testDescription: String { "\(exchange): \(name) \(value)" }

        init(_ exchange: String, _ name: String, _ value: String) {
            self.exchange = exchange
            self.name = name
            self.value = value
        }
    }

    static let facts = [
        Fact("binance", "key_error_status", "400"), Fact("binance", "client_id_reuse", "filled"),
        Fact("binance", "client_id_reuse", "never"), Fact("binance", "query_lag_ms", "200"),
        Fact("binance", "trades_lag_ms", "200"),
        Fact("binance", "cancel_all_empty", "list"), Fact("binance", "too_fine", "precision"),
        Fact("binance", "date_skew_ms", "5000"),
        Fact("coindcx", "timestamp_window_ms", "0"), Fact("coindcx", "clock_status", "422"),
        Fact("coindcx", "duplicate_status", "400"), Fact("coindcx", "unknown_status", "422"),
        Fact("coindcx", "unknown_message", "nothing"), Fact("coindcx", "funds_status", "400"),
        Fact("coindcx", "funds_message", "CA1013"), Fact("coindcx", "balances", "number"),
        Fact("coindcx", "active_orders", "bare"), Fact("coindcx", "active_times", "milliseconds"),
        Fact("coindcx", "order_ids", "uuid"), Fact("coindcx", "cancel_answer", "status"),
        Fact("coindcx", "create_state", "open"), Fact("coindcx", "ticker_time", "milliseconds"),
        Fact("coindcx", "edit", "refused"), Fact("coindcx", "status_lag_ms", "200"),
        Fact("coindcx", "trades_lag_ms", "200"),
        Fact("coindcx", "limit_scope", "address"), Fact("coindcx", "date_skew_ms", "3000"),
        Fact("coindcx", "date_skew_ms", "-3000"),
        Fact("coinspot", "limit_status", "400"), Fact("coinspot", "auth_status", "200"),
        Fact("coinspot", "nonce_status", "400"), Fact("coinspot", "nonce_message", "no"),
        Fact("coinspot", "refused_status", "200"), Fact("coinspot", "refused_status", "422"),
        Fact("coinspot", "funds_message", "no"), Fact("coinspot", "order_message", "no"),
        Fact("coinspot", "coin_status", "404"), Fact("coinspot", "order_ids", "digits"),
        Fact("coinspot", "text_nonce", "refused"), Fact("coinspot", "open_amount", "original"),
        Fact("coinspot", "completed_ids", "absent"), Fact("coinspot", "completed_rows", "orders"),
        Fact("coinspot", "completed_lag_ms", "300"), Fact("coinspot", "market_case", "lower"),
        Fact("coinspot", "nan_coins", "eth"), Fact("coinspot", "date_skew_ms", "1000"),
    ]

    @Test(arguments: facts)
    func `an order lives its life, and one that cannot be taken is refused`(_ fact: Fact) async throws {
        let venue = try #require(VenueUnderTest.exchanges.first { $0.testDescription == fact.exchange })
        try await venue.run { bench in try await live(bench, fact) }
    }

    private func live(_ bench: SimulatorBench, _ fact: Fact) async throws {
        try await bench.control.set(fact.name, fact.value)
        // More than there is.
        guard case .failure(.refused) = await bench.place(1, bench.order(.sell, "2", "110")) else {
            Issue.record("what there is no money for was not refused")
            return
        }
        let id = try await bench.place(2, bench.order(.buy, "2", "90")).get()
        try await bench.until("it is listed and found") {
            let isListed = try await bench.openOrders().map(\.venueOrderID) == [id]
            return isListed ? await bench.status(2)?.state == .open : false
        }
        let change = await bench.amend(2, Amendment(quantity: d("2"), price: d("91")))
        if fact.name == "edit" {
            guard case .failure(.refused) = change else {
                Issue.record("a change came through")
                return
            }
        } else {
            _ = try change.get()
        }
        try await bench.cancel(2).get()
        try await bench.until("it is cancelled") { await bench.status(2)?.state == .cancelled }
        _ = await bench.takeReports()
        _ = try await bench.place(3, bench.order(.buy, "1", "90")).get()
        try await bench.move(to: "89")
        let told = try await bench.wait(for: "the trade") { $0.contains { $0.trade != nil } }
        for trade in told.compactMap(\.trade) {
            #expect(trade.clientID == clientID(3) && trade.quantity == d("1") && trade.fee.isPositive)
        }
        try await bench.until("it is filled") { await bench.status(3)?.state == .filled }
        #expect(try await bench.openOrders().isEmpty)
        let states = try await bench.control.orders().compactMap { $0["state"]?.stringValue }
        #expect(states.filter { $0 == "filled" }.count == 1 && !states.contains("open"))
    }
}
