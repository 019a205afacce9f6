import Glibc
import Identity
import Journal
import Posix
import Testing
import Trading
import Vault
import Wire

@Suite("Vault commands")
struct VaultCommandTests {
    private let line: CommandLineFixture

    init() throws {
        line = try CommandLineFixture()
    }

    @Test func `the vault's master key is made, and made anew, on this machine`() async throws {
        let data = line.home + "/vault-data"
        let none = try await line.run("vault", "rekey", "--data", data)
        #expect(none.code == 2 && none.errors.contains("was a host ever started there?"))
        #expect(try await line.run("vault", "init", "--data", data).code == 0)
        var status = stat()
        #expect(stat(data + "/master.key", &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(try await line.run("vault", "init", "--data", data).code == 1, "there is one already")
        let writer = try GroupCommitWriter(
            path: data + "/journal.db", migrations: [IdentitySchema.migrations, VaultStore.migrations])
        let early = try await line.run("vault", "rekey", "--data", data)
        #expect(early.code == 1 && early.errors.contains("no master key yet"))
        _ = try await KeyVault(
            writer: writer, sources: MasterKeySources(file: data + "/master.key"),
            settings: .init(venues: []), log: HostLog(part: "vault", sink: .memory()),
            check: { _, _, _ in KeyCheck(.untested, at: Timestamp(milliseconds: 0)) })
        let before = line.text(of: data + "/master.key")
        let done = try await line.run("vault", "rekey", "--data", data, "--json")
        #expect(try JSONParser.parse(done.output)["credentials"] == .number("0"), "\(done.errors)")
        #expect(line.text(of: data + "/master.key") != before)
        #expect(line.text(of: data + "/master.key.old") == before)
        let words = try await line.run(
            "vault", "rekey", "--passphrase", "--data", data, input: "correct horse\n")
        #expect(words.code == 0 && !words.output.contains("horse"), "\(words.errors)")
        let again = try await line.run(
            "vault", "rekey", "--data", data, input: "wrong horse\n")
        #expect(again.code == 1 && again.errors.contains("that is not the master key"))
        writer.close()
    }
}
