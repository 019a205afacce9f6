public import Trading

/// Reads bars of quotes from a CSV file, plain or gzip; each becomes one quote at the bar's close.
///
/// The columns are `time_ms` of the opening, then open, high, low, close and size of the bid and of the ask.
public final class QuoteFile: EventFile {
    /// The first line of every such file.
    public static let header =
        "time_ms,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size"

    /// The symbol and bar length of all its quotes.
    public let symbol: String
    /// How long each candle is.
    public let resolution: Resolution

    private let rows: RowFile
    private var last: Timestamp?

    /// Opens a file whose bars are of `symbol` and `resolution`.
    public init(
        path: String, symbol: String, resolution: Resolution, flaws: FlawPolicy = .stop
    ) throws(MarketFileFailure) {
        self.symbol = symbol
        self.resolution = resolution
        rows = try RowFile(path: path, header: Self.header, flaws: flaws)
    }

    /// What was skipped so far.
    public var report: FileReport { rows.report }

    /// The next quote, or nil at the end.
    public func next() throws(MarketFileFailure) -> MarketEvent? {
        let quote = try rows.next { (fields) throws(RowFlaw) in try read(fields) }
        guard let quote else { return nil }
        last = quote.time
        return .quote(quote)
    }

    private func read(_ fields: [ArraySlice<UInt8>]) throws(RowFlaw) -> Quote {
        let time = try RowFile.time(fields[0], "time_ms").advanced(byMilliseconds: resolution.milliseconds)
        if let last {
            guard time > last else { throw RowFlaw("time_ms does not follow the row above it") }
        }
        let bid = try RowFile.positive(fields[4], "bid_close")
        let ask = try RowFile.positive(fields[9], "ask_close")
        guard bid <= ask else { throw RowFlaw("bid_close \(bid) is above ask_close \(ask)") }
        return Quote(
            symbol: symbol, time: time, bid: bid, bidQuantity: try RowFile.positive(fields[5], "bid_size"),
            ask: ask, askQuantity: try RowFile.positive(fields[10], "ask_size"))
    }
}
