import Exchanges
import Posix
import Secrets
import Simulators
import Testing
import Trading

/// Binance's adapter in front of Binance's simulator.
final class BinanceBench: SimulatorBench, @unchecked Sendable {
    // @unchecked: nothing of its own changes.
    var binance: BinanceVenue? { live as? BinanceVenue }

    /// Starts a simulator whose market stands at 100, or takes the one that runs for the path.
    init(
        path: String, settings: [(name: String, value: String)] = [], secret: String? = SimulatorBench.secret,
        timing: BinanceVenue.Settings? = nil, address: String? = nil
    ) async throws {
        try await super.init(.binance, path: path, account: "main", traits: VenueTraits()) { configuration in
            configuration.balances = ["USDT": FixedDecimal(100_000), "BTC": .zero, "ETH": .zero]
            // So far from the simulated market's own prices no band may apply.
            configuration.settings =
                [
                    ("percent_price_up", "1000000"), ("percent_price_down", "0"),
                    ("orders_per_10s", "100000"), ("weight_per_minute", "1000000"),
                ] + settings
        }
        if !wasRunning {
            try await control.put(
                "instruments",
                ["symbol": symbol, "tick_size": "0.1", "step_size": "0.001", "minimum_notional": "5"])
            try await control.hold("100")
        }
        let times = timing ?? BinanceVenue.Settings(instrumentsEvery: .seconds(1), tradesPerPage: 3)
        let place = address ?? base
        await onLoop { [self] in
            let venue = BinanceVenue(
                venue: "binance-testnet", addresses: BinanceAddresses(rest: place), http: http,
                sockets: sockets, loop: loop, settings: times, seed: 1,
                keys: { _ in secret.flatMap { Self.signingKey($0) } })
            connect(
                venue, symbols: [symbol: Timestamp(milliseconds: WallClock.milliseconds - 60_000)])
        }
        // A wrong secret's stream never opens, nor does one that nobody answers.
        if secret == Self.secret, address == nil { try await waitUntilOpen() }
    }

    override func fee(_ side: Side, quantity: FixedDecimal, price: FixedDecimal) -> (
        FixedDecimal, currency: String
    ) {
        side == .buy
            ? (FixedDecimal(units: quantity.units / 1000), "BTC")
            : (FixedDecimal(units: quantity.units / 1000 * (price.units / FixedDecimal.unitsPerOne)), "USDT")
    }
}
