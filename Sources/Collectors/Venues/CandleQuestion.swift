internal import Exchanges
internal import MarketData
public import Trading
internal import Wire

/// A page of candles: where it is asked for, and what an answer to it covers.
struct CandleQuestion: Hashable, Sendable {
    let url: String
    /// What is asked for.
    let span: Range<Timestamp>
    /// The most candles that come at once.
    let limit: Int
}

/// How one venue is asked in public, and how its answers read.
protocol PublicVenue: Sendable {
    /// The lengths of candle that it gives.
    var resolutions: [Resolution] { get }
    /// How long to leave it alone between two questions, in milliseconds.
    var paceMilliseconds: Int64 { get }
    /// How far times stand beside the beginning of a candle, in milliseconds.
    var slackMilliseconds: Int64 { get }
    /// Where to ask for the names by which it calls its markets; nil when it calls them as this host does.
    var namesURL: String? { get }
    /// Reads those names by this host's symbols; nil when the answer is none.
    func names(in answer: JSONValue) -> [String: String]?
    /// Where to ask whether there is a symbol, at a venue whose names are not asked for; nil when there is no such question.
    func symbolURL(_ symbol: String) -> String?
    /// The codes of refusals by which the venue says that it has no such symbol.
    var unknownSymbolCodes: Set<Int> { get }

    /// Asks for candles from the beginning of `span` on; an answer may cover only a part.
    func candles(of series: SeriesKey, named name: String, in span: Range<Timestamp>) -> CandleQuestion
    /// Reads the rows of an answer, oldest first; nil when it is none.
    func rows(in answer: JSONValue) -> [RawCandle]?
    /// How far an answer covers the question, when its rows are these.
    func covered(_ question: CandleQuestion, _ rows: [RawCandle], _ resolution: Resolution) -> Timestamp

    /// Where to ask for the best bid and ask.
    func quoteURL(named name: String, symbol: String) -> String
    /// Reads them.
    func quote(in answer: JSONValue, symbol: String) throws(Refusal) -> BestQuote
    /// Where to ask for the last public trades.
    func tradesURL(named name: String, symbol: String, limit: Int) -> String
    /// Reads them, oldest first; those that are refused are counted.
    func trades(in answer: JSONValue, symbol: String) -> (trades: [MarketTrade], refused: [Refusal: Int])?
}

extension PublicVenue {
    var slackMilliseconds: Int64 { 0 }
    var namesURL: String? { nil }
    func names(in answer: JSONValue) -> [String: String]? { [:] }
    func symbolURL(_ symbol: String) -> String? { nil }
    var unknownSymbolCodes: Set<Int> { [] }

    /// Reads rows of trades one by one.
    func trades(
        _ rows: [JSONValue], symbol: String, time: String, price: String, quantity: String
    ) -> (trades: [MarketTrade], refused: [Refusal: Int]) {
        var (trades, refused) = ([MarketTrade](), [Refusal: Int]())
        for row in rows {
            do throws(Refusal) {
                guard let written = row[time] else { throw .missing }
                guard let time = written.looseTime else { throw .notANumber }
                trades.append(
                    MarketTrade(
                        symbol: symbol, time: time, price: try row.raw(price).price(),
                        quantity: try row.raw(quantity).price()))
            } catch {
                refused[error, default: 0] += 1
            }
        }
        return (trades.sorted { $0.time < $1.time }, refused)
    }
}

extension JSONValue {
    /// A member that should be a number.
    func raw(_ name: String) -> RawNumber {
        guard let value = self[name], value != .null else { return .absent }
        return value.rawNumber
    }

    /// This, as something that should be a number.
    var rawNumber: RawNumber { looseDecimal.map { .value($0) } ?? .strange }
}

/// The best bid and ask of an instrument, at the moment of the answer.
public struct BestQuote: Hashable, Sendable {
    public let symbol: String
    public let bid: FixedDecimal
    public let ask: FixedDecimal
    /// Nil where the venue does not say how much stands there.
    public let bidQuantity: FixedDecimal?
    public let askQuantity: FixedDecimal?

    /// Takes a quote that makes sense.
    init(
        symbol: String, bid: RawNumber, ask: RawNumber, bidQuantity: RawNumber? = nil,
        askQuantity: RawNumber? = nil
    ) throws(Refusal) {
        self.symbol = symbol
        self.bid = try bid.price()
        self.ask = try ask.price()
        self.bidQuantity = try bidQuantity?.price()
        self.askQuantity = try askQuantity?.price()
        guard self.bid <= self.ask else { throw .crossed }
    }
}
