import Glibc
import Journal
import Posix
import Testing

@testable import Identity

/// The audit trail's hash chain, against whoever may write the file.
@Suite("Audit chain")
struct AuditChainTests {
    private let fixture: IdentityFixture
    private let trail: AuditTrail
    private var path: String { fixture.folder + "/journal.db" }

    private static let count: Int64 = 24

    init() throws {
        fixture = try IdentityFixture()
        trail = AuditTrail(writer: fixture.writer, log: HostLog(part: "identity", sink: try .memory()))
        for number in 0..<Int(Self.count) {
            let detail = number % 5 == 0 ? "" : String(repeating: "a\u{0}é\u{FFFD}\n", count: number)
            trail.record("ann", "strategy.stop", number % 3 == 0 ? "" : "s-\(number)", detail)
        }
        try fixture.writer.barrier()
    }

    /// Changes the database as its owner can, looks at what comes of it, and takes it back.
    private func afterTampering(
        _ tamper: (Database) throws -> Void
    ) throws -> AuditVerification {
        let database = try Database(path: path)
        let triggers = try database.all("SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
            try $0.text(0)
        }
        var result: AuditVerification?
        do {
            try database.transaction {
                for name in triggers { try database.run(script: "DROP TRIGGER \(name)") }
                try tamper(database)
                result = try AuditVerification.run(in: database)
                throw Undo()
            }
        } catch is Undo {}
        return try #require(result)
    }

    private struct Undo: Error {}

    // MARK: - What was written

    @Test func `a trail that nobody touched is whole, and its head is the last record's hash`() async throws {
        let entries = try await trail.entries(limit: 2)
        let head = try await trail.head()
        #expect(head.record == Self.count && head.hash == entries[0].hash)
        let found = try AuditVerification.run(path: path, wanted: entries[1].hash.uppercased())
        #expect(found.flaw == nil && found.checked == Int(Self.count) && found.next == nil)
        #expect(found.head == head && found.found == Self.count - 1)
        #expect(try AuditVerification.run(path: path, wanted: String(repeating: "0", count: 64)).found == nil)
    }

    @Test func `page by page it is as whole as all at once`() throws {
        var (after, pages, checked): (Int64?, Int, Int) = (nil, 0, 0)
        repeat {
            let page = try trail.verify(after: after, limit: 7)
            #expect(page.flaw == nil)
            (after, pages, checked) = (page.next, pages + 1, checked + page.checked)
        } while after != nil
        #expect(checked == Int(Self.count) && pages == 4)
        #expect(try trail.verify(after: 1000, limit: 7).flaw?.record == 1000, "no such place to begin at")
    }

    @Test func `a hash is over the record before and every field, as documented`() async throws {
        // Reckoned with Python's hashlib from the documentation's words.
        let first = AuditChain.hash(
            after: AuditChain.beginning, id: 1, time: 1_800_000_000_000, Array("ann".utf8),
            Array("limits.change".utf8), [], Array("é".utf8))
        #expect(
            Hexadecimal.text(AuditChain.beginning)
                == "7604d15759cbac03aed28834640a88ca783cd8c921a7743b0111c08c8e1ecda2")
        #expect(
            Hexadecimal.text(first) == "98ad6c2c7fa75a533cce8dd49bf05a918983a065c9a38e584d61af4d3753fd8f")
        let moved = AuditChain.hash(
            after: AuditChain.beginning, id: 1, time: 1_800_000_000_000, Array("annl".utf8),
            Array("imits.change".utf8), [], Array("é".utf8))
        #expect(first != moved, "a letter that moves from one field to the next is noticed")
    }

    // MARK: - The database's own refusal

    @Test(
        "the database refuses to change, remove or put in a record",
        arguments: [
            "UPDATE audit SET actor = 'bob' WHERE id = 3", "DELETE FROM audit WHERE id = 3",
            "DELETE FROM audit", "UPDATE audit SET id = id + 100",
            "INSERT OR REPLACE INTO audit SELECT id, time, 'bob', action, subject, detail, hash FROM audit WHERE id = 3",
            "INSERT INTO audit SELECT 100, time, actor, action, subject, detail, hash FROM audit WHERE id = 3",
            "INSERT INTO audit SELECT -1, time, actor, action, subject, detail, hash FROM audit WHERE id = 3",
            "UPDATE audit_head SET last = last - 1", "DELETE FROM audit_head",
            "UPDATE audit_head SET hash = zeroblob(32)", "INSERT INTO audit_head VALUES (1, 0, zeroblob(32))",
            "INSERT OR REPLACE INTO audit_head VALUES (1, 0, zeroblob(32))",
        ])
    func refuses(_ statement: String) throws {
        let database = try Database(path: path)
        let failure = #expect(throws: DatabaseFailure.self) { try database.run(statement) }
        #expect(failure?.code == .constraint, "\(statement)")
        #expect(try AuditVerification.run(path: path).flaw == nil)
    }

    // MARK: - Whoever drops the triggers

    private static let texts = ["actor", "action", "subject", "detail"]

    @Test("one changed byte anywhere is noticed, at that record", arguments: 0..<10 as Range<UInt64>)
    func bytes(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        for _ in 0..<30 { try byte(&dice) }
    }

    private func byte(_ dice: inout Dice) throws {
        let record = 1 + Int64(dice.roll(Int(Self.count)))
        let column = (Self.texts + ["time", "hash"])[dice.roll(6)]
        let found = try afterTampering { database in
            if column == "time" {
                try database.run("UPDATE audit SET time = time + 1 WHERE id = ?", record)
                return
            }
            let before = try database.first("SELECT CAST(\(column) AS BLOB) FROM audit WHERE id = ?", record)
            { try $0.blob(0) }
            var bytes = try #require(before)
            if bytes.isEmpty {
                bytes = [UInt8(truncatingIfNeeded: dice.roll(256))]
            } else {
                bytes[dice.roll(bytes.count)] ^= UInt8(1 << dice.roll(8))
            }
            let type = column == "hash" ? "BLOB" : "TEXT"
            try database.run("UPDATE audit SET \(column) = CAST(? AS \(type)) WHERE id = ?", bytes, record)
        }
        #expect(found.flaw?.record == record, "\(column) of \(record): \(found)")
    }

    @Test func `a record that is removed is noticed, the last one too`() throws {
        for record in 1...Self.count { try removal(of: record) }
    }

    private func removal(of record: Int64) throws {
        let alone = try afterTampering { try $0.run("DELETE FROM audit WHERE id = ?", record) }
        #expect(alone.flaw?.record == record)
        let closed = try afterTampering { database in
            try database.run("DELETE FROM audit WHERE id = ?", record)
            // One by one, since each number must be free.
            for id in record + 1..<Self.count + 1 {
                try database.run("UPDATE audit SET id = id - 1 WHERE id = ?", id)
            }
        }
        #expect(closed.flaw?.record == record)
        let tail = try afterTampering { try $0.run("DELETE FROM audit WHERE id >= ?", record) }
        #expect(tail.flaw?.record == record)
    }

    @Test("records that change places are noticed", arguments: 0..<2 as Range<UInt64>)
    func swaps(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        for _ in 0..<20 { try swap(&dice) }
    }

    private func swap(_ dice: inout Dice) throws {
        let first = 1 + Int64(dice.roll(Int(Self.count) - 1))
        let second = first + 1 + Int64(dice.roll(Int(Self.count - first)))
        let withHash = dice.roll(2) == 0
        let found = try afterTampering { database in
            if withHash {
                for (from, to) in [(first, Int64(1000)), (second, first), (1000, second)] {
                    try database.run("UPDATE audit SET id = ? WHERE id = ?", to, from)
                }
            } else {
                for column in Self.texts + ["time"] {
                    try database.run(
                        """
                        UPDATE audit SET \(column) = CASE id
                            WHEN ?1 THEN (SELECT \(column) FROM audit WHERE id = ?2)
                            ELSE (SELECT \(column) FROM audit WHERE id = ?1) END
                        WHERE id IN (?1, ?2)
                        """, first, second)
                }
            }
        }
        #expect(found.flaw?.record == first)
    }

    @Test("a record that is put in is noticed, wherever", arguments: [-3, 0, 1, 5, 24, 25, 26] as [Int64])
    func insertion(at place: Int64) throws {
        let found = try afterTampering { database in
            if place >= 1 {
                for id in (place..<max(place, Self.count + 1)).reversed() {
                    try database.run("UPDATE audit SET id = id + 1 WHERE id = ?", id)
                }
            }
            let end = try #require(try AuditChain.end(in: database))
            // Behind the end it even has the right hash.
            let hash = AuditChain.hash(
                after: end.hash, id: place, time: 7, Array("eve".utf8), Array("halt".utf8), [], [])
            try database.run(
                "INSERT INTO audit VALUES (?, 7, 'eve', 'halt', '', '', ?)", place, hash)
        }
        let record = try #require(found.flaw?.record)
        #expect(record == place || record == Self.count + 1, "\(found)")
    }

    @Test(
        "a chain's end that is changed or gone is noticed",
        arguments: [
            "UPDATE audit_head SET last = last - 1", "UPDATE audit_head SET last = last + 1",
            "UPDATE audit_head SET hash = zeroblob(32)", "DELETE FROM audit_head",
        ])
    func end(_ statement: String) throws {
        #expect(try afterTampering { try $0.run(statement) }.flaw != nil)
    }

    @Test func `a trail written anew is whole in itself and does not hold the hash that was kept`()
        async throws
    {
        let kept = try await trail.head().hash
        let database = try Database(path: path)
        try database.transaction {
            for name in try database.all(
                "SELECT name FROM sqlite_schema WHERE type = 'trigger'", read: { try $0.text(0) })
            { try database.run(script: "DROP TRIGGER \(name)") }
            let records = try database.all("SELECT time, action, subject, detail FROM audit ORDER BY id") {
                (try $0.integer(0), try $0.text(1), try $0.text(2), try $0.text(3))
            }
            try database.run("DELETE FROM audit")
            try database.run("UPDATE audit_head SET last = 0, hash = ?", AuditChain.beginning)
            for (time, action, subject, detail) in records {
                try AuditChain.append(time, "bob", action, subject, detail, in: database)
            }
        }
        let found = try AuditVerification.run(path: path, wanted: kept)
        #expect(found.flaw == nil && found.found == nil, "only what was kept elsewhere tells")
    }

    // MARK: - What is no fault

    @Test func `a write that was torn by a crash leaves a trail that is whole`() throws {
        let folder = try IdentityFixture()
        folder.writer.close()
        let source = folder.folder + "/journal.db"
        let writer = try GroupCommitWriter(path: source, migrations: [IdentitySchema.migrations])
        for number in 0..<20 {
            try writer.writeBlocking { try AuditTrail.insert($0, 1, "ann", "halt", "", "\(number)") }
        }
        let (base, log) = (try contents(source), try contents(source + "-wal"))
        writer.close()
        var (last, lengths) = (0, Set<Int>())
        for length in stride(from: 0, through: log.count, by: 517) {
            let copy = fixture.folder + "/torn.db"
            try write(base, to: copy)
            // Cut off, or with the rest of the last page never written.
            let rest = length % 2 == 0 ? [] : [UInt8](repeating: 0, count: min(4096, log.count - length))
            try write(log[..<length] + rest, to: copy + "-wal")
            let found = try AuditVerification.run(path: copy)
            #expect(found.flaw == nil && found.checked >= last, "at \(length): \(found)")
            last = found.checked
            lengths.insert(found.checked)
            for suffix in ["", "-wal", "-shm"] { unlink(copy + suffix) }
        }
        #expect(lengths.count > 10, "the cuts fell into different records: \(lengths.sorted())")
    }

    @Test func `records from before the chain are chained, and the trail says so`() throws {
        let path = fixture.folder + "/before.db"
        defer { for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) } }
        let database = try Database(path: path)
        try database.migrate([
            MigrationSet(name: "identity", [IdentitySchema.migrations.migrations[0]])
        ])
        for (id, actor) in [(1, "ann"), (2, "bob"), (5, "é")] {
            try database.run("INSERT INTO audit VALUES (?, ?, ?, 'halt', 's', 'why')", id, id * 10, actor)
        }
        try database.migrate([IdentitySchema.migrations])
        #expect(try AuditVerification.run(in: database).flaw == nil)
        let all = try database.all("SELECT id, time, actor, action, detail FROM audit ORDER BY id") {
            "\(try $0.integer(0)) \(try $0.integer(1)) \(try $0.text(2)) \(try $0.text(3)) \(try $0.text(4))"
        }
        #expect(all.count == 4)
        #expect(all.prefix(3) == ["1 10 ann halt why", "2 20 bob halt why", "3 50 é halt why"])
        #expect(
            all[3].contains("host audit.chain 3 records from before")
                && all[3].hasSuffix("they were numbered up to 5 and are numbered anew"))
        #expect(throws: DatabaseFailure.self) { try database.run("DELETE FROM audit") }
    }

    @Test func `a backup, and what is restored from it, verify with the same head`() async throws {
        let head = try await trail.head()
        let (archive, restored) = (fixture.folder + "/archive", fixture.folder + "/restored")
        defer {
            for folder in [archive + "/data", archive, restored] {
                for name in [
                    "journal.db", "journal.db-wal", "journal.db-shm", "manifest.json", "manifest.json.sha256",
                ] { unlink(folder + "/" + name) }
                rmdir(folder)
            }
        }
        _ = try DataFolderBackup.backup(
            folder: fixture.folder, to: archive, version: "1", holding: fixture.writer)
        trail.record("ann", "halt")
        try fixture.writer.barrier()
        _ = try DataFolderBackup.restore(from: archive, to: restored)
        for folder in [archive + "/data", restored] {
            let found = try AuditVerification.run(path: folder + "/journal.db", wanted: head.hash)
            #expect(found.flaw == nil && found.head == head && found.found == head.record, "\(folder)")
        }
        let later = try AuditVerification.run(path: path, wanted: head.hash)
        #expect(later.flaw == nil && later.head.record == head.record + 1 && later.found == head.record)
    }

    // MARK: - Helpers

    private func contents(_ path: String) throws -> [UInt8] {
        let file = try FileDescriptor.open(path, O_RDONLY)
        return try file.read(at: 0, count: try file.size())
    }

    private func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
        unlink(path)
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        try file.writeAll(Array(bytes)[...])
    }

    /// Numbers from a seed.
    private struct Dice {
        private var state: UInt64

        init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

        mutating func roll(_ sides: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(sides))
        }
    }
}
