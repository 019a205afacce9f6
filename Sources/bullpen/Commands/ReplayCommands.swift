import Wire

extension Command {
    static let strategyRuns = Command(
        name: "runs", group: .watching, summary: "List the runs of a strategy, and which can be replayed.",
        operands: [.strategy], options: [.limit(50)]
    ) { invocation in
        let server = try Server(invocation)
        let path = try await server.path(ofStrategy: invocation.operand("strategy"))
        Listing(
            columns: [
                .text("RUN", "id"), .text("VERSION", "version"), .text("ACCOUNT", "account"),
                .text("FEED", "feed"), .time("STARTED", "started_at"), .time("ENDED", "ended_at"),
                .amount("FILLS", "fills"), .text("RECORDED", "recorded"), .text("CAUSE", "cause"),
            ], whenEmpty: "It never ran."
        ).show(
            try await server.items(path + "/runs", limit: try invocation.limit(otherwise: 50)), invocation)
    }

    static let replay = Command(
        name: "replay", group: .watching,
        summary: "Tell a past run to a strategy again, and show every order that differs.",
        details: """
            The strategy hears what the run heard, line by line, behind the same walls; nothing that it asks for leaves the
            Lab. With --version another version hears it. Ends with 0 when everything is the same, else with 1.
            """,
        operands: [Operand(name: "run", explanation: "The run's id, such as r12: bullpen runs <strategy>.")],
        options: [
            .value("version", "id", "Another version than the one that ran."),
            .value(
                "timeout", "seconds",
                "How long to wait; 600 unless told otherwise. Ends with 5 when it is over."),
        ]
    ) { invocation in
        let server = try Server(invocation)
        var replay = try await server.post(
            "/lab/replays",
            .members([
                "run": .string(invocation.operand("run")),
                "version": invocation.value("version").map { .string($0) },
            ]))
        let seconds = try invocation.integer("timeout", in: 1...86_400) ?? 600
        let deadline = ContinuousClock.now + .seconds(seconds)
        while replay["state"]?.stringValue == "running" {
            guard ContinuousClock.now < deadline else {
                throw CommandFailure(.timeout, "it is still under way after \(seconds) seconds")
            }
            try await Task.sleep(for: .milliseconds(200))
            replay = try await server.get("/lab/replays/\(Words.text(replay["id"]).asPathPiece)")
        }
        if let cause = replay["cause"]?.stringValue {
            throw CommandFailure(.error, Console.harmless(cause))
        }
        let report = replay["report"] ?? .null
        invocation.show(replay, lines(report))
        guard report["agrees"]?.boolValue == true else {
            throw CommandFailure(
                .error,
                report["failed"]?.stringValue.map {
                    Console.harmless("the replay did not reach its end: \($0)")
                }
                    ?? "\(Words.text(report["differing"])) differ")
        }
    }

    private static func lines(_ report: JSONValue) -> [String] {
        var table = Table([.left("TIME"), .left("WAS"), .left("WOULD BE NOW")])
        for difference in report["differences"]?.arrayValue ?? [] {
            table.add([
                Words.instant(difference["time"]), difference["was"]?["words"]?.stringValue ?? "-",
                difference["now"]?["words"]?.stringValue ?? "-",
            ])
        }
        let told = "\(Words.text(report["lines"])) of \(Words.text(report["lines_recorded"])) lines told"
        let found = "\(Words.text(report["same"])) the same, \(Words.text(report["differing"])) differ"
        let remarks = (report["remarks"]?.arrayValue ?? []).map { "note: \(Words.text($0))" }
        return table.lines + ["\(told): \(found)"] + remarks.map(Console.harmless)
    }
}
