import FoundationEssentials
import Host
import MarketData
import Posix
import Synchronization
import Trading
import Wire

extension Command {
    static let dataList = Command(
        name: "data list", group: .data, summary: "List stored candles.", details: StoredData.where,
        options: LocalConfiguration.options
    ) { invocation in
        let isAsked = invocation.value("server") != nil
        let place = isAsked ? "" : " in \(try LocalConfiguration(invocation).folder)"
        let listing = Listing(
            columns: [
                .text("VENUE", "venue"), .text("SYMBOL", "symbol"), .text("LENGTH", "resolution"),
                .amount("CANDLES", "candles"), .time("FIRST", "first"), .time("LAST", "last"),
                .amount("ABSENT", "absent"),
                .init(column: .right("SIZE")) { Words.bytes($0["bytes"]) },
                .amount("REPLACED", "replaced"),
                .init(column: .right("REFUSED")) { StoredData.refusals($0["refused"]) },
                .init(column: .right("KEPT")) { $0["keep_days"]?.intValue.map { "\($0) d" } ?? "all" },
            ], whenEmpty: "No candles are stored\(place): bullpen data import FILE")
        let items =
            if isAsked {
                try await Server(invocation).items("/data/series")
            } else {
                try StoredData.open(invocation, isNeeded: false)?.series().map(\.json) ?? []
            }
        listing.show(items, invocation)
    }

    static let dataVerify = Command(
        name: "data verify", group: .data, summary: "Read stored candles through and check them.",
        details: """
            Checksums, order, where candles open, numbers that make sense, and the database itself. Reads the data folder,
            whether a host runs on it or not. Ends with 1 when anything is wrong.
            """,
        operands: [
            Operand(
                name: "series", explanation: "Such as binance/BTCUSDT/1m; all of them unless given.",
                count: .any)
        ],
        options: LocalConfiguration.options, usesServer: false
    ) { invocation in
        let store = try StoredData.open(invocation, isNeeded: true, isChecked: true)
        defer { store?.close() }
        let all = try store?.series() ?? []
        let wanted = try invocation.rest("series").map { try StoredData.series($0) }
        var found: [SeriesVerification] = []
        for summary in all where wanted.isEmpty || wanted.contains(summary.series) {
            let line = StoredData.Meter("\(summary.series.text)", invocation)
            guard
                let result = try store?.verify(
                    summary.series, progress: { line.show($0, of: summary.candles) })
            else { continue }
            line.end()
            found.append(result)
            guard !invocation.wantsJSON else { continue }
            let words = result.isSound ? "sound" : "\(result.flawCount) flaws"
            Console.say("\(result.series.text): \(ProgressLine.grouped(result.candles)) candles, \(words)")
            for flaw in result.flaws { Console.say("  \(Console.harmless(flaw))") }
        }
        if let missing = wanted.first(where: { key in !found.contains { $0.series == key } }) {
            throw CommandFailure(.notFound, "there is no series \(missing.text)")
        }
        if invocation.wantsJSON { Console.say(JSONValue.members(["items": .array(found.map(\.json))]).text) }
        let broken = found.filter { !$0.isSound }
        guard broken.isEmpty else {
            throw CommandFailure(.error, "\(broken.count) of \(found.count) series are not sound")
        }
    }

    static let dataGaps = Command(
        name: "data gaps", group: .data,
        summary: "Show what a series lacks, and whether its venue was asked.",
        details: """
            "missing" is what the venue was asked for and had not; "unasked" is what nobody has asked it for.
            """ + " " + StoredData.where,
        operands: [.series],
        options: LocalConfiguration.options + StoredData.span + [.limit(100)]
    ) { invocation in
        let key = try StoredData.series(invocation.operand("series"))
        let (start, end) = try StoredData.span(invocation)
        let limit = min(10_000, try invocation.limit(otherwise: 100))
        let json: JSONValue
        if invocation.value("server") != nil {
            var path = "/data/gaps?\(key.query)&limit=\(limit)"
            if let start { path += "&from=\(start.milliseconds)" }
            if let end { path += "&to=\(end.milliseconds)" }
            json = try await Server(invocation).get(path)
        } else {
            let store = try StoredData.open(invocation, isNeeded: true)
            defer { store?.close() }
            guard let store, try store.series().contains(where: { $0.series == key }) else {
                throw CommandFailure(.notFound, "there is no series \(key.text)")
            }
            json = try store.gaps(of: key, from: start, to: end, limit: limit).json
        }
        guard !invocation.wantsJSON else { return Console.say(json.text) }
        let listing = Listing(
            columns: [
                .time("FROM", "from"), .time("TO", "to"), .amount("CANDLES", "candles"),
                .text("WHAT", "kind"),
            ], whenEmpty: "Nothing is lacking.")
        listing.show(json["gaps"]?.arrayValue ?? [], invocation)
        let counts = CandleGap.Kind.allCases.map { kind in
            let count = json["counts"]?[kind.rawValue]
            return
                "\(kind.rawValue): \(Words.text(count?["gaps"])) gaps, \(Words.text(count?["candles"])) candles"
        }
        Console.say(counts.joined(separator: "; "))
    }

    static let dataRetain = Command(
        name: "data retain", group: .data, summary: "Say for how many days candles of a series are kept.",
        details: "Older ones go at once, and from then on whenever candles are added. " + StoredData.where,
        operands: [
            .series, Operand(name: "days", explanation: "From 1 to 36500, or \"all\" to keep everything."),
        ],
        options: LocalConfiguration.options
    ) { invocation in
        let key = try StoredData.series(invocation.operand("series"))
        let text = invocation.operand("days")
        let days = Int(text)
        guard text == "all" || (1...36_500).contains(days ?? 0) else {
            throw CommandFailure.usage(
                "data retain: <days> is \"\(text.prefix(16))\"; from 1 to 36500, or all")
        }
        if invocation.value("server") != nil {
            let body = JSONValue.object([.init("keep_days", days.map { .integer($0) } ?? .null)])
            let answer = try await Server(invocation).patch("/data/series/\(key.text)", body)
            return invocation.show(
                answer, ["\(key.text): \(kept(days))."])
        }
        let store = try StoredData.open(invocation, isNeeded: true)
        defer { store?.close() }
        guard let store, try store.series().contains(where: { $0.series == key }) else {
            throw CommandFailure(.notFound, "there is no series \(key.text)")
        }
        let gone = try store.retain(
            key, milliseconds: days.map { Int64($0) * 86_400_000 }, now: StoredData.now)
        let summary = try store.series().first { $0.series == key }
        invocation.show(
            summary?.json ?? .null,
            [
                "\(key.text): \(kept(days)); "
                    + "\(ProgressLine.grouped(gone)) candles went."
            ])
    }

    private static func kept(_ days: Int?) -> String {
        days.map { "candles of the last \($0) days are kept" } ?? "all candles are kept"
    }

    static let dataDelete = Command(
        name: "data delete", group: .data, summary: "Delete a stored series.", details: StoredData.where,
        operands: [.series], options: LocalConfiguration.options
    ) { invocation in
        let key = try StoredData.series(invocation.operand("series"))
        if invocation.value("server") != nil {
            _ = try await Server(invocation).delete("/data/series/\(key.text)")
        } else {
            let store = try StoredData.open(invocation, isNeeded: true)
            defer { store?.close() }
            guard let store, try store.delete(key) else {
                throw CommandFailure(.notFound, "there is no series \(key.text)")
            }
        }
        invocation.show(.members(["deleted": .string(key.text)]), ["\(key.text) is gone."])
    }
}

extension Command.Operand {
    static let series = Command.Operand(
        name: "series", explanation: "Venue, symbol and length, such as binance/BTCUSDT/1m.")
}

extension SeriesKey {
    /// As a query of the API names it.
    var query: String {
        "venue=\(venue.asPathPiece)&symbol=\(symbol.asPathPiece)&resolution=\(resolution.description.asPathPiece)"
    }
}

/// The candle store, as the verbs about it reach it.
enum StoredData {
    static let `where` =
        "Works on the data folder itself, whether a host runs on it or not; with --server it asks a host."

    static let span: [Command.Option] = [
        .value("from", "time", "The first time: a day such as 2024-01-31, or milliseconds since 1970."),
        .value("to", "time", "The time after the last, written alike."),
    ]

    static var now: Timestamp { Timestamp(milliseconds: WallClock.milliseconds) }

    /// Opens the store in the data folder.
    ///
    /// - Parameters:
    ///   - isNeeded: Whether it is a failure when there is none.
    ///   - makes: Whether it is made when there is none.
    static func open(
        _ invocation: Invocation, isNeeded: Bool, makes: Bool = false, isChecked: Bool = false
    ) throws -> CandleStore? {
        let local = try LocalConfiguration(invocation)
        let folder = "\(local.folder)/market"
        let path = "\(folder)/candles.db"
        if makes {
            try local.makeFolder()
            try LocalConfiguration.make(folder: folder, as: "the folder")
        } else if !FileManager.default.fileExists(atPath: path) {
            guard isNeeded else { return nil }
            throw CommandFailure(.notFound, "\(local.folder) holds no candles: bullpen data import FILE")
        }
        return try CandleStore(path: path, readers: 1, isChecked: isChecked)
    }

    /// A progress line that the store may write to from its own closures.
    final class Meter: Sendable {
        private let line: Mutex<ProgressLine>

        init(_ title: String, _ invocation: Invocation) {
            line = Mutex(ProgressLine(title, isSilent: invocation.wantsJSON))
        }

        func show(_ count: Int, of total: Int?) {
            show(count, fraction: total.map { $0 > 0 ? Double(count) / Double($0) : 1 })
        }

        func show(_ count: Int, fraction: Double?) { line.withLock { $0.show(count, fraction: fraction) } }

        func end() { line.withLock { $0.end() } }
    }

    static func series(_ text: String) throws(CommandFailure) -> SeriesKey {
        guard let key = SeriesKey(text: text) else {
            throw .usage("\"\(text.prefix(80))\" is no series such as binance/BTCUSDT/1m")
        }
        return key
    }

    static func span(_ invocation: Invocation) throws(CommandFailure) -> (Timestamp?, Timestamp?) {
        (try time(invocation, "from"), try time(invocation, "to"))
    }

    private static func time(_ invocation: Invocation, _ option: String) throws(CommandFailure) -> Timestamp?
    {
        guard let text = invocation.value(option) else { return nil }
        if let number = Int64(text), (0...Timestamp.endOfTime.milliseconds).contains(number) {
            return Timestamp(milliseconds: number)
        }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
        if parts.count == 3, let day = CivilDate(year: parts[0], month: parts[1], day: parts[2]),
            parts[0] >= 1970, CivilDate(utcDay: day.utcDay) == day
        {
            return Timestamp(milliseconds: day.utcDay * 86_400_000)
        }
        throw .usage(
            "--\(option) is \"\(text.prefix(32))\"; a day such as 2024-01-31, or milliseconds since 1970")
    }

    static func refusals(_ value: JSONValue?) -> String {
        guard case .object(let members)? = value, !members.isEmpty else { return "0" }
        return members.map { "\(Words.text($0.value)) \($0.name)" }.joined(separator: ", ")
    }
}
