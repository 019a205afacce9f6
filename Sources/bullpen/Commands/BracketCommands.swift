import Wire

extension Command {
    static let brackets = Command(
        name: "brackets", group: .watching,
        summary: "List the stop-losses and take-profits that the host holds.",
        operands: [
            Operand(
                name: "strategy", explanation: "Its id or name; without it, those held for all.",
                count: .optional)
        ],
        options: [.limit(100)]
    ) { invocation in
        let listing = Listing(
            columns: [
                .time("TIME", "updated_at"), .text("ID", "id"), .text("STRATEGY", "strategy"),
                .text("SYMBOL", "symbol"), .text("EXIT", "side"), .amount("QUANTITY", "quantity"),
                .amount("STOP-LOSS", "stop_loss"), .amount("TAKE-PROFIT", "take_profit"),
                .judged("STATUS") { Words.text($0["status"]) }, .text("REASON", "reason"),
            ], whenEmpty: "Nothing is held.")
        let server = try Server(invocation)
        let path =
            if let strategy = invocation.optionalOperand("strategy") {
                try await server.path(ofStrategy: strategy) + "/brackets"
            } else {
                "/brackets"
            }
        let limit = try invocation.limit(otherwise: 100)
        listing.show(try await server.items(path, limit: limit), invocation)
    }

    static let bracketsCancel = Command(
        name: "brackets cancel", group: .trading,
        summary: "Take a stop-loss and take-profit away; the position stays.",
        operands: [Operand(name: "bracket", explanation: "Its id, as \"brackets\" lists it.")]
    ) { invocation in
        let answer = try await Server(invocation).post(
            "/brackets/\(invocation.operand("bracket"))/cancel", .members([:]))
        invocation.show(answer, ["Bracket \(Words.text(answer["id"])) is \(Words.text(answer["status"]))."])
    }
}
