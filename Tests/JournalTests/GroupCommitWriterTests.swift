import Dispatch
import Posix
import Synchronization
import Testing

@testable import Journal

@Suite("Group commit writer")
struct GroupCommitWriterTests {
    private let folder: TemporaryFolder
    private var path: String { folder.file("a.db") }
    private static let schema = MigrationSet(
        name: "test",
        [
            Migration(
                1, "Add rows",
                """
                CREATE TABLE rows (id INTEGER PRIMARY KEY, word TEXT NOT NULL) STRICT;
                CREATE TABLE parts (row INTEGER NOT NULL REFERENCES rows (id) DEFERRABLE INITIALLY DEFERRED) STRICT
                """)
        ])

    init() throws { folder = try TemporaryFolder() }

    private func makeWriter(limit: Int = 16_384) throws -> GroupCommitWriter {
        try GroupCommitWriter(path: path, migrations: [Self.schema], limit: limit)
    }

    private func rows() throws -> [Int] {
        let database = try Database(path: path, options: .reader)
        return try database.all("SELECT id FROM rows ORDER BY id") { try $0.int(0) }
    }

    @Test("what was written is there when its completion runs, and completions come in order")
    func inOrder() throws {
        let writer = try makeWriter()
        let readers = try DatabaseReaders(path: path)
        let answered = Mutex<[Int]>([])
        let unseen = Mutex<[Int]>([])
        for id in 0..<300 {
            try writer.submit { database in
                try database.run("INSERT INTO rows VALUES (?, 'x')", id)
            } completion: { result in
                let found = try? readers.read { database in
                    try database.first("SELECT id FROM rows WHERE id = ?", id) { try $0.int(0) }
                }
                if (try? result.get()) != 1 || found != id { unseen.withLock { $0.append(id) } }
                answered.withLock { $0.append(id) }
            }
        }
        try writer.barrier()
        #expect(answered.withLock { $0 } == Array(0..<300))
        #expect(unseen.withLock { $0 } == [])
        writer.close()
        #expect(try rows() == Array(0..<300))
    }

    @Test("operations that wait together share a transaction")
    func groups() throws {
        let writer = try makeWriter()
        try writer.whileHeld {
            for id in 0..<200 {
                try writer.submit {
                    _ = try $0.run("INSERT INTO rows VALUES (?, 'x')", id)
                } completion: { _ in
                }
            }
        }
        try writer.barrier()
        let figures = writer.figures
        #expect(figures.largestGroup >= 200)
        #expect(figures.commits <= 3)
        #expect(figures.commitCounts.reduce(0, +) == figures.commits)
        writer.close()
    }

    @Test("an operation that fails leaves its neighbours in the same transaction whole")
    func neighbours() async throws {
        struct Refused: Error {}
        let writer = try makeWriter()
        let words = Mutex<[String]>([])
        let answer: @Sendable (Result<Void, WriteFailure>) -> Void = { result in
            let word =
                switch result {
                case .success: "ok"
                case .failure(.database(let failure)): failure.code.rawValue
                case .failure(.operation): "refused"
                case .failure(let other): other.description
                }
            words.withLock { $0.append(word) }
        }
        try writer.whileHeld {
            try writer.submit({ _ = try $0.run("INSERT INTO rows VALUES (1, 'x')") }, completion: answer)
            try writer.submit(
                {
                    try $0.run("INSERT INTO rows VALUES (2, 'x')")
                    try $0.run("INSERT INTO rows VALUES (1, 'twice')")
                }, completion: answer)
            try writer.submit({ _ = try $0.run("INSERT INTO rows VALUES (3, 'x')") }, completion: answer)
            try writer.submit(
                {
                    try $0.run("INSERT INTO rows VALUES (4, 'x')")
                    throw Refused()
                }, completion: answer)
            try writer.submit({ _ = try $0.run("INSERT INTO rows VALUES (5, 'x')") }, completion: answer)
        }
        try writer.barrier()
        #expect(words.withLock { $0 } == ["ok", "constraint", "ok", "refused", "ok"])
        writer.close()
        #expect(try rows() == [1, 3, 5])
    }

    @Test("a rule that is only checked at the end fails the operation that broke it and no other")
    func deferredRule() throws {
        let writer = try makeWriter()
        let good = Mutex<[Int]>([])
        try writer.whileHeld {
            for id in 0..<5 {
                try writer.submit { database in
                    if id == 2 {
                        try database.run("INSERT INTO parts VALUES (99)")
                    } else {
                        try database.run("INSERT INTO rows VALUES (?, 'x')", id)
                    }
                } completion: { result in
                    if case .success = result { good.withLock { $0.append(id) } }
                }
            }
        }
        try writer.barrier()
        #expect(good.withLock { $0 } == [0, 1, 3, 4])
        writer.close()
        #expect(try rows() == [0, 1, 3, 4])
    }

    @Test("a full queue refuses the next one and takes more when there is room")
    func overload() throws {
        let writer = try makeWriter(limit: 3)
        try writer.whileHeld {
            for id in 0..<3 {
                try writer.submit {
                    _ = try $0.run("INSERT INTO rows VALUES (?, 'x')", id)
                } completion: { _ in
                }
            }
            let failure = #expect(throws: WriteFailure.self) {
                try writer.submit({ _ in }, completion: { _ in })
            }
            guard case .overloaded(limit: 3) = failure else {
                Issue.record("\(String(describing: failure))")
                return
            }
        }
        try writer.barrier()
        try writer.writeBlocking { _ = try $0.run("INSERT INTO rows VALUES (3, 'x')") }
        #expect(writer.figures.refused == 1)
        writer.close()
        #expect(try rows() == [0, 1, 2, 3])
    }

    @Test("closing finishes what waits and refuses what comes after")
    func closing() throws {
        let writer = try makeWriter()
        let answered = Mutex(0)
        for id in 0..<50 {
            try writer.submit {
                _ = try $0.run("INSERT INTO rows VALUES (?, 'x')", id)
            } completion: { _ in
                answered.withLock { $0 += 1 }
            }
        }
        writer.close()
        #expect(answered.withLock { $0 } == 50)
        let failure = #expect(throws: WriteFailure.self) { try writer.barrier() }
        guard case .closed = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(try rows().count == 50)
        #expect(TemporaryFolder.names(folder.path) == ["a.db"])
    }

    @Test("an operation that ends the shared transaction is told so, and its neighbours still happen")
    func meddling() throws {
        let writer = try makeWriter()
        let good = Mutex<[Int]>([])
        try writer.whileHeld {
            for id in 0..<3 {
                try writer.submit { database in
                    try database.run("INSERT INTO rows VALUES (?, 'x')", id)
                    if id == 1 { try database.run("ROLLBACK") }
                } completion: { result in
                    if case .success = result { good.withLock { $0.append(id) } }
                }
            }
        }
        try writer.barrier()
        #expect(good.withLock { $0 } == [0, 2])
        writer.close()
        #expect(try rows() == [0, 2])
    }

    @Test("suspended and blocked callers get their result")
    func waiting() async throws {
        let writer = try makeWriter()
        let changed = try await writer.write { try $0.run("INSERT INTO rows VALUES (7, 'x')") }
        #expect(changed == 1)
        let count = try writer.writeBlocking { database in
            try database.first("SELECT count(*) FROM rows") { try $0.int(0) }
        }
        #expect(count == 1)
        await #expect(throws: WriteFailure.self) {
            try await writer.write { try $0.run("INSERT INTO rows VALUES (7, 'x')") }
        }
        writer.close()
    }
}
