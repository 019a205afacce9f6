import Dispatch
import Glibc
import Journal
import Posix
import Synchronization
import Wire

extension Measurement {
    /// What sharing a transaction brings.
    static let journalCommits = Measurement(
        name: "journal-commits",
        summary: "durable rows a second with 50 waiting writers, beside one commit each"
    ) { _ in
        let folder = try BenchFolder()
        let alone = try JournalLoad.alone(rows: 3_000, path: folder.path + "/alone.db")
        let together = try JournalLoad.waiting(
            writers: 50, rows: 100_000, path: folder.path + "/together.db")
        let many = try JournalLoad.waiting(
            writers: 1_000, rows: 300_000, path: folder.path + "/many.db")
        let floor = Figure.Floor(name: "SQLite, FULL, one commit each", value: alone)
        return [
            Figure(
                name: "journal, 50 waiting writers", value: together, unit: "rows/s", floor: floor,
                promise: .atLeastTimesFloor(5)),
            Figure(
                name: "journal, 1000 waiting writers", value: many, unit: "rows/s", floor: floor,
                promise: .atLeast(30_000)),
        ]
    }

    /// What the event loop pays for a line of a log or a recording.
    static let recordedLines = Measurement(
        name: "recorded-lines", summary: "cost to the caller of a recorded line and of a log line"
    ) { _ in
        let folder = try BenchFolder()
        let thread = try FlushThread()
        let recorder = try RunRecorder(folder: folder.path, thread: thread)
        let log = try LogFiles(folder: folder.path, thread: thread)
        let line = Array(
            """
            {"type":"candle","symbol":"BTCUSDT","resolution":"1m","time":1800000000000,"close_time":1800000060000,\
            "open":"65000.1","high":"65010.2","low":"64990.3","close":"65005.4","volume":"12.345678"}
            """.utf8)
        let recorded = Samples.microseconds(of: 200) {
            for _ in 0..<100 { recorder.record(.toStrategy, line[...]) }
            recorder.flush()
        }
        let copied = try recordOnly(recorder, line)
        let logged = Samples.microseconds(of: 200) {
            for _ in 0..<20 { log.append(.info, .strategy, "moved the stop to 64990.3 after a new high") }
        }
        thread.close()
        return [
            Figure(
                name: "recording a line, for the caller", value: copied.median / 100 * 1000, unit: "ns",
                promise: .atMost(1_000)),
            Figure(
                name: "recording a line, compressed and written", value: recorded.median / 100 * 1000,
                unit: "ns"),
            Figure(
                name: "a log line, for the caller", value: logged.median / 20 * 1000, unit: "ns",
                promise: .atMost(5_000)),
        ]
    }

    private static func recordOnly(_ recorder: RunRecorder, _ line: [UInt8]) throws -> Samples {
        var values: [Double] = []
        for _ in 0..<200 {
            let sample = Samples.microseconds(of: 1) {
                for _ in 0..<100 { recorder.record(.toStrategy, line[...]) }
            }
            values.append(sample.median)
            recorder.flush()
        }
        return Samples(values)
    }
}

/// Rows written in two ways.
enum JournalLoad {
    private static let schema = MigrationSet(
        name: "bench",
        [Migration(1, "Add rows", "CREATE TABLE rows (id INTEGER PRIMARY KEY, word TEXT NOT NULL) STRICT")])
    private static let insert = "INSERT INTO rows VALUES (?, 'an order of some length, in words')"

    /// Rows a second when each commits alone.
    static func alone(rows: Int, path: String) throws -> Double {
        let database = try Database(path: path)
        try database.migrate([schema])
        let clock = ContinuousClock()
        let time = try clock.measure { for id in 0..<rows { try database.run(insert, id) } }
        return Double(rows) / (time / .seconds(1))
    }

    /// Rows a second when so many writers submit again as soon as they were answered.
    static func waiting(writers: Int, rows: Int, path: String) throws -> Double {
        let writer = try GroupCommitWriter(path: path, migrations: [schema])
        defer { writer.close() }
        let next = Atomic<Int>(0)
        let failure = Mutex<WriteFailure?>(nil)
        let done = DispatchGroup()
        @Sendable func submitNext() {
            let id = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard id < rows else { return done.leave() }
            do throws(WriteFailure) {
                try writer.submit {
                    try $0.run(insert, id)
                } completion: { _ in
                    submitNext()
                }
            } catch {
                failure.withLock { $0 = error }
                done.leave()
            }
        }
        let clock = ContinuousClock()
        let time = clock.measure {
            for _ in 0..<writers {
                done.enter()
                submitNext()
            }
            done.wait()
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
        return Double(rows) / (time / .seconds(1))
    }
}
