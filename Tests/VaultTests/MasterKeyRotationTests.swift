import FoundationEssentials
import Glibc
import Journal
import Secrets
import Testing
import Trading

@testable import Vault

@Suite("Master-key rotation")
struct MasterKeyRotationTests {
    private static let accounts = ["first", "second", "third"]

    private static func filled() async throws -> VaultFixture {
        let fixture = try await VaultFixture()
        let vault = try await fixture.vault()
        for account in accounts {
            _ = try await vault.add(
                CredentialDraft(owner: "ann", venue: "binance", account: account),
                VaultFixture.key(VaultFixture.apiKey, "secret of \(account)"), by: "ann")
        }
        return fixture
    }

    private static func rotate(
        _ folder: String, to target: MasterKeyRotation.Target = .newFile,
        sources: MasterKeySources? = nil, reached: (MasterKeyRotation.Step) -> Void = { _ in }
    ) throws -> MasterKeyRotation.Summary {
        var options = DatabaseOptions()
        options.check = .none
        return try MasterKeyRotation.run(
            on: Database(path: "\(folder)/journal.db", options: options),
            sources: sources ?? MasterKeySources(file: "\(folder)/master.key"), to: target, by: "root",
            cost: PassphraseKey(logN: 4, blockSize: 1, parallelism: 1), reached: reached)
    }

    private static func expectKeys(_ vault: KeyVault, _ comment: Comment = "") throws {
        #expect(vault.closedReason == nil, comment)
        for account in accounts {
            let right = SigningKey(
                apiKey: "x", secret: try LockedBytes(Array("secret of \(account)".utf8)))
            let key = vault.key(for: AccountID(account))
            #expect(key?.apiKey == VaultFixture.apiKey && key?.mark == right.mark, comment)
        }
    }

    @Test func `the keys stay, the old master key opens nothing any more, and it is kept for old backups`()
        async throws
    {
        let fixture = try await Self.filled()
        let former = try Data(contentsOf: URL(filePath: fixture.sources.file))
        let summary = try Self.rotate(fixture.folder)
        #expect(
            summary
                == .init(
                    credentials: 3, formerFile: "\(fixture.folder)/master.key.old", finishedEarlier: false))
        try Self.expectKeys(try await fixture.vault())
        #expect(try Data(contentsOf: URL(filePath: "\(fixture.folder)/master.key.old")) == former)
        #expect(try Data(contentsOf: URL(filePath: fixture.sources.file)) != former)
        #expect(access("\(fixture.folder)/master.key.new", F_OK) != 0)
        var old = fixture.sources
        old.file = "\(fixture.folder)/master.key.old"
        #expect(try await fixture.vault(old).closedReason?.contains("that is not the master key") == true)
        #expect(
            try await fixture.audit().last?.hasSuffix("3 credentials, from a key file to a key file") == true)
        fixture.end()
    }

    /// Every place where the process may be ended, and whether the new key is in force by then.
    private static let cuts: [(step: String, times: Int, isNew: Bool)] = [
        ("keyWritten", 1, false), ("rewrapped", 1, false), ("rewrapped", 2, false), ("rewrapped", 3, false),
        ("committed", 1, true), ("formerKept", 1, true), ("inPlace", 1, true),
    ]

    @Test("killed at any step, every key opens, and running it again finishes it", arguments: cuts.indices)
    func killed(_ index: Int) async throws {
        let cut = Self.cuts[index]
        let fixture = try await Self.filled()
        let folder = fixture.folder
        let before = try Data(contentsOf: URL(filePath: fixture.sources.file))
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [folder = folder as String, step = cut.step as String, times = cut.times as Int] in
            var left = times
            _ = try Self.rotate(folder) { reached in
                guard reached.rawValue == step else { return }
                left -= 1
                if left == 0 { kill(getpid(), SIGKILL) }
            }
        }
        // A host that ran all the while, and one that starts now.
        let comment: Comment = "killed at \(cut.step) \(cut.times)"
        try Self.expectKeys(try await fixture.vault(), comment)
        let inForce = try Data(contentsOf: URL(filePath: fixture.sources.file))
        #expect((inForce != before) == cut.isNew, comment)
        _ = try Self.rotate(folder)
        try Self.expectKeys(try await fixture.vault(), comment)
        #expect(try Data(contentsOf: URL(filePath: fixture.sources.file)) != before, comment)
        #expect(access("\(folder)/master.key.new", F_OK) != 0, comment)
        fixture.end()
    }

    @Test func `cut short and run again without a host between, it finishes what it began`() async throws {
        let fixture = try await Self.filled()
        let folder = fixture.folder
        await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
            _ = try Self.rotate(folder) { if $0 == .committed { kill(getpid(), SIGKILL) } }
        }
        let summary = try Self.rotate(folder)
        #expect(summary.finishedEarlier && summary.credentials == 0)
        try Self.expectKeys(try await fixture.vault())
        fixture.end()
    }

    @Test func `a host that runs goes on signing, and keeps new credentials under the new key`() async throws
    {
        let fixture = try await Self.filled()
        let vault = try await fixture.vault()
        _ = try Self.rotate(fixture.folder)
        try Self.expectKeys(vault)
        let made = try await vault.add(
            CredentialDraft(owner: "bob", venue: "binance", account: "fourth"), VaultFixture.key(), by: "bob")
        #expect(made.fault == nil)
        let again = try await fixture.vault()
        try Self.expectKeys(again)
        #expect(again.key(for: AccountID("fourth")) != nil)
        fixture.end()
    }

    @Test func `from a file to a passphrase, and to a key that systemd will bring`() async throws {
        let fixture = try await Self.filled()
        let words = try LockedBytes(Array("correct horse".utf8))
        _ = try Self.rotate(fixture.folder, to: .passphrase(words))
        #expect(try await fixture.vault().closedReason?.contains("from a passphrase") == true)
        var sources = fixture.sources
        sources.passphrase = words
        try Self.expectKeys(try await fixture.vault(sources))

        let systemd = "\(fixture.folder)/systemd"
        mkdir(systemd, 0o700)
        try KeyFile.make("\(systemd)/bullpen-master-key-next")
        _ = try Self.rotate(
            fixture.folder, to: .file("\(systemd)/bullpen-master-key-next"), sources: sources)
        var service = fixture.sources
        service.credentialsFolder = systemd
        try Self.expectKeys(try await fixture.vault(service))
        #expect(throws: VaultFailure.conflict("that is the master key in force already")) {
            try Self.rotate(
                fixture.folder, to: .file("\(systemd)/bullpen-master-key-next"), sources: service)
        }
        fixture.end()
    }

    @Test func `one record that cannot be opened stops it, and nothing has changed`() async throws {
        let fixture = try await Self.filled()
        try await fixture.run("UPDATE credentials SET data_key = zeroblob(60) WHERE account = 'second'")
        let before = try Data(contentsOf: URL(filePath: fixture.sources.file))
        #expect(throws: VaultFailure.self) { try Self.rotate(fixture.folder) }
        #expect(try Data(contentsOf: URL(filePath: fixture.sources.file)) == before)
        let vault = try await fixture.vault()
        #expect(vault.key(for: AccountID("first")) != nil && vault.key(for: AccountID("third")) != nil)
        fixture.end()
    }

    @Test func `without the key in force there is nothing to rotate from`() async throws {
        let fixture = try await Self.filled()
        var sources = fixture.sources
        sources.file = "\(fixture.folder)/none"
        #expect(throws: VaultFailure.closed("its master key is missing; it came from a key file")) {
            try Self.rotate(fixture.folder, sources: sources)
        }
        fixture.end()
    }
}
