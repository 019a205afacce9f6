import Trading
import Wire

/// CoinSpot's public prices and orders. On the loop.
final class CoinSpotMarket {
    private let core: VenueCore

    init(_ core: VenueCore) { self.core = core }

    /// A number as it is, without quotation marks.
    static func number(_ value: FixedDecimal) -> JSONValue { .number(value.description) }

    func instrument(_ coin: String, _ market: String?) throws(CoinSpotError) -> Instrument {
        guard let instrument = core.instrument(coin.uppercased() + (market ?? "AUD").uppercased()) else {
            throw CoinSpotError(
                status: core.settings.integer(CoinSpotSettings.coinStatus), message: "Coin not found")
        }
        return instrument
    }

    func name(_ instrument: Instrument) -> String { "\(instrument.base)/\(instrument.quote)" }

    func answer(_ path: [String]) throws(CoinSpotError) -> [JSONValue.Member] {
        switch (path.first ?? "", path.count) {
        case ("latest", 1):
            return [
                .init(
                    "prices",
                    .object(
                        core.instruments.map { instrument in
                            let coin = instrument.base.lowercased()
                            let key =
                                instrument.quote == "AUD" ? coin : "\(coin)_\(instrument.quote.lowercased())"
                            return .init(key, prices(instrument))
                        }))
            ]
        case ("latest", 2), ("latest", 3): return [.init("prices", prices(try instrument(path, after: 1)))]
        case ("buyprice", 2), ("buyprice", 3): return try rate(path, isBuy: true)
        case ("sellprice", 2), ("sellprice", 3): return try rate(path, isBuy: false)
        case ("orders", 3...4) where path[1] == "open": return book(try instrument(path, after: 2))
        case ("orders", 3...4) where path[1] == "completed": return completed(try instrument(path, after: 2))
        case ("orders", 4...5) where path[1] == "summary" && path[2] == "completed":
            return [
                .init("orders", .array(rows(try instrument(path, after: 3)).map { sold($0, isFirst: false) }))
            ]
        default: throw CoinSpotError(status: 404, message: "Not found")
        }
    }

    private func instrument(_ path: [String], after index: Int) throws(CoinSpotError) -> Instrument {
        let market = path.count > index + 1 ? path[index + 1] : nil
        if let market, core.settings.text(CoinSpotSettings.marketCase) == "lower",
            market != market.lowercased()
        {
            throw CoinSpotError(status: 400, message: "Market not found")
        }
        return try instrument(path[index], market)
    }

    private func prices(_ instrument: Instrument) -> JSONValue {
        let strange = core.settings.text(CoinSpotSettings.notANumber).lowercased().split(separator: ",")
        guard let quote = core.tape.quotes[instrument.symbol],
            !strange.contains(where: { $0 == instrument.base.lowercased() })
        else {
            return .members(["bid": .string("NaN"), "ask": .string("NaN"), "last": .string("NaN")])
        }
        return .members([
            "bid": .decimal(quote.bid), "ask": .decimal(quote.ask),
            "last": .decimal(core.tape.lastPrice(instrument.symbol) ?? quote.bid),
        ])
    }

    private func rate(_ path: [String], isBuy: Bool) throws(CoinSpotError) -> [JSONValue.Member] {
        let instrument = try instrument(path, after: 1)
        let quote = core.tape.quotes[instrument.symbol]
        let rate = isBuy ? quote?.ask : quote?.bid
        return [
            .init("rate", .string(rate?.description ?? "NaN")), .init("market", .string(name(instrument))),
        ]
    }

    func book(_ instrument: Instrument) -> [JSONValue.Member] {
        let book = core.tape.depth(instrument.symbol, instrument.quote == "AUD" ? 100 : 20)
        func rows(_ levels: [Tape.Level]) -> JSONValue {
            .array(
                levels.map {
                    .members([
                        "amount": Self.number($0.quantity), "rate": Self.number($0.price),
                        "total": Self.number($0.quantity.times($0.price)), "coin": .string(instrument.base),
                        "market": .string(name(instrument)),
                    ])
                })
        }
        return [.init("buyorders", rows(book.bids)), .init("sellorders", rows(book.asks))]
    }

    private func rows(_ instrument: Instrument) -> [PublicTrade] {
        core.tape.trades(instrument.symbol, 100).reversed()
    }

    func completed(_ instrument: Instrument) -> [JSONValue.Member] {
        let all = rows(instrument)
        return [
            .init("buyorders", .array(all.filter { !$0.isBuyerMaker }.map { sold($0, isFirst: false) })),
            .init("sellorders", .array(all.filter(\.isBuyerMaker).map { sold($0, isFirst: false) })),
        ]
    }

    /// What version 1 shows: times are numbers.
    func history(_ instrument: Instrument) -> [JSONValue.Member] {
        [.init("orders", .array(rows(instrument).map { sold($0, isFirst: true) }))]
    }

    private func sold(_ trade: PublicTrade, isFirst: Bool) -> JSONValue {
        let instrument = core.instrument(trade.symbol)
        return .members([
            "amount": Self.number(trade.quantity), "rate": Self.number(trade.price),
            "total": Self.number(trade.quantity.times(trade.price)), "coin": .string(instrument?.base ?? ""),
            "solddate": isFirst ? .time(trade.time) : .string(UTCText.text(trade.time)),
            "market": .string(instrument.map { name($0) } ?? ""),
        ])
    }

    /// What a coin is worth in Australian dollars.
    func worth(_ currency: String) -> FixedDecimal {
        if currency == "AUD" { return .one }
        return core.tape.lastPrice(currency + "AUD") ?? .zero
    }
}
