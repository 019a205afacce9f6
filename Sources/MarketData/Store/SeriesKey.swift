public import Trading

/// One series of candles: whose, of what, how long.
public struct SeriesKey: Hashable, Sendable, CustomStringConvertible {
    /// The venue that the prices are of, such as `binance`.
    public let venue: String
    /// The instrument, in the host's spelling, such as `BTCUSDT`.
    public let symbol: String
    /// How long each candle is.
    public let resolution: Resolution

    /// Names a series.
    public init(venue: String, symbol: String, resolution: Resolution) {
        self.venue = venue
        self.symbol = symbol
        self.resolution = resolution
    }

    /// As in `binance BTCUSDT 1m`.
    public var description: String { "\(venue) \(symbol) \(resolution)" }
}

extension SeriesKey {
    /// As on a command line: `binance/BTCUSDT/1m`.
    public var text: String { "\(venue)/\(symbol)/\(resolution)" }

    /// Reads what ``text`` writes; nil when it is not that.
    public init?(text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, Self.isName(parts[0]), Self.isName(parts[1]),
            let resolution = Resolution(parts[2])
        else { return nil }
        self.init(venue: parts[0], symbol: parts[1], resolution: resolution)
    }

    /// Whether a venue or an instrument may be called so: 1 to 64 letters, digits, points, hyphens and underscores.
    public static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            }
    }
}
