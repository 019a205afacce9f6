public import Exchanges
public import Trading

/// Where the venues are that collectors ask.
public struct CollectorVenues: Hashable, Sendable {
    public var binance: BinanceAddresses
    public var binanceTestnet: BinanceAddresses
    public var coindcx: CoinDCXAddresses
    /// Scheme and host, without a slash at the end.
    public var coinspot: String

    /// Takes addresses.
    public init(
        binance: BinanceAddresses, binanceTestnet: BinanceAddresses, coindcx: CoinDCXAddresses,
        coinspot: String
    ) {
        self.binance = binance
        self.binanceTestnet = binanceTestnet
        self.coindcx = coindcx
        var coinspot = coinspot
        while coinspot.hasSuffix("/") { coinspot.removeLast() }
        self.coinspot = coinspot
    }

    /// How a venue is asked in public.
    func face(_ venue: CollectedVenue) -> any PublicVenue {
        switch (venue.known, venue.environment) {
        case (.binance, .live): BinancePublic(base: binance.rest)
        case (.binance, .testnet): BinancePublic(base: binanceTestnet.rest)
        case (.coindcx, _): CoinDCXPublic(addresses: coindcx)
        case (.coinspot, _): CoinSpotPublic(base: coinspot)
        }
    }
}

/// A venue in one of its worlds.
public struct CollectedVenue: Hashable, Sendable {
    public let known: KnownVenue
    public let environment: VenueEnvironment

    /// Names a venue; real prices unless told otherwise.
    public init(_ known: KnownVenue, _ environment: VenueEnvironment = .live) {
        self.known = known
        self.environment = environment
    }

    /// Reads a venue's id, such as `binance` or `binance-testnet`.
    public init?(id: String) {
        for known in KnownVenue.allCases {
            for environment in known.environments where known.id(environment).text == id {
                self.init(known, environment)
                return
            }
        }
        return nil
    }

    /// The name that series and desk know it by.
    public var id: String { known.id(environment).text }

    /// Every id there is, for words.
    static let ids = KnownVenue.allCases.flatMap { known in known.environments.map { known.id($0).text } }
}
