import FoundationEssentials
import Net
import Wire

extension Command {
    private static let bundle = Operand(
        name: "path", explanation: "A .py file, a .zip archive, a program, or a folder with strategy.json.")
    private static let bundleOptions: [Option] = [
        .value("name", "name", "The strategy's name, when strategy.json gives none."),
        .value("config", "file", "A strategy.json to go with a single file."),
    ]

    static let upload = Command(
        name: "upload", group: .strategies, summary: "Upload a strategy, or a new version of one.",
        details: "Prints the strategy's id.",
        operands: [bundle],
        options: bundleOptions + [
            .value("to", "strategy", "Upload a new version of this strategy."),
            .flag("start", "Start it at once, on the paper venue against the simulated market."),
        ]
    ) { invocation in
        let server = try Server(invocation)
        var parts = try form(invocation)
        let made: JSONValue
        switch (invocation.value("to"), invocation.has("start")) {
        case (nil, false): made = try await server.upload("/strategies", parts)
        case (nil, true):
            parts.append(HTTPRequest.Part(name: "start", content: .bytes(Array("{}".utf8))))
            made = try await server.upload("/strategies/deploy", parts)
        case (let strategy?, let starts):
            let path = try await server.path(ofStrategy: strategy)
            made = try await server.upload(path + "/versions", parts)
            if starts { _ = try await server.post(path + "/start", .object([])) }
        }
        let strategy = made["strategy"].flatMap { $0["id"] == nil ? nil : $0 } ?? made
        for warning in strategy["warnings"]?.arrayValue ?? [] where !invocation.wantsJSON {
            Console.complain("note: \(Console.harmless(Words.text(warning)))")
        }
        invocation.show(made, [Console.harmless(Words.text(strategy["id"]))])
    }

    static let validate = Command(
        name: "validate", group: .strategies, summary: "Check a strategy without keeping it.",
        details: "Ends with 1 when something is wrong with it, and says what and where.",
        operands: [bundle], options: bundleOptions
    ) { invocation in
        let report = try await Server(invocation).upload("/strategies/validate", try form(invocation))
        let problems = report["problems"]?.arrayValue ?? []
        let isValid = report["valid"]?.boolValue ?? problems.isEmpty
        invocation.show(
            report, isValid ? ["\(invocation.operand("path")) is valid."] : problems.flatMap(lines))
        guard isValid else {
            throw CommandFailure(
                .error,
                "\(invocation.operand("path")) is not valid: \(problems.count) problem\(problems.count == 1 ? "" : "s")"
            )
        }
    }

    private static func form(_ invocation: Invocation) throws(CommandFailure) -> [HTTPRequest.Part] {
        let bundle = try Bundle(path: invocation.operand("path"))
        var parts = [
            HTTPRequest.Part(
                name: "file", fileName: bundle.fileName, contentType: "application/octet-stream",
                content: bundle.content)
        ]
        if let name = invocation.value("name") {
            parts.append(HTTPRequest.Part(name: "name", content: .bytes(Array(name.utf8))))
        }
        if let path = invocation.value("config") {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw CommandFailure(.notFound, "\(path) cannot be read")
            }
            parts.append(HTTPRequest.Part(name: "config", content: .bytes([UInt8](data))))
        }
        return parts
    }

    /// `strategy.py:3: invalid syntax` and the offending line.
    private static func lines(of problem: JSONValue) -> [String] {
        let place = [problem["field"], problem["line"]].compactMap { $0 == .null ? nil : $0 }.map {
            Words.text($0)
        }
        let head = (place.isEmpty ? "" : place.joined(separator: ":") + ": ") + Words.text(problem["message"])
        let source = problem["source"]?.stringValue.map { ["    " + Console.harmless($0)] } ?? []
        return [Console.harmless(head)] + source
    }
}
