import FoundationEssentials
import Secrets
import Testing
import Trading
import Wire

@testable import Exchanges

@Suite("Binance's wire format")
struct BinanceWireTests {
    private func json(_ text: String) throws -> JSONValue { try JSONParser.parse(text) }

    // MARK: - Signing

    /// The published and own vectors beside the project, when they are there.
    static let vectors: [JSONValue] = {
        let folder =
            ProcessInfo.processInfo.environment["BULLPEN_SHARED_EXCHANGES"]
            ?? String(
                #filePath.prefix { _ in true }.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" })
            + "/../shared/exchanges"
        guard let data = FileManager.default.contents(atPath: folder + "/vectors.json"),
            let all = try? JSONParser.parse(Array(data)), let exchanges = all.binanceVectors
        else { return [] }
        return exchanges
    }()

    @Test(
        "every published signature comes out of the text that it was made of",
        .enabled(if: !BinanceWireTests.vectors.isEmpty, "the shared vectors are not here"))
    func signatures() throws {
        var count = 0
        for vector in Self.vectors {
            guard let payload = vector["payload"]?.stringValue, let secret = vector["secret"]?.stringValue,
                let expected = vector["expected_signature"]?.stringValue, expected.utf8.count == 64
            else { continue }
            let key = SigningKey(apiKey: "k", secret: try LockedBytes(Array(secret.utf8)))
            #expect(
                BinanceSigning.hex(key.hmacSHA256(payload.utf8)) == expected,
                "\(vector["id"]?.stringValue ?? "")")
            count += 1
        }
        #expect(count >= 5)
    }

    @Test func `a call is signed over its encoded query, and the signature stands last`() throws {
        let key = SigningKey(
            apiKey: "bk-9d3f1c7a55", secret: try LockedBytes(Array("bs-4e1b8c2f7a90d6".utf8)))
        var call = VenueConnection.Call(
            "GET", "/api/v3/order", query: [("symbol", "１２"), ("origClientOrderId", "a b")], group: "queries",
            urgency: .query, isRepeatable: true)
        BinanceSigning.sign(&call, at: Timestamp(milliseconds: 1_785_000_000_123), with: key)
        let text = call.encodedQuery
        let signed =
            "symbol=%EF%BC%91%EF%BC%92&origClientOrderId=a%20b&recvWindow=5000&timestamp=1785000000123"
        let signature = BinanceSigning.hex(key.hmacSHA256(signed.utf8))
        #expect(text == "\(signed)&signature=\(signature)")
        #expect(call.headers.contains { $0.name == "X-MBX-APIKEY" && $0.value == "bk-9d3f1c7a55" })
    }

    @Test func `the WebSocket API's parameters are sorted by name and not encoded`() throws {
        let secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
        let name = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
        let key = SigningKey(apiKey: name, secret: try LockedBytes(Array(secret.utf8)))
        // From web-socket-api.md, with our window.
        let signed = BinanceSigning.signed(
            [
                ("symbol", "１２３４５６"), ("side", "BUY"), ("type", "LIMIT"), ("timeInForce", "GTC"),
                ("quantity", "1.00000000"), ("price", "0.10000000"),
            ], at: Timestamp(milliseconds: 1_645_423_376_532), with: key)
        #expect(signed.last?.name == "signature")
        #expect(
            signed.last?.value == "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd")
    }

    // MARK: - Addresses

    @Test func `one address of somebody else stands for all three, and the exchange's own for its own`() {
        let simulator = BinanceAddresses(rest: "http://127.0.0.1:9001/")
        #expect(simulator.rest == "http://127.0.0.1:9001")
        #expect(simulator.streams == "ws://127.0.0.1:9001")
        #expect(simulator.socketAPI == "ws://127.0.0.1:9001/ws-api/v3")
        #expect(BinanceAddresses.live.streams == "wss://stream.binance.com:9443")
        #expect(BinanceAddresses.testnet.socketAPI == "wss://ws-api.testnet.binance.vision/ws-api/v3")
        #expect(
            BinanceAddresses(rest: "https://api.binance.com", streams: "ws://proxy").streams == "ws://proxy")
    }

    // MARK: - Instruments

    private static let symbol = #"""
        {"symbol":"ETHUSDT","status":"TRADING","baseAsset":"ETH","baseAssetPrecision":8,"quoteAsset":"USDT",
        "quotePrecision":8,"quoteAssetPrecision":8,"orderTypes":["LIMIT","LIMIT_MAKER","MARKET","STOP_LOSS_LIMIT"],
        "cancelReplaceAllowed":true,"amendAllowed":true,"isSpotTradingAllowed":true,"filters":[
        {"filterType":"PRICE_FILTER","minPrice":"0.01000000","maxPrice":"100000.00000000","tickSize":"0.01000000"},
        {"filterType":"LOT_SIZE","minQty":"0.00100000","maxQty":"900.00000000","stepSize":"0.00010000"},
        {"filterType":"MARKET_LOT_SIZE","minQty":"0.00000000","maxQty":"50.00000000","stepSize":"0.00000000"},
        {"filterType":"NOTIONAL","minNotional":"5.00000000","applyMinToMarket":true,"maxNotional":"90000.00000000",
        "applyMaxToMarket":false,"avgPriceMins":5}],"permissions":[]}
        """#

    private func terms(
        _ type: OrderType, _ quantity: String, _ price: String? = nil, stop: String? = nil,
        postOnly: Bool = false
    ) -> OrderTerms {
        OrderTerms(
            symbol: "ETHUSDT", side: .buy, type: type, quantity: d(quantity), price: price.map { d($0) },
            stopPrice: stop.map { d($0) }, postOnly: postOnly)
    }

    @Test func `steps come from the filters and not from the coins' precision`() throws {
        let symbol = try #require(BinanceSymbol(try json(Self.symbol)))
        #expect(
            symbol.instrument
                == Instrument(
                    symbol: "ETHUSDT", base: "ETH", quote: "USDT", tickSize: d("0.01"), stepSize: d("0.0001"),
                    minimumNotional: d("5")))
        #expect(symbol.mayAmend && symbol.mayReplace && symbol.isTrading)
    }

    @Test func `a bound of nought and a missing filter are no bounds`() throws {
        let bare = try #require(
            BinanceSymbol(
                try json(
                    #"{"symbol":"AB","status":"TRADING","baseAsset":"A","quoteAsset":"B","baseAssetPrecision":3,"quoteAssetPrecision":2,"filters":[{"filterType":"LOT_SIZE","minQty":"0","maxQty":"0","stepSize":"0"}]}"#
                )))
        #expect(bare.instrument.stepSize == d("0.001") && bare.instrument.tickSize == d("0.01"))
        #expect(bare.flaw(in: terms(.limit, "1000000000", "0.01")) == nil)
    }

    @Test func `S13: what a filter would refuse is refused before, with the filter's name`() throws {
        let symbol = try #require(BinanceSymbol(try json(Self.symbol)))
        #expect(symbol.flaw(in: terms(.limit, "1", "3000")) == nil)
        #expect(symbol.flaw(in: terms(.limit, "0.0009", "3000"))?.contains("LOT_SIZE") == true)
        #expect(symbol.flaw(in: terms(.limit, "900.0001", "1"))?.contains("LOT_SIZE") == true)
        #expect(symbol.flaw(in: terms(.market, "50.0001"))?.contains("MARKET_LOT_SIZE") == true)
        #expect(symbol.flaw(in: terms(.market, "50")) == nil)
        #expect(symbol.flaw(in: terms(.limit, "1", "100000.01"))?.contains("PRICE_FILTER") == true)
        #expect(symbol.flaw(in: terms(.limit, "31", "3000"))?.contains("NOTIONAL") == true)
        #expect(symbol.flaw(in: terms(.takeProfit, "1", stop: "3000"))?.contains("TAKE_PROFIT") == true)
        let halted = Self.symbol.replacingOccurrence(of: "TRADING", with: "BREAK")
        #expect(try #require(BinanceSymbol(try json(halted))).flaw(in: terms(.market, "1")) != nil)
    }

    // MARK: - Orders

    @Test func `an order's parameters are Binance's words, and its name is ours`() {
        func text(_ terms: OrderTerms) -> String {
            BinanceVenue.parameters(of: terms, name: ClientOrderID("bp-x-1")!)
                .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        }
        let end = "newClientOrderId=bp-x-1&newOrderRespType=FULL"
        #expect(
            text(terms(.limit, "0.75", "3120.40"))
                == "symbol=ETHUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.75&price=3120.4&\(end)")
        #expect(text(terms(.market, "1")) == "symbol=ETHUSDT&side=BUY&type=MARKET&quantity=1&\(end)")
        #expect(
            text(terms(.limit, "1", "10", postOnly: true))
                == "symbol=ETHUSDT&side=BUY&type=LIMIT_MAKER&quantity=1&price=10&\(end)")
        #expect(
            text(terms(.stopLimit, "1", "10", stop: "9"))
                == "symbol=ETHUSDT&side=BUY&type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=1&price=10&stopPrice=9&\(end)"
        )
        #expect(
            text(terms(.takeProfit, "1", stop: "9"))
                == "symbol=ETHUSDT&side=BUY&type=TAKE_PROFIT&quantity=1&stopPrice=9&\(end)")
    }

    private static let order = #"""
        {"symbol":"ETHUSDT","orderId":778120045,"orderListId":-1,"clientOrderId":"bp-abc-1","price":"3120.40000000",
        "origQty":"0.75000000","executedQty":"0.25000000","cummulativeQuoteQty":"780.10000000","status":"EXPIRED",
        "timeInForce":"IOC","type":"LIMIT","side":"SELL","stopPrice":"0.00000000","time":1785000002345,
        "updateTime":1785000002400,"isWorking":true,"origQuoteOrderQty":"0.00000000"}
        """#

    @Test func `an expired order keeps what it filled, and its mean price`() throws {
        let order = try #require(BinanceOrder(try json(Self.order))).order
        #expect(order.state == .expired && order.filledQuantity == d("0.25"))
        #expect(order.averagePrice == d("3120.4") && order.quantity == d("0.75"))
        #expect(order.clientID?.text == "bp-abc-1" && order.venueOrderID.text == "778120045")
        #expect(order.time == Timestamp(milliseconds: 1_785_000_002_400))
    }

    @Test(arguments: ["orderId", "side", "origQty", "executedQty", "status", "symbol"])
    func `S10: an order that lacks what every order has is no order`(_ name: String) throws {
        let broken = Self.order.replacingOccurrence(of: "\"\(name)\"", with: "\"other\"")
        #expect(BinanceOrder(try json(broken)) == nil)
    }

    @Test func `a status that the documentation does not know is no status`() throws {
        let strange = Self.order.replacingOccurrence(of: "EXPIRED", with: "PONDERING")
        #expect(BinanceOrder(try json(strange)) == nil)
    }

    @Test func `the name of a replacement belongs to its order, and a foreign one to nobody`() throws {
        let id = try #require(ClientOrderID("bp-abc-1"))
        let next = try #require(id.replacement(2))
        #expect(next.text == "bp-abc-1_2")
        #expect(ClientOrderID.atBinance("bp-abc-1_2")?.id == id)
        #expect(ClientOrderID.atBinance("bp-abc-1_2")?.replacement == 2)
        #expect(ClientOrderID.atBinance("web_1")?.id.text == "web_1")
        #expect(ClientOrderID.atBinance("web:1") == nil)
        // 36 characters are the most.
        let long = try #require(ClientOrderID(String(repeating: "a", count: 35)))
        #expect(long.replacement(1) == nil)
    }

    @Test func `a trade reads the same by answer, by stream and by list`() throws {
        let listed = try #require(
            VenueTrade(
                binance: try json(
                    #"{"symbol":"ETHUSDT","id":55120934,"orderId":778120045,"orderListId":-1,"price":"3120.40","qty":"0.25","quoteQty":"780.1","commission":"0.0002","commissionAsset":"BNB","time":1785000002345,"isBuyer":false,"isMaker":false,"isBestMatch":true}"#
                ), clientID: ClientOrderID("bp-abc-1")))
        let placed = try #require(BinanceOrder(try json(Self.order)))
        let answered = try #require(
            VenueTrade(
                binanceFill: try json(
                    #"{"price":"3120.40000000","qty":"0.25000000","commission":"0.00020000","commissionAsset":"BNB","tradeId":55120934}"#
                ), of: placed))
        let event = try #require(BinanceExecution(try json(Self.execution())))
        let streamed = try #require(event.trade)
        for trade in [listed, answered, streamed] {
            #expect(trade.trade.text == "55120934" && trade.price == d("3120.4"))
            #expect(trade.quantity == d("0.25") && trade.fee == d("0.0002") && trade.feeCurrency == "BNB")
            #expect(trade.side == .sell && trade.clientID?.text == "bp-abc-1")
        }
    }

    private static func execution(_ changes: KeyValuePairs<String, String> = [:]) -> String {
        var text = #"""
            {"e":"executionReport","E":1785000002346,"s":"ETHUSDT","c":"bp-abc-1","S":"SELL","o":"LIMIT","f":"GTC",
            "q":"0.75000000","p":"3120.40000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"TRADE",
            "X":"PARTIALLY_FILLED","r":"NONE","i":778120045,"l":"0.25000000","z":"0.25000000","L":"3120.40000000",
            "n":"0.00020000","N":"BNB","T":1785000002345,"t":55120934,"I":9,"w":true,"m":false,"M":true,
            "O":1785000002300,"Z":"780.10000000","Y":"780.10000000","Q":"0.00000000","W":1785000002300,"V":"NONE"}
            """#
        for (old, new) in changes { text = text.replacingOccurrence(of: old, with: new) }
        return text
    }

    @Test func `a cancel names itself in c and the order in C`() throws {
        let cancel = try #require(
            BinanceExecution(
                try json(
                    Self.execution([
                        #""c":"bp-abc-1""#: #""c":"web-cancel-7""#, #""C":"""#: #""C":"bp-abc-1""#,
                        #""x":"TRADE""#: #""x":"CANCELED""#, "PARTIALLY_FILLED": "CANCELED",
                    ]))))
        #expect(cancel.order.clientID?.text == "bp-abc-1" && cancel.kind == .cancelled)
        #expect(cancel.order.filledQuantity == d("0.25") && cancel.trade == nil)
    }

    @Test func `without a fee the stream's null and the list's coin read the same`() throws {
        let streamed = try #require(
            BinanceExecution(
                try json(Self.execution([#""n":"0.00020000","N":"BNB""#: #""n":"0","N":null"#])))?.trade)
        let listed = try #require(
            VenueTrade(
                binance: try json(
                    #"{"symbol":"ETHUSDT","id":1,"orderId":2,"price":"1","qty":"1","commission":"0.00000000","commissionAsset":"USDT","time":1,"isBuyer":true,"isMaker":true}"#
                ), clientID: nil))
        #expect(streamed.feeCurrency == listed.feeCurrency)
    }

    @Test func `an execution report that cannot be read is told apart from other news`() throws {
        let broken = Self.execution([#""i":778120045"#: #""i":null"#])
        #expect(BinanceUserEvent(try json(broken)) == nil)
        #expect(BinanceUserEvent(try json(#"{"e":"outboundAccountPosition","B":[]}"#)) == .other)
        #expect(BinanceUserEvent(try json(#"{"e":"serverShutdown","E":1}"#)) == .ended)
    }

    // MARK: - Errors

    private func verdict(_ status: Int, _ body: String) throws -> VenueVerdict? {
        BinanceDialect.verdict(VenueAnswer(status: status, body: try json(body)))
    }

    @Test func `what the venue does not know stays unknown, and what it refuses is refused`() throws {
        for code in [-1000, -1001, -1006, -1007] {
            guard case .unknown? = try verdict(400, #"{"code":\#(code),"msg":"m"}"#) else {
                Issue.record("\(code)")
                continue
            }
        }
        // S4: a 5xx is unknown whatever stands in it; the status alone decides then.
        #expect(try verdict(503, #"{"code":-9999,"msg":"Unknown error, please check"}"#) == nil)
        #expect(
            try verdict(400, #"{"code":-2010,"msg":"Market is closed."}"#)
                == .refused(code: "-2010", message: "Market is closed."))
    }

    @Test func `S5 to S8: clock, credential, limit and ban are told apart by their codes`() throws {
        guard case .clockWrong? = try verdict(400, #"{"code":-1021,"msg":"Timestamp"}"#) else {
            Issue.record("-1021")
            return
        }
        // The documentation gives no status for these.
        for status in [400, 401] {
            for code in [-2014, -2015, -1022] {
                guard case .credentialsRefused? = try verdict(status, #"{"code":\#(code),"msg":"m"}"#) else {
                    Issue.record("\(code)")
                    continue
                }
            }
        }
        guard case .limited(_, _, true)? = try verdict(429, #"{"code":-1003,"msg":"Too many"}"#),
            case .banned? = try verdict(418, #"{"code":-1003,"msg":"IP banned until 1785000000000"}"#)
        else {
            Issue.record("-1003")
            return
        }
    }

    @Test func `what is used of a window stands in the answer's head`() {
        let answer = VenueAnswer(
            status: 200,
            headers: [
                .init(name: "x-mbx-used-weight-1m", value: "120"),
                .init(name: "x-mbx-order-count-10s", value: "3"),
                .init(name: "x-mbx-used-weight", value: "120"),
            ], body: .null)
        #expect(BinanceDialect.usage(answer) == ["weight-1M": 120, "orders-10S": 3])
    }

    @Test func `limits are read from exchangeInfo, and without one of weight the old ones hold`() throws {
        let windows = try #require(
            BinanceBudget.windows(
                try json(
                    #"[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":1200},{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":100},{"rateLimitType":"RAW_REQUESTS","interval":"MINUTE","intervalNum":5,"limit":61000},{"rateLimitType":"NEW_KIND","interval":"MINUTE","intervalNum":1,"limit":1}]"#
                )))
        #expect(windows.map(\.name) == ["weight-1M", "orders-10S", "requests-5M"])
        #expect(windows.map(\.limit) == [1200, 100, 61000] && windows[1].isPerAccount)
        #expect(BinanceBudget.windows(.array([])) == nil)
    }

    // MARK: - Cursor

    @Test func `a cursor names every symbol, by its next trade or by a time`() throws {
        var cursor = BinanceTradeCursor()
        cursor.add("ETHUSDT", since: Timestamp(milliseconds: 5))
        cursor.add("BTCUSDT", since: Timestamp(milliseconds: 7))
        cursor.move("BTCUSDT", behind: 41)
        #expect(cursor.text == "BTCUSDT:42,ETHUSDT@5")
        let read = try #require(BinanceTradeCursor(cursor.text))
        #expect(read == cursor)
        var moved = read
        moved.add("BTCUSDT", since: Timestamp(milliseconds: 9))
        moved.move("ETHUSDT", to: Timestamp(milliseconds: 3))
        #expect(moved == read)
        moved.move("ETHUSDT", to: Timestamp(milliseconds: 8))
        #expect(moved.text == "BTCUSDT:42,ETHUSDT@8")
        for wrong in ["17", "BTCUSDT", "BTCUSDT:x", ":4"] { #expect(BinanceTradeCursor(wrong) == nil) }
    }
}

extension JSONValue {
    /// The vectors of Binance, wherever in the file they stand.
    fileprivate var binanceVectors: [JSONValue]? {
        if let own = self["binance"]?["vectors"]?.arrayValue { return own }
        guard case .object(let members) = self else { return nil }
        return members.lazy.compactMap { $0.value["binance"]?["vectors"]?.arrayValue }.first
    }
}

extension String {
    /// With the first occurrence of a text replaced.
    fileprivate func replacingOccurrence(of old: String, with new: String) -> String {
        guard let range = firstRange(of: old) else { return self }
        return replacingCharacters(range, new)
    }

    private func replacingCharacters(_ range: Range<Index>, _ new: String) -> String {
        String(self[..<range.lowerBound]) + new + String(self[range.upperBound...])
    }
}
