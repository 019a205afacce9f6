import Wire

extension Command {
    static let optimise = Command(
        name: "optimise", group: .lab, summary: "Search for the parameters that do best on stored candles.",
        details: """
            Without --vary the parameter_ranges of strategy.json are gone through. --vary fast=5:50:5 tries 5, 10 up to
            50; kind=a|b one of these; shorts=bool both; rate=0.001:1:log any between, small ones more densely. All options
            of backtest are understood. What has been run is kept: a search goes on after the host was stopped.
            Example: bullpen optimise crossover --vary fast=5:30:5 --vary slow=20:100:10 --objective sharpe
            """,
        operands: Command.backtest.operands, options: StudyWords.searchOptions + Command.backtest.options
    ) { invocation in
        try await StudyServer.run("/lab/optimisations", try StudyWords.search(invocation), invocation)
    }

    static let walkForward = Command(
        name: "walkforward", group: .lab,
        summary: "Search on one part of the candles, try the best on the next, and go on.",
        details: """
            --in 60d --out 15d searches on 60 days and tries the best on the 15 behind them, then 15 days later again;
            with --anchored the search always begins at the first day. --split 0.7 does it once: search on the first 70 %.
            The efficiency is what was earned on the tried parts, as a part of what was earned where it was searched.
            """,
        operands: Command.backtest.operands,
        options: [
            .value("in", "span", "How long each part is that is searched on, such as 60d."),
            .value("out", "span", "How long each part behind it is, such as 15d."),
            .flag("anchored", "Let the part that is searched on grow."),
            .value("split", "part", "One split behind this part of the span, such as 0.7."),
        ] + StudyWords.searchOptions + Command.backtest.options
    ) { invocation in
        var members = try StudyWords.search(invocation)
        if let part = invocation.value("split") {
            members.append(.init("split", .string(part)))
        } else {
            guard let inside = invocation.value("in"), let outside = invocation.value("out") else {
                throw CommandFailure.usage("walkforward: --in and --out are needed, or --split")
            }
            members += [.init("in_sample", .string(inside)), .init("out_of_sample", .string(outside))]
            if invocation.has("anchored") { members.append(.init("anchoring", .string("anchored"))) }
        }
        try await StudyServer.run("/lab/walkforwards", members, invocation)
    }

    static let lookahead = Command(
        name: "lookahead", group: .lab,
        summary: "Find out whether a strategy decides by candles it could not have.",
        details: """
            It is run over all candles, candle by candle, and up to several candles only; what it decides must be the same.
            Ends with 1 when it is not, and says at which candle.
            """,
        operands: Command.backtest.operands,
        options: [.value("cuts", "number", "How many shorter runs are compared; otherwise 12.")]
            + Command.backtest.options
    ) { invocation in
        var members = [JSONValue.Member("check", .string("lookahead"))]
        if let cuts = try invocation.integer("cuts", in: 1...100) {
            members.append(.init("cuts", .integer(cuts)))
        }
        let ended = try await StudyServer.run("/lab/checks", members, invocation)
        if let verdict = ended?["result"]?["verdict"]?.stringValue, verdict != "clean" {
            throw CommandFailure(.error, "the look-ahead check found: \(verdict)")
        }
    }

    static let startup = Command(
        name: "startup", group: .lab,
        summary: "Find out how much history a strategy needs before it may trade.",
        details:
            "It is run with less and with more history. Ends with 1 when what is configured is too little.",
        operands: Command.backtest.operands, options: Command.backtest.options
    ) { invocation in
        let ended = try await StudyServer.run(
            "/lab/checks", [.init("check", .string("startup"))], invocation)
        if let ended, ended["result"]?["is_enough"]?.boolValue != true {
            throw CommandFailure(.error, "what it decides depends on how much history it got")
        }
    }

    static let studyList = Command(
        name: "study list", group: .lab, summary: "List searches, walks forward and checks, newest first.",
        options: [.limit(50)]
    ) { invocation in
        let listing = Listing(
            columns: [
                .text("ID", "id"), .text("KIND", "kind"), .time("BEGUN", "created_at"),
                .judged("STATE") { Words.text($0["state"]) },
                .init(column: .right("DONE")) { "\(Words.text($0["done"]))/\(Words.text($0["total"]))" },
                .init(column: .left("STRATEGY")) { Words.text($0["job"]?["strategy"]) },
                .init(column: .left("RESULT")) { StudyWords.short($0) },
            ], whenEmpty: "None yet: bullpen optimise, walkforward, lookahead or startup begin one.")
        let limit = try invocation.limit(otherwise: 50)
        listing.show(try await Server(invocation).items("/lab/studies", limit: limit), invocation)
    }

    static let studyShow = Command(
        name: "study show", group: .lab, summary: "Show what came of a search, a walk forward or a check.",
        operands: [.study], options: [.limit(20)]
    ) { invocation in
        let server = try Server(invocation)
        let study = try await server.get("/lab/studies/\(invocation.operand("study").asPathPiece)")
        invocation.show(study, StudyWords.lines(study))
        let isSearch = study["kind"]?.stringValue == "optimisation"
        if !invocation.wantsJSON, isSearch { try await StudyServer.showPoints(of: study, server, invocation) }
    }

    static let studyCancel = Command(
        name: "study cancel", group: .lab, summary: "Cancel a search, a walk forward or a check.",
        operands: [.study]
    ) { invocation in
        let server = try Server(invocation)
        let path = "/lab/studies/\(invocation.operand("study").asPathPiece)"
        let before = try await server.get(path)
        guard before["state"]?.stringValue == "running" else {
            throw CommandFailure(
                .error, "study \(Words.text(before["id"])) is \(Words.text(before["state"])) already")
        }
        let study = try await server.delete(path)
        invocation.show(
            study, ["Cancelled; \(Words.text(study["done"])) of \(Words.text(study["total"])) were done."])
    }
}

extension Command.Operand {
    static let study = Command.Operand(name: "study", explanation: "Its number, see bullpen study list.")
}
