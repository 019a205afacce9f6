import Testing
import Trading
import Wire

@testable import Simulators

extension Client {
    /// Asks CoinSpot, signed.
    func coinspot(_ path: String, _ fields: String = "", nonce: Int64) throws -> Response {
        let body = "{\"nonce\":\(nonce)\(fields.isEmpty ? "" : "," + fields)}"
        let sign = Hashes.hmac(.sha512, key: Array(Keys.secret.utf8), Array(body.utf8))
        return try request(
            "POST", "/api/v2/\(path)",
            headers: ["key: \(Keys.name)", "sign: \(sign)", "Content-Type: application/json"], body: body)
    }

    /// Asks CoinDCX, signed.
    func coindcx(_ path: String, _ fields: String = "", at time: Int64? = nil) throws -> Response {
        let body = "{\(fields)\(fields.isEmpty ? "" : ",")\"timestamp\":\(time ?? Self.now)}"
        let signature = Hashes.hmac(.sha256, key: Array(Keys.secret.utf8), Array(body.utf8))
        return try request(
            "POST", "/exchange/v1/\(path)",
            headers: ["X-AUTH-APIKEY: \(Keys.name)", "X-AUTH-SIGNATURE: \(signature)"], body: body)
    }
}

@Suite("CoinSpot simulator")
struct CoinSpotSimulatorTests {
    @Test func `an order rests, and is cancelled by its own side's call alone`() async throws {
        try await withSimulator(.coinspot) { port in
            let client = try Client(port: port)
            try client.hold("BTCAUD", bid: "90000", ask: "90010")
            let order = #""cointype":"BTC","amount":"0.5","rate":"80000.5""#
            let placed = try client.coinspot("my/buy", order, nonce: 1).json
            let id = try #require(placed["id"]?.stringValue)
            #expect(id.utf8.count == 24)
            #expect(placed["market"] == .string("BTC/AUD"))
            let open = try client.coinspot("ro/my/orders/market/open", nonce: 2).json
            #expect(open["buyorders"]?[0]?["id"] == .string(id))
            #expect(open["buyorders"]?[0]?["rate"] == .number("80000.5"))
            let money = try client.coinspot("ro/my/balance/AUD", nonce: 3).json["balance"]?["AUD"]
            #expect(money?["available"] == nil)
            #expect(try client.coinspot("my/sell/cancel", "\"id\":\"\(id)\"", nonce: 4).status == 400)
            #expect(try client.coinspot("my/buy/cancel", "\"id\":\"\(id)\"", nonce: 5).status == 200)
            #expect(try client.coinspot("my/buy/cancel", "\"id\":\"\(id)\"", nonce: 6).status == 400)
        }
    }

    @Test func `a nonce is greater than the one before, for each key`() async throws {
        try await withSimulator(.coinspot) { port in
            let client = try Client(port: port)
            #expect(try client.coinspot("status", nonce: 1000).status == 200)
            for nonce in [1000, 999, 0, -1] as [Int64] {
                let refused = try client.coinspot("status", nonce: nonce)
                #expect(refused.status == 401)
                #expect(try refused.json["message"] == .string("nonce invalid"))
            }
            #expect(try client.coinspot("status", nonce: 1001).status == 200)
        }
    }

    @Test func `an order that filled is found among the completed, with its fee and tax`() async throws {
        try await withSimulator(.coinspot) { port in
            let client = try Client(port: port)
            try client.hold("BTCAUD", bid: "90000", ask: "90010")
            _ = try client.coinspot("my/sell", #""cointype":"BTC","amount":"0.5","rate":"90100""#, nonce: 1)
            try client.hold("BTCAUD", bid: "90100", ask: "90110", quantity: "0.2")
            let open = try client.coinspot("ro/my/orders/market/open", nonce: 2).json["sellorders"]?[0]
            #expect(open?["amount"] == .number("0.3"), "what remains")
            let row = try client.coinspot("ro/my/orders/market/completed", nonce: 3).json["sellorders"]?[0]
            #expect(row?["amount"] == .number("0.2"))
            #expect(row?["total"] == .number("18020"))
            let fees = [row?["audfeeExGst"]?.plain, row?["audGst"]?.plain].compactMap {
                $0.flatMap { FixedDecimal($0) }
            }
            #expect(fees.count == 2)
            #expect(fees[0].plus(fees[1]) == FixedDecimal("18.02"))
        }
    }

    @Test func `an instant order has no id, and a guard against moving prices`() async throws {
        try await withSimulator(.coinspot) { port in
            let client = try Client(port: port)
            try client.hold("BTCAUD", bid: "90000", ask: "90010")
            let buy = #""cointype":"BTC","amounttype":"aud","amount":"900.1""#
            let bought = try client.coinspot("my/buy/now", buy, nonce: 1).json
            #expect(bought["id"] == nil)
            #expect(bought["amount"] == .number("0.01"))
            let guarded = try client.coinspot(
                "my/buy/now", buy + #","rate":"85000","threshold":"1""#, nonce: 2)
            #expect(guarded.status == 400)
        }
    }

    @Test func `a read-only key works behind ro alone`() async throws {
        try await withSimulator(
            .coinspot, { $0.keys = [SimulatorKey(key: Keys.name, secret: Keys.secret, rights: [.read])] }
        ) { port in
            let client = try Client(port: port)
            #expect(try client.coinspot("ro/status", nonce: 1).status == 200)
            #expect(try client.coinspot("status", nonce: 2).status == 401)
        }
    }

    @Test func `a price may be no number`() async throws {
        try await withSimulator(.coinspot, { $0.settings = [("nan_coins", "btc")] }) { port in
            let prices = try Client(port: port).request("GET", "/pubapi/v2/latest").json["prices"]
            #expect(prices?["btc"]?["bid"] == .string("NaN"))
        }
    }
}

@Suite("CoinDCX simulator")
struct CoinDCXSimulatorTests {
    private static let order =
        #""market":"BTCINR","side":"buy","order_type":"limit_order","price_per_unit":"5000000","total_quantity":0.01"#

    @Test func `an order is taken, found by both names, changed and cancelled`() async throws {
        try await withSimulator(.coindcx) { port in
            let client = try Client(port: port)
            try client.hold("BTCINR", bid: "5200000", ask: "5200010")
            let answer = try client.coindcx("orders/create", Self.order + #","client_order_id":"mine""#)
            #expect(answer.status == 200, "\(answer.text)")
            let placed = try answer.json["orders"]?[0]
            #expect(placed?["status"] == .string("init"))
            let id = try #require(placed?["id"]?.stringValue)
            #expect(Int64(id) != nil, "digits as text")
            for name in [#""id":"\#(id)""#, #""client_order_id":"mine""#] {
                let found = try client.coindcx("orders/status", name).json
                #expect(found["status"] == .string("open"))
                #expect(found["price_per_unit"] == .number("5000000"))
            }
            let edited = try client.coindcx("orders/edit", #""id":"\#(id)","price_per_unit":4900000"#).json
            #expect(edited["price_per_unit"] == .number("4900000"))
            let active = try client.coindcx("orders/active_orders", #""market":"BTCINR""#).json["orders"]?[0]
            #expect(
                active?["created_at"]?.stringValue?.hasSuffix("Z") == true, "text there, a number elsewhere")
            #expect(
                try client.coindcx("orders/cancel", #""client_order_id":"mine""#).json["code"]
                    == .number("200"))
            let ended = try client.coindcx("orders/status", #""id":"\#(id)""#).json
            #expect(ended["status"] == .string("cancelled"))
            let again = try client.coindcx("orders/create", Self.order + #","client_order_id":"mine""#)
            #expect(again.status == 422, "a client's name for an order is used once for ever")
        }
    }

    @Test func `the body is read before the signature, and the signature before the time`() async throws {
        try await withSimulator(.coindcx) { port in
            let client = try Client(port: port)
            let broken = try client.request("POST", "/exchange/v1/users/balances", body: "nonsense")
            #expect(broken.status == 400)
            #expect(try broken.json["message"] == .string("bad_request"))
            let unsigned = try client.request("POST", "/exchange/v1/orders/create", body: "{}")
            #expect(unsigned.status == 401)
            #expect(try unsigned.json["errorCode"] == .string("BFF-AUTH-001"))
            #expect(try client.coindcx("users/balances", at: Client.now - 60_000).status == 401)
            #expect(try client.coindcx("users/balances").status == 200)
            #expect(try client.request("GET", "/exchange/v1/users/balances").status == 404)
        }
    }

    @Test func `times beyond all reckoning are answered too`() async throws {
        try await withSimulator(.coindcx) { port in
            let client = try Client(port: port)
            let candles = "/market_data/candles?pair=I-BTC_INR&interval=1m"
            for number in [Int64.min, -1, .max - 1, .max] {
                #expect(
                    try client.request("GET", "\(candles)&startTime=\(number)&endTime=\(number)").status
                        == 200)
                let sticks =
                    "/market_data/candlesticks?pair=B-BTC_USDT&resolution=1&from=\(number)&to=\(number)"
                #expect(try client.request("GET", sticks).status == 422)
                _ = try client.coindcx("users/balances", at: number)
            }
        }
    }

    @Test func `books are objects and candles come newest first`() async throws {
        try await withSimulator(.coindcx) { port in
            let client = try Client(port: port)
            try client.hold("BTCINR", bid: "5200000", ask: "5200010")
            let book = try client.request("GET", "/market_data/orderbook?pair=I-BTC_INR&depth=5").json
            #expect(book["bids"]?["5200000"] != nil)
            let candles =
                try client.request(
                    "GET", "/market_data/candles?pair=I-BTC_INR&interval=1m&limit=5"
                ).json.arrayValue ?? []
            let times = candles.compactMap { $0["time"]?.intValue }
            #expect(times.count == 5 && times == times.sorted(by: >))
            #expect(
                try client.request("GET", "/market_data/candles?pair=I-BTC_INR&interval=5m").status == 422)
            #expect(try client.request("GET", "/market_data/candles?pair=NOPE&interval=1m").status == 422)
        }
    }

    @Test func `the private channel tells of orders, trades and balances, twice wrapped`() async throws {
        try await withSimulator(.coindcx) { port in
            let (client, socket) = (try Client(port: port), try Client(port: port))
            try client.hold("BTCINR", bid: "5200000", ask: "5200010")
            try socket.upgrade("/socket.io/?EIO=4&transport=websocket")
            #expect(try socket.text().hasPrefix("0{\"sid\":"))
            try socket.send(text: "40")
            #expect(try socket.text().hasPrefix("40{"))
            let signature = Hashes.hmac(
                .sha256, key: Array(Keys.secret.utf8), Array(#"{"channel":"coindcx"}"#.utf8))
            try socket.send(
                text:
                    #"42["join",{"channelName":"coindcx","authSignature":"\#(signature)","apiKey":"\#(Keys.name)"}]"#
            )
            // Joining is not acknowledged; a request on the same loop that comes later is answered later.
            try socket.send(text: #"42["join",{"channelName":"I-BTC_INR@orderbook@20"}]"#)
            var events: [String: JSONValue] = [:]
            func read(until event: String) throws {
                while events[event] == nil {
                    let text = try socket.text()
                    guard text.hasPrefix("42") else { continue }
                    let packet = try JSONParser.parse(String(text.dropFirst(2)))
                    let inner = try JSONParser.parse(packet[1]?["data"]?.stringValue ?? "")
                    events[packet[0]?.stringValue ?? ""] = inner
                }
            }
            try read(until: "depth-snapshot")
            #expect(events["depth-snapshot"]?["bids"]?["5200000"] != nil)
            _ = try client.coindcx(
                "orders/create",
                #""market":"BTCINR","side":"buy","order_type":"market_order","total_quantity":0.01"#)
            for event in ["order-update", "trade-update", "balance-update"] { try read(until: event) }
            #expect(events["trade-update"]?[0]?["p"] == .string("5200010"))
        }
    }

    @Test func `a wrong signature on the private channel ends the connection`() async throws {
        try await withSimulator(.coindcx) { port in
            let socket = try Client(port: port)
            try socket.upgrade("/socket.io/?EIO=4&transport=websocket")
            _ = try socket.text()
            try socket.send(text: "40")
            _ = try socket.text()
            try socket.send(
                text: #"42["join",{"channelName":"coindcx","authSignature":"00","apiKey":"\#(Keys.name)"}]"#)
            #expect(try socket.text() == "41")
            #expect(try socket.frame().opcode == 8)
        }
    }

    @Test func `a client that pings itself is dropped, one that answers lives`() async throws {
        try await withSimulator(
            .coindcx, { $0.settings = [("ping_interval_ms", "200"), ("ping_timeout_ms", "300")] }
        ) { port in
            let (polite, old) = (try Client(port: port), try Client(port: port))
            for socket in [polite, old] {
                try socket.upgrade("/socket.io/?EIO=4&transport=websocket")
                _ = try socket.text()
            }
            try old.send(text: "2")
            #expect(throws: Client.Failure.self) { while true { _ = try old.text() } }
            for _ in 0..<3 {
                #expect(try polite.text() == "2")
                try polite.send(text: "3")
            }
            // Now it does not answer.
            #expect(throws: Client.Failure.self) { while true { _ = try polite.text() } }
        }
    }
}
