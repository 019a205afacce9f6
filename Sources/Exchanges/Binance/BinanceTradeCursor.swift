import Trading

/// Up to where an account's trades are known, symbol by symbol: `BTCUSDT:123,ETHUSDT@1785000000000`.
///
/// Binance tells trades of one symbol at a time, so that a cursor over an account must name every symbol traded on it:
/// by the id after the last trade seen, or, before the first, by a time.
struct BinanceTradeCursor: Hashable, Sendable {
    /// Where the next page of a symbol starts.
    enum Place: Hashable, Sendable {
        /// With this trade.
        case trade(Int64)
        /// At this time.
        case time(Timestamp)
    }

    private(set) var places: [String: Place] = [:]

    /// Nothing was traded yet.
    init() {}

    /// Reads a cursor; nil when it is none.
    init?(_ text: String) {
        for part in text.split(separator: ",") {
            guard let mark = part.firstIndex(where: { $0 == ":" || $0 == "@" }),
                let number = Int64(part[part.index(after: mark)...]), mark > part.startIndex
            else { return nil }
            let symbol = String(part[..<mark])
            places[symbol] =
                part[mark] == ":" ? .trade(number) : .time(Timestamp(milliseconds: number))
        }
    }

    /// The symbols, in the order in which they are asked.
    var symbols: [String] { places.keys.sorted() }

    /// Adds a symbol that may have been traded since `time`; one that is there stays where it was.
    mutating func add(_ symbol: String, since time: Timestamp) {
        if places[symbol] == nil { places[symbol] = .time(time) }
    }

    /// Moves a symbol behind a trade.
    mutating func move(_ symbol: String, behind trade: Int64) {
        places[symbol] = .trade(trade == .max ? .max : trade + 1)
    }

    /// Moves a symbol that has had no trade to a later time.
    mutating func move(_ symbol: String, to time: Timestamp) {
        if case .time(let before) = places[symbol], before < time { places[symbol] = .time(time) }
    }

    /// As it is kept.
    var text: String {
        symbols.map { symbol in
            switch places[symbol] {
            case .trade(let id): "\(symbol):\(id)"
            case .time(let time): "\(symbol)@\(time.milliseconds)"
            case .none: symbol
            }
        }.joined(separator: ",")
    }
}
