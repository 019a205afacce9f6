import Glibc
import Identity
import Journal
import Testing
import Wire

@Suite("Audit commands")
struct AuditCommandTests {
    private let line: CommandLineFixture

    init() throws {
        line = try CommandLineFixture()
    }

    @Test func `a trail is looked through beside its writer, and the exit code says what was found`()
        async throws
    {
        let data = line.home + "/audit-data"
        let none = try await line.run("audit", "verify", "--data", data)
        #expect(none.code == 4 && none.errors.contains("was a host ever started there?"))
        mkdir(data, 0o700)
        let writer = try GroupCommitWriter(
            path: data + "/journal.db", migrations: [IdentitySchema.migrations])
        for number in 1...5 {
            try writer.writeBlocking { try AuditTrail.insert($0, 1, "ann", "halt", "", "no. \(number)") }
        }
        let whole = try await line.run("audit", "verify", "--data", data, "--json")
        let found = try JSONParser.parse(whole.output)
        #expect(whole.code == 0 && found["whole"] == .bool(true) && found["checked"] == .integer(5))
        let head = try #require(found["head"]?["hash"]?.stringValue)
        let kept = try await line.run("audit", "verify", "--data", data, "--head", head)
        #expect(kept.code == 0 && kept.output.contains("Record 5 has the hash that was kept"))
        let other = try await line.run(
            "audit", "verify", "--data", data, "--head", String(repeating: "0", count: 64))
        #expect(other.code == 1 && other.errors.contains("no record has the hash that was kept"))
        #expect(try await line.run("audit", "verify", "--data", data, "--head", "abc").code == 64)
        writer.close()

        let database = try Database(path: data + "/journal.db")
        try database.run(script: "DROP TRIGGER audit_is_not_changed")
        try database.run("UPDATE audit SET detail = 'no. 0' WHERE id = 3")
        let broken = try await line.run("audit", "verify", "--data", data)
        #expect(broken.code == 1 && broken.errors.contains("record 3 is not what was written"))
        let words = try await line.run("audit", "verify", "--data", data, "--json")
        #expect(try JSONParser.parse(words.output)["flaw"]?["record"] == .string("3"))
    }
}
