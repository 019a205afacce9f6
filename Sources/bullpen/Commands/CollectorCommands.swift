import Wire

extension Command {
    private static let collectorID = Operand(name: "id", explanation: "The collector's id.")
    private static let changes = Operand(
        name: "key=value",
        explanation: "What to set; may stand more than once. Lists have commas between their elements.",
        count: .any)

    static let dataCollectors = Command(
        name: "data collectors", group: .data, summary: "List what is collected of venues, and how it goes.",
        operands: [Operand(name: "id", explanation: "One of them, with all that is known.", count: .optional)]
    ) { invocation in
        let server = try Server(invocation)
        if let id = invocation.optionalOperand("id") {
            let view = try await server.get("/data/collectors/\(id.asPathPiece)")
            return invocation.show(view, Outline.lines(view))
        }
        let listing = Listing(
            columns: [
                .text("ID", "id"), .text("KIND", "kind"), .text("VENUE", "venue"),
                .judged("STATE") { Words.text($0["state"]) }, .time("LAST SUCCESS", "last_success"),
                .time("NEXT DUE", "next_due"),
                .init(column: .right("STORED")) { Words.text($0["counts"]?["stored"]) },
                .init(column: .left("REFUSED")) { refusals($0["refused"]) },
                .text("LAST REASON", "last_reason"),
            ],
            whenEmpty:
                "Nothing is collected. Begin: bullpen data collect btc kind=candles venue=binance symbols=BTCUSDT "
                + "resolutions=1m")
        listing.show(try await server.items("/data/collectors"), invocation)
    }

    /// Refusals by reason: `forming 3, crossed 1`.
    private static func refusals(_ value: JSONValue?) -> String {
        guard case .object(let counts)? = value, !counts.isEmpty else { return "-" }
        return counts.map { "\($0.name) \(Words.text($0.value))" }.joined(separator: ", ")
    }

    static let dataCollect = Command(
        name: "data collect", group: .data, summary: "Add a collector, or change one that is there.",
        details: """
            Examples: bullpen data collect btc kind=candles venue=binance symbols=BTCUSDT resolutions=1m,1h from=2026-01-01,
            bullpen data collect aud kind=prices venue=coinspot, bullpen data collect btc enabled=false.
            """,
        operands: [collectorID, changes]
    ) { invocation in
        let id = invocation.operand("id")
        let texts = invocation.rest("key=value")
        guard !texts.isEmpty else { throw CommandFailure.usage("data collect: key=value is missing") }
        guard case .object(let members) = try KeyValue.object(texts, lists: ["symbols", "resolutions"]) else {
            return
        }
        let server = try Server(invocation)
        let isThere = try await server.items("/data/collectors").contains { $0["id"] == .string(id) }
        let view =
            isThere
            ? try await server.patch("/data/collectors/\(id.asPathPiece)", .object(members))
            : try await server.post(
                "/data/collectors", .object([JSONValue.Member("id", .string(id))] + members))
        invocation.show(view, Outline.lines(view))
    }

    static let dataRun = Command(
        name: "data run", group: .data, summary: "Let a collector run now.", operands: [collectorID]
    ) { invocation in
        let id = invocation.operand("id")
        let view = try await Server(invocation).post("/data/collectors/\(id.asPathPiece)/run")
        invocation.show(view, ["\(id) is collecting."])
    }

    static let dataUncollect = Command(
        name: "data uncollect", group: .data, summary: "Remove a collector; what it has collected stays.",
        operands: [collectorID]
    ) { invocation in
        let id = invocation.operand("id")
        let answer = try await Server(invocation).delete("/data/collectors/\(id.asPathPiece)")
        invocation.show(answer, ["\(id) is gone; what it has collected is still there."])
    }
}
