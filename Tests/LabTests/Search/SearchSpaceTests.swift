import Lab
import Testing
import Trading
import Wire

@Suite struct `A space of parameters` {
    private func space(_ text: String) throws -> SearchSpace {
        try SearchSpace(reading: try JSONParser.parse(text), path: "space")
    }

    @Test func `counts steps, tenths and choices exactly`() throws {
        let space = try space(
            #"{"fast":{"type":"int","min":5,"max":20,"step":5},"share":{"type":"decimal","min":"0.1","max":"0.5","step":"0.1"},"shorts":{"type":"bool"}}"#
        )
        #expect(space.gridCount == 4 * 5 * 2)
        #expect(space.gridPoint(0).json.text == #"{"fast":5,"share":0.1,"shorts":false}"#)
        #expect(space.gridPoint(1).json.text == #"{"fast":5,"share":0.1,"shorts":true}"#)
        #expect(space.gridPoint(39).json.text == #"{"fast":20,"share":0.5,"shorts":true}"#)
        #expect(Set((0..<40).map(space.gridPoint)).count == 40)
    }

    @Test func `leaves out an end that no step reaches`() throws {
        let space = try space(#"{"n":{"type":"int","min":1,"max":10,"step":4}}"#)
        #expect((0..<3).map { space.gridPoint($0).json.text } == [#"{"n":1}"#, #"{"n":5}"#, #"{"n":9}"#])
        #expect(space.gridCount == 3)
    }

    @Test func `steps by one, or by a hundredth of the way, where nothing is said`() throws {
        #expect(try space(#"{"n":{"type":"int","min":3,"max":7}}"#).gridCount == 5)
        let fine = try space(#"{"n":{"type":"decimal","min":0,"max":2}}"#)
        #expect(fine.gridCount == 101)
        #expect(fine.gridPoint(1).json.text == #"{"n":0.02}"#)
    }

    @Test func `spreads a logarithmic range evenly by its logarithm, ends included`() throws {
        let space = try space(#"{"rate":{"type":"decimal","min":0.001,"max":1,"log":true,"count":4}}"#)
        #expect(
            (0..<4).map { space.gridPoint($0).json.text }
                == [#"{"rate":0.001}"#, #"{"rate":0.01}"#, #"{"rate":0.1}"#, #"{"rate":1}"#])
        let whole = try self.space(#"{"n":{"type":"int","min":1,"max":100,"log":true,"count":3}}"#)
        #expect((0..<3).map { whole.gridPoint($0).json.text } == [#"{"n":1}"#, #"{"n":10}"#, #"{"n":100}"#])
    }

    @Test func `is written as it was read`() throws {
        let text =
            #"{"a":{"type":"int","min":1,"max":9,"step":2},"b":{"type":"decimal","min":"0.5","max":"2","step":"0.25"},"c":{"type":"decimal","min":"0.1","max":"10","log":true,"count":5},"d":{"type":"choice","choices":["x","y"]},"e":{"type":"bool"}}"#
        #expect(try space(text).json.text == text)
    }

    @Test(arguments: [
        (#"{}"#, "space", "names 0 parameters"), (#"[]"#, "space", "must be an object"),
        (#"{"n":{"min":1,"max":5}}"#, "space.n.type", "is missing"),
        (#"{"n":{"type":"int","min":5,"max":1}}"#, "space.n.max", "less than min"),
        (#"{"n":{"type":"int","min":1,"max":2.5}}"#, "space.n.max", "must be a whole number"),
        (#"{"n":{"type":"int","min":1,"max":5,"step":0}}"#, "space.n.step", "must be above 0"),
        (#"{"n":{"type":"int","min":1,"max":5,"step":0.5}}"#, "space.n.step", "must be a whole number"),
        (#"{"n":{"type":"decimal","min":0,"max":5,"log":true}}"#, "space.n.min", "must be above 0"),
        (
            #"{"n":{"type":"decimal","min":0,"max":1,"step":"0.00001"}}"#, "space.n.step",
            "makes more than 20000"
        ),
        (#"{"n":{"type":"int","min":0,"max":"100000000000000000000"}}"#, "space.n.max", "is beyond"),
        (#"{"n":{"type":"choice","choices":[]}}"#, "space.n.choices", "at least one"),
        (#"{"n":{"type":"choice","choices":[1,1]}}"#, "space.n.choices", "all different"),
        (#"{"n":{"type":"choice","choices":[[1]]}}"#, "space.n.choices", "must be texts or numbers"),
        (#"{"n":{"type":"int","min":1,"max":5,"steps":1}}"#, "space.n.steps", "not a known field"),
        (#"{"n":{"type":"int","min":1,"max":5,"count":3}}"#, "space.n.count", "not a known field"),
    ])
    func `is refused with the field and the reason`(_ text: String, _ field: String, _ reason: String) throws
    {
        let failure = try #require(throws: FieldFailure.self) { _ = try space(text) }
        #expect(failure.field == field)
        #expect(failure.reason.contains(reason), "\(failure.reason)")
    }

    @Test func `puts its values over those of the job and leaves the others`() throws {
        var job = StandInBacktester.job
        job.parameters = try JSONParser.parse(#"{"fast":9,"slow":21}"#)
        let point = try space(#"{"fast":{"type":"int","min":5,"max":6}}"#).gridPoint(1)
        #expect(point.applied(to: job).parameters.text == #"{"slow":21,"fast":6}"#)
    }

    @Test func `takes an optimiser's number for the nearest value of its range`() throws {
        let space = try space(
            #"{"n":{"type":"int","min":10,"max":20,"step":5},"rate":{"type":"decimal","min":0.001,"max":1,"log":true}}"#
        )
        let (steps, rate) = (space.parameters[0], space.parameters[1])
        #expect([-1, 0.4, 1, 7].map { steps.value(proposed: $0).text } == ["10", "10", "15", "20"])
        #expect([0, 0.0123456789, 5].map { rate.value(proposed: $0).text } == ["0.001", "0.0123457", "1"])
    }
}

@Suite struct `What a search looks for` {
    private let known: Set<String> = ["sharpe", "max_drawdown"]

    @Test func `is a figure, or figures with weights`() throws {
        let one = try Objective(reading: .string("sharpe"), path: "objective", known: known)
        #expect(one.score(of: ["sharpe": 1.5]) == 1.5)
        let two = try Objective(
            reading: try JSONParser.parse(#"{"sharpe":2,"max_drawdown":-0.5}"#), path: "objective",
            known: known)
        #expect(two.score(of: ["sharpe": 1.5, "max_drawdown": 4]) == 1)
        #expect(two.score(of: ["sharpe": 1.5]) == nil)
        #expect(one.score(of: ["sharpe": .infinity]) == nil)
    }

    @Test(arguments: [#""sharp""#, #"{}"#, #"{"sharpe":0}"#, #"{"sharpe":"x"}"#, "1"])
    func `is refused when there is no such figure or weight`(_ text: String) throws {
        let value = try JSONParser.parse(text)
        let failure = try #require(throws: FieldFailure.self) {
            _ = try Objective(reading: value, path: "objective", known: known)
        }
        #expect(failure.field.hasPrefix("objective"))
    }
}
