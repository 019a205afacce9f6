import Foundation
import Testing
import Trading
import Wire

@Suite("Protocol document and schemas")
struct ProtocolDocumentTests {
    private static let package = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The lines of the fenced blocks that are marked as said by `direction`.
    private func examples(of direction: String) throws -> [String] {
        let document = try String(
            contentsOf: Self.package.appending(path: "docs/PROTOCOL.md"), encoding: .utf8)
        var lines: [String] = []
        var isInside = false
        for line in document.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isInside = line == "```jsonl \(direction)"
            } else if isInside {
                lines.append(String(line))
            }
        }
        return lines
    }

    @Test func `the document's host lines are what the host writes, to the byte`() throws {
        let lines = try examples(of: "host")
        #expect(lines.count >= 11)
        for line in lines {
            let message = try HostMessage(line: Array(line.utf8)[...])
            #expect(String(decoding: message.line, as: UTF8.self) == line + "\n")
        }
    }

    @Test func `the document's strategy lines are understood, one of each kind at least`() throws {
        let messages = try examples(of: "strategy").map { try StrategyMessage(line: Array($0.utf8)) }
        #expect(Set(messages.map(\.type)) == Set(StrategyMessageType.allCases))
    }

    @Test func `the schemas take all that is written`() throws {
        var generator = SplitMix64(seed: 4)
        var host: [UInt8] = []
        var strategy: [UInt8] = []
        for _ in 0..<30 {
            for message in HostMessage.samples(using: &generator) { message.write(to: &host) }
            for type in StrategyMessageType.allCases {
                strategy += StrategyMessage.sample(type, using: &generator).line
            }
        }
        for (schema, lines) in [("protocol-host", host), ("protocol-strategy", strategy)] {
            let count = lines.count { $0 == 0x0A }
            #expect(try check(lines, schema) == "\(count)\n")
        }
    }

    private func check(_ lines: [UInt8], _ schema: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(
            path: "bullpen-\(UUID().uuidString).jsonl")
        try Data(lines).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-B", Self.package.appending(path: "Tests/Python/check_lines.py").path, schema]
        process.standardInput = try FileHandle(forReadingFrom: file)
        let report = Pipe()
        process.standardOutput = report
        try process.run()
        let output = try report.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }
}
