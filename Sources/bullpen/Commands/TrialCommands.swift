import Wire

extension Command {
    private enum OrdersAtEnd: String, CaseIterable { case keep, cancel, flatten }

    private static let trialOperand = Operand(name: "trial", explanation: "Its number: bullpen trials.")

    static let trialBegin = Command(
        name: "trial begin", group: .strategies,
        summary: "Run two packages side by side, with a capital each.",
        operands: [
            Operand(
                name: "first",
                explanation: "A package's hash, or the first 12 digits of it: bullpen available."),
            Operand(name: "second", explanation: "Another one."),
        ],
        options: [
            .value("account", "id", "The account that both trade on; paper unless told otherwise."),
            .value("feed", "id", "The market to trade on, as with start."),
            .value("capital", "amount", "What each of them gets."),
        ]
    ) { invocation in
        guard let capital = invocation.value("capital") else {
            throw CommandFailure.usage("--capital is missing")
        }
        let trial = try await Server(invocation).post(
            "/floor/trials",
            .members([
                "first": .string(invocation.operand("first")),
                "second": .string(invocation.operand("second")),
                "account": .string(invocation.value("account") ?? "paper"),
                "feed": invocation.value("feed").map { .string($0) }, "capital": .string(capital),
            ]))
        invocation.show(trial, lines(trial))
    }

    static let trialShow = Command(
        name: "trial show", group: .strategies,
        summary: "Hold two versions that trade side by side against each other.",
        details: """
            p is how likely chance alone makes a difference so large, by a bootstrap of pairs of the same minutes.
            """, operands: [trialOperand]
    ) { invocation in
        let id = invocation.operand("trial").asPathPiece
        let trial = try await Server(invocation).get("/floor/trials/\(id)")
        invocation.show(trial, lines(trial))
    }

    static let trialEnd = Command(
        name: "trial end", group: .strategies, summary: "Stop both sides of a trial.",
        operands: [trialOperand],
        options: [
            .value(
                "orders", "policy",
                "What becomes of their open orders: keep, cancel or flatten; else their own policy."
            )
        ]
    ) { invocation in
        let policy = try invocation.choice("orders", as: OrdersAtEnd.self)
        let id = invocation.operand("trial").asPathPiece
        let trial = try await Server(invocation).delete(
            "/floor/trials/\(id)" + (policy.map { "?orders=\($0.rawValue)" } ?? ""))
        invocation.show(trial, lines(trial))
    }

    static let trials = Command(
        name: "trials", group: .strategies, summary: "List trials of two versions side by side."
    ) { invocation in
        Listing(
            columns: [
                .text("ID", "id"), .time("BEGAN", "began_at"), .time("ENDED", "ended_at"),
                .judged("FIRST") { Words.text($0["first"]?["runs_as"]) },
                .judged("SECOND") { Words.text($0["second"]?["runs_as"]) },
                .judged("FOUND") { Words.text($0["comparison"]?["words"]) },
            ],
            whenEmpty:
                "There is no trial. Begin one: bullpen trial begin <package> <package> --capital <amount>"
        ).show(try await Server(invocation).items("/floor/trials"), invocation)
    }

    private static func lines(_ trial: JSONValue) -> [String] {
        let comparison = trial["comparison"] ?? .null
        var table = Table([
            .left(""), .left("RUNS AS"), .left("VERSION"), .right("CAPITAL"), .right("EQUITY"),
            .right("RETURN"),
            .right("DRAWDOWN"), .left("STATE"),
        ])
        for side in ["first", "second"] {
            let (deployment, figures) = (trial[side] ?? .null, comparison[side] ?? .null)
            table.add([
                side, Words.text(deployment["runs_as"]), Words.text(deployment["version"]),
                Words.amount(figures["capital"]), Words.amount(figures["equity"]),
                Words.text(figures["total_return"]), Words.text(figures["max_drawdown"]),
                deployment["state"]?.stringValue ?? "ended",
            ])
        }
        let ended = trial["ended_at"]?.intValue == nil ? "" : ", ended"
        return [Console.harmless("trial \(Words.text(trial["id"]))\(ended)")] + table.lines
            + [Console.harmless(Words.text(comparison["words"]))]
    }
}
