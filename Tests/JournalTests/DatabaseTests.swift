import Posix
import Testing
import Trading

@testable import Journal

@Suite("Database")
struct DatabaseTests {
    private let folder: TemporaryFolder
    private let database: Database

    init() throws {
        folder = try TemporaryFolder()
        database = try Database(path: folder.file("a.db"))
        try database.run(
            script: "CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT, bytes BLOB, number INTEGER) STRICT")
    }

    @Test("values of every kind come back as they went in")
    func values() throws {
        let price = try #require(FixedDecimal("-12345.000000000000000001"))
        let text = "naïve ☂ \u{0}inside"
        try database.run("INSERT INTO t VALUES (?, ?, ?, ?)", Int64.min, text, [UInt8](0...255), nil as Int?)
        try database.run("INSERT INTO t VALUES (?, ?, ?, ?)", 2, price, [UInt8](), true)
        try database.run(
            "INSERT INTO t VALUES (?, ?, ?, ?)", 3, "", nil as [UInt8]?, Timestamp(milliseconds: 17))
        try database.run("INSERT INTO t VALUES (4, NULL, NULL, NULL)")

        let rows = try database.all("SELECT id, word, bytes, number FROM t ORDER BY id") { row in
            [try row.value(0), try row.value(1), try row.value(2), try row.value(3)]
        }
        let expected: [[SQLValue]] = [
            [.integer(.min), .text(text), .blob([UInt8](0...255)), .null],
            [.integer(2), .text("-12345.000000000000000001"), .blob([]), .integer(1)],
            [.integer(3), .text(""), .null, .integer(17)],
            [.integer(4), .null, .null, .null],
        ]
        #expect(rows == expected)
        #expect(try database.first("SELECT word FROM t WHERE id = 2") { try $0.decimal(0) } == price)
        #expect(try database.first("SELECT number FROM t WHERE id = 2") { try $0.bool(0) } == true)
        let time = try database.first("SELECT number FROM t WHERE id = ?", 3) { try $0.time(0) }
        #expect(time == Timestamp(milliseconds: 17))
        #expect(try database.first("SELECT id FROM t WHERE id = ?", 99) { try $0.integer(0) } == nil)
    }

    @Test("a value of another kind than asked for is a failure that names the column")
    func wrongKind() throws {
        try database.run("INSERT INTO t (word) VALUES ('x')")
        let failure = #expect(throws: DatabaseFailure.self) {
            try database.all("SELECT word FROM t") { try $0.integer(0) }
        }
        #expect(failure?.code == .unexpectedValue)
        #expect(failure?.reason == "column word does not hold an integer")
        #expect(throws: DatabaseFailure.self) {
            try database.first("SELECT word FROM t") { try $0.decimal(0) }
        }
    }

    @Test("a strict column refuses another kind")
    func strict() throws {
        let failure = #expect(throws: DatabaseFailure.self) {
            try database.run("INSERT INTO t (number) VALUES (?)", "no number")
        }
        #expect(failure?.code == .constraint)
    }

    @Test("a text in double quotes is no string, too few values are refused, and so is a second statement")
    func misuse() {
        for (sql, values) in [
            ("SELECT \"nothing\" FROM t", 0), ("SELECT ?, ? FROM t", 1), ("SELECT 1; SELECT 2", 0), (" ", 0),
        ] {
            let failure = #expect(throws: DatabaseFailure.self) {
                try database.run(sql, values: [Int](repeating: 1, count: values))
            }
            #expect(failure?.code == .statement)
        }
    }

    @Test("a failed transaction leaves nothing, and a failed one inside another leaves the outer whole")
    func transactions() throws {
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try database.transaction {
                try database.run("INSERT INTO t (id) VALUES (1)")
                throw Stop()
            }
        }
        try database.transaction {
            try database.run("INSERT INTO t (id) VALUES (2)")
            #expect(throws: Stop.self) {
                try database.transaction {
                    try database.run("INSERT INTO t (id) VALUES (3)")
                    throw Stop()
                }
            }
            try database.transaction { _ = try database.run("INSERT INTO t (id) VALUES (4)") }
        }
        #expect(try database.all("SELECT id FROM t ORDER BY id") { try $0.int(0) } == [2, 4])
        #expect(!database.isInTransaction)
    }

    @Test("one statement can be read twice at once")
    func nestedUse() throws {
        for id in 1...3 { try database.run("INSERT INTO t (id) VALUES (?)", id) }
        let sql = "SELECT id FROM t ORDER BY id"
        let pairs = try database.all(sql) { outer in
            let first = try outer.int(0)
            return try database.all(sql) { try (first, $0.int(0)) }
        }
        #expect(pairs.flatMap { $0 }.map { $0.0 * 10 + $0.1 } == [11, 12, 13, 21, 22, 23, 31, 32, 33])
    }

    @Test("foreign keys are enforced and every commit waits for the disk")
    func settings() throws {
        #expect(try database.first("PRAGMA foreign_keys") { try $0.int(0) } == 1)
        #expect(try database.first("PRAGMA synchronous") { try $0.int(0) } == 2)
        #expect(try database.first("PRAGMA journal_mode") { try $0.text(0) } == "wal")
    }

    @Test("a reading connection cannot write")
    func readsOnly() throws {
        let reader = try Database(path: database.path, options: .reader)
        let failure = #expect(throws: DatabaseFailure.self) { try reader.run("DELETE FROM t") }
        #expect(failure?.code == .readOnly)
    }

    @Test("a writer that meets a lock gives up after its busy time and says so")
    func busy() throws {
        var options = DatabaseOptions()
        options.busyMilliseconds = 1
        let other = try Database(path: database.path, options: options)
        try database.begin()
        let failure = #expect(throws: DatabaseFailure.self) { try other.run("DELETE FROM t") }
        #expect(failure?.code == .busy)
        database.rollBack()
        try other.run("DELETE FROM t")
    }
}
