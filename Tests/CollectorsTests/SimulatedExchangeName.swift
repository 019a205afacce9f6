import Simulators

/// The exchanges that are simulated, for tests' arguments.
enum SimulatedExchangeName: String, Sendable {
    case binance, coindcx, coinspot

    var exchange: SimulatedExchange { SimulatedExchange(rawValue: rawValue)! }
}
