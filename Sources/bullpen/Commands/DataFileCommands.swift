import FoundationEssentials
import Host
import MarketData
import Net
import Trading
import Wire

extension Command {
    static let dataImport = Command(
        name: "data import", group: .data, summary: "Store the candles of CSV files, plain or gzip.",
        details: """
            A header time_ms,open,high,low,close,volume, then a row for each candle, times of its opening in milliseconds,
            UTC. What a file holds is taken from its name (binance-BTCUSDT-5m.csv.gz) unless it is said. Rows that are wrong
            are left out and counted. What is stored already stays as it is, so an import that was interrupted is begun
            again; of two candles for one time the later one stays. \(StoredData.where)
            """,
        operands: [Operand(name: "file", explanation: "A .csv or .csv.gz file.", count: .any)],
        options: LocalConfiguration.options + [
            .value("venue", "name", "Whose prices they are, such as binance."),
            .value("symbol", "name", "The instrument, such as BTCUSDT."),
            .value("resolution", "length", "How long each candle is, such as 1m."),
            .flag("strict", "Stop at the first row that is wrong."),
        ]
    ) { invocation in
        let files = invocation.rest("file")
        guard !files.isEmpty else { throw CommandFailure.usage("data import: <file> is missing") }
        let isRemote = invocation.value("server") != nil
        guard !isRemote || !invocation.has("strict") else {
            throw CommandFailure.usage(
                "data import: a host leaves wrong rows out; --strict is for the data folder")
        }
        var results: [JSONValue] = []
        let store = isRemote ? nil : try StoredData.open(invocation, isNeeded: true, makes: true)
        defer { store?.close() }
        for path in files {
            let key = try series(of: path, invocation)
            guard FileManager.default.fileExists(atPath: path) else {
                throw CommandFailure(.notFound, "there is no file \(path)")
            }
            let json =
                if let store {
                    try read(path, key, into: store, invocation)
                } else {
                    try await send(path, key, try Server(invocation))
                }
            results.append(.object([.init("series", .string(key.text)), .init("result", json)]))
            guard !invocation.wantsJSON else { continue }
            for line in lines(json, key) { Console.say(line) }
        }
        if invocation.wantsJSON { Console.say(JSONValue.members(["items": .array(results)]).text) }
    }

    private static func series(of path: String, _ invocation: Invocation) throws(CommandFailure) -> SeriesKey
    {
        let name = CandleFileName(path: path)
        guard let venue = invocation.value("venue") ?? name?.venue else {
            throw .usage("the name of \(path) says no venue, as binance-BTCUSDT-5m.csv does; give --venue")
        }
        guard let symbol = invocation.value("symbol") ?? name?.symbol else {
            throw .usage("the name of \(path) says no symbol, as binance-BTCUSDT-5m.csv does; give --symbol")
        }
        guard let length = invocation.value("resolution") ?? name?.resolution.description else {
            throw .usage(
                "the name of \(path) says no length, as binance-BTCUSDT-5m.csv does; give --resolution")
        }
        return try StoredData.series("\(venue)/\(symbol)/\(length)")
    }

    private static func read(
        _ path: String, _ key: SeriesKey, into store: CandleStore, _ invocation: Invocation
    ) throws -> JSONValue {
        let file = try CandleFile(
            path: path, symbol: key.symbol, resolution: key.resolution,
            flaws: invocation.has("strict") ? .stop : .skip)
        let meter = StoredData.Meter("import \(key.text)", invocation)
        defer { meter.end() }
        return try CandleImport.run(file, into: store, as: key, now: StoredData.now) {
            meter.show($0.candles, fraction: $0.fraction)
            return true
        }.json
    }

    private static func send(_ path: String, _ key: SeriesKey, _ server: Server) async throws -> JSONValue {
        func part(_ name: String, _ text: String) -> HTTPRequest.Part {
            HTTPRequest.Part(name: name, content: .bytes(Array(text.utf8)))
        }
        return try await server.upload(
            "/data/import",
            [
                part("venue", key.venue), part("symbol", key.symbol),
                part("resolution", key.resolution.description),
                HTTPRequest.Part(name: "file", fileName: "candles.csv", content: .file(path: path)),
            ])
    }

    private static func lines(_ json: JSONValue, _ key: SeriesKey) -> [String] {
        func count(_ name: String) -> String { ProgressLine.grouped(json[name]?.intValue ?? 0) }
        let left =
            "\(count("replaced")) replaced, \(StoredData.refusals(json["refused"])) refused, "
            + "\(count("skipped")) rows left out"
        return ["\(key.text): \(count("added")) added, \(count("unchanged")) there already, \(left)"]
            + (json["notes"]?.arrayValue ?? []).map { "  \(Console.harmless(Words.text($0)))" }
    }

    static let dataExport = Command(
        name: "data export", group: .data, summary: "Write stored candles into a CSV file.",
        details: """
            The form that "data import" reads; a name that ends with .gz is compressed. A length that is not stored is rolled
            up from a shorter one. The file appears when it is whole. \(StoredData.where)
            """,
        operands: [.series, Operand(name: "file", explanation: "Where it goes, such as btc.csv.gz.")],
        options: LocalConfiguration.options + StoredData.span
    ) { invocation in
        let key = try StoredData.series(invocation.operand("series"))
        let (start, end) = try StoredData.span(invocation)
        let path = invocation.operand("file")
        let meter = StoredData.Meter("export \(key.text)", invocation)
        let count: Int
        if invocation.value("server") != nil {
            count = try await fetch(key, start, end, into: path, try Server(invocation), meter)
        } else {
            let store = try StoredData.open(invocation, isNeeded: true)
            defer { store?.close() }
            guard let store, let basis = try store.basis(of: key) else {
                throw CommandFailure(.notFound, "there are no candles of \(key.text), nor shorter ones")
            }
            let stored = try store.series().first { $0.series == basis }?.candles ?? 0
            let total = Int(Int64(stored) * basis.resolution.milliseconds / key.resolution.milliseconds)
            let isWhole = start == nil && end == nil
            count =
                try CandleExport.run(
                    key, of: store, from: start ?? Timestamp(milliseconds: 0), to: end ?? .endOfTime,
                    into: path
                ) {
                    meter.show($0, of: isWhole ? total : nil)
                    return true
                } ?? 0
        }
        meter.end()
        invocation.show(
            .members(["series": .string(key.text), "file": .string(path), "candles": .integer(count)]),
            ["\(path): \(ProgressLine.grouped(count)) candles"])
    }

    /// Asks a host page by page.
    private static func fetch(
        _ key: SeriesKey, _ start: Timestamp?, _ end: Timestamp?, into path: String, _ server: Server,
        _ meter: StoredData.Meter
    ) async throws -> Int {
        let writer = try CandleFileWriter(path: path)
        let to = end.map { "&to=\($0.milliseconds)" } ?? ""
        var place: String? = "from=\(start?.milliseconds ?? 0)"
        var count = 0
        while let from = place {
            let page = try await server.get("/data/candles?\(key.query)&limit=10000&\(from)\(to)")
            let items = page["items"]?.arrayValue ?? []
            let lines = items.map { item in
                ["time", "open", "high", "low", "close", "volume"].map { Words.text(item[$0]) }
                    .joined(separator: ",") + "\n"
            }
            try writer.write(Array(lines.joined().utf8))
            count += items.count
            meter.show(count, fraction: nil)
            place = page["next"]?.stringValue.map { "after=\($0)" }
        }
        guard count > 0 else { throw CommandFailure(.notFound, "there are no candles of \(key.text) there") }
        try writer.finish()
        return count
    }
}
