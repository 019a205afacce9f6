import Testing
import Trading
import Wire

@Suite("Strategy message")
struct StrategyMessageTests {
    private func read(_ line: String) throws(LineFailure) -> StrategyMessage {
        try StrategyMessage(line: Array(line.utf8))
    }

    private func failure(_ line: String) throws -> LineFailure {
        try #require(throws: LineFailure.self) { try read(line) }
    }

    @Test func `an order is read in any order of its members, with space between`() throws {
        let quantity = try #require(FixedDecimal("0.012"))
        let terms = OrderTerms(
            symbol: "BTCUSDT", side: .buy, type: .limit, quantity: quantity,
            price: FixedDecimal("64000.10"), timeInForce: .ioc, postOnly: true)
        let expected = StrategyMessage.order(request: "r-1", terms: terms)
        #expect(
            try read(
                #"{"type":"order","request":"r-1","symbol":"BTCUSDT","side":"buy","order_type":"limit","quantity":"0.012","price":"64000.10","time_in_force":"ioc","post_only":true}"#
            ) == expected)
        #expect(
            try read(
                #" { "post_only" : true , "price" : 64000.10 , "quantity":0.012,"time_in_force":"ioc","stop_price":null,"side":"b\u0075y", "order_type":"limit","symbol":"BTCUSDT","reduce_only":false,"request":"r-1","t\u0079pe":"order" } "#
            ) == expected)
    }

    @Test func `a decimal stays exact to the eighteenth place`() throws {
        for (written, expected) in [
            ("\"0.000000000000000001\"", "0.000000000000000001"), ("1e-18", "0.000000000000000001"),
            ("\"1E+2\"", "100"),
            ("123456789012345678.123456789012345678", "123456789012345678.123456789012345678"),
        ] {
            let message = try read(#"{"type":"metric","name":"x","value":\#(written)}"#)
            #expect(message == .metric(name: "x", value: try #require(FixedDecimal(expected))))
        }
    }

    @Test(arguments: [
        (#"{"type":"order"}"#, LineFailure.Code.missingField, String?("request")),
        (#"{"type":"cancel","request":""}"#, .wrongValue, "request"),
        (#"{"type":"cancel","request":"1234567890123456789012345678901234567"}"#, .wrongValue, "request"),
        (#"{"type":"cancel","request":"a b"}"#, .wrongValue, "request"),
        (#"{"type":"cancel","request":"é"}"#, .wrongValue, "request"),
        (#"{"type":"cancel","request":1}"#, .wrongValue, "request"),
        (#"{"type":"cancel","request":null}"#, .missingField, "request"),
        (#"{"type":"cancel","request":"1","symbol":"BTCUSDT"}"#, .unknownField, "symbol"),
        (#"{"type":"cancel","request":"1","why":{}}"#, .unknownField, "why"),
        (#"{"type":"cancel","request":"1","request":"1"}"#, .duplicateField, "request"),
        (#"{"type":"cancel","type":"cancel","request":"1"}"#, .duplicateField, "type"),
        (#"{"type":"hello"}"#, .unknownType, "type"),
        (#"{"request":"1"}"#, .missingField, "type"),
        (#"{}"#, .missingField, "type"),
        (#"{"type":7}"#, .wrongValue, "type"),
        (#"{"type":"amend","request":"1"}"#, .missingField, "quantity"),
        (#"{"type":"amend","request":"1","price":"1","stop_loss":"2"}"#, .wrongValue, "stop_loss"),
        (#"{"type":"amend","request":"1","quantity":"1","take_profit":"2"}"#, .wrongValue, "take_profit"),
        (#"{"type":"cancel","request":"1","bracket":"yes"}"#, .wrongValue, "bracket"),
        (
            #"{"type":"oco","request":"1","symbol":"BTCUSDT","side":"sell","quantity":"1"}"#, .missingField,
            "stop_loss"
        ),
        (
            #"{"type":"oco","request":"1","symbol":"BTCUSDT","quantity":"1","stop_loss":"1"}"#, .missingField,
            "side"
        ),
        (
            #"{"type":"oco","request":"1","symbol":"BTCUSDT","side":"sell","quantity":"1","stop_loss":"1","price":"2"}"#,
            .unknownField, "price"
        ),
        (#"{"type":"amend","request":"1","price":true}"#, .wrongValue, "price"),
        (#"{"type":"amend","request":"1","price":"NaN"}"#, .wrongValue, "price"),
        (#"{"type":"amend","request":"1","price":"1,5"}"#, .wrongValue, "price"),
        (#"{"type":"amend","request":"1","price":"0.0000000000000000001"}"#, .wrongValue, "price"),
        (#"{"type":"amend","request":"1","price":{"a":1}}"#, .wrongValue, "price"),
        (#"{"type":"log","level":"fatal","message":"x"}"#, .wrongValue, "level"),
        (#"{"type":"log","level":"info"}"#, .missingField, "message"),
        (#"{"type":"metric","name":"a b","value":1}"#, .wrongValue, "name"),
        (#"{"type":"metric","name":"","value":1}"#, .wrongValue, "name"),
        (#"{"type":"signal","action":""}"#, .wrongValue, "action"),
        (#"{"type":"signal","action":"BUY","data":[]}"#, .wrongValue, "data"),
        (#"{"type":"signal","action":"BUY","symbol":"BTC USDT"}"#, .wrongValue, "symbol"),
        (#"{"type":"subscribe","symbol":"BTCUSDT"}"#, .missingField, "resolution"),
        (#"{"type":"subscribe","symbol":"BTCUSDT","resolution":"0m"}"#, .wrongValue, "resolution"),
        (#"{"type":"subscribe","symbol":"BTCUSDT","trades":"yes"}"#, .wrongValue, "trades"),
        (#"{"type":"timer","id":"t","after_ms":-1}"#, .wrongValue, "after_ms"),
        (#"{"type":"timer","id":"t","after_ms":604800001}"#, .wrongValue, "after_ms"),
        (#"{"type":"timer","id":"t","after_ms":1.5}"#, .wrongValue, "after_ms"),
        (#"{"type":"timer","id":"t","after_ms":9,"repeat":true}"#, .wrongValue, "after_ms"),
        (#"{"type":"pong","id":"1"}"#, .wrongValue, "id"),
        (#"{"type":"pong","id":99999999999999999999}"#, .wrongValue, "id"),
        (#"{"type":"state"}"#, .missingField, "state"),
        (#"{"type":"state","state":{"a":1,"a":2}}"#, .notJSON, nil),
        (#"{"type":"ready"}"#, .missingField, "sdk"),
        (#"{"type":"pong","id":1} x"#, .notJSON, nil),
        (#"["type","pong"]"#, .notJSON, nil),
        (#"hello"#, .notJSON, nil),
        ("", .notJSON, nil),
        (#"{"type":"pong","id":01}"#, .notJSON, nil),
        (#"{"type":"pong","id":NaN}"#, .notJSON, nil),
        (#"{"type":"pong","id":1,}"#, .notJSON, nil),
    ])
    func `a wrong line is refused, naming the field`(
        line: String, code: LineFailure.Code, field: String?
    ) throws {
        let failure = try failure(line)
        #expect(failure.code == code)
        #expect(failure.field == field)
    }

    @Test func `a refusal says what is allowed, and which order it concerns`() throws {
        let failure = try failure(
            #"{"type":"order","request":"r7","symbol":"BTCUSDT","side":"long","order_type":"market","quantity":"1"}"#
        )
        #expect(failure.description == #"order.side: "long" is not one of "buy", "sell""#)
        #expect(failure.type == .order)
        #expect(failure.request == "r7")
        let unknown = try self.failure(#"{"type":"pong","id":1,"ts":2}"#)
        #expect(unknown.description == "pong.ts: is not a known field; this line takes id")
    }

    @Test func `the bounds hold to the byte`() throws {
        let full = String(repeating: "é", count: StrategyProtocol.logBytes / 2)
        #expect(throws: Never.self) { try read(#"{"type":"log","level":"info","message":"\#(full)"}"#) }
        #expect(try failure(#"{"type":"log","level":"info","message":"\#(full)x"}"#).field == "message")

        let state = String(repeating: "x", count: StrategyProtocol.stateBytes - 4)
        #expect(throws: Never.self) { try read(#"{"type":"state","state":["\#(state)"]}"#) }
        #expect(try failure(#"{"type":"state","state":["\#(state)x"]}"#).field == "state")

        let pong = #"{"type":"pong","id":1}"#
        let space = String(repeating: " ", count: StrategyProtocol.lineBytes - 1 - pong.utf8.count)
        #expect(try read(pong + space) == .pong(id: 1))
        #expect(try failure(pong + space + " ").code == .tooLong)

        let deep = String(repeating: "[", count: 14) + String(repeating: "]", count: 14)
        #expect(throws: Never.self) { try read(#"{"type":"state","state":[\#(deep)]}"#) }
        #expect(try failure(#"{"type":"state","state":[[\#(deep)]]}"#).code == .notJSON)
    }

    @Test func `a null state is a state`() throws {
        #expect(try read(#"{"type":"state","state":null}"#) == .state(.null))
    }

    @Test(arguments: 0..<UInt64(300))
    func `what is written is read again`(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        for type in StrategyMessageType.allCases {
            let message = StrategyMessage.sample(type, using: &generator)
            let line = message.line
            #expect(line.last == 0x0A)
            #expect(try StrategyMessage(line: line.dropLast()) == message, "seed \(seed)")
            #expect(message.type == type)
        }
    }

    /// The seeded sibling of the fuzz target: the parser never traps, and what it takes it can say again.
    @Test func `a mangled line is refused or understood, and never traps`() throws {
        var generator = SplitMix64(seed: 20_261_120)
        var understood = 0
        for round in 0..<20_000 {
            let type = StrategyMessageType.allCases[round % StrategyMessageType.allCases.count]
            var line = Array(StrategyMessage.sample(type, using: &generator).line.dropLast())
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: 0..<line.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: line[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: line.remove(at: index)
                case 2:
                    line.insert(Array("{}[]\",:\\e-.0u".utf8).randomElement(using: &generator)!, at: index)
                default: line.removeSubrange(index..<min(line.count, index + 8))
                }
                if line.isEmpty { break }
            }
            guard let message = try? StrategyMessage(line: line) else { continue }
            understood += 1
            #expect(try StrategyMessage(line: message.line.dropLast()) == message)
        }
        #expect(understood > 100)
    }
}
