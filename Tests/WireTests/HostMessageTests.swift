import Testing
import Trading
@testable import Wire

@Suite("Host message")
struct HostMessageTests {
    private func decimal(_ text: String) throws -> FixedDecimal { try #require(FixedDecimal(text)) }

    private func text(_ message: HostMessage) -> String { String(decoding: message.line, as: UTF8.self) }

    @Test func `a candle line is written as the contract shows it`() throws {
        let candle = Candle(
            symbol: "BTCUSDT", resolution: Resolution(milliseconds: 60_000),
            openTime: Timestamp(milliseconds: 1_735_689_600_000), open: try decimal("64000"),
            high: try decimal("64010.5"), low: try decimal("63990.01"), close: try decimal("64001.00"),
            volume: try decimal("0.00001"))
        let expected =
            #"{"type":"candle","symbol":"BTCUSDT","resolution":"1m","time":1735689600000,"close_time":1735689660000,"#
            + #""open":"64000","high":"64010.5","low":"63990.01","close":"64001","volume":"0.00001""#
        #expect(text(.candle(candle, isHistory: false)) == expected + "}\n")
        #expect(text(.candle(candle, isHistory: true)) == expected + ",\"history\":true}\n")
    }

    @Test func `an order that was denied carries its reason and leaves out what it has not`() throws {
        let report = OrderReport(
            request: "1", order: "", symbol: "BTCUSDT", side: .sell, type: .market,
            quantity: try decimal("0.1"),
            timeInForce: .gtc, status: .denied, filledQuantity: .zero, reason: "over the \"limit\"",
            time: Timestamp(milliseconds: 5))
        #expect(
            text(.order(report))
                == #"{"type":"order","request":"1","order":"","symbol":"BTCUSDT","side":"sell","order_type":"market","#
                + #""quantity":"0.1","time_in_force":"gtc","status":"denied","filled_quantity":"0","#
                + #""reason":"over the \"limit\"","time":5}"# + "\n")
    }

    @Test func `lines are appended one behind the other`() {
        var output = Array("before\n".utf8)
        HostMessage.ping(id: 1).write(to: &output)
        HostMessage.stop(reason: "asked", deadlineMilliseconds: 2000).write(to: &output)
        #expect(
            String(decoding: output, as: UTF8.self)
                == "before\n{\"type\":\"ping\",\"id\":1}\n{\"type\":\"stop\",\"reason\":\"asked\",\"deadline_ms\":2000}\n"
        )
    }

    @Test(arguments: 0..<UInt64(200))
    func `what is written is read again, and holds no line break inside`(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        for message in HostMessage.samples(using: &generator) {
            let line = message.line
            #expect(line.firstIndex(of: 0x0A) == line.count - 1)
            #expect(try HostMessage(line: line.dropLast()) == message, "seed \(seed)")
        }
    }

    @Test(arguments: [0, 1, 2, 3, 5, 8, 18])
    func `columns are written as the descriptions of their decimals`(digits: Int) {
        var generator = SplitMix64(seed: 7)
        var column: [Int64] = [0, 1, 9, 10, 99, 100, 101, 1_000, .max, .min, -1, -10]
        for power in 0..<18 {
            let round = (0..<power).reduce(Int64(1)) { product, _ in product * 10 }
            column += [round - 1, round, round + 1, -round]
        }
        for _ in 0..<200 {
            let bits = Int.random(in: 0...63, using: &generator)
            column.append(Int64.random(in: .min ... .max, using: &generator) >> bits)
        }
        let unit = (0..<digits).reduce(FixedDecimal.unitsPerOne) { unit, _ in unit / 10 }
        var text: [UInt8] = []
        text.append(decimals: column, digits: digits)
        #expect(
            String(decoding: text, as: UTF8.self)
                == column.map { FixedDecimal(units: Int128($0) * unit).description }.joined(separator: " "))
    }

    @Test(arguments: 0..<UInt64(2000))
    func `decimals are written as their description`(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        for value in [generator.decimal(), FixedDecimal(units: Int128.max), FixedDecimal(units: Int128.min)] {
            let line = StrategyMessage.metric(name: "m", value: value).line
            #expect(
                String(decoding: line, as: UTF8.self)
                    == "{\"type\":\"metric\",\"name\":\"m\",\"value\":\"\(value)\"}\n")
        }
    }
}
