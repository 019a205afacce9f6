import FoundationEssentials
import Net
import Trading
import Wire

extension Command {
    static let backtest = Command(
        name: "backtest", group: .lab, summary: "Try a strategy out on stored candles.",
        details: """
            A path is uploaded first; files that the Lab has already are not taken twice. What is left away comes from
            strategy.json and from what is stored: see bullpen data list. Control-C leaves the run to go on;
            bullpen lab cancel ends it. Ends with 1 when the run fails or is cancelled.
            """,
        operands: [
            Operand(
                name: "strategy",
                explanation: "The strategy's id or name, or a .py file, a .zip archive or a folder.")
        ],
        options: [
            .value("version", "hash", "A version of it; otherwise the latest."),
            .value("venue", "name", "Whose candles, such as binance."),
            .value("symbol", "name", "Of what, such as BTCUSDT; otherwise as in strategy.json."),
            .value("resolution", "length", "How long each candle is, such as 1m or 1h; otherwise as there."),
            Option(
                name: "series", value: "venue/symbol/length", isRepeatable: true,
                explanation: "A series; the first is the one traded on most. May stand several times."),
            .value("from", "day", "The first day, as in 2024-01-31, or with a time: 2024-01-31T12:00 (UTC)."),
            .value("to", "day", "The day before which it ends, in the same form."),
            .value("warm-up", "candles", "So many candles before are given as history."),
            .value("capital", "amount", "What it begins with, in quote currency; otherwise 10000."),
            .value("mode", "strict|batched", "strict: one candle at a time; batched: many, faster."),
            .value("maker-fee", "part", "Of the notional, such as 0.001."),
            .value("taker-fee", "part", "Of the notional, such as 0.001."),
            .value("fee", "part", "Both of them."),
            .value("slippage", "part", "By which market and stop orders fill worse, such as 0.0005."),
            .value(
                "half-spread", "ticks", "By how many ticks they fill worse besides: half of a fixed spread."),
            .value(
                "impact", "part",
                "What taking all of a candle's volume costs besides, as a part of the price, such as 0.1."),
            .value(
                "impact-curve", "shape",
                "How it grows with the share of the volume: square_root (otherwise), linear, quadratic."),
            .value("latency", "ms", "How long an order takes to the venue, in milliseconds."),
            .value("volume-share", "part", "Of a candle's volume that may fill in it, such as 0.1."),
            .value(
                "intrabar", "way",
                "When stop and target lie in one candle: pessimistic, by_direction, optimistic."),
            .value("market-fill", "when", "next_open, or for comparison same_close."),
            .value("funding-rate", "part", "For perpetuals, paid by longs each time."),
            .value("funding-hours", "hours", "Between payments; otherwise 8."),
            .value("seed", "number", "What random numbers begin with; otherwise 1."),
            Option(
                name: "set", short: "p", value: "name=value", isRepeatable: true,
                explanation: "A parameter of the strategy. May stand several times."),
            .value("title", "words", "A few words by which the run is found again."),
            .flag("detach", short: "d", "Do not wait for its end; print its number."),
        ]
    ) { invocation in
        let server = try Server(invocation)
        let body = try BacktestWords.request(invocation)
        let (strategy, version) = try await LabServer.strategy(
            invocation.operand("strategy"), server, invocation)
        var members = body
        if let version = invocation.value("version") ?? version {
            members.append(.init("version", .string(version)))
        }
        let run = try await server.post(
            "/lab/algorithms/\(strategy.asPathPiece)/backtests", .object(members))
        LabServer.note(strategy, version, invocation)
        try await LabServer.finish(run, server, invocation)
    }

    static let labRepeat = Command(
        name: "lab repeat", group: .lab,
        summary: "Run a backtest again, and say whether the same came of it.",
        details: "Ends with 1 when something else came of it, as when the stored candles have changed.",
        operands: [.run], options: [.flag("detach", short: "d", "Do not wait for its end; print its number.")]
    ) { invocation in
        let server = try Server(invocation)
        let path = "/lab/backtests/\(invocation.operand("run").asPathPiece)"
        let before = try await server.get(path)
        let run = try await LabServer.finish(try await server.post(path + "/repeat"), server, invocation)
        guard !invocation.has("detach") else { return }
        guard run["result_hash"] == before["result_hash"] else {
            let why =
                run["data_hashes"] == before["data_hashes"]
                ? "the candles are the same" : "the stored candles have changed"
            throw CommandFailure(.error, "something else came of it: \(why)")
        }
        if !invocation.wantsJSON { Console.say("The same came of it, bit for bit.") }
    }
}

extension Command.Operand {
    static let run = Command.Operand(name: "run", explanation: "The run's number, see bullpen lab list.")
}

/// The options of a backtest as the request's members.
enum BacktestWords {
    static func request(_ invocation: Invocation) throws(CommandFailure) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        let named = ["venue", "symbol", "resolution"].filter { invocation.value($0) != nil }
        let list = invocation.all("series")
        if !list.isEmpty {
            guard named.isEmpty else { throw .usage("--series and --\(named[0]) say the same twice") }
            members.append(.init("series", .array(try list.map(series))))
        } else if !named.isEmpty {
            guard named.count == 3 else {
                throw .usage("--venue, --symbol and --resolution are needed together, or none of them")
            }
            for name in named { members.append(.init(name, .string(invocation.value(name) ?? ""))) }
        }
        for (option, name) in [("from", "start"), ("to", "end")] {
            if let text = invocation.value(option) {
                members.append(.init(name, .time(try time(text, option))))
            }
        }
        if let candles = try invocation.integer("warm-up", in: 0...100_000) {
            members.append(.init("warm_up", .integer(candles)))
        }
        for name in ["capital", "mode", "seed", "title"] {
            if let text = invocation.value(name) { members.append(.init(name, .string(text))) }
        }
        let costs = try costs(invocation)
        if !costs.isEmpty { members.append(.init("costs", .object(costs))) }
        let parameters = try KeyValue.object(invocation.all("set"))
        if parameters != .object([]) { members.append(.init("parameters", parameters)) }
        return members
    }

    private static func costs(_ invocation: Invocation) throws(CommandFailure) -> [JSONValue.Member] {
        var costs: [JSONValue.Member] = []
        let both = invocation.value("fee")
        let texts = [
            ("maker_fee", invocation.value("maker-fee") ?? both),
            ("taker_fee", invocation.value("taker-fee") ?? both),
            ("slippage", invocation.value("slippage")), ("volume_share", invocation.value("volume-share")),
            ("intrabar", invocation.value("intrabar")), ("market_fill", invocation.value("market-fill")),
            ("funding_rate", invocation.value("funding-rate")), ("impact", invocation.value("impact")),
            ("impact_curve", invocation.value("impact-curve")),
        ]
        for (name, text) in texts {
            if let text { costs.append(.init(name, .string(text))) }
        }
        if let ticks = try invocation.integer("half-spread", in: 0...10_000) {
            costs.append(.init("half_spread_ticks", .integer(ticks)))
        }
        if let latency = try invocation.integer("latency", in: 0...86_400_000) {
            costs.append(.init("latency_ms", .integer(latency)))
        }
        if let hours = try invocation.integer("funding-hours", in: 1...24) {
            costs.append(.init("funding_hours", .integer(hours)))
        }
        return costs
    }

    private static func series(_ text: String) throws(CommandFailure) -> JSONValue {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3 else {
            throw .usage(
                "--series is \"\(text.prefix(80))\", not venue/symbol/length such as binance/BTCUSDT/1h")
        }
        return .members([
            "venue": .string(parts[0]), "symbol": .string(parts[1]), "resolution": .string(parts[2]),
        ])
    }

    /// A day such as `2024-01-31`, also with a time, or milliseconds since the epoch. In UTC.
    static func time(_ text: String, _ option: String) throws(CommandFailure) -> Timestamp {
        if let milliseconds = Int64(text), milliseconds >= 10_000_000_000 {
            return Timestamp(milliseconds: milliseconds)
        }
        let wrong = CommandFailure.usage(
            "--\(option) is \"\(text.prefix(40))\"; write a day such as 2024-01-31, or 2024-01-31T12:00, in UTC"
        )
        let halves = text.split(separator: "T", omittingEmptySubsequences: false)
        let day = halves[0].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard halves.count <= 2, day.count == 3, let year = day[0], let month = day[1], let date = day[2],
            (1970...9999).contains(year), (1...12).contains(month), (1...days(month, year)).contains(date)
        else { throw wrong }
        var clock = 0
        if halves.count == 2 {
            var written = halves[1]
            if written.hasSuffix("Z") { written.removeLast() }
            let parts = written.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
            guard (2...3).contains(parts.count), let hours = parts[0], let minutes = parts[1],
                let seconds = parts.count == 3 ? parts[2] : 0, (0...23).contains(hours),
                (0...59).contains(minutes), (0...59).contains(seconds)
            else { throw wrong }
            clock = (hours * 60 + minutes) * 60 + seconds
        }
        return Timestamp(milliseconds: Int64(daysSinceEpoch(year, month, date) * 86_400 + clock) * 1000)
    }

    private static func days(_ month: Int, _ year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Howard Hinnant's days_from_civil, for years from 1970 on.
    private static func daysSinceEpoch(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = (y / 400, y % 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
