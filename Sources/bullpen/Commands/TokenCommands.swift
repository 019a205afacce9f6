import Wire

extension Command {
    static let tokenCreate = Command(
        name: "token create", group: .access, summary: "Make a token for a program.",
        details: "The token is shown this once. Give it to the program as BULLPEN_TOKEN.",
        operands: [Operand(name: "name", explanation: "What the token is for.")],
        options: [.value("days", "number", "After how many days it runs out; otherwise the host decides.")]
    ) { invocation in
        let days = try invocation.integer("days", in: 1...3650)
        let made = try await Server(invocation).post(
            "/tokens",
            .members([
                "name": .string(invocation.operand("name")), "expires_in_days": days.map { .integer($0) },
            ]))
        invocation.show(made, [Words.text(made["token"])])
    }

    static let tokenRevoke = Command(
        name: "token revoke", group: .access, summary: "Take a token out of use.",
        operands: [Operand(name: "id", explanation: "The token's id, as `token list` shows it.")]
    ) { invocation in
        let id = invocation.operand("id")
        let answer = try await Server(invocation).delete("/tokens/\(id.asPathPiece)")
        invocation.show(answer, ["Token \(id) is revoked."])
    }

    static let tokenList = Command(
        name: "token list", group: .access, summary: "List your tokens."
    ) { invocation in
        let listing = Listing(
            columns: [
                .text("ID", "id"), .text("NAME", "name"), .time("CREATED", "created_at"),
                .time("EXPIRES", "expires_at"), .time("LAST USED", "last_used_at"),
            ], whenEmpty: "No tokens. Make one: bullpen token create <name>")
        listing.show(try await Server(invocation).items("/tokens"), invocation)
    }
}
