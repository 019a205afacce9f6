import Wire

extension Command {
    private static let scopes: [Option] = [
        .value("strategy", "strategy", "Only this strategy."),
        .value("account", "id", "Only this account: every strategy that trades on it."),
        .value("venue", "id", "Only this venue: every account there, such as binance."),
    ]

    static let halt = Command(
        name: "halt", group: .trading, summary: "The emergency stop: deny every new order at once.",
        details: """
            With --flatten it may be given again at any time: what is closed stays closed, what was given up is tried
            once more, and nothing is closed twice. With --wait it ends with 1 when a position could not be closed.
            """,
        options: scopes + [
            .value("reason", "text", "Why, for the record."),
            .flag("flatten", "Also cancel open orders and close positions."),
        ] + waiting
    ) { invocation in
        guard !invocation.has("wait") || invocation.has("flatten") else {
            throw CommandFailure.usage("halt: --wait is for --flatten; a halt alone is done at once")
        }
        let server = try Server(invocation)
        let scope = try await haltScope(invocation, server)
        let answer = try await server.post(
            "/halt",
            .members([
                "scope": .string(scope), "reason": invocation.value("reason").map { .string($0) },
                "flatten": invocation.has("flatten") ? .bool(true) : nil,
            ]))
        try await show(answer, of: scope, invocation, server)
    }

    static let halts = Command(
        name: "halts", group: .trading,
        summary: "Say what is halted, by whom and why, and what is being closed.", options: waiting
    ) { invocation in
        let server = try Server(invocation)
        try await show(try await server.get("/halt"), of: "all", invocation, server)
    }

    static let resume = Command(
        name: "resume", group: .trading, summary: "Lift the emergency stop.", options: scopes
    ) { invocation in
        let server = try Server(invocation)
        let scope = try await haltScope(invocation, server)
        let answer = try await server.post("/resume", .members(["scope": .string(scope)]))
        invocation.show(answer, haltLines(answer))
    }

    private static func haltScope(_ invocation: Invocation, _ server: Server) async throws -> String {
        switch (invocation.value("venue"), invocation.value("account"), invocation.value("strategy")) {
        case (nil, nil, nil): return "all"
        case (let venue?, nil, nil): return "venue:" + venue
        case (nil, let account?, nil): return "account:" + account
        case (nil, nil, let strategy?):
            let found = try await server.get(try await server.path(ofStrategy: strategy))
            return "strategy:" + (found["id"]?.stringValue ?? strategy)
        default:
            throw CommandFailure.usage(
                "\(invocation.command.name): --venue, --account and --strategy exclude each other")
        }
    }

    /// Says how things stand; with `--wait` until nothing of the scope is being closed any more.
    private static func show(
        _ first: JSONValue, of scope: String, _ invocation: Invocation, _ server: Server
    ) async throws {
        guard invocation.has("wait") else {
            let lines = haltLines(first) + closings(first, of: scope).map(closingLine)
            return invocation.show(first, lines)
        }
        if !invocation.wantsJSON { haltLines(first).forEach(Console.say) }
        let seconds = try invocation.integer("timeout", in: 1...86_400) ?? 60
        let deadline = ContinuousClock.now + .seconds(seconds)
        var (state, said) = (first, [String: String]())
        while true {
            let items = closings(state, of: scope)
            if !invocation.wantsJSON { sayNews(items, &said) }
            let open = items.filter {
                ["cancelling", "closing", "waiting"].contains(Words.text($0["state"]))
            }
            if open.isEmpty { break }
            guard ContinuousClock.now < deadline else {
                throw CommandFailure(
                    .timeout, "\(positions(open.count)) are still being closed after \(seconds) seconds")
            }
            try await Task.sleep(for: .milliseconds(300))
            state = try await server.get("/halt")
        }
        if invocation.wantsJSON { Console.say(state.text) }
        let stuck = closings(state, of: scope).filter { Words.text($0["state"]) == "stuck" }
        guard stuck.isEmpty else {
            throw CommandFailure(
                .error, "\(positions(stuck.count)) could not be closed; give the same command to try again")
        }
        if !invocation.wantsJSON { Console.say("Nothing is left to be closed.") }
    }

    private static func positions(_ count: Int) -> String { "\(count) position\(count == 1 ? "" : "s")" }

    /// What is being closed, or was, in a scope.
    private static func closings(_ state: JSONValue, of scope: String) -> [JSONValue] {
        (state["flatten"]?["items"]?.arrayValue ?? []).filter { item in
            scope == "all" || scope == "venue:" + Words.text(item["venue"])
                || scope == "account:" + Words.text(item["account"])
                || scope == "strategy:" + Words.text(item["strategy"])
        }
    }

    private static func sayNews(_ items: [JSONValue], _ said: inout [String: String]) {
        for item in items {
            let key = ["strategy", "account", "symbol"].map { Words.text(item[$0]) }.joined(separator: "\n")
            let line = closingLine(item)
            guard said[key] != line else { continue }
            said[key] = line
            Console.say(line)
        }
    }

    /// `BTCUSDT of grid on paper: closing 0.5, order 12 open`.
    private static func closingLine(_ item: JSONValue) -> String {
        let orders = (item["orders"]?.arrayValue ?? []).map {
            ", order \(Words.text($0["id"])) \(Words.text($0["status"]).split(separator: "_").joined(separator: " "))"
        }
        let state = Words.text(item["state"])
        let held = state == "closed" ? "" : " \(Words.amount(item["quantity"]))"
        let reason = state == "closed" ? "" : item["reason"]?.stringValue.map { ": \($0)" } ?? ""
        return Console.harmless(
            "\(Words.text(item["symbol"])) of \(Words.text(item["strategy"])) on \(Words.text(item["account"])): "
                + state + held + orders.joined() + reason)
    }

    private static func haltLines(_ state: JSONValue) -> [String] {
        let halts = state["halts"]?.arrayValue ?? []
        guard !halts.isEmpty else { return ["Nothing is halted: orders pass."] }
        return halts.map { halt in
            let reason = halt["reason"]?.stringValue.map { ": \($0)" } ?? ""
            let who = "by \(Words.text(halt["by"])) since \(Words.time(halt["since"]))"
            return Console.harmless("Halted: \(Words.text(halt["scope"])), \(who)\(reason)")
        }
    }
}
