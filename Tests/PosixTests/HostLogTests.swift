import Glibc
import Testing

@testable import Posix

@Suite("Host log")
struct HostLogTests {
    @Test func `a line carries part, strategy, order and what was told, as JSON`() throws {
        let sink = try LogSink.memory()
        let log = HostLog(part: "desk", sink: sink).with(strategy: "s1", order: "o1")
        log.warning("said \"no\"\n", ["venue": "paper"])
        let line = try #require(sink.lines.first)
        let time = try #require(line.split(separator: ",").first)
        #expect(time.hasPrefix("{\"time\":1"))
        #expect(
            line.dropFirst(time.count)
                == ",\"level\":\"warning\",\"part\":\"desk\",\"strategy\":\"s1\",\"order\":\"o1\","
                + "\"message\":\"said \\\"no\\\"\\n\",\"venue\":\"paper\"}")
    }

    @Test func `lines below the level are neither made nor kept`() throws {
        let sink = try LogSink.memory(level: .warning)
        var isMade = false
        func message() -> String {
            isMade = true
            return "x"
        }
        HostLog(part: "web", sink: sink).info(message())
        #expect(sink.lines.isEmpty && !isMade)
    }

    @Test func `an API token never reaches the log whole`() throws {
        let sink = try LogSink.memory()
        let token = "bp_" + String(repeating: "k7", count: 20)
        HostLog(part: "web", sink: sink).info("called with \(token), twice \(token)")
        let line = try #require(sink.lines.first)
        #expect(!line.contains(token) && line.contains("called with bp_k7k…, twice bp_k7k…"))
    }

    @Test func `a file is rotated by size and only the given number of old ones is kept`() throws {
        var template = Array("/tmp/bullpen-log-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer {
            for name in ["", ".1", ".2", ".3"] { unlink("\(folder)/host.jsonl\(name)") }
            rmdir(folder)
        }
        let sink = try LogSink.file("\(folder)/host.jsonl", fileLimit: 200, fileCount: 2)
        let log = HostLog(part: "web", sink: sink)
        for index in 0..<20 { log.info("line \(index)") }
        sink.close()
        #expect(access("\(folder)/host.jsonl", R_OK) == 0)
        #expect(access("\(folder)/host.jsonl.1", R_OK) == 0)
        #expect(access("\(folder)/host.jsonl.2", R_OK) == 0)
        #expect(access("\(folder)/host.jsonl.3", R_OK) != 0)
        let file = try FileDescriptor.open("\(folder)/host.jsonl.1", O_RDONLY)
        #expect(try file.size() <= 200)
    }

    @Test func `closing writes what was waiting`() throws {
        let sink = try LogSink.memory()
        for index in 0..<1000 { HostLog(part: "web", sink: sink).info("\(index)") }
        sink.close()
        HostLog(part: "web", sink: sink).info("after")
        #expect(sink.lines.count == 1001)
    }
}
