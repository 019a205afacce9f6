import FoundationEssentials
import Wire

extension Command {
    private static let credential = Operand(
        name: "id", explanation: "The credential's id, as `keys list` shows it.")
    private static let entry =
        "Key and secret are asked for without echo, or read from standard input: the key on the first line, the secret "
        + "after it. They are never on the command line, where other users of the machine could read them."
    private static let expiry = Option.value(
        "expires", "date", "The day the venue stops taking the key, such as 2027-06-30 (UTC).")
    private static let keep = Option.flag("keep-refused", "Keep the key although the venue refuses it.")

    static let keysAdd = Command(
        name: "keys add", group: .access, summary: "Enter an exchange's API key.",
        details: entry
            + " The key is tried at its venue before it is kept, on the test network unless told --live.",
        operands: [Operand(name: "venue", explanation: "The exchange: binance, coindcx or coinspot.")],
        options: [
            .value("account", "id", "The account that trades with it. Only an operator says so."),
            .flag("live", "It is a key for real money, not for the venue's test network."),
            .value("name", "text", "What to call it."),
            .value("owner", "user", "Whose it is; yours unless told otherwise. Only an operator says so."),
            Option(
                name: "trader", value: "user", isRepeatable: true,
                explanation:
                    "A user whose strategies may trade on the account, too. Only an operator says so."),
            expiry, .value("rotate-after", "days", "Remind of a new key after so many days."),
            .flag("inactive", "Keep it without using it."), keep,
        ]
    ) { invocation in
        let days = try invocation.integer("rotate-after", in: 1...3650)
        let end = try date(invocation)
        let server = try Server(invocation)
        let pair = try Prompt.keyPair()
        let traders = invocation.all("trader")
        let made = try await server.post(
            "/credentials",
            .members([
                "venue": .string(invocation.operand("venue")),
                "environment": invocation.has("live") ? .string("live") : nil,
                "name": invocation.value("name").map { .string($0) },
                "account": invocation.value("account").map { .string($0) },
                "owner": invocation.value("owner").map { .string($0) },
                "traders": traders.isEmpty ? nil : .array(traders.map { .string($0) }),
                "active": invocation.has("inactive") ? .bool(false) : nil,
                "expires_at": end.map { .integer($0) }, "rotate_after_days": days.map { .integer($0) },
                "keep_refused": invocation.has("keep-refused") ? .bool(true) : nil,
                "api_key": .string(pair.apiKey), "secret": .string(pair.secret),
            ]))
        invocation.show(made, lines(made, "is kept"))
    }

    static let keysList = Command(
        name: "keys list", group: .access, summary: "List exchange keys: yours, or for an operator all."
    ) { invocation in
        let listing = Listing(
            columns: [
                .text("ID", "id"), .text("NAME", "name"), .text("OWNER", "owner"), .text("VENUE", "venue"),
                .text("WORLD", "environment"), .text("ACCOUNT", "account"), .text("KEY", "key"),
                .text("ACTIVE", "active"), .text("TRADERS", "traders"),
                .judged("TEST") { Words.text($0["test"]?["outcome"]) }, .time("EXPIRES", "expires_at"),
                .time("LAST USED", "last_used_at"), .text("LOOK AT", "warnings"),
            ], whenEmpty: "No keys. Enter one: bullpen keys add <venue>")
        listing.show(try await Server(invocation).items("/credentials"), invocation)
    }

    static let keysTest = Command(
        name: "keys test", group: .access, summary: "Try a key at its venue.", operands: [credential]
    ) { invocation in
        let path = "/credentials/\(invocation.operand("id").asPathPiece)"
        let tested = try await Server(invocation).post(path + "/test")
        let outcome = tested["test"]?["outcome"]?.stringValue ?? "?"
        invocation.show(tested, lines(tested, "was tried: \(outcome)"))
        if outcome == "refused" { throw CommandFailure(.error, "the venue does not take this key") }
    }

    static let keysRotate = Command(
        name: "keys rotate", group: .access,
        summary: "Put a new key in an old one's place, while strategies trade.",
        details: entry
            + " The new key is tried first; until it works the old one stays. Then delete the old one at the venue.",
        operands: [credential], options: [expiry, keep]
    ) { invocation in
        let path = "/credentials/\(invocation.operand("id").asPathPiece)"
        let end = try date(invocation)
        let server = try Server(invocation)
        let pair = try Prompt.keyPair()
        let made = try await server.post(
            path + "/rotate",
            .members([
                "expires_at": end.map { .integer($0) },
                "keep_refused": invocation.has("keep-refused") ? .bool(true) : nil,
                "api_key": .string(pair.apiKey), "secret": .string(pair.secret),
            ]))
        invocation.show(made, lines(made, "has a new key; delete the old one at the venue"))
    }

    static let keysSet = Command(
        name: "keys set", group: .access, summary: "Change what is known of a key.",
        details: """
            Example: bullpen keys set key-0123 active=false. There are name, active, expires_at (milliseconds),
            rotate_after_days, and for an operator account and traders, such as traders='["anna"]'.
            """,
        operands: [
            credential,
            Operand(
                name: "key=value", explanation: "What to change; may stand more than once.", count: .any),
        ]
    ) { invocation in
        let changes = invocation.rest("key=value")
        guard !changes.isEmpty else { throw CommandFailure.usage("keys set: key=value is missing") }
        let body = try KeyValue.object(changes)
        // Such a thing would stand in the history of the shell.
        guard body["secret"] == nil, body["api_key"] == nil else {
            throw CommandFailure.usage("keys set takes no secret; see bullpen keys rotate --help")
        }
        let path = "/credentials/\(invocation.operand("id").asPathPiece)"
        let made = try await Server(invocation).patch(path, body)
        invocation.show(made, lines(made, "is changed"))
    }

    static let keysRemove = Command(
        name: "keys remove", group: .access, summary: "Forget a key.",
        details: "Its account cannot trade from then on. Delete the key at the venue, too.",
        operands: [credential]
    ) { invocation in
        let id = invocation.operand("id")
        let answer = try await Server(invocation).delete("/credentials/\(id.asPathPiece)")
        invocation.show(answer, ["\(id) is forgotten. Delete the key at the venue, too."])
    }

    private static func lines(_ credential: JSONValue, _ what: String) -> [String] {
        let account = credential["account"]?.stringValue.map { " for account \($0)" } ?? ""
        let isActive = credential["active"]?.boolValue == true
        let head =
            "\(Words.text(credential["id"])) (\(Words.text(credential["venue"])) "
            + "\(Words.text(credential["environment"])), \(Words.text(credential["key"]))) \(what), "
            + (isActive ? "active\(account)." : "not active.")
        let warnings = credential["warnings"]?.arrayValue ?? []
        return ([head] + warnings.map { "Look at this: \(Words.text($0))." }).map(Console.harmless)
    }

    /// The day in `--expires` as milliseconds since the epoch.
    private static func date(_ invocation: Invocation) throws(CommandFailure) -> Int? {
        guard let text = invocation.value("expires") else { return nil }
        do {
            let date = try Date("\(text)T00:00:00Z", strategy: .iso8601)
            return Int(date.timeIntervalSince1970) * 1000
        } catch {
            throw .usage("--expires is \"\(text.prefix(32))\", which is no day such as 2027-06-30")
        }
    }
}
