import Foundation
import TestSupport
import Testing
import Trading
import Wire

@testable import Simulators

@Suite("Binance simulator")
struct BinanceSimulatorTests {
    @Test func `an order rests, is found by both names, and is cancelled once`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            let placed = try client.order(
                "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=49000&newClientOrderId=mine"
            )
            #expect(placed["status"] == .string("NEW"))
            #expect(placed["fills"] == .array([]))
            let number = try #require(placed["orderId"]?.plain)
            for name in ["orderId=\(number)", "origClientOrderId=mine"] {
                let found = try client.binance("GET", "order", "symbol=BTCUSDT&\(name)").json
                #expect(found["orderId"]?.plain == number)
                #expect(found["price"] == .string("49000.00000000"))
            }
            let account = try client.binance("GET", "account").json
            let money = account["balances"]?.arrayValue?.first { $0["asset"] == .string("USDT") }
            #expect(money?["locked"] == .string("490.00000000"))
            #expect(money?["free"] == .string("99510.00000000"))
            let cancelled = try client.binance("DELETE", "order", "symbol=BTCUSDT&origClientOrderId=mine")
                .json
            #expect(cancelled["origClientOrderId"] == .string("mine"))
            #expect(cancelled["clientOrderId"] != .string("mine"))
            #expect(cancelled["status"] == .string("CANCELED"))
            let again = try client.binance("DELETE", "order", "symbol=BTCUSDT&origClientOrderId=mine")
            #expect(again.status == 400)
            #expect(try again.json["code"] == .number("-2011"))
        }
    }

    @Test func `a market buy fills at the best price and pays its fee in what it bought`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            let order = try client.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1")
            #expect(order["status"] == .string("FILLED"))
            #expect(order["cummulativeQuoteQty"] == .string("5000.10000000"))
            let fill = try #require(order["fills"]?[0])
            #expect(fill["commission"] == .string("0.00010000"))
            #expect(fill["commissionAsset"] == .string("BTC"))
            let books = try client.books()
            #expect(books["balances"]?["BTC"]?["total"] == .string("1.0999"))
            #expect(books["balances"]?["USDT"]?["total"] == .string("94999.9"))
            let trades = try client.binance("GET", "myTrades", "symbol=BTCUSDT").json
            #expect(trades[0]?["id"] == fill["tradeId"])
            #expect(trades[0]?["isMaker"] == .bool(false))
        }
    }

    @Test func `a market order that runs out of book ends EXPIRED with what it got`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            try client.hold("BTCUSDT", bid: "50000", ask: "50001", quantity: "0.05")
            let order = try client.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1")
            #expect(order["status"] == .string("EXPIRED"))
            #expect(order["executedQty"] == .string("0.05000000"))
        }
    }

    @Test func `a resting order fills in parts as the book comes to it`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            let order = try client.order(
                "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=49990")
            let name = "symbol=BTCUSDT&orderId=\(order["orderId"]?.plain ?? "")"
            try client.hold("BTCUSDT", bid: "49980", ask: "49990", quantity: "0.04")
            var found = try client.binance("GET", "order", name).json
            #expect(found["status"] == .string("PARTIALLY_FILLED"))
            #expect(found["executedQty"] == .string("0.04000000"))
            try client.hold("BTCUSDT", bid: "49970", ask: "49980", quantity: "1")
            found = try client.binance("GET", "order", name).json
            #expect(found["status"] == .string("FILLED"))
            #expect(found["cummulativeQuoteQty"] == .string("4999.00000000"))
        }
    }

    @Test func `a client id is refused while its order is open and taken again afterwards`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            let resting =
                "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=49000&newClientOrderId=a"
            _ = try client.order(resting)
            let second = try client.binance("POST", "order", resting)
            #expect(second.status == 400)
            #expect(try second.json["msg"] == .string("Duplicate order sent."))
            _ = try client.binance("DELETE", "order", "symbol=BTCUSDT&origClientOrderId=a")
            let third = try client.order(resting)
            #expect(third["orderId"] != nil, "which is why a client id is no protection against doubling")
            let found = try client.binance("GET", "order", "symbol=BTCUSDT&origClientOrderId=a").json
            #expect(found["orderId"] == third["orderId"], "the newest of a name is found")
        }
    }

    @Test func `a request is refused for its key, its signature or its time`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            func code(_ response: Client.Response) throws -> String { try response.json["code"]?.plain ?? "" }
            #expect(try code(client.binance("GET", "account", secret: "another")) == "-1022")
            #expect(try code(client.binance("GET", "account", at: Client.now - 6000)) == "-1021")
            #expect(try code(client.binance("GET", "account", at: Client.now + 2000)) == "-1021")
            #expect(try client.binance("GET", "account", at: Client.now + 500).status == 200)
            #expect(
                try client.binance("GET", "account", "recvWindow=60000", at: Client.now - 6000).status == 200)
            #expect(try code(client.binance("GET", "account", "recvWindow=60001")) == "-1131")
            let unknown = try client.request("GET", "/api/v3/account", headers: ["X-MBX-APIKEY: nobody"])
            #expect(unknown.status == 401)
            #expect(try code(unknown) == "-2015")
            #expect(try code(client.request("GET", "/api/v3/account")) == "-2014")
        }
    }

    @Test func `parameters are signed in the query, in the form, or in both without an ampersand between`()
        async throws
    {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            let order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=49000"
            #expect(try client.binance("POST", "order/test", order, inBody: true).status == 200)
            let body = "timestamp=\(Client.now)"
            let signature = Hashes.hmac(.sha256, key: Array(Keys.secret.utf8), Array((order + body).utf8))
            let mixed = try client.request(
                "POST", "/api/v3/order/test?\(order)", headers: ["X-MBX-APIKEY: \(Keys.name)"],
                body: "\(body)&signature=\(signature.uppercased())")
            #expect(mixed.status == 200, "\(mixed.text)")
        }
    }

    @Test func `a key without the right to trade may only look`() async throws {
        try await withSimulator(
            .binance, { $0.keys = [SimulatorKey(key: Keys.name, secret: Keys.secret, rights: [.read])] }
        ) { port in
            let client = try Client(port: port)
            #expect(try client.binance("GET", "account").json["canTrade"] == .bool(false))
            let may = try client.binance("GET", "account/apiRestrictions", root: "/sapi/v1").json
            #expect(may["enableSpotAndMarginTrading"] == .bool(false))
            #expect(may["enableReading"] == .bool(true))
            let order = try client.binance(
                "POST", "order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01")
            #expect(try order.json["code"] == .number("-2015"))
        }
    }

    @Test func `too much weight is answered with 429 and then a ban, each with its Retry-After`() async throws
    {
        try await withSimulator(
            .binance,
            { $0.settings = [("weight_per_minute", "40"), ("ban_after", "2"), ("ban_seconds", "7")] }
        ) { port in
            let client = try Client(port: port)
            var statuses: [Int] = []
            for _ in 0..<8 { statuses.append(try client.request("GET", "/api/v3/exchangeInfo").status) }
            #expect(statuses.prefix(2) == [200, 200])
            #expect(statuses.contains(429))
            let last = try client.request("GET", "/api/v3/ping")
            #expect(last.status == 418)
            #expect((1...7).contains(Int(last.headers["retry-after"] ?? "") ?? 0))
        }
    }

    @Test func `orders are counted until they fill`() async throws {
        try await withSimulator(.binance, { $0.settings = [("orders_per_10s", "2")] }) { port in
            let client = try Client(port: port)
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            for _ in 0..<5 { _ = try client.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001") }
            let resting = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=49000"
            var statuses: [Int] = []
            for _ in 0..<3 { statuses.append(try client.binance("POST", "order", resting).status) }
            // A window of ten seconds may end in between.
            #expect(statuses == [200, 200, 429] || statuses.allSatisfy { $0 == 200 })
        }
    }

    @Test func `candles come oldest first, the last one open, and hold together`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            for interval in ["1m", "1h", "1d", "1w"] {
                let rows =
                    try client.request(
                        "GET", "/api/v3/klines?symbol=BTCUSDT&interval=\(interval)&limit=10"
                    ).json.arrayValue ?? []
                #expect(rows.count == 10, "\(interval)")
                let opens = rows.compactMap { $0[0]?.intValue }
                #expect(opens == opens.sorted() && Set(opens).count == 10)
                let close = try #require(rows.last?[6]?.intValue)
                #expect(Int64(close) >= Client.now - 1000, "the last candle of \(interval) is still open")
                for row in rows {
                    let (high, low) = (FixedDecimal(row[2]?.plain ?? ""), FixedDecimal(row[3]?.plain ?? ""))
                    #expect(high != nil && low != nil && low! <= high!)
                }
            }
            let start = Client.now / 60_000 * 60_000 - 7200_000
            let rows =
                try client.request(
                    "GET", "/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=\(start)&limit=3"
                ).json.arrayValue ?? []
            #expect(rows.compactMap { $0[0]?.intValue } == (0..<3).map { Int(start) + $0 * 60_000 })
        }
    }

    @Test func `times and numbers beyond all reckoning are answered too`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            let candles = "/api/v3/klines?symbol=BTCUSDT&interval=1m"
            for number in [Int64.min, -1, .max - 1, .max] {
                for name in ["startTime", "endTime"] {
                    #expect(try client.request("GET", "\(candles)&\(name)=\(number)").status == 200)
                }
                #expect(
                    try client.request("GET", "/_control/books?after=\(number)&from=\(number)").status == 200)
                let signed = "/api/v3/account?timestamp=\(number)&signature=0"
                let answer = try client.request("GET", signed, headers: ["X-MBX-APIKEY: \(Keys.name)"])
                #expect(answer.status >= 400)
            }
        }
    }

    @Test func `cancel and replace says which half worked`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            let new = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=49000"
            let first = try client.order(new)
            let number = first["orderId"]?.plain ?? ""
            let both = try client.binance(
                "POST", "order/cancelReplace",
                new + "&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId=\(number)")
            #expect(both.status == 200)
            #expect(try both.json["newOrderResult"] == .string("SUCCESS"))
            let half = try client.binance(
                "POST", "order/cancelReplace",
                new + "&cancelReplaceMode=ALLOW_FAILURE&cancelOrderId=\(number)")
            #expect(half.status == 409)
            #expect(try half.json["data"]?["cancelResult"] == .string("FAILURE"))
            let none = try client.binance(
                "POST", "order/cancelReplace",
                new + "&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId=\(number)")
            #expect(none.status == 400)
            #expect(try none.json["data"]?["newOrderResult"] == .string("NOT_ATTEMPTED"))
        }
    }

    // MARK: - Streams

    @Test func `the user data stream tells of an order from new to filled, and of the money`() async throws {
        try await withSimulator(.binance) { port in
            let (client, socket) = (try Client(port: port), try Client(port: port))
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            try socket.upgrade("/ws-api/v3")
            let answer = try socket.socketRequest("userDataStream.subscribe.signature", [:])
            #expect(answer["result"]?["subscriptionId"] == .number("0"))
            _ = try client.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1&newClientOrderId=seen")
            var kinds: [String] = []
            while kinds.last != "outboundAccountPosition" {
                let event = try socket.json { $0["event"] != nil }["event"] ?? .null
                let kind = event["e"]?.stringValue ?? ""
                kinds.append(kind == "executionReport" ? event["x"]?.stringValue ?? "" : kind)
                if kind == "executionReport" { #expect(event["c"] == .string("seen")) }
                if kinds.last == "TRADE" {
                    #expect(event["X"] == .string("FILLED"))
                    #expect(event["N"] == .string("BTC"))
                    #expect(event["z"] == .string("0.10000000"))
                }
            }
            #expect(kinds == ["NEW", "TRADE", "outboundAccountPosition"])
            let twice = try socket.socketRequest("userDataStream.subscribe.signature", [:])
            #expect(twice["error"]?["code"] == .number("-2035"))
        }
    }

    @Test func `a cancel's event bears the cancel's own name`() async throws {
        try await withSimulator(.binance) { port in
            let (client, socket) = (try Client(port: port), try Client(port: port))
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            try socket.upgrade("/ws-api/v3")
            _ = try socket.socketRequest("userDataStream.subscribe.signature", [:])
            let placed = try socket.socketRequest(
                "order.place",
                [
                    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
                    "quantity": "0.01",
                    "price": "49000", "newClientOrderId": "first",
                ])
            #expect(placed["status"] == .number("200"))
            _ = try client.binance(
                "DELETE", "order", "symbol=BTCUSDT&origClientOrderId=first&newClientOrderId=away")
            let event = try socket.json { $0["event"]?["x"] == .string("CANCELED") }["event"]
            #expect(event?["c"] == .string("away"))
            #expect(event?["C"] == .string("first"))
        }
    }

    @Test func `market streams carry trades, quotes, books and candles under their names`() async throws {
        try await withSimulator(.binance) { port in
            let (client, socket) = (try Client(port: port), try Client(port: port))
            try socket.upgrade("/stream?streams=btcusdt@trade/btcusdt@bookTicker")
            try socket.send(
                text: #"{"method":"SUBSCRIBE","params":["btcusdt@depth5@100ms","btcusdt@kline_1m"],"id":7}"#)
            let answer = try socket.json { $0["id"] == .number("7") }
            #expect(answer == .members(["result": .null, "id": .number("7")]))
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            let quote = try socket.json { $0["data"]?["b"] == .string("50000.00000000") }
            #expect(quote["stream"] == .string("btcusdt@bookTicker"))
            #expect(quote["data"]?["e"] == nil)
            let book = try socket.json { $0["stream"] == .string("btcusdt@depth5@100ms") }["data"]
            #expect(book?["bids"]?.arrayValue?.count == 5)
            #expect(book?["bids"]?[0]?[0] == .string("50000.00000000"))
            let candle = try socket.json { $0["stream"] == .string("btcusdt@kline_1m") }["data"]?["k"]
            #expect(candle?["x"] == .bool(false))
            #expect(candle?["i"] == .string("1m"))
        }
    }

    @Test func `a local book kept by the documented rules equals the exchange's`() async throws {
        try await withSimulator(.binance) { port in
            let (client, socket) = (try Client(port: port), try Client(port: port))
            try socket.upgrade("/ws/btcusdt@depth@100ms")
            for step in 0..<3 { try client.hold("BTCUSDT", bid: "\(50_000 + step)", ask: "\(50_010 + step)") }
            let first = try socket.json { $0["e"] == .string("depthUpdate") }
            try client.hold("BTCUSDT", bid: "50100", ask: "50101")
            let snapshot = try client.request("GET", "/api/v3/depth?symbol=BTCUSDT&limit=5000").json
            var id = try #require(snapshot["lastUpdateId"]?.intValue)
            #expect(try #require(first["u"]?.intValue) <= id)
            var bids: [String: String] = [:]
            for row in snapshot["bids"]?.arrayValue ?? [] { bids[row[0]?.plain ?? ""] = row[1]?.plain }
            try client.hold("BTCUSDT", bid: "50107", ask: "50109", quantity: "3")
            let last = try client.request("GET", "/api/v3/depth?symbol=BTCUSDT&limit=5000").json
            let wanted = try #require(last["lastUpdateId"]?.intValue)
            while id < wanted {
                let update = try socket.json { $0["e"] == .string("depthUpdate") }
                guard let end = update["u"]?.intValue, let begin = update["U"]?.intValue, end > id else {
                    continue
                }
                #expect(begin <= id + 1, "no change may be missed")
                for row in update["b"]?.arrayValue ?? [] {
                    let (price, quantity) = (row[0]?.plain ?? "", row[1]?.plain ?? "")
                    bids[price] = FixedDecimal(quantity)?.isZero == true ? nil : quantity
                }
                id = end
            }
            var expected: [String: String] = [:]
            for row in last["bids"]?.arrayValue ?? [] { expected[row[0]?.plain ?? ""] = row[1]?.plain }
            #expect(bids == expected)
        }
    }

    @Test func `whoever does not answer a ping is cut off`() async throws {
        try await withSimulator(.binance, { $0.settings = [("ping_seconds", "1"), ("pong_seconds", "1")] }) {
            port in
            let socket = try Client(port: port)
            try socket.upgrade("/ws")
            var opcodes: [UInt8] = []
            while opcodes.last != 8 { opcodes.append(try socket.frame(showsPings: true).opcode) }
            #expect(opcodes.first == 9)
        }
    }

    @Test func `prices come from a candle file, moved to now`() async throws {
        let folder = Places.makeTemporaryFolder()
        let path = folder + "/SOLUSDT-5m.csv"
        var lines = ["time_ms,open,high,low,close,volume"]
        for row in 0..<40 { lines.append("\(1_700_000_100_000 + row * 300_000),20,22,18,21,100") }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: path))
        try await withSimulator(.binance, { $0.candles = [path] }) { port in
            let client = try Client(port: port)
            let rows =
                try client.request(
                    "GET", "/api/v3/klines?symbol=SOLUSDT&interval=5m&limit=5"
                ).json.arrayValue ?? []
            #expect(rows.count == 5)
            #expect(rows[0][1] == .string("20.00000000"))
            #expect(rows[0][2] == .string("22.00000000"))
            let minutes =
                try client.request(
                    "GET", "/api/v3/klines?symbol=SOLUSDT&interval=1m&limit=20"
                ).json.arrayValue ?? []
            #expect(minutes.count == 20)
            let price = try client.request("GET", "/api/v3/ticker/price?symbol=SOLUSDT").json["price"]?.plain
            let last = try #require(price.flatMap { FixedDecimal($0) })
            #expect(last >= FixedDecimal(18) && last <= FixedDecimal(22))
        }
    }
}
