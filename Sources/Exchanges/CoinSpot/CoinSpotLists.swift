import Trading
import Wire

/// A market of CoinSpot: a coin and what it is paid in, such as `SOL` and `AUD`.
struct CoinSpotPair: Hashable, Comparable, Sendable {
    let coin: String
    let market: String

    init(coin: String, market: String) {
        let coin = coin.uppercased()
        self.coin = Self.usual[coin] ?? coin
        self.market = market.uppercased()
    }

    /// CoinSpot's first names of two coins, which its prices still have, and their usual ones.
    private static let usual = ["ANS": "NEO", "STR": "XLM"]

    /// The host's name for it, such as `SOLAUD`.
    var symbol: String { coin + market }

    static func < (left: Self, right: Self) -> Bool { left.symbol < right.symbol }
}

/// One of the account's orders in the book, as `my/orders/market/open` lists it.
///
/// Source: https://www.coinspot.com.au/v2/api, read in 2026. Whether `amount` is what was ordered or what remains is not
/// documented.
struct CoinSpotOpenOrder: Hashable, Sendable {
    let id: String
    let pair: CoinSpotPair
    let side: Side
    let amount: FixedDecimal
    let rate: FixedDecimal
    /// Nil when the venue left it out.
    let created: Timestamp?

    init(
        id: String, pair: CoinSpotPair, side: Side, amount: FixedDecimal, rate: FixedDecimal,
        created: Timestamp?
    ) {
        self.id = id
        self.pair = pair
        self.side = side
        self.amount = amount
        self.rate = rate
        self.created = created
    }

    init?(_ json: JSONValue, side: Side) {
        guard let id = json["id"]?.looseText, !id.isEmpty, let pair = CoinSpotPair(json),
            let amount = json["amount"]?.looseDecimal, let rate = json["rate"]?.looseDecimal,
            TradingBounds.allows(price: rate, quantity: amount)
        else { return nil }
        self.init(
            id: id, pair: pair, side: side, amount: amount, rate: rate, created: json["created"]?.looseTime)
    }

    /// Reads `buyorders` and `sellorders`; nil when they are not there, or one cannot be read: an order that was
    /// overlooked would count as gone.
    static func all(_ json: JSONValue) -> [CoinSpotOpenOrder]? {
        json.bothSides { CoinSpotOpenOrder($0, side: $1) }
    }
}

/// A deal of the account, as `my/orders/completed` lists it.
///
/// Source as above. It may have an id or not, and whether that is the order's id is not documented. So a deal is known by
/// what it says, and by a count where several say the same.
struct CoinSpotDeal: Hashable, Sendable {
    let id: String?
    let pair: CoinSpotPair
    let side: Side
    let amount: FixedDecimal
    let rate: FixedDecimal
    let time: Timestamp
    /// The fee and the tax on it, always in Australian dollars.
    let fee: FixedDecimal
    /// Such as `market` or `instant`; nil when the venue left it out.
    let type: String?
    /// Which of several deals that say the same, from 1.
    private(set) var ordinal = 1

    init(
        id: String?, pair: CoinSpotPair, side: Side, amount: FixedDecimal, rate: FixedDecimal,
        time: Timestamp, fee: FixedDecimal = .zero, type: String? = nil
    ) {
        self.id = id
        self.pair = pair
        self.side = side
        self.amount = amount
        self.rate = rate
        self.time = time
        self.fee = fee
        self.type = type
    }

    init?(_ json: JSONValue, side: Side) {
        guard let pair = CoinSpotPair(json), let amount = json["amount"]?.looseDecimal,
            let rate = json["rate"]?.looseDecimal, let time = json["solddate"]?.looseTime,
            TradingBounds.allows(price: rate, quantity: amount),
            let plain = json.looseAmount("audfeeExGst"), let tax = json.looseAmount("audGst"),
            // A sum beyond the range is no fee that anybody pays.
            let fee = try? plain + tax
        else { return nil }
        self.init(
            id: json["id"]?.looseText, pair: pair, side: side, amount: amount, rate: rate, time: time,
            fee: fee, type: json["type"]?.stringValue?.lowercased())
    }

    /// Whether it is of an instant order; nil when the venue does not say. Limit, stop and take-profit orders of
    /// CoinSpot's own are instant orders too.
    var isInstant: Bool? { type.map { $0 != "market" } }

    /// What tells this deal from all others of the account.
    var trade: TradeID {
        TradeID(
            "\(pair.coin)/\(pair.market) \(side.rawValue) \(amount)@\(rate) \(time.milliseconds)"
                + (ordinal > 1 ? " #\(ordinal)" : ""))
    }

    /// Reads `buyorders` and `sellorders`, oldest first; nil when they are not there, or one cannot be read.
    static func all(_ json: JSONValue) -> [CoinSpotDeal]? {
        json.bothSides { CoinSpotDeal($0, side: $1) }.map(counted)
    }

    /// Sorts deals and counts those that say the same.
    static func counted(_ deals: [CoinSpotDeal]) -> [CoinSpotDeal] {
        var seen: [TradeID: Int] = [:]
        return deals.sorted { ($0.time, $0.id ?? "") < ($1.time, $1.id ?? "") }.map { deal in
            var deal = deal
            deal.ordinal = 1
            let count = seen[deal.trade, default: 0] + 1
            seen[deal.trade] = count
            deal.ordinal = count
            return deal
        }
    }

    /// As the desk hears of it, under the name that it was told by first.
    func venueTrade(_ name: TradeID, clientID: ClientOrderID?, order: String) -> VenueTrade {
        VenueTrade(
            trade: name, clientID: clientID, venueOrderID: VenueOrderID(order), symbol: pair.symbol,
            side: side,
            price: rate, quantity: amount, fee: fee, feeCurrency: fee.isZero ? "" : "AUD",
            liquidity: .taker, time: time)
    }
}

extension CoinSpotPair {
    /// Reads `coin` and `market`; the latter is `SOL/AUD` or `AUD`, and AUD when it is left out.
    init?(_ json: JSONValue) {
        guard let coin = (json["coin"] ?? json["cointype"])?.stringValue, !coin.isEmpty else { return nil }
        let market = (json["market"] ?? json["markettype"])?.stringValue ?? "AUD"
        let paid = market.split(separator: "/").last.map(String.init) ?? "AUD"
        self.init(coin: coin, market: paid)
    }
}

extension JSONValue {
    /// Reads the two lists of an answer; nil when one is missing or an element cannot be read.
    fileprivate func bothSides<Element>(_ read: (JSONValue, Side) -> Element?) -> [Element]? {
        guard let buys = self["buyorders"]?.arrayValue, let sells = self["sellorders"]?.arrayValue else {
            return nil
        }
        var elements: [Element] = []
        for (rows, side) in [(buys, Side.buy), (sells, Side.sell)] {
            for row in rows {
                guard let element = read(row, side) else { return nil }
                elements.append(element)
            }
        }
        return elements
    }
}
