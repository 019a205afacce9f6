import Wire

extension Command {
    private enum OrdersAtEnd: String, CaseIterable { case keep, cancel, flatten }

    private static let ordersOption = Option.value(
        "orders", "policy", "What becomes of its open orders: keep, cancel or flatten; else its own policy.")
    /// For verbs whose work goes on after the host has answered.
    static let waiting: [Option] = [
        .flag("wait", short: "w", "Wait until it is done, and say how it ended."),
        .value(
            "timeout", "seconds", "How long to wait; 60 unless told otherwise. Ends with 5 when it is over."),
    ]

    static let start = Command(
        name: "start", group: .strategies, summary: "Start a strategy.",
        operands: [.strategy],
        options: [
            .value("feed", "id", "The market to trade on; its last one or simulated unless told otherwise."),
            .value("account", "id", "The account to trade on; its last one or paper unless told otherwise."),
            .value("capital", "amount", "How much of the account it may use."),
            .value("version", "id", "An older version than the newest."),
            Option(
                name: "param", value: "key=value", isRepeatable: true,
                explanation: "A parameter for the strategy; may stand more than once."),
        ] + waiting
    ) { invocation in
        var parameters: [JSONValue.Member] = []
        for text in invocation.all("param") { parameters.append(try KeyValue.member(text)) }
        let body = JSONValue.members([
            "feed": invocation.value("feed").map { .string($0) },
            "account": invocation.value("account").map { .string($0) },
            "capital": invocation.value("capital").map { .string($0) },
            "version": invocation.value("version").map { .string($0) },
            "parameters": parameters.isEmpty ? nil : .object(parameters),
        ])
        try await act("start", body, invocation, until: ["running", "paused"])
    }

    static let stop = Command(
        name: "stop", group: .strategies, summary: "Stop a strategy.",
        operands: [.strategy], options: [ordersOption] + waiting
    ) { invocation in
        let policy = try invocation.choice("orders", as: OrdersAtEnd.self)
        let body = JSONValue.members(["orders": policy.map { .string($0.rawValue) }])
        try await act("stop", body, invocation, until: ["stopped"])
    }

    static let restart = Command(
        name: "restart", group: .strategies, summary: "Stop a strategy and start it again as it was started.",
        operands: [.strategy], options: waiting
    ) { invocation in
        try await act("restart", nil, invocation, until: ["running"])
    }

    static let pause = Command(
        name: "pause", group: .strategies, summary: "Let a strategy run on, with its orders denied.",
        operands: [.strategy]
    ) { invocation in
        try await act("pause", nil, invocation, until: [])
    }

    static let unpause = Command(
        name: "unpause", group: .strategies, summary: "End a pause, or release a strategy from quarantine.",
        operands: [.strategy]
    ) { invocation in
        try await act("resume", nil, invocation, until: [])
    }

    /// Asks for something, and with `--wait` follows the state until it is one of `goals`.
    private static func act(
        _ verb: String, _ body: JSONValue?, _ invocation: Invocation, until goals: Set<String>
    ) async throws {
        let server = try Server(invocation)
        let path = try await server.path(ofStrategy: invocation.operand("strategy"))
        var status = try await server.post("\(path)/\(verb)", body ?? .object([]))
        if !goals.isEmpty, invocation.has("wait") {
            let seconds = try invocation.integer("timeout", in: 1...86_400) ?? 60
            status = try await wait(server, path, goals, .seconds(seconds))
        }
        invocation.show(status, [sentence(invocation.operand("strategy"), status)])
    }

    private static func wait(
        _ server: Server, _ path: String, _ goals: Set<String>, _ limit: Duration
    ) async throws -> JSONValue {
        let deadline = ContinuousClock.now + limit
        while true {
            let status = try await server.get(path + "/status")
            let state = Words.text(status["state"])
            if goals.contains(state) { return status }
            if state == "quarantined" || (state == "stopped" && !goals.contains("stopped")) {
                throw CommandFailure(.error, Console.harmless(sentence("it", status)))
            }
            guard ContinuousClock.now < deadline else {
                throw CommandFailure(
                    .timeout, "it is still \(state) after \(limit.components.seconds) seconds")
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private static func sentence(_ name: String, _ status: JSONValue) -> String {
        let state = Words.text(status["state"]).split(separator: "_").joined(separator: " ")
        let reason = status["reason"]?.stringValue.map { ": \($0)" } ?? ""
        return Console.harmless("\(name) is \(state)\(reason)")
    }
}
