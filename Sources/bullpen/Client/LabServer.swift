import FoundationEssentials
import Net
import Wire

/// The Lab of a host, as commands talk to it.
enum LabServer {
    /// The id of the strategy that a word names; a path is uploaded first, and its version is given.
    static func strategy(
        _ word: String, _ server: Server, _ invocation: Invocation
    ) async throws -> (id: String, version: String?) {
        guard FileManager.default.fileExists(atPath: word) else {
            let path = try await server.path(ofStrategy: word)
            return (String(path.dropFirst("/strategies/".count)), nil)
        }
        let bundle = try Bundle(path: word)
        let taken = try await server.upload(
            "/lab/algorithms",
            [
                HTTPRequest.Part(
                    name: "file", fileName: bundle.fileName, contentType: "application/octet-stream",
                    content: bundle.content)
            ])
        guard let id = taken["id"]?.stringValue, let version = taken["uploaded_version"]?.stringValue else {
            throw CommandFailure(.error, "\(server.address) did not say what it made of \(word)")
        }
        return (id, version)
    }

    /// Says what a path has become, once the host has taken what was asked of it.
    static func note(_ id: String, _ version: String?, _ invocation: Invocation) {
        guard let version, !invocation.wantsJSON else { return }
        Console.note("\(id), version \(version)")
    }

    /// Waits for a run's end, shows how far it is and what came of it.
    ///
    /// - Returns: The run as it ended; as it began when the user does not want to wait.
    @discardableResult
    static func finish(
        _ run: JSONValue, _ server: Server, _ invocation: Invocation
    ) async throws -> JSONValue {
        let id = Words.text(run["id"])
        guard !invocation.has("detach") else {
            invocation.show(run, [id])
            return run
        }
        let ended = try await watch(id, server, isSilent: invocation.wantsJSON)
        invocation.show(ended, RunWords.lines(ended))
        let state = Words.text(ended["state"])
        guard state == "completed" else {
            let cause = ended["cause"]?.stringValue.map { ": \(Console.harmless($0))" } ?? ""
            throw CommandFailure(.error, "run \(id) is \(state)\(cause)")
        }
        return ended
    }

    /// Follows a run until it has ended; a broken connection is opened again, five times at most in a row.
    private static func watch(_ id: String, _ server: Server, isSilent: Bool) async throws -> JSONValue {
        let path = "/lab/backtests/\(id.asPathPiece)"
        var line = ProgressLine("backtest", unit: "candles", isSilent: isSilent)
        defer { line.end() }
        var breaks = 0
        while true {
            do {
                let stream = try await server.events(path + "/events", after: nil)
                var parser = ServerSentEventParser()
                while let bytes = try await stream.next() {
                    for event in parser.take(bytes) {
                        breaks = 0
                        // What cannot be read is passed over: the next event will do.
                        guard let data = try? JSONParser.parse(event.data) else { continue }
                        let progress = event.name == "progress" ? data : data["progress"] ?? .null
                        let (done, total) = (
                            progress["bars"]?.intValue ?? 0, progress["total"]?.intValue ?? 0
                        )
                        line.show(done, fraction: total > 0 ? Double(done) / Double(total) : nil)
                    }
                }
            } catch is NetFailure {
                // The connection broke: it is opened again below.
            }
            let now = try await server.get(path)
            guard ["queued", "running"].contains(Words.text(now["state"])) else { return now }
            breaks += 1
            guard breaks <= 5 else { throw CommandFailure(.notRunning, "\(server.address) answers no more") }
            try await Task.sleep(for: .milliseconds(200 * breaks))
        }
    }
}

/// A run, in words.
enum RunWords {
    /// The figures of a run, one a line.
    static func lines(_ run: JSONValue) -> [String] {
        let job = run["job"] ?? .null
        var rows: [(String, String)] = [
            ("run", Words.text(run["id"])), ("state", Words.text(run["state"])),
            ("strategy", "\(Words.text(job["strategy"])) version \(Words.text(job["version"]))"),
            ("series", (job["series"]?.arrayValue ?? []).map(series).joined(separator: ", ")),
            ("span", "\(Words.time(job["start"])) to \(Words.time(job["end"]))"),
            ("capital", Words.amount(job["capital"])),
        ]
        if let study = run["study"]?.stringValue {
            rows.append(("of", "study \(study), window \((run["window"]?.intValue ?? 0) + 1)"))
        }
        if case .object(let members)? = job["parameters"], !members.isEmpty {
            rows.append(
                ("parameters", members.map { "\($0.name)=\(Words.text($0.value))" }.joined(separator: ", ")))
        }
        rows += figures(run["summary"] ?? .null)
        let width = (rows.map(\.0.count).max() ?? 0) + 2
        return rows.map { name, text in
            Console.harmless(name + String(repeating: " ", count: width - name.count) + text)
        }
    }

    static func series(_ value: JSONValue) -> String {
        "\(Words.text(value["venue"])) \(Words.text(value["symbol"])) \(Words.text(value["resolution"]))"
    }

    /// The metrics that stand beside a run; all of them are in comparisons and in the report.
    private static let headline = [
        "annual_return", "benchmark_return", "volatility", "sharpe", "sortino", "calmar", "win_rate",
        "profit_factor", "expectancy", "exposure",
    ]

    /// The figures of a run in the host's order and words.
    private static func figures(_ summary: JSONValue) -> [(String, String)] {
        guard case .object(let own) = summary else { return [] }
        let names = own.map(\.name) + headline
        return flat(summary).filter { names.contains($0.name) }.map {
            ($0.name.replacing("_", with: " "), figure($0))
        }
    }

    /// A summary's members, the metrics among them in one row with the others; what is not defined is left out.
    static func flat(_ summary: JSONValue) -> [JSONValue.Member] {
        guard case .object(let members) = summary else { return [] }
        var flat = members.filter { $0.name != "metrics" }
        if case .object(let metrics)? = summary["metrics"] {
            flat += metrics.filter { one in one.value != .null && !members.contains { $0.name == one.name } }
        }
        return flat
    }

    /// Parts of a whole in hundredths, other floating-point numbers with four digits, the rest as it is.
    static func figure(_ member: JSONValue.Member) -> String {
        guard case .number(let text) = member.value, Int(text) == nil, let number = Double(text) else {
            return Words.amount(member.value)
        }
        return isShare(member.name) ? "\(rounded(number * 100, 2)) %" : rounded(number, 4)
    }

    private static func isShare(_ name: String) -> Bool {
        ["return", "drawdown", "volatility", "rate", "exposure", "value_at_risk", "shortfall", "cvar", "var"]
            .contains { name == $0 || name.hasSuffix("_\($0)") }
    }

    static func rounded(_ number: Double, _ digits: Int) -> String {
        guard number.isFinite, abs(number) < 1e12 else { return "\(number)" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let whole = Int64((abs(number) * scale).rounded())
        let (front, back) = whole.quotientAndRemainder(dividingBy: Int64(scale))
        let fraction = String(back)
        let sign = number < 0 && whole != 0 ? "-" : ""
        return sign + "\(front)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
