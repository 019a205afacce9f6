import Host
import Testing
import Wire

extension HostTests {
    @Suite("Authors from the older platform") struct OlderAuthorTests {
        /// As the older platform's authors write it, word for word.
        static let strategy = """
            from base_strategy import BaseStrategy

            class MyStrategy(BaseStrategy):
                def on_market_data(self, market_data):
                    self.seen = market_data
                def on_signal(self, signal):
                    if signal['action'] == 'BUY': self.place_order('BUY', signal['quantity'])

            if __name__ == '__main__':
                MyStrategy().start()
            """

        @Test func `their strategy runs unchanged, and a signal delivered to it becomes a filled order`()
            async throws
        {
            try await HostFixture.run { fixture in
                let id = try await fixture.upload(Self.strategy)
                try await fixture.run(id)
                _ = try await fixture.host.deliver(
                    SignalRequest(action: "BUY", data: .members(["quantity": .number("0.01")])), to: id,
                    by: "ada")
                try await fixture.wait(id) { $0.positions.first?.quantity.description == "0.01" }
                try await fixture.wait("its order", about: id) {
                    try await fixture.orders(id).map(\.status) == [.filled]
                }
                let signals = try await fixture.host.signals(of: id, page: PageRequest()).items
                #expect(signals.map(\.action) == ["BUY"])
                #expect(signals.map(\.direction) == [.incoming])
            }
        }

        @Test func `market data come as a dict of numbers, and the old client reads but does not sign`()
            async throws
        {
            try await HostFixture.run { fixture in
                let id = try await fixture.upload(
                    """
                    import coindcx_client
                    from base_strategy import BaseStrategy

                    class MyStrategy(BaseStrategy):
                        def on_market_data(self, market_data):
                            print(sorted(market_data))
                            print({type(market_data[name]).__name__ for name in ("open", "bid", "volume", "price")})
                            client = coindcx_client.CoinDCXClient("key", "secret")
                            print("markets", client.get_markets())
                            print("ticker", client.get_ticker("BTCUSDT")["market"])
                            print("candles", len(coindcx_client.get_candles("B-BTC_USDT", "1m", 5)))
                            client.create_order(side="buy")
                    """, config: #"{"restart":{"policy":"temporary"}}"#)
                _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                let end = try await fixture.wait(id) { $0.state == .stopped }
                let lines = try await fixture.lines(id)
                let names =
                    "['ask', 'bid', 'close', 'high', 'low', 'open', 'pair', 'price', 'resolution', 'timestamp', 'volume']"
                #expect(lines.contains("stderr: \(names)"))
                #expect(lines.contains("stderr: {'float'}"))
                #expect(lines.contains("stderr: markets ['BTCUSDT']"))
                #expect(lines.contains("stderr: ticker BTCUSDT"))
                #expect(lines.contains("stderr: candles 5"))
                let refusal = "create_order is not for a strategy to call: exchange keys live with the host"
                #expect(lines.contains { $0.contains(refusal) && $0.contains("place_order") })
                #expect(end.reason?.contains(refusal) == true)
            }
        }
    }
}
