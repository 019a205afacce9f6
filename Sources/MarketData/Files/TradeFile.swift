public import Trading

/// Reads public trades from a CSV file, plain or gzip: `time_ms,trade_id,price,qty,buyer_is_maker`.
///
/// Times never go back; ids only go up.
public final class TradeFile: EventFile {
    /// The first line of every such file.
    public static let header = "time_ms,trade_id,price,qty,buyer_is_maker"

    /// The symbol of all its trades.
    public let symbol: String

    private let rows: RowFile
    private var last: (time: Timestamp, id: Int64)?

    /// Opens a file whose trades are of `symbol`.
    public init(path: String, symbol: String, flaws: FlawPolicy = .stop) throws(MarketFileFailure) {
        self.symbol = symbol
        rows = try RowFile(path: path, header: Self.header, flaws: flaws)
    }

    /// What was skipped so far.
    public var report: FileReport { rows.report }

    /// The next trade, or nil at the end.
    public func next() throws(MarketFileFailure) -> MarketEvent? {
        let row = try rows.next { (fields) throws(RowFlaw) in try read(fields) }
        guard let row else { return nil }
        last = (row.trade.time, row.id)
        return .trade(row.trade)
    }

    private func read(_ fields: [ArraySlice<UInt8>]) throws(RowFlaw) -> (id: Int64, trade: MarketTrade) {
        let time = try RowFile.time(fields[0], "time_ms")
        guard let id = Int64(String(decoding: fields[1], as: UTF8.self)), id >= 0 else {
            throw RowFlaw("trade_id is not a whole number")
        }
        if let last {
            guard time >= last.time else {
                throw RowFlaw("time_ms \(time.milliseconds) is before \(last.time.milliseconds) above it")
            }
            guard id > last.id else { throw RowFlaw("trade_id \(id) does not follow \(last.id) above it") }
        }
        let price = try RowFile.positive(fields[2], "price")
        let quantity = try RowFile.positive(fields[3], "qty")
        guard fields[4].elementsEqual("0".utf8) || fields[4].elementsEqual("1".utf8) else {
            throw RowFlaw("buyer_is_maker must be 0 or 1")
        }
        return (id, MarketTrade(symbol: symbol, time: time, price: price, quantity: quantity))
    }
}
