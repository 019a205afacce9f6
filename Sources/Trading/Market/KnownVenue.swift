/// An exchange that this host can trade on, beside the paper venue.
public enum KnownVenue: String, Hashable, Sendable, CaseIterable {
    case binance
    case coindcx
    case coinspot

    /// Every name that desk and journal know one by.
    public static let ids: Set<VenueID> = Set(
        allCases.flatMap { venue in venue.environments.map { venue.id($0) } })

    /// Where it can be traded, the safe one first.
    public var environments: [VenueEnvironment] {
        switch self {
        case .binance: [.testnet, .live]
        // They have no test network.
        case .coindcx, .coinspot: [.live]
        }
    }

    /// The lengths of candle that it has.
    public var resolutions: [Resolution] {
        switch self {
        case .binance:
            ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w"]
                .compactMap { Resolution($0) }
        case .coindcx: ["1m", "15m", "1h", "1d"].compactMap { Resolution($0) }
        // Made here, of deals.
        case .coinspot: ["1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d"].compactMap { Resolution($0) }
        }
    }

    /// The name that desk and journal know it by. A test network is a venue of its own: it has its own filters, ids and
    /// prices.
    public func id(_ environment: VenueEnvironment) -> VenueID {
        switch environment {
        case .live: VenueID(rawValue)
        case .testnet: VenueID("\(rawValue)-testnet")
        }
    }
}

/// Which of an exchange's worlds is meant.
public enum VenueEnvironment: String, Hashable, Sendable, CaseIterable {
    /// Play money on the exchange's own test network.
    case testnet
    /// Real money.
    case live
}
