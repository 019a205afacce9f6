import Testing
import Trading
import Wire

@testable import Simulators

/// Each fault as a client meets it, and what the books say was done.
@Suite("Faults to order")
struct FaultTests {
    private static let order = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&newClientOrderId="

    /// Orders one fault, places an order into it, and gives what the client met and how many orders the books hold.
    private func meet(_ fault: String) async throws -> (met: String, placed: Int) {
        try await withSimulator(.binance) { port in
            let (control, client) = (try Client(port: port), try Client(port: port, seconds: 1))
            try control.hold("BTCUSDT", bid: "50000", ask: "50001")
            try control.control("POST", "/faults", fault)
            let met: String
            do {
                let response = try client.binance("POST", "order", Self.order + "a")
                met =
                    "\(response.status) \(try response.json["code"]?.plain ?? response.json["status"]?.plain ?? "")"
            } catch let failure as Client.Failure {
                met = failure.reason
            }
            let faults = try control.control("GET", "/faults")
            #expect(faults["rules"]?[0]?["fired"] == .number("1"), "\(faults.text)")
            return (met, try control.books()["orders"]?.arrayValue?.count ?? -1)
        }
    }

    @Test(arguments: [
        (#"{"kind":"drop_before","path":"/api/v3/order"}"#, "closed", 0),
        (#"{"kind":"drop_before","path":"/api/v3/order","reset":true}"#, "closed", 0),
        (#"{"kind":"drop_after","path":"/api/v3/order"}"#, "closed", 1),
        (#"{"kind":"truncate","path":"/api/v3/*","method":"POST"}"#, "closed", 1),
        (#"{"kind":"hang","path":"/api/v3/order"}"#, "silence", 0),
        (#"{"kind":"hang","path":"/api/v3/order","processed":true}"#, "silence", 1),
        (#"{"kind":"status","path":"/api/v3/order","status":503}"#, "503 -1006", 0),
        (#"{"kind":"status","path":"/api/v3/order","status":503,"processed":true}"#, "503 -1006", 1),
        (#"{"kind":"status","path":"/api/v3/order","status":400,"code":-1015}"#, "400 -1015", 0),
        (#"{"kind":"latency","path":"/api/v3/order","ms":50,"jitter_ms":20}"#, "200 FILLED", 1),
        (#"{"kind":"latency","path":"/api/v3/order","ms":5,"when":"after"}"#, "200 FILLED", 1),
    ])
    func `a request meets its fault, and the books say what was done`(
        fault: String, met: String, placed: Int
    ) async throws {
        let outcome = try await meet(fault)
        #expect(outcome.met == met)
        #expect(outcome.placed == placed)
    }

    @Test func `a fault strikes as often as it was ordered, and not what it does not fit`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            try client.control(
                "POST", "/faults",
                #"[{"kind":"status","status":500,"path":"/api/v3/ping","times":2,"skip":1}]"#)
            var statuses: [Int] = []
            for _ in 0..<5 { statuses.append(try client.request("GET", "/api/v3/ping").status) }
            #expect(statuses == [200, 500, 500, 200, 200])
            #expect(try client.request("GET", "/api/v3/time").status == 200)
            let rule = try client.control("GET", "/faults")["rules"]?[0]
            #expect(rule?["matched"] == .number("3"))
            #expect(rule?["fired"] == .number("2"))
            #expect(rule?["spent"] == .bool(true))
            #expect(try client.control("GET", "/faults")["totals"]?["status"] == .number("2"))
            try client.control("DELETE", "/faults/1")
            #expect(try client.control("GET", "/faults")["rules"] == .array([]))
        }
    }

    @Test func `the same seed throws the same`() {
        func strikes(_ seed: UInt64) throws -> [Bool] {
            let board = FaultBoard(seed: seed)
            try board.add(JSONParser.parse(#"{"kind":"drop_before","probability":"0.3"}"#))
            return (0..<200).map { _ in
                if case .dropBefore = board.fate(method: "GET", path: "/").end { true } else { false }
            }
        }
        #expect(throws: Never.self) {
            let first = try strikes(7)
            #expect(try strikes(7) == first)
            #expect(try strikes(8) != first)
            #expect((30...90).contains(first.count { $0 }))
        }
    }

    @Test(arguments: [
        (#"{"kind":"nonsense"}"#, "kind"), (#"{"kind":"status"}"#, "status"),
        (#"{"kind":"latency","ms":-1}"#, "ms"), (#"{"kind":"gap","path":"/"}"#, "path"),
        (#"{"kind":"hang","probability":"1.5"}"#, "probability"), (#"{"kind":"hang","tmies":1}"#, "tmies"),
    ])
    func `a fault that is not understood is refused by its field`(fault: String, field: String) async throws {
        try await withSimulator(.binance) { port in
            let response = try Client(port: port).request("POST", "/_control/faults", body: fault)
            #expect(response.status == 400)
            #expect(response.text.contains(field), "\(response.text)")
        }
    }

    @Test func `events come twice, late behind the next, or not at all`() async throws {
        try await withSimulator(.binance) { port in
            let (client, socket) = (try Client(port: port), try Client(port: port))
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            try socket.upgrade("/ws-api/v3")
            _ = try socket.socketRequest("userDataStream.subscribe.signature", [:])
            func kinds(_ fault: String, _ count: Int) throws -> [String] {
                try client.control("DELETE", "/faults")
                try client.control("POST", "/faults", fault)
                _ = try client.order(Self.order + "x")
                var kinds: [String] = []
                while kinds.count < count {
                    let event = try socket.json { $0["event"] != nil }["event"]
                    kinds.append(event?["x"]?.stringValue ?? event?["e"]?.stringValue ?? "")
                }
                return kinds
            }
            let position = "outboundAccountPosition"
            #expect(
                try kinds(#"{"kind":"duplicate","stream":"user","event":"executionReport"}"#, 5)
                    == ["NEW", "NEW", "TRADE", "TRADE", position])
            #expect(
                try kinds(#"{"kind":"reorder","stream":"user","times":1}"#, 3) == ["TRADE", "NEW", position])
            #expect(try kinds(#"{"kind":"gap","stream":"user","times":1,"events":2}"#, 1) == [position])
        }
    }

    @Test func `a stream falls silent while requests are still answered`() async throws {
        try await withSimulator(.binance) { port in
            let (client, socket) = (try Client(port: port), try Client(port: port, seconds: 1))
            try socket.upgrade("/ws/btcusdt@bookTicker")
            try client.control("POST", "/faults", #"{"kind":"silence","stream":"btcusdt@bookTicker"}"#)
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            #expect(throws: Client.Failure.self) { while true { _ = try socket.text() } }
            #expect(try client.request("GET", "/api/v3/ping").status == 200)
        }
    }

    @Test func `the exchange's clock goes wrong by order`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            try client.control("PUT", "/settings", #"{"clock_offset_ms":20000}"#)
            let time = try client.request("GET", "/api/v3/time").json["serverTime"]?.intValue ?? 0
            #expect(abs(Int64(time) - Client.now - 20_000) < 2000)
            #expect(try client.binance("GET", "account").json["code"] == .number("-1021"))
            #expect(try client.binance("GET", "account", at: Client.now + 20_000).status == 200)
        }
    }

    @Test func `filters change under way`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            let order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.011&price=49000"
            #expect(try client.binance("POST", "order/test", order).status == 200)
            try client.control("PUT", "/instruments", #"{"symbol":"BTCUSDT","step_size":"0.01"}"#)
            let info = try client.request("GET", "/api/v3/exchangeInfo?symbol=BTCUSDT").text
            #expect(info.contains(#""stepSize":"0.01000000""#))
            let refused = try client.binance("POST", "order/test", order).json
            #expect(refused["msg"] == .string("Filter failure: LOT_SIZE"))
            try client.control("PUT", "/instruments", #"{"symbol":"BTCUSDT","status":"BREAK"}"#)
            #expect(
                try client.binance("POST", "order/test", order.replacing("0.011", with: "0.01")).json["msg"]
                    == .string("Market is closed."))
        }
    }

    @Test func `the user's own hand and the exchange's show in the stream and the books`() async throws {
        try await withSimulator(.binance) { port in
            let (client, socket) = (try Client(port: port), try Client(port: port))
            try client.hold("BTCUSDT", bid: "50000", ask: "50001")
            try socket.upgrade("/ws-api/v3")
            _ = try socket.socketRequest("userDataStream.subscribe.signature", [:])
            let placed = try client.control(
                "POST", "/orders", #"{"symbol":"BTCUSDT","side":"buy","quantity":"0.5","price":"40000"}"#)
            let number = try #require(placed["order"]?["number"]?.plain)
            let new = try socket.json { $0["event"]?["x"] == .string("NEW") }["event"]
            #expect(new?["c"]?.stringValue?.hasPrefix("web_") == true)
            try client.control("DELETE", "/orders/\(number)")
            _ = try socket.json { $0["event"]?["x"] == .string("CANCELED") }
            try client.control("POST", "/liquidations", #"{"symbol":"BTCUSDT"}"#)
            let sold = try socket.json { $0["event"]?["x"] == .string("TRADE") }["event"]
            #expect(sold?["S"] == .string("SELL"))
            #expect(sold?["z"] == .string("1.00000000"))
            try client.control("POST", "/deposits", #"{"currency":"USDT","amount":"-100"}"#)
            let moved = try socket.json { $0["event"]?["e"] == .string("balanceUpdate") }["event"]
            #expect(moved?["d"] == .string("-100.00000000"))
            let books = try client.books()
            #expect(books["balances"]?["BTC"]?["total"] == .string("0"))
            // 100,000 and 50,000 less a fee of 50, less 100.
            #expect(books["balances"]?["USDT"]?["total"] == .string("149850"))
            #expect(
                books["orders"]?.arrayValue?.compactMap { $0["origin"]?.stringValue } == [
                    "website", "exchange",
                ])
        }
    }

    @Test func `money is neither made nor lost, whatever is traded`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            try client.control("PUT", "/settings", #"{"orders_per_10s":100000,"weight_per_minute":1000000}"#)
            var dice = Dice(seed: 42)
            for step in 0..<120 {
                let bid = 50_000 + dice.below(400)
                try client.hold("BTCUSDT", bid: "\(bid)", ask: "\(bid + 1 + dice.below(5))", quantity: "0.03")
                let side = dice.below(2) == 0 ? "BUY" : "SELL"
                let quantity = FixedDecimal(
                    units: Int128(1 + dice.below(9000)) * FixedDecimal.unitsPerOne / 100_000)
                let kind =
                    dice.below(3) == 0
                    ? "type=MARKET"
                    : "type=LIMIT&timeInForce=GTC&price=\(bid + dice.below(200) - 100)"
                _ = try client.binance(
                    "POST", "order",
                    "symbol=BTCUSDT&side=\(side)&\(kind)&quantity=\(quantity)&newClientOrderId=s\(step)")
            }
            let books = try client.books()
            var expected = ["USDT": FixedDecimal(100_000), "BTC": FixedDecimal(1)]
            for trade in books["trades"]?.arrayValue ?? [] {
                func amount(_ name: String) throws -> FixedDecimal {
                    try #require(trade[name]?.plain.flatMap { FixedDecimal($0) })
                }
                let sign = trade["side"] == .string("buy") ? 1 : -1
                let (quantity, quote) = (try amount("quantity"), try amount("quote"))
                expected["BTC"] =
                    sign > 0 ? expected["BTC"]?.plus(quantity) : expected["BTC"]?.minus(quantity)
                expected["USDT"] = sign > 0 ? expected["USDT"]?.minus(quote) : expected["USDT"]?.plus(quote)
                let currency = trade["fee_currency"]?.stringValue ?? ""
                expected[currency] = expected[currency]?.minus(try amount("fee"))
            }
            #expect((books["trades"]?.arrayValue?.count ?? 0) > 40)
            for (currency, total) in expected {
                #expect(books["balances"]?[currency]?["total"]?.plain == total.description, "\(currency)")
            }
        }
    }

    @Test func `the control door is not for web pages, nor under another name`() async throws {
        try await withSimulator(.binance) { port in
            let client = try Client(port: port)
            #expect(
                try client.request("GET", "/_control", headers: ["Origin: http://example.com"]).status == 403)
            try client.send(Array("GET /_control HTTP/1.1\r\nHost: example.com\r\n\r\n".utf8))
            #expect(
                try client.request("GET", "/_control").status == 403, "the first answer is the other name's")
        }
    }

    @Test func `a server that goes says so first when asked to`() async throws {
        try await withSimulator(.binance) { port in
            let (client, socket) = (try Client(port: port), try Client(port: port))
            try socket.upgrade("/stream?streams=btcusdt@trade")
            try client.control("POST", "/disconnect?announced=1")
            let event = try socket.json { $0["stream"] == .string("!serverShutdown") }["data"]
            #expect(event?["e"] == .string("serverShutdown"))
            #expect(try socket.frame().opcode == 8)
        }
    }

    @Test func `what is wrong with a simulator's configuration is said in words`() async throws {
        var configuration = SimulatorConfiguration(.binance)
        configuration.port = 0
        configuration.settings = [("colour", "blue")]
        await #expect(throws: SimulatorFailure.self) { try await Simulator.start(configuration) }
        configuration.settings = [("client_id_reuse", "sometimes")]
        do {
            _ = try await Simulator.start(configuration)
            Issue.record("it started")
        } catch {
            #expect(error.code == .configuration)
            #expect(error.description.contains("ended | filled | never"))
        }
    }
}
