import Posix
import Testing

@testable import Journal

@Suite("A damaged database")
struct IntegrityTests {
    private let folder: TemporaryFolder
    private var path: String { folder.file("a.db") }

    init() throws { folder = try TemporaryFolder() }

    /// A database whose last rows are still in its write-ahead log, as a killed process leaves it.
    private func makeDatabase() throws {
        let source = try TemporaryFolder()
        let database = try Database(path: source.file("a.db"))
        try database.run(script: "CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT UNIQUE) STRICT")
        for id in 1...500 { try database.run("INSERT INTO t VALUES (?, ?)", id, "row number \(id)") }
        try database.checkpoint(truncating: true)
        for id in 501...520 { try database.run("INSERT INTO t VALUES (?, ?)", id, "row number \(id)") }
        for name in ["a.db", "a.db-wal"] {
            try TemporaryFolder.write(TemporaryFolder.read(source.file(name)), to: folder.file(name))
        }
    }

    @Test("a sound one opens, with what stood in its log")
    func sound() throws {
        try makeDatabase()
        let database = try Database(path: path)
        #expect(database.integrity == .sound)
        #expect(try database.first("SELECT count(*) FROM t") { try $0.int(0) } == 520)
    }

    @Test("a new one is made")
    func new() throws {
        #expect(try Database(path: path).integrity == .new)
    }

    @Test("damage is refused and nothing is touched", arguments: Damage.allCases)
    func refused(_ damage: Damage) throws {
        try makeDatabase()
        var bytes = try TemporaryFolder.read(path)
        switch damage {
        case .header: for index in 0..<16 { bytes[index] ^= 0xff }
        case .tablePage: for index in 4096..<4096 + 64 { bytes[index] = 0xee }
        case .everyPage: for index in stride(from: 4096, to: bytes.count, by: 4096) { bytes[index] = 0x77 }
        case .cutShort: bytes.removeLast(bytes.count - 4096)
        case .text: bytes = Array("this is no database, it is a letter".utf8)
        case .emptied: bytes = []
        }
        try TemporaryFolder.write(bytes, to: path)
        let before = try folder.contents()

        let failure = #expect(throws: DatabaseFailure.self) { try Database(path: path) }
        #expect(failure?.code == .corrupt)
        #expect(failure?.description.contains("left as") == true)
        #expect(try folder.contents() == before)
    }

    enum Damage: String, CaseIterable {
        case header, tablePage, everyPage, cutShort, text, emptied
    }

    @Test("an index that disagrees with its table is found by the full check")
    func indexDisagrees() throws {
        try makeDatabase()
        do {
            let database = try Database(path: path)
            try database.checkpoint(truncating: true)
        }
        var bytes = try TemporaryFolder.read(path)
        // Change one letter of one entry; the entry's twin stands in the index or in the table.
        let needle = Array("row number 321".utf8)
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: needle) })
        bytes[place] = UInt8(ascii: "R")
        try TemporaryFolder.write(bytes, to: path)
        var options = DatabaseOptions()
        options.check = .full
        #expect(throws: DatabaseFailure.self) { try Database(path: path, options: options) }
    }

    @Test("a log cut in the middle of a page loses that transaction and nothing before it")
    func tornTail() throws {
        try makeDatabase()
        let log = folder.file("a.db-wal")
        var bytes = try TemporaryFolder.read(log)
        bytes.removeLast(1000)
        try TemporaryFolder.write(bytes, to: log)
        let database = try Database(path: path)
        #expect(try database.first("SELECT count(*) FROM t") { try $0.int(0) } == 519)
        try database.run("INSERT INTO t VALUES (1000, 'goes on')")
    }

    @Test("a check that runs out of time says that it is not finished")
    func outOfTime() throws {
        try makeDatabase()
        var options = DatabaseOptions()
        options.check = .quick(milliseconds: 0)
        #expect(try Database(path: path, options: options).integrity == .unfinished)
    }

    @Test("a file that another connection has open can be checked too")
    func secondConnection() throws {
        try makeDatabase()
        let first = try Database(path: path)
        let second = try Database(path: path)
        #expect(second.integrity == .sound)
        #expect(first.integrity == .sound)
    }

    /// A database most of which is history; gives the number of a page of each table.
    private func makeHistory() throws -> (history: Int, other: Int) {
        let database = try Database(path: path)
        try database.run(script: "CREATE TABLE h (id INTEGER PRIMARY KEY, word TEXT NOT NULL) STRICT")
        try database.run(script: "CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT UNIQUE) STRICT")
        for id in 1...2000 { try database.run("INSERT INTO h VALUES (?, ?)", id, "history number \(id)") }
        for id in 1...500 { try database.run("INSERT INTO t VALUES (?, ?)", id, "row number \(id)") }
        try database.checkpoint(truncating: true)
        let bytes = try TemporaryFolder.read(path)
        func page(_ words: String) throws -> Int {
            let needle = Array(words.utf8)
            return try #require(bytes.indices.first { bytes[$0...].starts(with: needle) }) / 4096
        }
        return (try page("history number 1000"), try page("row number 321"))
    }

    private func spoil(_ page: Int) throws {
        var bytes = try TemporaryFolder.read(path)
        for index in page * 4096..<page * 4096 + 64 { bytes[index] = 0xee }
        try TemporaryFolder.write(bytes, to: path)
    }

    private var options: DatabaseOptions {
        var options = DatabaseOptions()
        options.history = ["h"]
        options.wholeCheckBytes = 0
        return options
    }

    private func checkLate() async throws -> DatabaseFailure? {
        try await withCheckedThrowingContinuation { continuation in
            do {
                _ = try LateCheck(path: path) { continuation.resume(returning: $0) }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    @Test func `damage in the history of a large file is found late, and nothing is touched`() async throws {
        let pages = try makeHistory()
        try spoil(pages.history)
        let before = try TemporaryFolder.read(path)
        let database = try Database(path: path, options: options)
        #expect(database.integrity == .unfinished)
        #expect(try await checkLate()?.code == .corrupt)
        #expect(try TemporaryFolder.read(path) == before)
        // A file that is not large is checked as a whole.
        var small = options
        small.wholeCheckBytes = 1 << 30
        #expect(throws: DatabaseFailure.self) { try Database(path: path, options: small) }
    }

    @Test func `damage beside the history of a large file is refused at once`() throws {
        let pages = try makeHistory()
        try spoil(pages.other)
        #expect(throws: DatabaseFailure.self) { try Database(path: path, options: options) }
    }

    @Test func `history that is in order is found to be, while the file is written to`() async throws {
        _ = try makeHistory()
        let database = try Database(path: path, options: options)
        try database.run("INSERT INTO t VALUES (1000, 'goes on')")
        #expect(try await checkLate() == nil)
        try database.run("INSERT INTO t VALUES (1001, 'and on')")
    }
}
