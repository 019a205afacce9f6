import FoundationEssentials
import Wire

extension Command {
    private enum Stage: String, CaseIterable { case lab, paper, live }

    private static let whichVersion = Option.value(
        "version", "id", "Which version; the newest unless told otherwise.")

    static let promote = Command(
        name: "promote", group: .strategies,
        summary: "Take a version through the next gate: to paper, then to live.",
        details: """
            Everything that the gate asks for must be met; what is not is named, and it ends with 1. --check only shows how it
            stands. What comes out is a package, which never changes: the version with its parameters, what it has learnt,
            what it runs in, and the hash of the candles of its backtest.
            """,
        operands: [.strategy],
        options: [
            whichVersion,
            .value("to", "stage", "paper or live; the next one unless told otherwise."),
            .value(
                "backtest", "id",
                "The backtest that speaks for it; the newest that fits unless told otherwise."),
            Option(
                name: "param", value: "key=value", isRepeatable: true,
                explanation: "A parameter other than in the backtest; may stand more than once."),
            .flag("state", "Package what it saved last, as what it has learnt."),
            .flag("check", "Only show what is met and what is not."),
        ]
    ) { invocation in
        let server = try Server(invocation)
        let path = try await server.algorithm(invocation.operand("strategy")) + "/promote"
        let stage = try invocation.choice("to", as: Stage.self)
        guard !invocation.has("check") else {
            var query: [String] = []
            for name in ["version", "backtest"] {
                if let value = invocation.value(name) { query.append("\(name)=\(value.asPathPiece)") }
            }
            let view = try await server.get(path + (query.isEmpty ? "" : "?" + query.joined(separator: "&")))
            return invocation.show(view, checklist(view))
        }
        var parameters: [JSONValue.Member] = []
        for text in invocation.all("param") { parameters.append(try KeyValue.member(text)) }
        let body = JSONValue.members([
            "version": invocation.value("version").map { .string($0) },
            "stage": stage.map { .string($0.rawValue) },
            "backtest": invocation.value("backtest").map { .string($0) },
            "parameters": parameters.isEmpty ? nil : .object(parameters),
            "state": invocation.has("state") ? .bool(true) : nil,
        ])
        let view = try await server.post(path, body)
        invocation.show(view, [sentence(view)] + package(view))
    }

    static let demote = Command(
        name: "demote", group: .strategies, summary: "Take a version back to the Lab, or from live to paper.",
        details: "Refused while it is deployed. What was packaged stays readable.",
        operands: [.strategy],
        options: [
            whichVersion,
            .value("to", "stage", "lab or paper; lab unless told otherwise."),
            .value("reason", "text", "Why, for the record."),
        ]
    ) { invocation in
        let server = try Server(invocation)
        guard let reason = invocation.value("reason") else {
            throw CommandFailure.usage("--reason is missing")
        }
        let stage = try invocation.choice("to", as: Stage.self)
        let view = try await server.post(
            try await server.algorithm(invocation.operand("strategy")) + "/demote",
            .members([
                "version": invocation.value("version").map { .string($0) },
                "stage": stage.map { .string($0.rawValue) }, "reason": .string(reason),
            ]))
        invocation.show(view, [sentence(view)])
    }

    static let review = Command(
        name: "review", group: .strategies, summary: "Say as an operator whether a version may go on.",
        details: "Not for who wrote the version or owns the strategy. The last word of each operator counts.",
        operands: [.strategy],
        options: [
            whichVersion, .flag("approve", "It may."), .flag("refuse", "It may not."),
            .value("note", "text", "Why, for the record."),
        ]
    ) { invocation in
        guard invocation.has("approve") != invocation.has("refuse") else {
            throw CommandFailure.usage("say either --approve or --refuse")
        }
        let server = try Server(invocation)
        let view = try await server.post(
            try await server.algorithm(invocation.operand("strategy")) + "/review",
            .members([
                "version": invocation.value("version").map { .string($0) },
                "verdict": .string(invocation.has("approve") ? "approve" : "refuse"),
                "note": invocation.value("note").map { .string($0) },
            ]))
        invocation.show(view, checklist(view))
    }

    static let criteria = Command(
        name: "criteria", group: .strategies, summary: "Show what the gates ask for, or set it from a file.",
        details: """
            The file is JSON as --json shows it: {"paper":[{"kind":"minimum_trades","limit":"30"}, …],"live":[…]}. A gate that
            is left out stays as it is.
            """,
        options: [.value("set", "file", "Set what this file says.")]
    ) { invocation in
        let server = try Server(invocation)
        let criteria: JSONValue
        if let file = invocation.value("set") {
            guard let data = FileManager.default.contents(atPath: file) else {
                throw CommandFailure(.notFound, "\(file) cannot be read")
            }
            let body: JSONValue
            do {
                body = try JSONParser.parse(Array(data))
            } catch {
                throw CommandFailure(.badConfiguration, "\(file) is not JSON: \(error)")
            }
            criteria = try await server.patch("/lab/criteria", body)
        } else {
            criteria = try await server.get("/lab/criteria")
        }
        invocation.show(criteria, criteriaLines(criteria))
    }

    // MARK: - In words

    private static func sentence(_ view: JSONValue) -> String {
        let stage = Words.text(view["stage"])
        let words = stage == "lab" ? "is in the Lab" : "is promoted to \(stage)"
        return Console.harmless("version \(Words.text(view["version"])) \(words)")
    }

    private static func package(_ view: JSONValue) -> [String] {
        guard let promotion = view["promotions"]?.arrayValue?.first, promotion["ended_at"] == .null else {
            return []
        }
        return [Console.harmless("package \(Words.text(promotion["package"]))")]
    }

    private static func checklist(_ view: JSONValue) -> [String] {
        var lines = [sentence(view)]
        if let source = view["source"]?.stringValue { lines.append("figures of \(Console.harmless(source))") }
        for list in view["checklists"]?.arrayValue ?? [] {
            let isPassed = list["passed"]?.boolValue == true
            lines.append("")
            lines.append("to \(Words.text(list["stage"])): \(isPassed ? "everything is met" : "not yet")")
            var table = Table([.judged(""), .left("WHAT"), .left("FOUND"), .left("WANTED")])
            for item in list["items"]?.arrayValue ?? [] {
                table.add([
                    verdict(item["verdict"]?.stringValue), Words.text(item["title"]),
                    item["figure"]?.stringValue ?? "not known", Words.text(item["limit"]),
                ])
            }
            lines += table.lines.map { "  " + $0 }
        }
        return lines
    }

    private static func verdict(_ word: String?) -> String {
        switch word {
        case "met": "ok"
        case "not_met": "NO"
        default: "?"
        }
    }

    private static func criteriaLines(_ criteria: JSONValue) -> [String] {
        ["paper", "live"].flatMap { gate in
            ["to \(gate):"]
                + (criteria[gate]?.arrayValue ?? []).map { one in
                    let limit = one["limit"]?.stringValue.map { " \($0)" } ?? ""
                    return Console.harmless("  \(Words.text(one["kind"]))\(limit)")
                }
        }
    }
}

extension Server {
    /// The path of a strategy in the Lab, by its id or its name.
    func algorithm(_ reference: String) async throws -> String {
        let path = try await path(ofStrategy: reference)
        return "/lab/algorithms" + path.dropFirst("/strategies".count)
    }
}
