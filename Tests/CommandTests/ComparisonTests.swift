import Testing
import Wire

@testable import bullpen

@Suite struct `The comparison of runs` {
    private func run(_ id: String, costs: String) throws -> JSONValue {
        try JSONParser.parse(#"{"id":"\#(id)","state":"completed","job":{"strategy":"s","costs":\#(costs)}}"#)
    }

    @Test func `shows fees, and each model of slippage with its parameters`() throws {
        let lines = Command.comparison([
            try run(
                "1",
                costs:
                    #"{"maker_fee":"0.0002","taker_fee":"0.0005","slippage":"0.0001","impact":"0.1","impact_curve":"linear"}"#
            ), try run("2", costs: #"{"half_spread_ticks":3}"#), try run("3", costs: #"{"of_later":1}"#),
        ])
        let cells = { (name: String) in
            lines.first { $0.hasPrefix(name) }?.split(separator: "  ").map {
                String($0.drop { $0 == " " })
            } ?? []
        }
        #expect(cells("fees") == ["fees", "maker 0.02 %, taker 0.05 %", "0 %", "-"])
        #expect(
            cells("slippage")
                == [
                    "slippage", "0.01 % of the price + impact 10 % × share of volume", "half spread 3 ticks",
                    "-",
                ])
    }
}
