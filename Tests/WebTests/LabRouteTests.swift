import Lab
import Synchronization
import Testing
import Trading
import Wire

@Suite("The Lab over HTTP")
struct LabRouteTests {
    /// Runs that wait until they may end.
    private final class Waiting: Backtester {
        let isOpen = Mutex(true)

        func run(_ job: BacktestJob, progress: @escaping @Sendable (BacktestProgress) -> Bool)
            async throws(BacktestFailure) -> BacktestResult
        {
            var end = BacktestResult.End.completed
            while true {
                guard progress(BacktestProgress(bars: 3, total: 9)) else {
                    end = .cancelled
                    break
                }
                if isOpen.withLock({ $0 }) { break }
                await Task.yield()
            }
            return BacktestResult(
                job: job, dataHashes: ["d"], end: end, bars: 9, finalEquity: FixedDecimal(10_100), fills: [],
                trades: [], equity: (0..<5).map { .init(time: Timestamp(milliseconds: $0), equity: .one) },
                decisions: [], log: ["a", "b"], milliseconds: 1)
        }
    }

    private let waiting = Waiting()
    private let world: LabWorld
    private var lab: LabService { world.lab }
    private var fixture: APIFixture { world.fixture }

    init() async throws { world = try await LabWorld(waiting) }

    private func close() async {
        waiting.isOpen.withLock { $0 = true }
        await world.close()
    }

    private func begin(_ body: String = "{}", as user: String = "ann") async throws -> RawClient.Response {
        try await fixture.call("POST", "/lab/algorithms/ann-1/backtests", as: user, json: body)
    }

    @Test func `an author asks for a run, follows it and reads what came of it; another sees nothing`()
        async throws
    {
        let asked = try await begin(#"{"title":"first","capital":"500"}"#)
        #expect(asked.status == 202)
        let id = try #require(asked.json["id"]?.stringValue)
        let events = try await fixture.call(
            "GET", "/lab/backtests/\(id)/events", as: "ann", headers: ["Accept: text/event-stream"])
        #expect(events.text.contains("event: run") && events.text.contains(#""state":"completed""#))
        let run = try await fixture.call("GET", "/lab/backtests/\(id)", as: "ann").json
        #expect(run["job"]?["capital"] == .string("500") && run["title"] == .string("first"))
        let part = try await fixture.call("GET", "/lab/backtests/\(id)/equity?limit=2&after=2", as: "ann")
            .json
        #expect(part["items"]?.arrayValue?.count == 2 && part["next"] == .string("4"))
        #expect(try await fixture.call("GET", "/lab/backtests/\(id)/log", as: "ann").json["next"] == .null)
        for path in ["/lab/backtests/\(id)", "/lab/backtests/\(id)/trades", "/lab/algorithms/ann-1"] {
            #expect(try await fixture.call("GET", path, as: "bob").status == 404)
            #expect(try await fixture.call("GET", path, as: "root").status == 200)
        }
        #expect(try await begin(as: "bob").status == 404)
        let lists = try await fixture.call("GET", "/lab/backtests", as: "bob")
        #expect(lists.json["items"] == .array([]))
        #expect(try await fixture.call("GET", "/lab/algorithms", as: "bob").json["items"] == .array([]))
        await close()
    }

    @Test func `a run is cancelled, repeated, kept and forgotten`() async throws {
        waiting.isOpen.withLock { $0 = false }
        let id = try #require(try await begin().json["id"]?.stringValue)
        while try lab.run(Int64(id) ?? 0).progress.bars == 0 { await Task.yield() }
        #expect(try await fixture.call("DELETE", "/lab/backtests/\(id)", as: "bob").status == 404)
        #expect(try await fixture.call("DELETE", "/lab/backtests/\(id)", as: "ann").status == 200)
        while try lab.run(Int64(id) ?? 0).state.isUnderWay { await Task.yield() }
        #expect(try lab.run(Int64(id) ?? 0).state == .cancelled)
        waiting.isOpen.withLock { $0 = true }
        let again = try await fixture.call("POST", "/lab/backtests/\(id)/repeat", as: "ann", json: "{}")
        #expect(again.status == 202 && again.json["repeats"] == .string(id))
        let kept = try await fixture.call("PUT", "/lab/backtests/\(id)", as: "ann", json: #"{"kept":true}"#)
        #expect(kept.json["kept"] == .bool(true))
        #expect(try await fixture.call("DELETE", "/lab/backtests/\(id)", as: "ann").status == 409)
        _ = try await fixture.call("PUT", "/lab/backtests/\(id)", as: "ann", json: #"{"kept":false}"#)
        #expect(try await fixture.call("DELETE", "/lab/backtests/\(id)", as: "ann").status == 200)
        #expect(try await fixture.call("GET", "/lab/backtests/\(id)", as: "ann").status == 404)
        await close()
    }

    @Test func `what came of a run is a report, a page and tables, and runs stand side by side`()
        async throws
    {
        var ids: [String] = []
        for title in ["<b>first</b>", "second"] {
            let id = try #require(try await begin(#"{"title":"\#(title)"}"#).json["id"]?.stringValue)
            while try lab.run(Int64(id) ?? 0).state.isUnderWay { await Task.yield() }
            ids.append(id)
        }
        let run = "/lab/backtests/\(ids[0])"
        let report = try await fixture.call("GET", run + "/report", as: "ann")
        #expect(report.status == 200 && report.json["id"] == .string(ids[0]))
        #expect(report.json["equity"]?["values"]?.arrayValue?.count == 6)
        let page = try await fixture.call("GET", run + "/report.html", as: "ann")
        #expect(page.headers["content-type"] == "text/html; charset=utf-8")
        // Its styles are in it, so that it has a policy of its own, which lets nothing run.
        let policy = page.headers["content-security-policy"] ?? ""
        #expect(policy.contains("default-src 'none'") && policy.hasSuffix("sandbox"))
        #expect(page.text.contains("&lt;b&gt;first") && !page.text.contains("<b>first"))
        #expect(report.headers["content-security-policy"]?.hasPrefix("default-src 'self'") == true)
        for (table, head) in [("trades", "symbol,side"), ("fills", "time,symbol"), ("equity", "time,equity")]
        {
            let csv = try await fixture.call("GET", run + "/\(table).csv", as: "ann")
            #expect(csv.status == 200 && csv.text.hasPrefix(head), "\(table)")
            #expect(csv.headers["content-disposition"]?.contains("bullpen-\(table)-\(ids[0]).csv") == true)
        }
        let both = ids.joined(separator: ",")
        let compared = try await fixture.call("GET", "/lab/compare?ids=\(both)", as: "ann")
        #expect(compared.json["runs"]?.arrayValue?.count == 2)
        #expect(try await fixture.call("GET", "/lab/compare.html?ids=\(both)", as: "ann").status == 200)
        for path in [run + "/report", run + "/report.html", run + "/trades.csv", "/lab/compare?ids=\(both)"] {
            #expect(try await fixture.call("GET", path, as: "bob").status == 404, "\(path)")
        }
        for ids in ["", "?ids=1", "?ids=1,1", "?ids=1,2,3,4,5,6,7,8,9"] {
            let refused = try await fixture.call("GET", "/lab/compare" + ids, as: "ann")
            #expect(refused.status == 400 && refused.field == "ids", "\(ids)")
        }
        #expect(try await fixture.call("GET", "/lab/compare?ids=1,x", as: "ann").status == 404)
        await close()
    }

    @Test func `what is wrong is named`() async throws {
        let bodies = [
            (#"{"capital":"-1"}"#, "capital"), (#"{"costs":{"slippage":"1"}}"#, "costs.slippage"),
            (#"{"venue":"x","symbol":"BTCUSDT","resolution":"1m"}"#, "series[0]"), (#"{"speed":1}"#, "speed"),
        ]
        for (body, field) in bodies {
            let refused = try await begin(body)
            #expect(refused.status == 400 && refused.field == field, "\(body): \(refused.text)")
        }
        #expect(try await begin(#"{"version":"v9"}"#).status == 404)
        for path in ["/lab/backtests?state=done", "/lab/algorithms?status=new", "/lab/backtests?after=x"] {
            #expect(try await fixture.call("GET", path).status == 400)
        }
        for path in ["/lab/backtests/0", "/lab/backtests/x", "/lab/backtests/01", "/lab/backtests/9/log"] {
            #expect(try await fixture.call("GET", path).status == 404)
        }
        let tags = try await fixture.call("PUT", "/lab/algorithms/ann-1", as: "ann", json: #"{"tags":[""]}"#)
        #expect(tags.status == 400 && tags.field == "tags")
        await close()
    }

    @Test func `a host without a Lab says so`() async throws {
        let plain = try await APIFixture()
        #expect(try await plain.call("GET", "/lab/backtests").status == 503)
        await close()
    }
}
