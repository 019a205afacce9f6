public import Trading
public import Wire

/// An exchange that can be simulated.
public enum SimulatedExchange: String, Hashable, Sendable, CaseIterable {
    case binance
    case coindcx
    case coinspot

    /// The port when none is asked for.
    public var usualPort: Int {
        switch self {
        case .binance: 8090
        case .coinspot: 8091
        case .coindcx: 8092
        }
    }

    /// What can be set of it: name, values, default and meaning, one to a line.
    public var settingLines: [(name: String, values: String, standard: String, explanation: String)] {
        VenueSettings(own).all.map { ($0.name, $0.values, $0.standard, $0.explanation) }
    }

    var own: [VenueSetting] {
        switch self {
        case .binance: BinanceSettings.all
        case .coindcx: CoinDCXSettings.all
        case .coinspot: CoinSpotSettings.all
        }
    }

    /// What it lists of the simulated market.
    var symbols: [String] {
        switch self {
        case .binance: ["BTCUSDT", "ETHUSDT"]
        case .coindcx: ["BTCINR", "ETHINR", "BTCUSDT", "ETHUSDT"]
        case .coinspot: ["BTCAUD"]
        }
    }

    /// The play money of each account.
    var balances: [String: FixedDecimal] {
        switch self {
        case .binance: ["USDT": FixedDecimal(100_000), "BTC": FixedDecimal(1), "ETH": FixedDecimal(10)]
        case .coindcx:
            [
                "INR": FixedDecimal(10_000_000), "USDT": FixedDecimal(100_000), "BTC": FixedDecimal(1),
                "ETH": FixedDecimal(10),
            ]
        case .coinspot: ["AUD": FixedDecimal(100_000), "BTC": FixedDecimal(1)]
        }
    }

    /// An instrument of the market as this exchange lists it.
    func listed(_ instrument: Instrument) -> Instrument {
        guard self == .coinspot else { return instrument }
        // No steps are known: eight decimals are taken, and some least value.
        let finest = FixedDecimal(units: FixedDecimal.unitsPerOne / 100_000_000)
        return Instrument(
            symbol: instrument.symbol, base: instrument.base, quote: instrument.quote, tickSize: finest,
            stepSize: finest, minimumNotional: .one)
    }

    /// Whether buyers pay the fee out of what they bought.
    var takesFeesInBase: Bool { self == .binance }

    /// What is charged, as a fraction of an order's value.
    var fee: FixedDecimal {
        let thousandth = FixedDecimal(units: FixedDecimal.unitsPerOne / 1000)
        return self == .coindcx ? FixedDecimal(units: thousandth.units * 5) : thousandth
    }
}

/// How a simulator is to be run.
public struct SimulatorConfiguration: Sendable {
    public var exchange: SimulatedExchange
    /// A numeric address.
    public var address = "127.0.0.1"
    /// 0 takes a free one.
    public var port: Int
    /// A port of its own for `/_control`; nil serves it beside the exchange.
    public var controlPort: Int?
    /// Names the market's and the faults' randomness.
    public var seed: UInt64 = 1
    /// Candle files whose names say what they hold; their symbols are listed beside the usual ones.
    public var candles: [String] = []
    /// How many candles of each file lie before now; nil is half of them, 1,000 at most.
    public var past: Int?
    /// The API keys that are known.
    public var keys: [SimulatorKey] = []
    /// Currency and amount, instead of the usual play money.
    public var balances: [String: FixedDecimal] = [:]
    /// Faults from the start, as the control door takes them.
    public var faults: [JSONValue] = []
    /// Names and values of settings.
    public var settings: [(name: String, value: String)] = []
    /// Whether buyers pay the fee out of what they bought; nil is as the exchange does.
    public var takesFeesInBase: Bool?
    /// Charged instead of the exchange's usual fee, as a fraction of an order's value.
    public var makerFee: FixedDecimal?
    public var takerFee: FixedDecimal?

    /// A simulator of an exchange, with everything as usual.
    public init(_ exchange: SimulatedExchange) {
        self.exchange = exchange
        port = exchange.usualPort
    }
}

/// Why a simulator does not run.
public struct SimulatorFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of reason it is.
    public enum Code: String, Hashable, Sendable {
        /// The address or port cannot be had.
        case address
        /// A candle file cannot be used.
        case candles
        /// A setting or a fault is not understood.
        case configuration
        /// The system gives no thread or descriptor.
        case system
    }

    public let code: Code
    /// What is wrong, in words.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
