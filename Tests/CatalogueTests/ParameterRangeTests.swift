import Testing
import Wire

@testable import Catalogue

@Suite struct `Ranges of parameters` {
    private func read(_ text: String) -> (config: StrategyConfig, fields: [String?]) {
        let (config, problems) = ConfigReader.read(Array(text.utf8), bounds: ConfigBounds())
        return (config, problems.map(\.field))
    }

    private static let custom = #""custom_params":{"n":5,"x":"0.5","kind":"a","on":true}"#

    @Test func `are read, written and read again`() throws {
        let text = """
            {\(Self.custom),"parameter_ranges":{"n":{"type":"int","min":1,"max":9,"step":2,"log":true,"about":"how many"},
             "x":{"type":"decimal","min":"-1","max":1,"step":"0.25"},"kind":{"type":"choice","choices":["a","b"]},
             "on":{"type":"bool"}}}
            """
        let (config, fields) = read(text)
        #expect(fields.isEmpty)
        #expect(config.parameterRanges.map(\.name) == ["n", "x", "kind", "on"])
        #expect(read(config.json.text).config == config)
    }

    @Test(arguments: [
        (#""m":{"type":"int","min":1,"max":9}"#, "parameter_ranges.m"),
        (#""n":{"type":"int","min":6,"max":9}"#, "parameter_ranges.n"),
        (#""n":{"type":"int","min":9,"max":1}"#, "parameter_ranges.n.max"),
        (#""n":{"type":"int","max":9}"#, "parameter_ranges.n.min"),
        (#""n":{"type":"int","min":0,"max":9,"log":true}"#, "parameter_ranges.n.log"),
        (#""n":{"type":"number","min":0,"max":9}"#, "parameter_ranges.n.type"),
        (#""x":{"type":"decimal","min":0,"max":1,"step":0}"#, "parameter_ranges.x.step"),
        (#""kind":{"type":"choice","choices":[]}"#, "parameter_ranges.kind.choices"),
        (#""kind":{"type":"choice","choices":["b"]}"#, "parameter_ranges.kind"),
        (#""kind":{"type":"choice","choices":["a","a"]}"#, "parameter_ranges.kind.choices"),
        (#""on":{"type":"bool","min":1}"#, "parameter_ranges.on.min"),
    ])
    func `that are wrong are named`(_ range: String, _ field: String) {
        #expect(read("{\(Self.custom),\"parameter_ranges\":{\(range)}}").fields == [field])
    }

    @Test func `hold at a start`() throws {
        let config = read(
            "{\(Self.custom),\"parameter_ranges\":{\"n\":{\"type\":\"int\",\"min\":1,\"max\":9}}}"
        ).config
        #expect(
            try config.merging(parameters: .object([.init("n", .integer(9))])).parametersJSON["n"]
                == .integer(9))
        #expect(throws: FieldFailure(field: "parameters.n", reason: "is 10, allowed are 1 to 9")) {
            try config.merging(parameters: .object([.init("n", .integer(10))]))
        }
    }
}
