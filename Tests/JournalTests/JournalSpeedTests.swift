import Dispatch
import Posix
import Synchronization
import Testing

@testable import Journal

/// The figures themselves come from `scripts/bench`; this keeps their order of magnitude.
@Suite("Journal speed", .serialized)
struct JournalSpeedTests {
    private static let schema = MigrationSet(
        name: "test",
        [Migration(1, "Add rows", "CREATE TABLE rows (id INTEGER PRIMARY KEY, word TEXT NOT NULL) STRICT")])

    /// Rows a second from `writers` threads' worth of waiting, each submitting again when it was answered.
    static func grouped(writers: Int, rows: Int, path: String) throws -> Double {
        let writer = try GroupCommitWriter(path: path, migrations: [schema])
        let next = Atomic<Int>(0)
        let done = DispatchGroup()
        @Sendable func submitNext() {
            let id = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard id < rows else {
                done.leave()
                return
            }
            do {
                try writer.submit {
                    try $0.run("INSERT INTO rows VALUES (?, 'an order of some length, in words')", id)
                } completion: { _ in
                    submitNext()
                }
            } catch {
                Issue.record(error)
                done.leave()
            }
        }
        let started = MonotonicClock.nanoseconds
        for _ in 0..<writers {
            done.enter()
            submitNext()
        }
        done.wait()
        let seconds = Double(MonotonicClock.nanoseconds - started) / 1e9
        writer.close()
        return Double(rows) / seconds
    }

    /// Rows a second when each commits alone.
    static func single(rows: Int, path: String) throws -> Double {
        let database = try Database(path: path)
        try database.migrate([schema])
        let started = MonotonicClock.nanoseconds
        for id in 0..<rows {
            try database.run("INSERT INTO rows VALUES (?, 'an order of some length, in words')", id)
        }
        return Double(rows) / (Double(MonotonicClock.nanoseconds - started) / 1e9)
    }

    @Test("50 waiting writers are at least five times as fast as one commit each")
    func fiveTimes() throws {
        let folder = try TemporaryFolder()
        let alone = try Self.single(rows: 300, path: folder.file("single.db"))
        let together = try Self.grouped(writers: 50, rows: 10_000, path: folder.file("group.db"))
        print("journal: single \(Int(alone)) rows/s, 50 waiting writers \(Int(together)) rows/s")
        #expect(together >= 5 * alone)
    }
}
