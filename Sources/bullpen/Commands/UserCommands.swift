import Wire

extension Command {
    private enum Role: String, CaseIterable { case `operator`, author }

    private static let userName = Operand(name: "name", explanation: "The user's name.")

    static let userAdd = Command(
        name: "user add", group: .access, summary: "Add a user.",
        details: "The password is asked for without echo, or read from the first line of standard input.",
        operands: [userName],
        options: [.value("role", "role", "operator or author; author unless told otherwise.")]
    ) { invocation in
        let role = try invocation.choice("role", as: Role.self) ?? .author
        let name = invocation.operand("name")
        let server = try Server(invocation)
        let password = try Prompt.newPassword("Password of \(name)")
        let user = try await server.post(
            "/users",
            .members([
                "name": .string(name), "role": .string(role.rawValue), "password": .string(password),
            ]))
        invocation.show(user, ["\(name) is added as \(role.rawValue)."])
    }

    static let userList = Command(
        name: "user list", group: .access, summary: "List the users."
    ) { invocation in
        let listing = Listing(
            columns: [
                .text("NAME", "name"), .text("ROLE", "role"), .text("DISABLED", "disabled"),
                .time("CREATED", "created_at"),
            ], whenEmpty: "No users.")
        listing.show(try await Server(invocation).items("/users"), invocation)
    }

    static let userPassword = Command(
        name: "user passwd", group: .access, summary: "Set a user's password.",
        details: """
            Passwords are asked for without echo, or read from standard input, one a line. An operator sets anybody's;
            an author sets his own, with --own.
            """,
        operands: [userName],
        options: [.flag("own", "It is your own password: ask for the current one first.")]
    ) { invocation in
        let name = invocation.operand("name")
        let server = try Server(invocation)
        let current = invocation.has("own") ? try Prompt.password("Current password of \(name)") : nil
        let password = try Prompt.newPassword("New password of \(name)")
        let answer = try await server.post(
            "/users/\(name.asPathPiece)/password",
            .members([
                "password": .string(password), "current_password": current.map { .string($0) },
            ]))
        invocation.show(answer, ["\(name) has a new password."])
    }

    static let userDisable = Command(
        name: "user disable", group: .access, summary: "Lock a user out, and end the user's sessions.",
        operands: [userName]
    ) { invocation in
        let name = invocation.operand("name")
        let answer = try await Server(invocation).post("/users/\(name.asPathPiece)/disable")
        invocation.show(answer, ["\(name) is locked out."])
    }

    static let userEnable = Command(
        name: "user enable", group: .access, summary: "Let a user in again.", operands: [userName]
    ) { invocation in
        let name = invocation.operand("name")
        let answer = try await Server(invocation).post("/users/\(name.asPathPiece)/enable")
        invocation.show(answer, ["\(name) may log in again."])
    }
}
