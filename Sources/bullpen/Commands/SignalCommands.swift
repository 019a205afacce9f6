import Wire

extension Command {
    static let signal = Command(
        name: "signal", group: .trading, summary: "Send a strategy a signal.",
        details: "Example: bullpen signal crossover BUY quantity=0.01 note=\"by hand\"",
        operands: [
            .strategy, Operand(name: "action", explanation: "What it should do, such as BUY."),
            Operand(name: "key=value", explanation: "What else the signal holds.", count: .any),
        ]
    ) { invocation in
        var members = [JSONValue.Member("action", .string(invocation.operand("action")))]
        for text in invocation.rest("key=value") { members.append(try KeyValue.member(text)) }
        let server = try Server(invocation)
        let path = try await server.path(ofStrategy: invocation.operand("strategy"))
        let answer = try await server.post(path + "/signals", .object(members))
        invocation.show(answer, ["Sent \(invocation.operand("action")) as \(Words.text(answer["id"]))."])
    }

    static let signals = Command(
        name: "signals", group: .watching, summary: "List the signals of a strategy.",
        operands: [.strategy], options: [.limit(100)]
    ) { invocation in
        let listing = Listing(
            columns: [
                .time("TIME", "time"), .text("ID", "id"), .text("WAY", "direction"),
                .text("ACTION", "action"),
                .text("SYMBOL", "symbol"), .text("DATA", "data"),
            ], whenEmpty: "No signals yet.")
        let server = try Server(invocation)
        let path = try await server.path(ofStrategy: invocation.operand("strategy"))
        let limit = try invocation.limit(otherwise: 100)
        listing.show(try await server.items(path + "/signals", limit: limit), invocation)
    }
}
