import FoundationEssentials
import Lab
import Wire

extension Command {
    static let labList = Command(
        name: "lab list", group: .lab,
        summary: "List backtests, newest first; with --algorithms the strategies.",
        options: [
            .value("strategy", "strategy", "Only those of this strategy."),
            .value(
                "state", "state", "Only queued, running, completed, cancelled, failed or interrupted ones."),
            .flag("algorithms", "List the strategies instead, with tags and how far they have come."),
            .value("tag", "word", "With --algorithms: only those that bear it."), .limit(50),
        ]
    ) { invocation in
        let server = try Server(invocation)
        let limit = try invocation.limit(otherwise: 50)
        guard !invocation.has("algorithms") else {
            let tag = invocation.value("tag").map { "?tag=\($0.asPathPiece)" } ?? ""
            algorithms.show(try await server.items("/lab/algorithms" + tag, limit: limit), invocation)
            return
        }
        var path = "/lab/backtests"
        var marks: [String] = []
        if let strategy = invocation.value("strategy") {
            let found = try await server.path(ofStrategy: strategy).dropFirst("/strategies/".count)
            marks.append("algorithm=\(found)")
        }
        if let state = invocation.value("state") { marks.append("state=\(state.asPathPiece)") }
        if !marks.isEmpty { path += "?" + marks.joined(separator: "&") }
        runs.show(try await server.items(path, limit: limit), invocation)
    }

    static let labShow = Command(
        name: "lab show", group: .lab,
        summary: "Show a backtest, or a strategy with its versions and parameters.",
        operands: [
            Operand(name: "what", explanation: "A run's number, or a strategy's id or name.")
        ]
    ) { invocation in
        let server = try Server(invocation)
        let what = invocation.operand("what")
        if Int(what) != nil {
            let run = try await server.get("/lab/backtests/\(what.asPathPiece)")
            return invocation.show(run, RunWords.lines(run))
        }
        let path = try await server.path(ofStrategy: what).dropFirst("/strategies/".count)
        let found = try await server.get("/lab/algorithms/\(path)")
        guard !invocation.wantsJSON else { return invocation.show(found, []) }
        for name in ["id", "name", "owner", "status", "tags", "notes"] {
            Console.say(Console.harmless("\(name): \(Words.text(found[name]))"))
        }
        Console.say("")
        Listing(
            columns: [
                .text("PARAMETER", "name"), .text("TYPE", "type"), .text("DEFAULT", "default"),
                .text("MIN", "min"), .text("MAX", "max"), .text("CHOICES", "choices"),
                .text("ABOUT", "about"),
            ], whenEmpty: "No parameters: strategy.json has no custom_params."
        ).show(found["parameters"]?.arrayValue ?? [], invocation)
        Console.say("")
        Listing(
            columns: [
                .text("VERSION", "version"), .time("UPLOADED", "uploaded_at"),
                .judged("STATUS") { Words.text($0["status"]) },
                .text("NOTES", "notes"),
            ], whenEmpty: ""
        ).show(found["versions"]?.arrayValue ?? [], invocation)
    }

    static let labDiff = Command(
        name: "lab diff", group: .lab, summary: "Show what changed between two versions of a strategy.",
        details: "Without versions: the latest against the one before.",
        operands: [
            .strategy, Operand(name: "from", explanation: "A version's hash.", count: .optional),
            Operand(name: "to", explanation: "Another's; otherwise the latest.", count: .optional),
        ]
    ) { invocation in
        let server = try Server(invocation)
        let id = try await server.path(ofStrategy: invocation.operand("strategy")).dropFirst(
            "/strategies/".count)
        var marks: [String] = []
        if let from = invocation.optionalOperand("from") { marks.append("from=\(from.asPathPiece)") }
        if let to = invocation.optionalOperand("to") { marks.append("to=\(to.asPathPiece)") }
        let query = marks.isEmpty ? "" : "?" + marks.joined(separator: "&")
        let diff = try await server.get("/lab/algorithms/\(id)/versions/diff\(query)")
        guard !invocation.wantsJSON else { return invocation.show(diff, []) }
        let files = diff["files"]?.arrayValue ?? []
        if files.isEmpty { Console.say("Nothing: both versions are the same.") }
        for file in files {
            Console.say(
                Console.harmless("\(Words.text(file["change"])) \(Words.text(file["path"]))")
                    + (file["note"]?.stringValue.map { " (\(Console.harmless($0)))" } ?? ""))
            for line in (file["text"]?.stringValue ?? "").split(
                separator: "\n", omittingEmptySubsequences: false
            )
            .dropLast() {
                let text = Console.harmless(String(line))
                let style = Console.style
                Console.say(
                    line.hasPrefix("+") ? style.green(text) : line.hasPrefix("-") ? style.red(text) : text)
            }
        }
    }

    static let labCancel = Command(
        name: "lab cancel", group: .lab, summary: "Cancel a backtest; what came until then is kept.",
        operands: [.run]
    ) { invocation in
        let server = try Server(invocation)
        let id = invocation.operand("run")
        let run = try await server.get("/lab/backtests/\(id.asPathPiece)")
        guard ["queued", "running"].contains(Words.text(run["state"])) else {
            throw CommandFailure(.error, "run \(id) is \(Words.text(run["state"])) already")
        }
        let answer = try await server.delete("/lab/backtests/\(id.asPathPiece)")
        invocation.show(answer, ["run \(id) is told to end."])
    }

    static let compare = Command(
        name: "compare", group: .lab, summary: "Put backtests side by side.",
        operands: [
            Operand(name: "run", explanation: "The first run's number."),
            Operand(name: "others", explanation: "Those beside it, up to ten.", count: .any),
        ]
    ) { invocation in
        let server = try Server(invocation)
        let ids = [invocation.operand("run")] + invocation.rest("others")
        guard ids.count <= 11 else {
            throw CommandFailure.usage("compare: at most eleven runs stand side by side")
        }
        var runs: [JSONValue] = []
        for id in ids { runs.append(try await server.get("/lab/backtests/\(id.asPathPiece)")) }
        guard !invocation.wantsJSON else {
            return Console.say(JSONValue.members(["items": .array(runs)]).text)
        }
        for line in comparison(runs) { Console.say(line) }
        for line in try await likeness(ids, server) { Console.say(line) }
    }

    /// How alike the runs were to each other and to holding their instruments; nothing for one, or too many.
    private static func likeness(_ ids: [String], _ server: Server) async throws -> [String] {
        guard (2...8).contains(ids.count) else { return [] }
        let answer: JSONValue
        do {
            answer = try await server.get("/lab/compare?ids=\(ids.map(\.asPathPiece).joined(separator: ","))")
        } catch let failure as CommandFailure {
            return ["", Console.harmless("How alike they were is not known: \(failure.message)")]
        }
        var table = Table([.left("CORRELATION"), .right("")])
        for pair in answer["pairs"]?.arrayValue ?? [] {
            table.add([
                "runs \(Words.text(pair["first"])) and \(Words.text(pair["second"]))",
                RunWords.figure(.init("correlation", pair["correlation"] ?? .null)),
            ])
        }
        for one in answer["holdings"]?.arrayValue ?? [] {
            table.add([
                "run \(Words.text(one["run"])) and holding \(Words.text(one["symbol"]))",
                RunWords.figure(.init("correlation", one["correlation"] ?? .null)),
            ])
        }
        return [""] + table.lines
    }

    /// One row a figure, one column a run; parameters that differ stand first.
    static func comparison(_ runs: [JSONValue]) -> [String] {
        var table = Table([.left("")] + runs.map { .right("RUN \(Words.text($0["id"]))") })
        func row(_ name: String, _ text: (JSONValue) -> String) { table.add([name] + runs.map(text)) }
        row("state") { Words.text($0["state"]) }
        row("strategy") { Words.text($0["job"]?["strategy"]) }
        row("version") { Words.text($0["job"]?["version"]) }
        row("series") { ($0["job"]?["series"]?.arrayValue ?? []).prefix(1).map(RunWords.series).joined() }
        row("from") { Words.time($0["job"]?["start"]) }
        row("to") { Words.time($0["job"]?["end"]) }
        row("fees") { costs($0)?.feeWords ?? "-" }
        row("slippage") { costs($0)?.slippageWords ?? "-" }
        for name in names(in: runs.map { $0["job"]?["parameters"] ?? .null }) {
            row(name) { Words.text($0["job"]?["parameters"]?[name]) }
        }
        let figures = runs.map { JSONValue.object(RunWords.flat($0["summary"] ?? .null)) }
        for name in names(in: figures) {
            let cells = figures.map { one in
                one[name].map { RunWords.figure(.init(name, $0)) } ?? "-"
            }
            table.add([name.replacing("_", with: " ")] + cells)
        }
        return table.lines
    }

    /// What a run assumed of costs; nil where a later host says more of them than is known here.
    private static func costs(_ run: JSONValue) -> CostModel? {
        // What cannot be read is shown as a dash.
        try? CostModel(run["job"]?["costs"] ?? .null)
    }

    /// The members' names of all objects, each once, in the order in which they come.
    private static func names(in objects: [JSONValue]) -> [String] {
        var names: [String] = []
        for case .object(let members) in objects {
            for member in members where !names.contains(member.name) { names.append(member.name) }
        }
        return names
    }

    private static var runs: Listing {
        Listing(
            columns: [
                .text("RUN", "id"),
                Listing.Column(column: .left("STRATEGY")) { Words.text($0["job"]?["strategy"]) },
                .judged("STATE") { Words.text($0["state"]) },
                Listing.Column(column: .left("SERIES")) {
                    ($0["job"]?["series"]?.arrayValue ?? []).prefix(1).map(RunWords.series).joined()
                },
                Listing.Column(column: .right("RETURN")) { share($0["summary"]?["total_return"]) },
                Listing.Column(column: .right("DRAWDOWN")) { share($0["summary"]?["max_drawdown"]) },
                Listing.Column(column: .right("TRADES")) { Words.text($0["summary"]?["trades"]) },
                .time("ASKED", "created_at"), .text("TITLE", "title"),
            ],
            whenEmpty: "No backtests yet. Begin with: bullpen backtest <strategy>")
    }

    private static var algorithms: Listing {
        Listing(
            columns: [
                .text("ID", "id"), .text("NAME", "name"), .text("OWNER", "owner"),
                .judged("STATUS") { Words.text($0["status"]) }, .text("SYMBOL", "symbol"),
                .text("LENGTH", "resolution"), .text("VERSIONS", "version_count"), .text("RUNS", "runs"),
                .text("TAGS", "tags"),
            ], whenEmpty: "No strategies. Upload one: bullpen upload <path>, or begin with bullpen new.")
    }

    private static func share(_ value: JSONValue?) -> String {
        guard case .number(let text)? = value, let number = Double(text) else { return "-" }
        return RunWords.rounded(number * 100, 2) + " %"
    }
}
