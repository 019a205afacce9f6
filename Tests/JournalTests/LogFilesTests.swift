import Glibc
import Posix
import Synchronization
import Testing
import Trading

@testable import Journal

@Suite("Log files")
struct LogFilesTests {
    private let folder: TemporaryFolder
    private let thread: FlushThread
    private let noon = Timestamp(milliseconds: 1_800_000_000_000)

    init() throws {
        folder = try TemporaryFolder()
        thread = try FlushThread()
    }

    private func makeLog(_ change: (inout LogFiles.Limits) -> Void = { _ in }) throws -> LogFiles {
        var limits = LogFiles.Limits()
        change(&limits)
        return try LogFiles(folder: folder.path, limits: limits, thread: thread)
    }

    @Test("lines are numbered from one, and come back in order, as JSON lines in the file too")
    func numbering() throws {
        let log = try makeLog()
        #expect(log.append(.info, .strategy, "one \"quoted\"\nwith a second line", at: noon) == 1)
        #expect(log.append(.error, .stderr, "two", at: noon) == 2)
        #expect(
            try log.after(0, limit: 10).records.map(\.message) == [
                "one \"quoted\"\nwith a second line", "two",
            ])
        #expect(try log.after(1, limit: 10).records.map(\.sequence) == [2])
        #expect(try log.after(2, limit: 10).records == [])
        #expect(try log.last(1).records.map(\.message) == ["two"])
        log.flush()
        let text = String(decoding: try TemporaryFolder.read(folder.file("log.jsonl")), as: UTF8.self)
        #expect(
            text.split(separator: "\n").last
                == #"{"seq":2,"time":1800000000000,"level":"error","source":"stderr","message":"two"}"#)
        thread.close()
    }

    @Test("what no longer fits in memory is read from the files")
    func behindMemory() throws {
        let log = try makeLog {
            $0.memoryLines = 10
            $0.fileBytes = 2000
            $0.files = 100
        }
        for number in 1...400 { log.append(.info, .strategy, "line \(number)", at: noon) }
        for place in [0, 1, 17, 389, 390, 399] {
            let page = try log.after(place, limit: 500)
            #expect(page.records.map(\.sequence) == Array(place + 1...400), "after \(place)")
            #expect(!page.hasGap)
        }
        #expect(try log.after(100, limit: 3).records.map(\.message) == ["line 101", "line 102", "line 103"])
        #expect(try log.last(50).records.map(\.sequence) == Array(351...400))
        #expect(try log.last(1000).records.count == 400)
        #expect(TemporaryFolder.names(folder.path).count > 5)
        thread.close()
    }

    @Test func `behind a number that was never given there is nothing, in memory and in the files`() throws {
        let log = try makeLog {
            $0.memoryLines = 10
            $0.fileBytes = 2000
        }
        #expect(try log.after(.max, limit: 10).records == [])
        for number in 1...50 { log.append(.info, .strategy, "line \(number)", at: noon) }
        #expect(try log.after(.max, limit: 10).records == [])
        #expect(try log.after(.max - 1, limit: 10).records == [])
        #expect(try log.after(0, limit: 1).records.map(\.sequence) == [1])
        thread.close()
    }

    @Test("the oldest file is given up, and a reader from before it is told")
    func rotation() throws {
        let log = try makeLog {
            $0.memoryLines = 5
            $0.fileBytes = 1000
            $0.files = 3
        }
        for number in 1...500 {
            log.append(.info, .strategy, "line \(number)", at: noon)
            if number % 5 == 0 { log.flush() }
        }
        log.flush()
        let sizes = try folder.contents().mapValues(\.count)
        #expect(sizes.keys.sorted() == ["log.jsonl", "log.jsonl.1", "log.jsonl.2"])
        #expect(sizes.values.allSatisfy { $0 <= 1000 })
        let page = try log.after(3, limit: 1000)
        #expect(page.hasGap)
        let sequences = page.records.map(\.sequence)
        #expect(sequences == Array(sequences[0]...500))
        #expect(try !log.after(sequences[0], limit: 10).hasGap)
        thread.close()
    }

    @Test("after a restart the log goes on, and no number is given twice")
    func restart() throws {
        let first = try makeLog()
        for number in 1...3 { first.append(.info, .strategy, "first \(number)", at: noon) }
        first.flush()
        // Shown to a reader, and lost with the process.
        let shown = first.append(.info, .strategy, "never written", at: noon)

        let second = try makeLog()
        let next = second.append(.info, .host, "second", at: noon)
        #expect(next > shown)
        let messages = try second.after(0, limit: 10).records.map(\.message)
        #expect(messages.filter { $0 != "never written" } == ["first 1", "first 2", "first 3", "second"])
        #expect(try second.after(shown, limit: 10).records.map(\.message) == ["second"])
        thread.close()
    }

    @Test("what a crash left of a line is cut off")
    func tornLine() throws {
        let first = try makeLog()
        first.append(.info, .strategy, "whole", at: noon)
        first.flush()
        let path = folder.file("log.jsonl")
        let whole = try TemporaryFolder.read(path)
        try TemporaryFolder.write(whole + whole.dropLast(7), to: path)
        let second = try makeLog()
        second.append(.info, .strategy, "next", at: noon)
        second.flush()
        #expect(try second.last(10).records.map(\.message) == ["whole", "next"])
        thread.close()
    }

    @Test("several readers follow, each from its own place, and hear nothing after they left")
    func following() throws {
        let log = try makeLog()
        let calls = Mutex((first: 0, second: 0))
        let first = log.follow { calls.withLock { $0.first += 1 } }
        do {
            let second = log.follow { calls.withLock { $0.second += 1 } }
            log.append(.info, .strategy, "both", at: noon)
            withExtendedLifetime(second) {}
        }
        log.append(.info, .strategy, "one", at: noon)
        withExtendedLifetime(first) {}
        #expect(calls.withLock { $0 } == (first: 2, second: 1))
        thread.close()
    }

    @Test("a long message is cut between characters and says so")
    func longMessage() throws {
        let log = try makeLog { $0.messageBytes = 10 }
        log.append(.info, .strategy, "123456789é and more", at: noon)
        #expect(try log.last(1).records.map(\.message) == ["123456789 … (20 bytes, cut at 10)"])
        thread.close()
    }

    @Test("a disk that takes nothing loses lines from the file, later says how many, and never from memory")
    func fullDisk() async {
        // A limit on the size of files acts as a full disk would, and on the whole process.
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let thread = try FlushThread()
            let log = try LogFiles(folder: folder.path, thread: thread)
            log.append(.info, .strategy, "before")
            log.flush()
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 200, rlim_max: rlim_t.max)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            for number in 0..<1500 { log.append(.info, .strategy, "line \(number)") }
            log.flush()
            #expect(log.fault?.number == EFBIG)
            #expect(try log.last(3).records.map(\.message) == ["line 1497", "line 1498", "line 1499"])

            limit.rlim_cur = rlim_t.max
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            log.flush()
            log.flush()
            #expect(log.fault == nil)
            let text = String(decoding: try TemporaryFolder.read(folder.file("log.jsonl")), as: UTF8.self)
            let lines = text.split(separator: "\n")
            #expect(lines.count == 1002)
            #expect(lines.last?.contains("500 lines were not kept") == true)
            thread.close()
        }
    }
}
