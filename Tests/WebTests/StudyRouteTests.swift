import Lab
import Testing
import Trading
import Wire

@Suite("Studies over HTTP")
struct StudyRouteTests {
    /// Runs that earn most at fast 5.
    private struct Best: Backtester {
        func run(_ job: BacktestJob, progress: @escaping @Sendable (BacktestProgress) -> Bool)
            async throws(BacktestFailure) -> BacktestResult
        {
            let fast = job.parameters["fast"]?.intValue ?? 9
            let end = FixedDecimal(10_100 - 10 * abs(fast - 5))
            return BacktestResult(
                job: job, dataHashes: ["d"],
                end: progress(BacktestProgress(bars: 9, total: 9)) ? .completed : .cancelled,
                bars: 9, finalEquity: end, fills: [], trades: [],
                equity: [.init(time: job.start, equity: job.capital), .init(time: job.end, equity: end)],
                decisions: [], log: [], milliseconds: 1)
        }
    }

    private let world: LabWorld
    private var fixture: APIFixture { world.fixture }

    init() async throws {
        world = try await LabWorld(
            Best(),
            config:
                #"{"custom_params":{"fast":9,"slow":21},"parameter_ranges":{"fast":{"type":"int","min":2,"max":12}}}"#
        )
    }

    /// Begins a study and waits for its end by its stream, which ends with it.
    private func carryOut(_ path: String, _ body: String) async throws -> JSONValue {
        let asked = try await fixture.call("POST", path, as: "ann", json: body)
        #expect(asked.status == 202, "\(asked.text)")
        let id = try #require(asked.json["id"]?.stringValue)
        let events = try await fixture.call(
            "GET", "\(path)/\(id)/events", as: "ann", headers: ["Accept: text/event-stream"])
        #expect(events.text.contains("event: study"))
        return try await fixture.call("GET", "\(path)/\(id)", as: "ann").json
    }

    @Test func `an author searches and reads points and heat map; another sees nothing`() async throws {
        let study = try await carryOut(
            "/lab/optimisations",
            #"{"strategy":"ann-1","space":{"fast":{"type":"int","min":2,"max":12},"slow":{"type":"choice","choices":[21,34]}},"objective":"net_profit"}"#
        )
        #expect(study["state"] == .string("completed"))
        #expect(study["result"]?["best"]?["point"]?["fast"] == .number("5"))
        let id = try #require(study["id"]?.stringValue)
        let points = try await fixture.call("GET", "/lab/optimisations/\(id)/points?limit=3", as: "ann").json
        #expect(points["items"]?.arrayValue?.count == 3 && points["next"] == .string("3"))
        #expect(points["items"]?.arrayValue?[0]["outcome"]?["score"]?.text == "100.0")
        let map = try await fixture.call(
            "GET", "/lab/optimisations/\(id)/heatmap?x=fast&y=slow&figure=total_return&cell=mean", as: "ann"
        ).json
        #expect(map["map"]?["x"]?.arrayValue?.count == 11 && map["map"]?["y"]?.arrayValue?.count == 2)
        let wrong = try await fixture.call("GET", "/lab/optimisations/\(id)/heatmap?x=quick", as: "ann")
        #expect(wrong.status == 400 && wrong.text.contains("quick"))
        for path in ["/lab/optimisations/\(id)", "/lab/optimisations/\(id)/points", "/lab/studies/\(id)"] {
            #expect(try await fixture.call("GET", path, as: "bob").status == 404)
            #expect(try await fixture.call("GET", path, as: "root").status == 200)
        }
        #expect(try await fixture.call("GET", "/lab/checks/\(id)", as: "ann").status == 404)
        let listed = try await fixture.call("GET", "/lab/optimisations?algorithm=ann-1", as: "ann").json
        #expect(listed["items"]?.arrayValue?.count == 1)
        #expect(try await fixture.call("GET", "/lab/studies", as: "bob").json["items"]?.arrayValue == [])
        #expect(try await fixture.call("DELETE", "/lab/optimisations/\(id)", as: "ann").status == 200)
        #expect(try await fixture.call("GET", "/lab/optimisations/\(id)", as: "ann").status == 404)
        await world.close()
    }

    @Test func `walks forward and checks have paths of their own`() async throws {
        let walk = try await carryOut(
            "/lab/walkforwards",
            #"{"strategy":"ann-1","in_sample":"5h","out_of_sample":"2h","objective":"net_profit"}"#)
        let windows = try #require(walk["result"]?["windows"]?.arrayValue)
        #expect(!windows.isEmpty)
        // The run behind each window is there for those who may see the strategy.
        let id = try #require(walk["id"]?.stringValue)
        let kept = try await fixture.call("GET", "/lab/backtests?study=\(id)", as: "ann").json["items"]?
            .arrayValue
        #expect(
            kept?.compactMap { $0["id"]?.stringValue }
                == windows.reversed().compactMap { $0["run"]?.stringValue })
        #expect(kept?.last?["study"]?.stringValue == id && kept?.last?["window"]?.intValue == 0)
        let run = try #require(kept?.first?["id"]?.stringValue)
        #expect(try await fixture.call("GET", "/lab/backtests/\(run)/report", as: "ann").status == 200)
        #expect(try await fixture.call("GET", "/lab/backtests/\(run)", as: "bob").status == 404)
        let none = try await fixture.call("GET", "/lab/backtests?study=\(id)", as: "bob").json
        #expect(none["items"]?.arrayValue == [])
        #expect(try await fixture.call("GET", "/lab/backtests", as: "ann").json["items"]?.arrayValue == [])
        let wrong = try await fixture.call("GET", "/lab/backtests?study=x", as: "ann")
        #expect(wrong.status == 400 && wrong.field == "study")
        let check = try await carryOut("/lab/checks", #"{"strategy":"ann-1","check":"lookahead","cuts":3}"#)
        #expect(check["result"]?["verdict"] == .string("inconclusive"))
        let start = try await carryOut("/lab/checks", #"{"strategy":"ann-1","check":"startup"}"#)
        #expect(start["kind"] == .string("startup"))
        let all = try await fixture.call("GET", "/lab/studies", as: "ann").json["items"]?.arrayValue
        #expect(all?.compactMap { $0["kind"]?.stringValue } == ["startup", "lookahead", "walkforward"])
        await world.close()
    }

    @Test(arguments: [
        (
            "/lab/optimisations", #"{"strategy":"ann-1","space":{"quick":{"type":"bool"}}}"#, 400,
            "space.quick"
        ),
        ("/lab/optimisations", #"{"strategy":"ann-1","objective":"luck"}"#, 400, "objective"),
        ("/lab/optimisations", #"{"strategy":"ann-1","colour":"red"}"#, 400, "colour"),
        ("/lab/optimisations", #"{"strategy":"ann-1","method":"optuna"}"#, 400, "method"),
        ("/lab/optimisations", #"{"strategy":"none"}"#, 404, "none"),
        ("/lab/walkforwards", #"{"strategy":"ann-1"}"#, 400, "in_sample"),
        ("/lab/checks", #"{"strategy":"ann-1","check":"luck"}"#, 400, "check"),
        ("/lab/checks", #"{"strategy":"ann-1"}"#, 400, "check"),
    ])
    func `what cannot be is refused with the field`(
        _ path: String, _ body: String, _ status: Int, _ word: String
    ) async throws {
        let answer = try await fixture.call("POST", path, as: "ann", json: body)
        #expect(answer.status == status && answer.text.contains(word), "\(answer.text)")
        await world.close()
    }
}
