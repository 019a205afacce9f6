import Wire

extension Command {
    private static let changes = Operand(
        name: "key=value",
        explanation: "What to change; may stand more than once. Lists have commas between their elements.",
        count: .any)
    private static let lists: Set<String> = ["symbols", "resolutions", "derived", "files", "instruments"]

    static let limits = Command(
        name: "limits", group: .trading, summary: "Show the limits in force."
    ) { invocation in
        showLimits(try await Server(invocation).get("/limits"), invocation)
    }

    static let limitsSet = Command(
        name: "limits set", group: .trading, summary: "Change limits.",
        details: "Example: bullpen limits set order_notional=5000 --strategy crossover",
        operands: [changes],
        options: limitScopes
    ) { invocation in
        let values = try required(invocation)
        let server = try Server(invocation)
        let scope = try await limitScope(invocation, server)
        let body =
            if let id = scope.id {
                JSONValue.object([.init(scope.list, .object([JSONValue.Member(id, values)]))])
            } else {
                JSONValue.members(["global": values])
            }
        showLimits(try await server.patch("/limits", body), invocation)
    }

    static let limitsPeak = Command(
        name: "limits peak", group: .trading,
        summary: "Begin the peak anew that a drawdown counts from, at the equity of now.",
        details: "What has fallen as far as its drawdown limit may open positions again from then on.",
        options: limitScopes
    ) { invocation in
        let server = try Server(invocation)
        let scope = try await limitScope(invocation, server)
        let text = scope.id.map { "\(scope.word):\($0)" } ?? scope.word
        let answer = try await server.post("/limits/peak", .members(["scope": .string(text)]))
        showLimits(answer, invocation)
    }

    /// The limits one a line, and how far what has a limit on its drawdown has fallen.
    private static func showLimits(_ limits: JSONValue, _ invocation: Invocation) {
        guard case .object(let members) = limits else { return show(limits, invocation) }
        let falls = (limits["drawdowns"]?.arrayValue ?? []).map { fall in
            Console.harmless(
                "\(Words.text(fall["scope"])) is \(Words.amount(fall["fallen"])) below its peak of "
                    + "\(Words.amount(fall["peak"])) since \(Words.time(fall["since"])), fraction "
                    + "\(Words.amount(fall["fraction"])) of at most \(Words.text(fall["limit"]))"
                    + (fall["passed"] == .bool(true) ? ": only orders that reduce a position pass" : ""))
        }
        invocation.show(limits, Outline.lines(.object(members.filter { $0.name != "drawdowns" })) + falls)
    }

    private static let limitScopes: [Option] = [
        .value("venue", "id", "All accounts at this venue together, instead of the whole host."),
        .value("account", "id", "This account instead of the whole host."),
        .value("strategy", "strategy", "This strategy instead of the whole host."),
    ]

    /// Whose limits are meant: the API's word, the list it stands in, and which of them; no id for the whole host.
    private static func limitScope(
        _ invocation: Invocation, _ server: Server
    ) async throws -> (word: String, list: String, id: String?) {
        switch (invocation.value("venue"), invocation.value("account"), invocation.value("strategy")) {
        case (nil, nil, nil): return ("global", "global", nil)
        case (let venue?, nil, nil): return ("venue", "venues", venue)
        case (nil, let account?, nil): return ("account", "accounts", account)
        case (nil, nil, let strategy?):
            let found = try await server.get(try await server.path(ofStrategy: strategy))
            return ("strategy", "strategies", found["id"]?.stringValue ?? strategy)
        default:
            throw CommandFailure.usage(
                "\(invocation.command.name): --venue, --account and --strategy exclude each other")
        }
    }

    static let accounts = Command(
        name: "accounts", group: .trading, summary: "List the accounts."
    ) { invocation in
        let listing = Listing(
            columns: [
                .text("ID", "id"), .text("VENUE", "venue"), .text("KIND", "kind"),
                .text("CURRENCY", "currency"),
                .amount("EQUITY", "equity"), .amount("AVAILABLE", "available"),
                .amount("LEVERAGE", "leverage"),
                .settings(without: ["id", "venue", "kind", "currency", "leverage"]),
            ], whenEmpty: "No accounts. Add one: bullpen accounts add <id> key=value …")
        listing.show(try await Server(invocation).items("/accounts"), invocation)
    }

    static let accountsAdd = edit(
        "accounts add", "Add an account.", "POST",
        example: "bullpen accounts add second kind=margin leverage=3")
    static let accountsSet = edit(
        "accounts set", "Change an account.", "PATCH", example: "bullpen accounts set paper leverage=2")

    static let accountsBalance = Command(
        name: "accounts balance", group: .trading, summary: "Ask the venue what an account holds.",
        operands: [Operand(name: "id", explanation: "Its id.")]
    ) { invocation in
        let answer = try await Server(invocation).get(
            "/accounts/\(invocation.operand("id").asPathPiece)/balance")
        let listing = Listing(
            columns: [
                .text("CURRENCY", "currency"), .text("TOTAL", "total"), .text("AVAILABLE", "available"),
            ],
            whenEmpty: "The account holds nothing.")
        listing.show(answer["balances"]?.arrayValue ?? [], invocation)
    }

    static let feeds = Command(
        name: "feeds", group: .trading, summary: "List the market feeds."
    ) { invocation in
        let listing = Listing(
            columns: [
                .text("ID", "id"), .text("KIND", "kind"), .text("RUNNING", "running"),
                .text("SYMBOLS", "symbols"),
                .time("LAST EVENT", "last_event"), .text("FAULT", "fault"),
                .settings(without: ["id", "kind", "symbols"]),
            ], whenEmpty: "No feeds. Add one: bullpen feeds add <id> key=value …")
        listing.show(try await Server(invocation).items("/feeds"), invocation)
    }

    static let feedsAdd = edit(
        "feeds add", "Add a market feed.", "POST",
        example: "bullpen feeds add may kind=replay files=/data/BTCUSDT-1m.csv.gz speed=60")
    static let feedsSet = edit(
        "feeds set", "Change a market feed.", "PATCH", example: "bullpen feeds set simulated speed=60")

    private static func edit(_ name: String, _ summary: String, _ method: String, example: String) -> Command
    {
        let list = "/" + name.prefix { $0 != " " }
        return Command(
            name: name, group: .trading, summary: summary, details: "Example: \(example)",
            operands: [Operand(name: "id", explanation: "Its id."), changes]
        ) { invocation in
            let id = invocation.operand("id")
            guard case .object(let members) = try required(invocation) else { return }
            let server = try Server(invocation)
            let answer =
                if method == "POST" {
                    try await server.post(list, .object([JSONValue.Member("id", .string(id))] + members))
                } else {
                    try await server.patch("\(list)/\(id.asPathPiece)", .object(members))
                }
            show(answer, invocation)
        }
    }

    private static func required(_ invocation: Invocation) throws(CommandFailure) -> JSONValue {
        let texts = invocation.rest("key=value")
        guard !texts.isEmpty else {
            throw .usage(
                "\(invocation.command.name): key=value is missing; see bullpen \(invocation.command.name) --help"
            )
        }
        return try KeyValue.object(texts, lists: lists)
    }

    /// An object of any depth, one member a line: `global.order_notional  10000`.
    private static func show(_ value: JSONValue, _ invocation: Invocation) {
        invocation.show(value, Outline.lines(value))
    }
}
