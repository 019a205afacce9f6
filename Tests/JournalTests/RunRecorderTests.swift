import Glibc
import Posix
import Testing
import Trading

@testable import Journal

@Suite("Run recorder")
struct RunRecorderTests {
    private let folder: TemporaryFolder
    private let thread: FlushThread

    init() throws {
        folder = try TemporaryFolder()
        thread = try FlushThread()
    }

    private func entries() throws -> (entries: [RunRecording.Entry], isWhole: Bool) {
        var entries: [RunRecording.Entry] = []
        let isWhole = try RunRecording(folder: folder.path).forEach {
            entries.append($0)
            return true
        }
        return (entries, isWhole)
    }

    private func line(_ number: Int) -> [UInt8] {
        Array(#"{"type":"candle","symbol":"BTCUSDT","time":\#(number),"close":"65000.\#(number)"}"#.utf8)
    }

    private func time(_ number: Int) -> Timestamp {
        Timestamp(milliseconds: 1_800_000_000_000 + Int64(number))
    }

    @Test("only the newest recordings of a strategy are kept, and what lies beside them")
    func keepsTheNewest() throws {
        for run in [9, 10, 11, 100] {
            let place = folder.path + "/r\(run)"
            try #require(mkdir(place, 0o700) == 0)
            let recorder = try RunRecorder(folder: place, thread: thread)
            recorder.record(.toStrategy, line(run)[...], at: time(run))
            recorder.flush()
        }
        let log = folder.path + "/log.jsonl"
        try FileDescriptor.open(log, O_WRONLY | O_CREAT, mode: 0o600).writeAll([10][...])
        thread.close()
        try RunRecordings.removeOldest(in: folder.path, keeping: 2)
        #expect(try FileTree.names(folder.path) == ["log.jsonl", "r100", "r11"])
    }

    @Test("lines come back byte for byte, and cursors with their feed")
    func roundTrip() throws {
        let recorder = try RunRecorder(folder: folder.path, thread: thread)
        recorder.record(.toStrategy, line(1)[...] + [UInt8(ascii: "\n")], at: time(1))
        recorder.record(.fromStrategy, line(2)[...], at: time(2))
        recorder.record(feed: "file \"a\"", cursor: "17", at: time(3))
        recorder.flush()
        recorder.record(feed: "simulated", cursor: "4", at: time(4))
        recorder.record(feed: "file \"a\"", cursor: "18", at: time(5))
        thread.close()

        let (found, isWhole) = try entries()
        #expect(isWhole)
        #expect(
            found == [
                .line(time(1), .toStrategy, line(1)), .line(time(2), .fromStrategy, line(2)),
                .cursor(time(3), feed: "file \"a\"", cursor: "17"),
                .cursor(time(4), feed: "simulated", cursor: "4"),
                .cursor(time(5), feed: "file \"a\"", cursor: "18"),
            ])
        #expect(
            try RunRecording(folder: folder.path).lastCursors() == ["file \"a\"": "18", "simulated": "4"])
    }

    @Test("after a crash in the middle of a block everything before that block is there")
    func crash() throws {
        let recorder = try RunRecorder(folder: folder.path, thread: thread)
        for number in 0..<100 { recorder.record(.toStrategy, line(number)[...], at: time(number)) }
        recorder.flush()
        let path = folder.file(RunRecorder.fileName)
        let whole = try TemporaryFolder.read(path)
        for number in 100..<200 { recorder.record(.toStrategy, line(number)[...], at: time(number)) }
        recorder.flush()
        let both = try TemporaryFolder.read(path)
        try TemporaryFolder.write(Array(both[..<(whole.count + (both.count - whole.count) / 2)]), to: path)

        let (found, isWhole) = try entries()
        #expect(!isWhole)
        #expect(Array(found.prefix(100)) == (0..<100).map { .line(time($0), .toStrategy, line($0)) })

        // The next recorder does not write behind the torn end.
        let next = try RunRecorder(folder: folder.path, thread: thread)
        next.record(.toStrategy, line(999)[...], at: time(999))
        next.flush()
        #expect(try entries().entries.last == .line(time(999), .toStrategy, line(999)))
        thread.close()
    }

    @Test("the recording stays within its bounds, and says what it gave up")
    func bounded() throws {
        var limits = RunRecorder.Limits()
        limits.fileBytes = 4000
        limits.files = 3
        let recorder = try RunRecorder(folder: folder.path, limits: limits, thread: thread)
        var numbers = SeededNumbers(7)
        for number in 0..<300 {
            let noise = (0..<40).map { _ in String(numbers.next(), radix: 36) }.joined()
            recorder.record(.toStrategy, Array("{\"noise\":\"\(noise)\"}".utf8)[...], at: time(number))
            if number % 4 == 0 { recorder.flush() }
        }
        recorder.flush()
        let sizes = try folder.contents().mapValues(\.count)
        #expect(sizes.count == 3)
        #expect(sizes.values.allSatisfy { $0 <= 4000 })
        #expect(recorder.droppedBytes > 0)
        let (found, isWhole) = try entries()
        #expect(isWhole)
        let dropped = found.contains { if case .dropped = $0 { true } else { false } }
        #expect(dropped)
        #expect(found.count > 10)
        thread.close()
    }

    @Test("the flushing thread writes by itself, and at once when much has come")
    func flushesBySize() throws {
        var limits = RunRecorder.Limits()
        limits.blockBytes = 1000
        limits.delayMilliseconds = 3_600_000
        let recorder = try RunRecorder(folder: folder.path, limits: limits, thread: thread)
        for number in 0..<50 { recorder.record(.toStrategy, line(number)[...], at: time(number)) }
        thread.close()
        #expect(try entries().entries.count == 50)
    }

    @Test("lines beyond what may wait are left out, counted and noted")
    func overflow() throws {
        var limits = RunRecorder.Limits()
        limits.waitingBytes = 1000
        limits.blockBytes = 1 << 20
        limits.delayMilliseconds = 3_600_000
        let recorder = try RunRecorder(folder: folder.path, limits: limits, thread: thread)
        for number in 0..<100 { recorder.record(.toStrategy, line(number)[...], at: time(number)) }
        recorder.flush()
        let found = try entries().entries
        guard case .lost(_, let lines) = found.last else {
            Issue.record("no word about what is missing")
            return
        }
        #expect(found.count - 1 + lines == 100)
        #expect(lines > 80)
        thread.close()
    }
}
