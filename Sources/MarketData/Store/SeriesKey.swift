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
