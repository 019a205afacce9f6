import Testing
import Trading
import Wire

@testable import Exchanges

private func json(_ text: String) throws -> JSONValue { try JSONParser.parse(text) }

@Suite("What CoinDCX and CoinSpot write")
struct CoinWireTests {
    // MARK: - Loose values

    @Test(arguments: [
        ("1.5", "1.5"), ("\"1.5\"", "1.5"), ("1e-7", "0.0000001"), ("21240.33333333333", "21240.33333333333"),
        ("0.1234567890123456789", "0.123456789012345679"), ("1.2345678901234567e-7", "0.000000123456789012"),
        ("-2E+3", "-2000"), ("\"0\"", "0"),
    ])
    func `a number is read to the eighteenth digit, bare or as text`(_ text: String, _ value: String) throws {
        #expect(try json(text).looseDecimal == d(value))
    }

    @Test(arguments: ["\"NaN\"", "\"\"", "null", "true", "\"1,5\"", "1e99", "\"Infinity\"", "\"0x10\"", "[]"])
    func `what is no number is none`(_ text: String) throws {
        #expect(try json(text).looseDecimal == nil)
    }

    @Test(arguments: [
        ("1785000000123", 1_785_000_000_123), ("1785000000", 1_785_000_000_000),
        ("\"1785000000123\"", 1_785_000_000_123),
        ("1785000000123.456", 1_785_000_000_123), ("1785000000123456", 1_785_000_000_123),
        ("\"2026-07-04T05:06:07.089Z\"", 1_783_141_567_089), ("\"2026-07-04T05:06:07Z\"", 1_783_141_567_000),
        ("\"2024-02-29\"", 1_709_164_800_000), ("1785000000.5", 1_785_000_000_500),
    ])
    func `a time is read in seconds, milliseconds, microseconds and words`(_ text: String, _ value: Int64)
        throws
    {
        #expect(try json(text).looseTime == Timestamp(milliseconds: value))
    }

    @Test func `a date is written as it is read`() {
        for text in ["1970-01-01", "2024-02-29", "2026-12-31", "2000-03-01"] {
            #expect(Timestamp(utcText: text).map { "\(CivilDate(utcDay: $0.utcDay))" } == text)
        }
        #expect(Timestamp(utcText: "2026-07-04T05:06:07+05:30") == nil)
    }

    // MARK: - CoinDCX

    private let details = #"""
        [{"coindcx_name":"SOLINR","base_currency_short_name":"INR","target_currency_short_name":"SOL",
        "min_quantity":0.001,"max_quantity":900.0,"max_quantity_market":12.5,"min_price":9100.2,
        "max_price":21240.33333333333,"min_notional":100.0,"base_currency_precision":1,
        "target_currency_precision":3,"step":0.005,"order_types":["limit_order"],"symbol":"SOL_INR",
        "ecode":"I","pair":"I-SOL_INR","status":"active"},{"coindcx_name":"broken"},
        {"coindcx_name":"BTCUSDT","base_currency_short_name":"USDT","target_currency_short_name":"BTC",
        "min_quantity":1e-5,"base_currency_precision":2,"target_currency_precision":5,"step":1e-05,
        "order_types":["limit_order","market_order","stop_limit"],"pair":"B-BTC_USDT","status":"inactive"}]
        """#

    private func markets() throws -> CoinDCXMarkets { try #require(CoinDCXMarkets(try json(details))) }

    @Test func `a market's words are the other way round, and its step is the coarser one`() throws {
        let markets = try markets()
        let sol = try #require(markets.bySymbol["SOLINR"])
        #expect(
            sol.instrument
                == Instrument(
                    symbol: "SOLINR", base: "SOL", quote: "INR", tickSize: d("0.1"), stepSize: d("0.005"),
                    minimumNotional: d("100"), takesMarketOrders: false))
        #expect(markets.byPair["B-BTC_USDT"]?.symbol == "BTCUSDT")
        #expect(markets.instruments.map(\.symbol) == ["SOLINR"])
    }

    private func terms(
        _ quantity: String = "1", _ price: String? = "10000", _ type: OrderType = .limit,
        time: TimeInForce = .gtc,
        symbol: String = "SOLINR"
    ) -> OrderTerms {
        OrderTerms(
            symbol: symbol, side: .buy, type: type, quantity: d(quantity), price: price.map { d($0) },
            timeInForce: time)
    }

    @Test func `what CoinDCX would refuse is refused before it is sent, with the reason`() throws {
        let sol = try #require(try markets().bySymbol["SOLINR"])
        #expect(sol.flaw(in: terms(), isFresh: true) == nil)
        #expect(sol.flaw(in: terms("0.001"), isFresh: true)?.contains("step") == true)
        #expect(sol.flaw(in: terms("900.005"), isFresh: true)?.contains("largest") == true)
        #expect(sol.flaw(in: terms("0.005", "9200"), isFresh: true)?.contains("46 INR") == true)
        #expect(sol.flaw(in: terms("1", "10000.05"), isFresh: true)?.contains("tick") == true)
        #expect(sol.flaw(in: terms("1", "9100.1"), isFresh: true)?.contains("band") == true)
        #expect(sol.flaw(in: terms("1", "21240.4"), isFresh: true)?.contains("band") == true)
        // The band moves: one that was read long ago says nothing.
        #expect(sol.flaw(in: terms("1", "21240.4"), isFresh: false) == nil)
        #expect(sol.flaw(in: terms("1", nil, .market), isFresh: true)?.contains("limit orders alone") == true)
        #expect(sol.flaw(in: terms("1", "10000", .limit, time: .ioc), isFresh: true)?.contains("ioc") == true)
        let stop = OrderTerms(
            symbol: "SOLINR", side: .sell, type: .stop, quantity: d("1"), stopPrice: d("9500"))
        #expect(sol.flaw(in: stop, isFresh: true)?.contains("stop") == true)
        let closed = try #require(try markets().bySymbol["BTCUSDT"])
        #expect(
            closed.flaw(in: terms("1", "1", symbol: "BTCUSDT"), isFresh: true)?.contains("not open") == true)
    }

    private func order(_ fields: String) throws -> CoinDCXOrder? {
        CoinDCXOrder(
            try json(
                #"{"id":"310020045","client_order_id":"host-1","market":"SOLINR","order_type":"limit_order","#
                    + #""side":"buy","total_quantity":1.25,"price_per_unit":12345.6,\#(fields)}"#),
            try markets())
    }

    @Test(arguments: [
        (#""status":"init","remaining_quantity":1.25"#, "0", VenueOrder.State.open),
        (#""status":"open","remaining_quantity":"0.75""#, "0.5", .open),
        (#""status":"partially_filled","remaining_quantity":0.75,"cancelled_quantity":0"#, "0.5", .open),
        (#""status":"filled","remaining_quantity":0.0,"avg_price":12345.6"#, "1.25", .filled),
        (#""status":"filled""#, "1.25", .filled),
        (#""status":"cancelled","remaining_quantity":1.25"#, "0", .cancelled),
        // The cancelled part is still counted as remaining, or is not.
        (#""status":"cancelled","remaining_quantity":0.75,"cancelled_quantity":0.75"#, "0.5", .cancelled),
        (#""status":"cancelled","remaining_quantity":0,"cancelled_quantity":0.75"#, "0.5", .cancelled),
        (#""status":"partially_cancelled","remaining_quantity":0.25"#, "1", .cancelled),
        (#""status":"cancelled","remaining_quantity":0"#, "1.25", .filled),
        (#""status":"rejected","remaining_quantity":1.25"#, "0", .rejected),
        (#""status":"rejected","remaining_quantity":0.25"#, "1", .cancelled),
        (#""status":"filled","remaining_quantity":0.25"#, "1", .cancelled),
        (#""status":"open","remaining_quantity":0.75000000000000011"#, "0.5", .open),
    ])
    func `the word says whether an order has ended, and the quantities how much filled`(
        _ fields: String, _ filled: String, _ state: VenueOrder.State
    ) throws {
        let order = try #require(try order(fields))
        #expect(order.filled == d(filled) && order.state == state)
        #expect(order.clientID?.text == "host-1" && order.price == d("12345.6"))
    }

    @Test(arguments: [
        #""status":"hovering","remaining_quantity":1"#, #""status":"open","remaining_quantity":2"#,
        #""status":"open","remaining_quantity":-1"#, #""remaining_quantity":1"#,
    ])
    func `an order that says what cannot be is no answer`(_ fields: String) throws {
        #expect(try order(fields) == nil)
    }

    @Test func `ids are text, digits or not, and times come as numbers or words`() throws {
        let old = try #require(
            CoinDCXOrder(
                try json(
                    #"{"id":"ead19992-43fd-11e8-b027-bb815bcb14ed","market":"BTCINR","side":"sell","status":"open","#
                        + #""total_quantity":"2","remaining_quantity":"2","updated_at":"2026-09-03T10:00:00.000Z"}"#
                ),
                nil))
        #expect(old.id == "ead19992-43fd-11e8-b027-bb815bcb14ed" && old.clientID == nil)
        #expect(old.time == Timestamp(utcText: "2026-09-03T10:00:00.000Z"))
        let bare = #"{"id":310020045,"market":"BTCINR","side":"buy","status":"open","total_quantity":2}"#
        #expect(CoinDCXOrder(try json(bare), nil)?.id == "310020045")
    }

    @Test func `open orders come as a list or inside an object`() throws {
        let one = #"{"id":"1","market":"BTCINR","side":"buy","status":"open","total_quantity":2}"#
        #expect(CoinDCXOrder.list(try json("[\(one)]"), nil)?.count == 1)
        #expect(CoinDCXOrder.list(try json(#"{"orders":[\#(one)]}"#), nil)?.count == 1)
        #expect(CoinDCXOrder.list(try json("[]"), nil)?.isEmpty == true)
        #expect(CoinDCXOrder.list(try json(one), nil) == nil)
        #expect(CoinDCXOrder.list(try json(#"{"orders":[{}]}"#), nil) == nil)
    }

    @Test func `a page of open orders without a new one is the last, though all of them have ended`() throws {
        func page(from first: Int, _ status: String) throws -> [CoinDCXOrder] {
            try (first..<first + CoinDCXOrderPages.size).map {
                try #require(
                    CoinDCXOrder(
                        try json(
                            #"{"id":"\#($0)","market":"BTCINR","side":"buy","status":"\#(status)","total_quantity":2}"#
                        ), nil))
            }
        }
        var pages = CoinDCXOrderPages()
        #expect(pages.take(try page(from: 0, "open")))
        #expect(pages.take(try page(from: 200, "cancelled")))
        #expect(!pages.take(try page(from: 200, "cancelled")))
        #expect(pages.open.count == 200 && pages.count == 3)
    }

    private func trade(_ id: Int, _ time: Int64) throws -> CoinDCXTrade {
        try #require(
            CoinDCXTrade(
                try json(
                    #"{"id":\#(id),"order_id":"9","side":"buy","fee_amount":"0.5","quantity":1,"price":100,"#
                        + #""symbol":"SOLINR","timestamp":\#(time).25}"#), nil))
    }

    @Test func `trades go on by id in the middle and by time at the end, and none comes twice`() throws {
        let start = try #require(CoinDCXTradeCursor(nil, start: Timestamp(milliseconds: 1_785_000_000_000)))
        let base: Int64 = 1_785_000_000_000
        let trades = try (1...5).map { try trade($0, base + Int64($0 / 2)) }
        // A venue that tells newest first is understood too, and what is older than was asked for is left out.
        let first = start.fresh(Array(trades[..<3].reversed()) + [try trade(0, base - 60_000)]) { _ in false }
        #expect(first.map(\.id) == ["1", "2", "3"])
        let middle = try #require(start.next(first, isFull: true))
        #expect(middle.fields == [.init("from_id", .string("3"))])
        // Whether it tells the last one again does not matter.
        #expect(middle.fresh(Array(trades[2...])) { _ in false }.map(\.id) == ["4", "5"])
        let end = try #require(middle.next(Array(trades[3...]), isFull: false))
        #expect(CoinDCXTradeCursor(end.text, start: Timestamp(milliseconds: 0)) == end)
        #expect(end.fresh(trades) { _ in false }.isEmpty && end.next([], isFull: false) == nil)
        // One of the same moment that was not told yet, and one that shows up late.
        let more = [try trade(6, base + 2), try trade(7, base + 1)]
        #expect(end.fresh(trades + more) { $0.id == "7" }.map(\.id) == ["7", "6"])
        #expect(middle.isPassed(by: [try trade(2, base - 9)]) == false)
        #expect(CoinDCXTradeCursor("x1", start: Timestamp(milliseconds: 0)) == nil)
    }

    @Test func `a book is kept from a whole one and its changes, and a gap is noticed`() throws {
        var book = CoinDCXBook()
        #expect(book.update(try json(#"{"vs":1,"bids":{"99":"1"},"asks":{}}"#)))
        #expect(book.quote(of: "SOLINR", at: at(0)) == nil)
        book.replace(
            try json(#"{"ts":1785000000000,"vs":5,"bids":{"99.5":"1","100":"2"},"asks":{"102":"1","101":3}}"#)
        )
        #expect(book.update(try json(#"{"vs":6,"bids":{"100":"0"},"asks":{"101":"2.5"}}"#)))
        let quote = try #require(book.quote(of: "SOLINR", at: at(0)))
        #expect(quote.bid == d("99.5") && quote.ask == d("101") && quote.askQuantity == d("2.5"))
        #expect(book.update(try json(#"{"vs":6,"bids":{"105":"1"},"asks":{}}"#)))
        #expect(book.quote(of: "SOLINR", at: at(0)) == quote)
        #expect(!book.update(try json(#"{"vs":8,"bids":{},"asks":{}}"#)))
    }

    // MARK: - Engine.IO

    private func take(_ session: inout EngineIOSession, _ text: String, _ now: Int64 = 0) -> [EngineIOSession
        .Action]
    {
        session.take(Array(text.utf8), now: now)
    }

    @Test func `a session opens, joins, answers pings, and parses events twice`() {
        var session = EngineIOSession(now: 0)
        #expect(
            take(
                &session,
                #"0{"sid":"a","upgrades":[],"pingInterval":45000,"pingTimeout":60000,"maxPayload":1000000}"#)
                == [.send("40")])
        #expect(take(&session, #"40{"sid":"b"}"#) == [.joined] && session.isJoined)
        #expect(take(&session, "2", 1_000) == [.send("3")])
        #expect(session.deadline == 106_000)
        #expect(
            take(&session, #"42["order-update",{"event":"order-update","data":"[{\"id\":\"1\"}]"}]"#)
                == [.event(name: "order-update", payload: .array([.members(["id": .string("1")])]))])
        // Parsed once only, an object at once, or with a number that asks for an answer: all the same.
        for text in [#"42["x",{"data":{"p":1}}]"#, #"42["x",{"p":1}]"#, #"427["x",{"data":"{\"p\":1}"}]"#] {
            #expect(take(&session, text) == [.event(name: "x", payload: .members(["p": .number("1")]))])
        }
        #expect(take(&session, "42not json").isEmpty && take(&session, "3probe").isEmpty)
    }

    @Test func `a session ends when it is told to, when it cannot be read, and when it falls silent`() {
        for (frames, words) in [
            ([#"0{"pingInterval":25000,"pingTimeout":20000}"#, "40", "41"], "refused key"),
            ([#"0{"pingInterval":25000,"pingTimeout":20000}"#, #"44{"message":"no"}"#], "no"),
            ([#"0{"pingInterval":0}"#], "cannot be read"), (["<html>"], "does not belong"), (["1"], "closed"),
        ] {
            var session = EngineIOSession(now: 0)
            var actions: [EngineIOSession.Action] = []
            for frame in frames { actions = take(&session, frame) }
            guard case .end(let reason)? = actions.last else {
                Issue.record("\(frames)")
                continue
            }
            #expect(reason.contains(words))
            #expect(take(&session, "2").isEmpty)
        }
        var session = EngineIOSession(now: 0)
        _ = take(&session, #"0{"pingInterval":25000,"pingTimeout":20000}"#, 100)
        #expect(session.check(now: 45_099).isEmpty)
        guard case .end? = session.check(now: 45_100).first else {
            Issue.record("45 seconds of silence")
            return
        }
    }

    // MARK: - What answers mean

    private func answer(_ status: Int, _ body: String, date: String? = nil) throws -> VenueAnswer {
        VenueAnswer(
            status: status, headers: date.map { [.init(name: "date", value: $0)] } ?? [],
            body: body.hasPrefix("<") ? .null : try json(body), isJSON: !body.hasPrefix("<"), text: body)
    }

    private func call(_ path: String, repeatable: Bool = false) -> VenueConnection.Call {
        VenueConnection.Call(
            "POST", path, group: "orders", urgency: .order, isRepeatable: repeatable,
            sign: { _, _ throws(CallFailure) in })
    }

    @Test func `CoinDCX's refusals are told from what it does not know and from a wrong time`() throws {
        let create = call("/exchange/v1/orders/create")
        func verdict(
            _ status: Int, _ body: String, _ asked: VenueConnection.Call? = nil, signed: Int64? = nil,
            date: String? = nil
        ) throws -> VenueVerdict? {
            CoinDCXDialect.verdict(
                try answer(status, body, date: date), asked ?? create,
                signedAt: signed.map { Timestamp(milliseconds: $0) })
        }
        #expect(try verdict(200, #"{"orders":[]}"#) == nil)
        #expect(
            try verdict(200, #"{"status":"error","message":"no","code":422}"#)
                == .refused(code: nil, message: "no"))
        #expect(
            try verdict(422, #"{"message":"Insufficient funds","errorCode":"CA1013"}"#)
                == .refused(code: "CA1013", message: "Insufficient funds"))
        #expect(
            try verdict(401, #"{"message":"Invalid credentials"}"#)
                == .credentialsRefused(code: nil, message: "Invalid credentials"))
        guard case .clockWrong? = try verdict(400, #"{"message":"Request timestamp is too old"}"#) else {
            Issue.record("words about the time")
            return
        }
        // Whatever the words, a time that is far off explains a refusal.
        let late: Int64 = 1_785_000_000_000
        let (near, far) = ("Sat, 25 Jul 2026 17:20:01 GMT", "Sat, 25 Jul 2026 17:21:00 GMT")
        #expect(
            try verdict(422, #"{"message":"Invalid Request"}"#, signed: late, date: near)
                == .refused(code: nil, message: "Invalid Request"))
        #expect(
            try verdict(422, #"{"message":"Invalid Request"}"#, signed: late, date: far)
                == .clockWrong(code: nil, message: "Invalid Request"))
        #expect(
            try verdict(429, #"{"message":"slow"}"#) == .limited(code: nil, message: "slow", isUndone: false))
        #expect(
            try verdict(429, #"{"message":"slow"}"#, call("/exchange/v1/orders/status", repeatable: true))
                == .limited(code: nil, message: "slow", isUndone: true))
        #expect(try verdict(503, #"{"message":"x"}"#) == nil && (try verdict(403, "<html>")) == nil)
    }

    @Test func `CoinSpot's refusals are told by status, and only a nonce by its word`() throws {
        let buy = call("/api/v2/my/buy")
        func verdict(_ status: Int, _ body: String, _ asked: VenueConnection.Call? = nil) throws
            -> VenueVerdict?
        {
            CoinSpotDialect.verdict(try answer(status, body), asked ?? buy)
        }
        #expect(try verdict(200, #"{"status":"ok"}"#) == .accepted)
        #expect(try verdict(200, #"{"status":"error","message":"no"}"#) == .refused(code: nil, message: "no"))
        #expect(try verdict(200, "{}") == .unknown("an answer without a status"))
        #expect(try verdict(400, #"{"status":"error","message":"no"}"#) == .refused(code: nil, message: "no"))
        for status in [200, 400, 401] {
            #expect(
                try verdict(status, #"{"status":"error","message":"Nonce invalid"}"#)
                    == .nonceWrong(code: nil, message: "Nonce invalid"))
        }
        #expect(
            try verdict(401, #"{"status":"error","message":"bad key"}"#)
                == .credentialsRefused(code: nil, message: "bad key"))
        #expect(
            try verdict(401, #"{"status":"error","message":"bad key"}"#, call("/api/v2/status"))
                == .refused(code: nil, message: "bad key"))
        #expect(try verdict(500, #"{"status":"error"}"#) == nil)
    }

    // MARK: - CoinSpot

    @Test func `CoinSpot's lists are read whole or not at all`() throws {
        let open = #"""
            {"status":"ok","buyorders":[{"id":"6710f3a2bd5c8e0a11223344","coin":"SOL","market":"SOL/AUD","amount":3.25,
            "created":"2026-07-04T05:06:07.000Z","rate":231.1,"total":751.075}],
            "sellorders":[{"id":"b","coin":"ANS","market":"ANS/USDT","amount":"1","rate":"10"}]}
            """#
        let orders = try #require(CoinSpotOpenOrder.all(try json(open)))
        #expect(orders.map(\.pair.symbol) == ["SOLAUD", "NEOUSDT"] && orders.map(\.side) == [.buy, .sell])
        #expect(
            orders[0].created == Timestamp(utcText: "2026-07-04T05:06:07.000Z") && orders[1].created == nil)
        #expect(CoinSpotOpenOrder.all(try json(#"{"buyorders":[]}"#)) == nil)
        #expect(CoinSpotOpenOrder.all(try json(#"{"buyorders":[{"id":"a"}],"sellorders":[]}"#)) == nil)
        let done = #"""
            {"buyorders":[],"sellorders":[{"coin":"SOL","type":"market","market":"SOL/AUD","rate":231.1,"amount":1,
            "total":231.1,"solddate":"2026-07-04T05:06:07.000Z","audfeeExGst":0.21,"audGst":0.021,"audtotal":231.1}]}
            """#
        let deal = try #require(CoinSpotDeal.all(try json(done))?.first)
        #expect(deal.fee == d("0.231") && deal.id == nil && deal.side == .sell)
        let trade = deal.venueTrade(deal.trade, clientID: nil, order: "x")
        #expect(trade.feeCurrency == "AUD" && trade.symbol == "SOLAUD")
    }

    @Test func `CoinSpot's prices name its markets, and a price that is no number does no harm`() throws {
        let prices =
            #"{"prices":{"btc":{"bid":"1","ask":"NaN","last":"1"},"str":{"bid":"1"},"btc_usdt":{"bid":"1"}}}"#
        let markets = try #require(CoinSpotMarkets(try json(prices), minimumNotional: .one))
        #expect(markets.bySymbol.keys.sorted() == ["BTCAUD", "BTCUSDT", "XLMAUD"])
        #expect(markets.bySymbol["XLMAUD"]?.code == "STR")
        let market = try #require(markets.bySymbol["BTCUSDT"])
        #expect(market.flaw(in: terms("1", "1", symbol: "BTCUSDT")) == nil)
        #expect(market.flaw(in: terms("0.000000001", "1", symbol: "BTCUSDT"))?.contains("decimals") == true)
        #expect(market.flaw(in: terms("0.5", "1", symbol: "BTCUSDT"))?.contains("least is 1") == true)
        #expect(market.flaw(in: terms("1", nil, .market, symbol: "BTCUSDT"))?.contains("limit order") == true)
    }

    @Test func `candles are made of deals, each counted once, and quiet minutes are flat`() throws {
        let minute: Int64 = 60_000
        let start: Int64 = 1_728_043_200_000
        func trade(_ time: Int64, _ price: String, _ quantity: String = "1") -> MarketTrade {
            MarketTrade(
                symbol: "SOLAUD", time: Timestamp(milliseconds: start + time), price: d(price),
                quantity: d(quantity))
        }
        var deals = CoinSpotDeals(symbol: "SOLAUD", resolutions: [Resolution("1m")!])
        let first = [trade(1_000, "10"), trade(30_000, "12", "2"), trade(30_000, "12", "2")]
        #expect(deals.take(first.reversed(), at: Timestamp(milliseconds: start + 40_000)).trades == first)
        // The same list again, and one more of the last moment.
        let again = deals.take(
            first + [trade(30_000, "12", "2")], at: Timestamp(milliseconds: start + 50_000))
        #expect(again.trades == [trade(30_000, "12", "2")])
        let next = deals.take(
            [trade(3 * minute + 5_000, "11")], at: Timestamp(milliseconds: start + 3 * minute + 9_000))
        let candles = try #require(next.candles.first)
        #expect(candles.map(\.close) == [d("12"), d("12"), d("12")])
        #expect(candles.map(\.volume) == [d("7"), .zero, .zero])
        #expect(candles.map { ($0.openTime.milliseconds - start) / minute } == [0, 1, 2])
        let last = deals.take([], at: Timestamp(milliseconds: start + 4 * minute + 10_000)).candles[0]
        #expect(last.map(\.open) == [d("11")])
    }

    @Test func `CoinSpot's cursor counts the deals of its last moment`() throws {
        func deal(_ time: Int64, _ amount: String) -> CoinSpotDeal {
            CoinSpotDeal(
                id: nil, pair: CoinSpotPair(coin: "SOL", market: "AUD"), side: .buy, amount: d(amount),
                rate: d("1"),
                time: at(time))
        }
        let start = try #require(CoinSpotTradeCursor(nil, start: at(0)))
        let deals = CoinSpotDeal.counted([deal(5, "1"), deal(10, "1"), deal(10, "1")])
        #expect(start.beyond(deals) { _ in false } == deals)
        let place = try #require(start.next(deals))
        #expect(place.beyond(deals) { _ in false }.isEmpty && place.next([]) == nil)
        let more = CoinSpotDeal.counted([
            deal(5, "1"), deal(10, "1"), deal(10, "1"), deal(10, "1"), deal(11, "2"),
        ])
        let fresh = place.beyond(more) { _ in false }
        #expect(fresh.count == 2)
        #expect(CoinSpotTradeCursor(place.text, start: at(9)) == place)
        #expect(CoinSpotTradeCursor("5", start: at(0)) == nil)
    }
}
