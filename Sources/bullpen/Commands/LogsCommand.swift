import Net
import Wire

extension Command {
    static let logs = Command(
        name: "logs", group: .watching, summary: "Show a strategy's log, and follow it with -f.",
        operands: [.strategy],
        options: [
            .flag("follow", short: "f", "Stay, and show what comes; after a break, go on where it stopped."),
            .limit(100),
        ]
    ) { invocation in
        let server = try Server(invocation)
        let path = try await server.path(ofStrategy: invocation.operand("strategy")) + "/logs"
        let limit = try invocation.limit(otherwise: 100)
        // Without a cursor the host gives the last lines, oldest first.
        let page = try await server.get("\(path)?limit=\(min(limit, 1000))")
        var last: String?
        for line in page["items"]?.arrayValue ?? [] {
            show(line, invocation)
            last = line["seq"]?.intValue.map { String($0) } ?? last
        }
        if invocation.has("follow") { try await follow(server, path, after: last ?? "0", invocation) }
    }

    /// Follows until the reader goes away; a broken connection is opened again, five times at most in a row.
    private static func follow(
        _ server: Server, _ path: String, after first: String, _ invocation: Invocation
    ) async throws {
        var last = first
        var breaks = 0
        while true {
            do {
                let stream = try await server.events(path, after: last)
                var parser = ServerSentEventParser()
                while let bytes = try await stream.next() {
                    for event in parser.take(bytes) {
                        breaks = 0
                        last = event.id ?? last
                        guard event.name == "log" || event.name == "message" else { continue }
                        do {
                            show(try JSONParser.parse(event.data), invocation)
                        } catch {
                            throw CommandFailure(.error, "the host sent an event that is not JSON")
                        }
                    }
                }
            } catch is NetFailure {
                // The connection broke: it is opened again below.
            }
            breaks += 1
            guard breaks <= 5 else { throw CommandFailure(.notRunning, "\(server.address) answers no more") }
            try await Task.sleep(for: .seconds(breaks))
        }
    }

    private static func show(_ line: JSONValue, _ invocation: Invocation) {
        guard !invocation.wantsJSON else { return Console.say(line.text) }
        let level = Words.text(line["level"])
        let source = Words.text(line["source"])
        let style = Console.style
        let word =
            switch level {
            case "error": style.red(level)
            case "warning": style.yellow(level)
            default: style.dim(level)
            }
        let origin = source == "strategy" ? "" : style.dim("[\(source)] ")
        let message = (line["message"]?.stringValue ?? "").split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline
        ).map { Console.harmless(String($0)) }.joined(separator: "\n    ")
        Console.say("\(style.dim(Words.time(line["time"]))) \(word) \(origin)\(message)")
    }
}
