import Trading
import Wire

/// Studies between the command line and the API.
enum StudyWords {
    static let searchOptions: [Command.Option] = [
        Command.Option(
            name: "vary", short: "v", value: "name=values", isRepeatable: true,
            explanation: "A parameter and what it may be. May stand several times."),
        .value("method", "name", "grid, random or optuna; otherwise grid."),
        .value("points", "number", "How many points random and optuna try; otherwise 100."),
        .value("search-seed", "number", "What the choice of points begins with; otherwise 1."),
        .value(
            "objective", "figure", "What is looked for: sharpe, or weights such as sharpe=1,max_drawdown=-2."),
    ]

    /// The members of a search that stand beside those of a backtest.
    static func search(_ invocation: Invocation) throws(CommandFailure) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        let varied = invocation.all("vary")
        if !varied.isEmpty { members.append(.init("space", .object(try varied.map(range)))) }
        if let method = invocation.value("method") { members.append(.init("method", .string(method))) }
        if let points = try invocation.integer("points", in: 1...20_000) {
            members.append(.init("points", .integer(points)))
        }
        if let seed = try invocation.integer("search-seed", in: 0...Int(Int32.max)) {
            members.append(.init("search_seed", .integer(seed)))
        }
        if let text = invocation.value("objective") {
            members.append(.init("objective", try objective(text)))
        }
        return members
    }

    /// `fast=5:50:5`, `rate=0.001:1:log`, `kind=a|b`, `shorts=bool`.
    static func range(_ text: String) throws(CommandFailure) -> JSONValue.Member {
        let wrong = CommandFailure.usage(
            "--vary is \"\(text.prefix(80))\"; write fast=5:50:5, rate=0.001:1:log, kind=a|b or shorts=bool")
        let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        guard halves.count == 2, !halves[0].isEmpty, !halves[1].isEmpty else { throw wrong }
        if halves[1] == "bool" { return .init(halves[0], .members(["type": .string("bool")])) }
        if halves[1].contains("|") || !halves[1].contains(":") {
            let choices = halves[1].split(separator: "|", omittingEmptySubsequences: false).map { choice in
                FixedDecimal(String(choice)) == nil
                    ? JSONValue.string(String(choice)) : .number(String(choice))
            }
            return .init(halves[0], .members(["type": .string("choice"), "choices": .array(choices)]))
        }
        let parts = halves[1].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count) else { throw wrong }
        let isLogarithmic = parts.count == 3 && parts[2] == "log"
        let numbers = isLogarithmic ? Array(parts[..<2]) : parts
        guard numbers.allSatisfy({ FixedDecimal($0) != nil }) else { throw wrong }
        let isWhole = numbers.allSatisfy { Int($0) != nil }
        return .init(
            halves[0],
            .members([
                "type": .string(isWhole ? "int" : "decimal"), "min": .number(numbers[0]),
                "max": .number(numbers[1]), "step": numbers.count == 3 ? .number(numbers[2]) : nil,
                "log": isLogarithmic ? .bool(true) : nil,
            ]))
    }

    /// `sharpe`, or `sharpe=1,max_drawdown=-2`.
    static func objective(_ text: String) throws(CommandFailure) -> JSONValue {
        guard text.contains("=") else { return .string(text) }
        var weights: [JSONValue.Member] = []
        for term in text.split(separator: ",", omittingEmptySubsequences: false) {
            let halves = term.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            guard halves.count == 2, FixedDecimal(halves[1]) != nil else {
                throw .usage(
                    "--objective is \"\(text.prefix(80))\"; write sharpe, or sharpe=1,max_drawdown=-2")
            }
            weights.append(.init(halves[0], .number(halves[1])))
        }
        return .object(weights)
    }

    // MARK: - Showing

    /// A number with a thin hand: five digits behind the point at most.
    static func number(_ value: JSONValue?) -> String {
        guard case .number(let text)? = value, let number = Double(text), abs(number) < 1e12 else {
            return Words.text(value)
        }
        return ((number * 1e5).rounded() / 1e5).description
    }

    /// Parameters, as in `fast=5 slow=20`.
    static func point(_ value: JSONValue?) -> String {
        guard case .object(let members)? = value else { return "-" }
        return members.map { "\($0.name)=\(Words.text($0.value))" }.joined(separator: " ")
    }

    /// What came of a study, in a few words.
    static func short(_ study: JSONValue) -> String {
        if let cause = study["cause"]?.stringValue { return cause }
        guard let result = study["result"], result != .null else { return "-" }
        switch study["kind"]?.stringValue {
        case "optimisation": return best(result)
        case "walkforward": return "efficiency \(number(result["efficiency"]))"
        case "lookahead": return Words.text(result["verdict"])
        default: return Words.text(result["words"])
        }
    }

    private static func best(_ result: JSONValue) -> String {
        guard let best = result["best"], best != .null else { return "nothing has a score" }
        return "\(number(best["outcome"]?["score"])) at \(point(best["point"]))"
    }

    /// What came of a study.
    static func lines(_ study: JSONValue) -> [String] {
        var lines = [
            "\(Words.text(study["kind"])) \(Words.text(study["id"])) of \(Words.text(study["job"]?["strategy"])): "
                + "\(Words.text(study["state"])), \(Words.text(study["done"])) of \(Words.text(study["total"])) done"
        ]
        if let cause = study["cause"]?.stringValue { lines.append("cause: \(cause)") }
        guard let result = study["result"], result != .null else { return lines.map(Console.harmless) }
        switch study["kind"]?.stringValue {
        case "optimisation":
            lines.append("best: \(best(result))")
            if let failed = result["failed"]?.intValue, failed > 0 {
                lines.append("failed points: \(failed)")
            }
        case "walkforward": lines += walk(result)
        default:
            lines.append(
                Words.text(result["verdict"] ?? result["is_enough"]) + ": " + Words.text(result["words"]))
        }
        return lines.map(Console.harmless)
    }

    private static func walk(_ result: JSONValue) -> [String] {
        var table = Table([
            .left("TRIED FROM"), .left("TO"), .right("SEARCHED"), .right("EQUITY"), .right("TRADES"),
            .right("RUN"), .left("PARAMETERS"),
        ])
        for step in result["windows"]?.arrayValue ?? [] {
            table.add([
                Words.time(step["window"]?["out_start"]), Words.time(step["window"]?["out_end"]),
                number(step["in_sample"]?["score"]), Words.amount(step["out_of_sample"]?["final_equity"]),
                Words.text(step["out_of_sample"]?["trades"]), Words.text(step["run"]), point(step["point"]),
            ])
        }
        let figures = result["figures"]
        return table.lines + [
            "efficiency \(number(result["efficiency"])), windows that earned: "
                + "\(Words.text(result["profitable_windows"])), return on the tried parts "
                + "\(number(figures?["total_return"])), sharpe \(number(figures?["sharpe"])), "
                + "largest drawdown \(number(figures?["max_drawdown"]))"
        ]
    }
}

/// Studies, as commands ask the host for them.
enum StudyServer {
    /// Begins a study with these members and those of a backtest, waits for its end and shows it.
    ///
    /// - Returns: The study as it ended; nil when nobody wanted to wait.
    @discardableResult
    static func run(
        _ path: String, _ members: [JSONValue.Member], _ invocation: Invocation
    ) async throws -> JSONValue? {
        let server = try Server(invocation)
        let request = try BacktestWords.request(invocation)
        let (strategy, version) = try await LabServer.strategy(
            invocation.operand("strategy"), server, invocation)
        var body = [JSONValue.Member("strategy", .string(strategy))] + request + members
        if let version = invocation.value("version") ?? version {
            body.append(.init("version", .string(version)))
        }
        let begun = try await server.post(path, .object(body))
        LabServer.note(strategy, version, invocation)
        let id = Words.text(begun["id"])
        guard !invocation.has("detach") else {
            invocation.show(begun, [id])
            return nil
        }
        let ended = try await wait("\(path)/\(id.asPathPiece)", server, invocation)
        invocation.show(ended, StudyWords.lines(ended))
        if !invocation.wantsJSON, path == "/lab/optimisations" {
            try await showPoints(of: ended, server, invocation)
        }
        let state = Words.text(ended["state"])
        guard state == "completed" else {
            let cause = ended["cause"]?.stringValue.map { ": \(Console.harmless($0))" } ?? ""
            throw CommandFailure(.error, "study \(id) is \(state)\(cause)")
        }
        return ended
    }

    private static func wait(
        _ path: String, _ server: Server, _ invocation: Invocation
    ) async throws -> JSONValue {
        let isShown = !invocation.wantsJSON && Console.isTerminal(2)
        defer { if isShown { Console.writeError("\r\u{1B}[K") } }
        while true {
            let now = try await server.get(path)
            guard now["state"]?.stringValue == "running" else { return now }
            if isShown {
                Console.writeError("\r\u{1B}[K\(Words.text(now["done"])) of \(Words.text(now["total"])) runs")
            }
            try await Task.sleep(for: .milliseconds(300))
        }
    }

    /// The best points of a search.
    static func showPoints(of study: JSONValue, _ server: Server, _ invocation: Invocation) async throws {
        let limit =
            invocation.command.options.contains { $0.name == "limit" }
            ? try invocation.limit(otherwise: 20) : 10
        let id = Words.text(study["id"]).asPathPiece
        let points = try await server.items("/lab/optimisations/\(id)/points", limit: limit)
        var table = Table([
            .right("SCORE"), .right("EQUITY"), .right("TRADES"), .right("SHARPE"), .right("DRAWDOWN"),
            .left("PARAMETERS"),
        ])
        for point in points {
            let outcome = point["outcome"]
            table.add([
                outcome?["failure"]?.stringValue.map { _ in "failed" }
                    ?? StudyWords.number(outcome?["score"]),
                Words.amount(outcome?["final_equity"]), Words.text(outcome?["trades"]),
                StudyWords.number(outcome?["figures"]?["sharpe"]),
                StudyWords.number(outcome?["figures"]?["max_drawdown"]), StudyWords.point(point["point"]),
            ])
        }
        for line in table.lines { Console.say(line) }
    }
}
