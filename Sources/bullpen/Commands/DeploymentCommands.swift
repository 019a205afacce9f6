import Wire

extension Command {
    private enum OrdersAtEnd: String, CaseIterable { case keep, cancel, flatten }

    static let available = Command(
        name: "available", group: .strategies, summary: "List the packages that may be deployed."
    ) { invocation in
        Listing(
            columns: [
                .text("NAME", "name"), .text("VERSION", "version"), .text("STAGE", "stage"),
                .text("PROMOTED BY", "promoted_by"), .time("AT", "promoted_at"), .text("PACKAGE", "package"),
            ], whenEmpty: "Nothing is promoted. Promote a version: bullpen promote <strategy>"
        ).show(try await Server(invocation).items("/floor/available"), invocation)
    }

    static let deploy = Command(
        name: "deploy", group: .strategies, summary: "Start a package on an account.",
        details: "What was promoted is started, exactly: version, parameters and what it had learnt.",
        operands: [
            Operand(
                name: "package", explanation: "Its hash, or the first 12 digits of it: bullpen available.")
        ],
        options: [
            .value("account", "id", "The account to trade on; paper unless told otherwise."),
            .value("feed", "id", "The market to trade on, as with start."),
            .value("capital", "amount", "How much of the account it may use."),
            .flag("beside", "Run it as a copy of the strategy, beside what the strategy runs."),
        ]
    ) { invocation in
        let made = try await Server(invocation).post(
            "/floor/deployments",
            .members([
                "package": .string(invocation.operand("package")),
                "account": .string(invocation.value("account") ?? "paper"),
                "feed": invocation.value("feed").map { .string($0) },
                "capital": invocation.value("capital").map { .string($0) },
                "beside": invocation.has("beside") ? .bool(true) : nil,
            ]))
        invocation.show(made, [deployment(made)])
    }

    static let deployments = Command(
        name: "deployments", group: .strategies, summary: "List what is deployed, and what was."
    ) { invocation in
        Listing(
            columns: [
                .text("ID", "id"), .text("RUNS AS", "runs_as"), .text("VERSION", "version"),
                .text("ACCOUNT", "account"), .amount("CAPITAL", "capital"),
                .judged("STATE") { $0["state"]?.stringValue ?? "ended" }, .time("SINCE", "deployed_at"),
            ], whenEmpty: "Nothing is deployed. What may be: bullpen available"
        ).show(try await Server(invocation).items("/floor/deployments"), invocation)
    }

    static let undeploy = Command(
        name: "undeploy", group: .strategies, summary: "Stop a deployment and end it.",
        operands: [Operand(name: "deployment", explanation: "Its number: bullpen deployments.")],
        options: [
            .value(
                "orders", "policy",
                "What becomes of its open orders: keep, cancel or flatten; else its own policy.")
        ]
    ) { invocation in
        let policy = try invocation.choice("orders", as: OrdersAtEnd.self)
        let id = invocation.operand("deployment").asPathPiece
        let ended = try await Server(invocation).delete(
            "/floor/deployments/\(id)" + (policy.map { "?orders=\($0.rawValue)" } ?? ""))
        invocation.show(ended, [deployment(ended)])
    }

    private static func deployment(_ value: JSONValue) -> String {
        let state = value["state"]?.stringValue.map { "is \($0)" } ?? "has ended"
        return Console.harmless(
            "deployment \(Words.text(value["id"])): \(Words.text(value["runs_as"])) on \(Words.text(value["account"])) "
                + state)
    }
}
