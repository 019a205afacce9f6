import FoundationEssentials
import Glibc
import Secrets
import Synchronization
import Testing
import Trading

@testable import Vault

@Suite("Vault")
struct KeyVaultTests {
    private let fixture: VaultFixture
    private let vault: KeyVault
    private let live = AccountID("live")
    private let mark: [UInt8]

    init() async throws {
        fixture = try await VaultFixture()
        vault = try await fixture.vault()
        mark =
            SigningKey(
                apiKey: "x", secret: try LockedBytes(Array(VaultFixture.secret.utf8))
            ).mark
    }

    private func add(_ draft: CredentialDraft = VaultFixture.draft()) async throws -> Credential {
        try await vault.add(draft, VaultFixture.key(), by: "ann")
    }

    // MARK: - Keeping

    @Test func `a key that its venue takes is kept, masked, active, and signs for its account`() async throws
    {
        let made = try await add()
        #expect(made.isActive && made.account == "live" && made.environment == .testnet)
        #expect(made.maskedKey == "vmPU…Eh8A")
        #expect(made.check?.outcome == .works && made.check?.currencies == 2)
        #expect(fixture.asked.withLock { $0 } == ["binance testnet vmPU"])
        let key = try #require(vault.key(for: live))
        #expect(key.apiKey == VaultFixture.apiKey && key.mark == mark)
        #expect(vault.key(for: AccountID("other")) == nil)
        #expect(vault.credentials() == [made] && vault.credentials(owner: "bob").isEmpty)
        fixture.end()
    }

    @Test func `the next host has the same keys`() async throws {
        let made = try await add()
        let again = try await fixture.vault()
        #expect(again.credentials() == [made])
        #expect(again.key(for: live)?.mark == mark)
        fixture.end()
    }

    @Test func `a venue without a testnet gets its only world, and no other is taken`() async throws {
        let made = try await add(CredentialDraft(owner: "ann", venue: "coinspot"))
        #expect(made.environment == .live && !made.isActive)
        let failure = await failure {
            try await vault.add(
                CredentialDraft(owner: "ann", venue: "coinspot", environment: .testnet), VaultFixture.key(),
                by: "ann")
        }
        #expect(failure == .invalid(field: "environment", reason: "coinspot has no testnet"))
        fixture.end()
    }

    @Test
    func `a key that the venue refuses is not kept, unless somebody insists, and then it is not active`()
        async throws
    {
        fixture.answers(KeyCheck(.refused, at: vault.time, reason: "-2015 invalid API-key"))
        let refused = await failure { try await add() }
        #expect(refused == .refusedByVenue("-2015 invalid API-key"))
        #expect(vault.credentials().isEmpty && vault.key(for: live) == nil)
        let kept = try await vault.add(
            VaultFixture.draft(), VaultFixture.key(), keepsRefused: true, by: "ann")
        #expect(!kept.isActive && vault.key(for: live) == nil)
        #expect(kept.warnings(at: vault.time) == ["the venue does not take this key: -2015 invalid API-key"])
        fixture.end()
    }

    @Test func `what a test finds is said in sentences`() async throws {
        fixture.answers(
            KeyCheck(.works, at: vault.time, canWithdraw: true, clockOffsetMilliseconds: -1700))
        let made = try await add()
        #expect(
            made.warnings(at: vault.time) == [
                "this key may withdraw: make one at the venue that may only read and trade, and rotate to it",
                "this machine's clock is 1700 ms behind the venue's: look after its time synchronisation",
            ])
        fixture.answers(KeyCheck(.unreachable, at: vault.time, reason: "no route"))
        let tested = try await vault.test(made.id, by: "root")
        #expect(tested.warnings(at: vault.time) == ["it could not be tested: no route"])
        #expect(tested.isActive, "a venue that is away takes no key out of use")
        #expect(try await fixture.audit().last == "root key.test \(made.id): unreachable")
        fixture.end()
    }

    @Test(
        "fields that make no sense are refused by name",
        arguments: ["", "a b", "ключ", String(repeating: "k", count: 513)])
    func fields(_ apiKey: String) async throws {
        let failure = await failure {
            try await vault.add(VaultFixture.draft(), VaultFixture.key(apiKey), by: "ann")
        }
        guard case .invalid("api_key", _) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(fixture.asked.withLock { $0 }.isEmpty)
        fixture.end()
    }

    @Test func `keys are tried a few at once, and nobody has more than his share`() async throws {
        let inner = Mutex<(vault: KeyVault?, failure: VaultFailure?)>((nil, nil))
        let vault = try await fixture.vault(nil) {
            $0.checksAtOnce = 1
            $0.credentialsPerOwner = 2
        } check: { _, _, _ in
            let vault = inner.withLock { $0.vault }
            do {
                _ = try await vault?.add(VaultFixture.draft(account: nil), VaultFixture.key(), by: "bob")
            } catch {
                inner.withLock { $0.failure = error as? VaultFailure }
            }
            return KeyCheck(.works, at: Timestamp(milliseconds: 1))
        }
        inner.withLock { $0.vault = vault }
        for _ in 0..<2 {
            _ = try await vault.add(VaultFixture.draft(account: nil), VaultFixture.key(), by: "ann")
            #expect(
                inner.withLock { $0.failure }
                    == .conflict("too many keys are being tried at once; try again in a moment"))
        }
        #expect(vault.credentials().count == 2)
        let third = await failure {
            try await vault.add(VaultFixture.draft(account: nil), VaultFixture.key(), by: "ann")
        }
        #expect(third == .conflict("ann has 2 credentials already: remove one that is not used"))
        inner.withLock { $0.vault = nil }
        fixture.end()
    }

    // MARK: - Changing

    @Test func `one account trades with one credential`() async throws {
        _ = try await add()
        let second = await failure { try await add() }
        #expect(
            second
                == .conflict(
                    "account live trades with the credential \"binance\" already: make that one inactive first"
                ))
        var draft = VaultFixture.draft()
        draft.isActive = false
        let spare = try await add(draft)
        var change = CredentialChange()
        change.isActive = true
        let clash = await failure { try await vault.change(spare.id, change, by: "root") }
        #expect(clash == second)
        fixture.end()
    }

    @Test func `an inactive credential signs nothing, and an active one signs again`() async throws {
        let made = try await add()
        var change = CredentialChange()
        change.isActive = false
        #expect(try await vault.change(made.id, change, by: "root").isActive == false)
        #expect(vault.key(for: live) == nil)
        change.isActive = true
        _ = try await vault.change(made.id, change, by: "root")
        #expect(vault.key(for: live)?.mark == mark)
        fixture.end()
    }

    @Test func `the operator gives an author's key an account, and says who trades there`() async throws {
        let made = try await add(VaultFixture.draft(account: nil))
        #expect(!made.isActive)
        var change = CredentialChange()
        change.isActive = true
        let early = await failure { try await vault.change(made.id, change, by: "ann") }
        #expect(early == .conflict("it has no account to trade on: an operator gives it one"))
        change.account = .some("live")
        let before = try await row(made.id)
        _ = try await vault.change(made.id, change, by: "root")
        #expect(try await row(made.id).envelope != before.envelope, "it is sealed for its account")
        #expect(vault.key(for: live)?.mark == mark)
        #expect(vault.permits("ann", on: live) && !vault.permits("bob", on: live))
        var traders = CredentialChange()
        traders.traders = ["bob"]
        _ = try await vault.change(made.id, traders, by: "root")
        #expect(vault.permits("bob", on: live) && vault.permits("carol", on: AccountID("paper")))
        let again = try await fixture.vault()
        #expect(again.key(for: live)?.mark == mark && again.permits("bob", on: live))
        fixture.end()
    }

    @Test
    func `rotation changes the key under those who trade, and keeps the old one when the new is no good`()
        async throws
    {
        let made = try await add()
        let held = try #require(vault.key(for: live))
        fixture.answers(KeyCheck(.refused, at: vault.time, reason: "no such key"))
        let refused = await failure {
            try await vault.rotate(made.id, to: VaultFixture.key("new-key-of-binance"), by: "ann")
        }
        #expect(refused == .refusedByVenue("no such key"))
        #expect(vault.key(for: live) === held)
        fixture.answers(KeyCheck(.works, at: vault.time))
        fixture.advance(days: 1)
        let rotated = try await vault.rotate(
            made.id, to: VaultFixture.key("new-key-of-binance", "another secret"), by: "ann")
        #expect(rotated.isActive && rotated.maskedKey == "new-…ance" && rotated.rotatedAt > made.rotatedAt)
        let key = try #require(vault.key(for: live))
        #expect(key.apiKey == "new-key-of-binance" && key.mark != mark)
        #expect(held.mark == mark, "what was being signed is finished with the key it began with")
        #expect(try await fixture.vault().key(for: live)?.mark == key.mark)
        fixture.end()
    }

    @Test func `a removed credential is gone, here and at the next start`() async throws {
        let made = try await add()
        try await vault.remove(made.id, by: "root")
        #expect(vault.key(for: live) == nil && vault.credentials().isEmpty)
        #expect(await failure { try await vault.remove(made.id, by: "root") } == .notFound(made.id))
        #expect(try await fixture.vault().credentials().isEmpty)
        fixture.end()
    }

    // MARK: - The master key

    @Test func `without a master key nothing is kept, and the words say how to get one`() async throws {
        let fixture = try await VaultFixture(hasKeyFile: false)
        let vault = try await fixture.vault()
        #expect(vault.closedReason == nil, "there is nothing to open")
        let failure = await failure {
            try await vault.add(VaultFixture.draft(), VaultFixture.key(), by: "ann")
        }
        #expect(failure == .closed(KeyVault.noMasterKey))
        #expect("\(KeyVault.noMasterKey)".contains("bullpen vault init"))
        // A key that comes while the host runs is taken.
        try KeyFile.make(fixture.sources.file)
        _ = try await vault.add(VaultFixture.draft(), VaultFixture.key(), by: "ann")
        #expect(vault.key(for: live)?.mark == mark)
        fixture.end()
    }

    @Test("a wrong master key, or none, opens nothing and is refused in words")
    func wrongMasterKey() async throws {
        _ = try await add()
        try FileManager.default.removeItem(atPath: fixture.sources.file)
        let without = try await fixture.vault()
        #expect(without.closedReason == "its master key is missing; it came from a key file")
        try KeyFile.make(fixture.sources.file)
        let closed = try await fixture.vault()
        #expect(closed.closedReason?.contains("that is not the master key") == true)
        #expect(closed.key(for: live) == nil)
        #expect(closed.credentials().first?.fault?.hasPrefix("the vault is closed: ") == true)
        let failure = await failure {
            try await closed.add(VaultFixture.draft(account: nil), VaultFixture.key(), by: "ann")
        }
        guard case .closed = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        fixture.end()
    }

    @Test func `sources are tried in order: systemd, file, passphrase`() async throws {
        let systemd = "\(fixture.folder)/systemd"
        mkdir(systemd, 0o700)
        try KeyFile.make("\(systemd)/bullpen-master-key")
        chmod("\(systemd)/bullpen-master-key", 0o444)
        var sources = fixture.sources
        sources.credentialsFolder = systemd
        sources.passphrase = try LockedBytes(Array("correct horse".utf8))
        #expect(try sources.key(for: nil)?.origin == .systemd)
        sources.credentialsFolder = "\(fixture.folder)/nowhere"
        #expect(try sources.key(for: nil)?.origin == .file)
        sources.file = "\(fixture.folder)/no.key"
        #expect(try sources.key(for: nil) == nil)
        fixture.end()
    }

    @Test func `a passphrase opens what it has sealed, and another does not`() async throws {
        let fixture = try await VaultFixture(hasKeyFile: false)
        func vault(_ passphrase: String) async throws -> KeyVault {
            var sources = fixture.sources
            sources.passphrase = try LockedBytes(Array(passphrase.utf8))
            return try await fixture.vault(sources)
        }
        _ = try await vault("correct horse").add(VaultFixture.draft(), VaultFixture.key(), by: "ann")
        #expect(try await vault("correct horse").key(for: live)?.mark == mark)
        let wrong = try await vault("wrong horse")
        #expect(wrong.key(for: live) == nil)
        #expect(wrong.closedReason?.hasPrefix("the passphrase: that is not the master key") == true)
        fixture.end()
    }

    @Test(
        "a key file that others can read, or that holds no key, is refused in words",
        arguments: [
            (0o640, nil, "others can read the master key"), (0o604, nil, "others can read the master key"),
            (0o600, "", "holds no master key"), (0o600, "0123", "holds no master key"),
            (0o600, String(repeating: "g", count: 64), "holds no master key"),
            (0o600, String(repeating: "0", count: 65), "holds no master key"),
        ] as [(mode_t, String?, String)])
    func keyFiles(_ mode: mode_t, _ content: String?, _ words: String) async throws {
        let path = "\(fixture.folder)/other.key"
        if let content {
            _ = FileManager.default.createFile(atPath: path, contents: Data(content.utf8))
        } else {
            try KeyFile.make(path)
        }
        chmod(path, mode)
        let failure = #expect(throws: VaultFailure.self) { try KeyFile.read(path) }
        #expect(failure?.description.contains(words) == true, "\(String(describing: failure))")
        fixture.end()
    }

    @Test func `a key file holds 32 bytes or their digits, and a new one is its owner's alone`() throws {
        let (raw, text, made) = (
            "\(fixture.folder)/raw.key", "\(fixture.folder)/text.key", "\(fixture.folder)/made.key"
        )
        let bytes = (0..<32).map { UInt8($0 * 7) }
        _ = FileManager.default.createFile(atPath: raw, contents: Data(bytes))
        _ = FileManager.default.createFile(
            atPath: text, contents: Data((Hexadecimal.text(bytes).uppercased() + "\n").utf8))
        chmod(raw, 0o400)
        chmod(text, 0o600)
        #expect(try KeyFile.read(raw)?.withBytes { Array($0) } == bytes)
        #expect(try KeyFile.read(text)?.withBytes { Array($0) } == bytes)
        umask(0)
        try KeyFile.make(made)
        umask(0o022)
        var status = stat()
        #expect(stat(made, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(throws: VaultFailure.conflict("there is a file \(made) already")) { try KeyFile.make(made) }
        #expect(try KeyFile.read("\(fixture.folder)/none.key") == nil)
        fixture.end()
    }

    // MARK: - Records that somebody changed

    @Test(
        "a record that was changed, or moved to another venue, account or user, is refused in words",
        arguments: [
            "UPDATE credentials SET venue = 'coinspot'", "UPDATE credentials SET account = 'other'",
            "UPDATE credentials SET owner = 'bob'", "UPDATE credentials SET environment = 'live'",
            "UPDATE credentials SET id = 'key-0'", "UPDATE credentials SET payload = zeroblob(120)",
            "UPDATE credentials SET data_key = zeroblob(60)",
            "UPDATE credentials SET payload = substr(payload, 1, length(payload) - 1)",
        ])
    func tampered(_ sql: String) async throws {
        _ = try await add()
        try await fixture.run(sql)
        let again = try await fixture.vault()
        let found = try #require(again.credentials().first)
        #expect(found.fault == VaultFailure.tampered(credential: found.id).description)
        #expect(again.key(for: AccountID("live")) == nil && again.key(for: AccountID("other")) == nil)
        #expect(
            await failure { try await again.test(found.id, by: "ann") } == .tampered(credential: found.id))
        #expect(fixture.log.lines.contains { $0.contains("a credential cannot be opened") })
        fixture.end()
    }

    @Test func `two records whose keys were swapped open neither, and others are not disturbed`() async throws
    {
        let first = try await add()
        let second = try await vault.add(
            CredentialDraft(owner: "ann", venue: "binance", account: "second"), VaultFixture.key(), by: "ann")
        let third = try await vault.add(
            CredentialDraft(owner: "ann", venue: "binance", account: "third"), VaultFixture.key(), by: "ann")
        let (one, two) = (try await row(first.id).envelope, try await row(second.id).envelope)
        for (id, envelope) in [(first.id, two), (second.id, one)] {
            try await fixture.run(
                "UPDATE credentials SET data_key = ?, payload = ? WHERE id = ?",
                [envelope.dataKey, envelope.payload, id])
        }
        let again = try await fixture.vault()
        #expect(again.credentials().filter { $0.fault == nil }.map(\.id) == [third.id])
        #expect(again.key(for: live) == nil && again.key(for: AccountID("third"))?.mark == mark)
        fixture.end()
    }

    // MARK: - Nothing gets out

    @Test("neither the database, the log, the audit trail nor any description holds a secret")
    func holdsNoSecret() async throws {
        let made = try await add()
        _ = try await vault.rotate(made.id, to: VaultFixture.key(), by: "ann")
        for _ in 0..<3 { _ = vault.key(for: live)?.mark }
        vault.recordUses(all: true)
        let key = try #require(vault.key(for: live))
        var shown = "\(key) \(vault) \(made) \(String(reflecting: made)) \(try VaultFixture.key())"
        dump(vault.state.withLock { $0 }, to: &shown)
        shown += try await fixture.audit().joined() + fixture.log.lines.joined()
        try fixture.writer.barrier()
        let names = try FileManager.default.contentsOfDirectory(atPath: fixture.folder)
        #expect(names.contains("journal.db"))
        for name in names where name != "master.key" {
            let data = try #require(FileManager.default.contents(atPath: "\(fixture.folder)/\(name)"))
            shown += String(decoding: data, as: UTF8.self)
        }
        #expect(!shown.contains(VaultFixture.secret))
        #expect(!shown.contains(VaultFixture.secret.prefix(12)))
        #expect(!shown.contains(VaultFixture.apiKey), "the API key is sealed, too")
        fixture.end()
    }

    // MARK: - Looking after

    @Test func `every use of a key stands in the audit trail: the first at once, then gathered`() async throws
    {
        let made = try await add()
        let key = try #require(vault.key(for: live))
        _ = key.mark
        vault.recordUses()
        for _ in 0..<9 {
            _ = key.hmacSHA512([1])
            fixture.advance(seconds: 10)
            vault.recordUses()
        }
        _ = key.mark
        vault.recordUses(all: true)
        try fixture.writer.barrier()
        let uses = try await fixture.audit().filter { $0.contains("key.use") }
        let start: Int64 = 1_800_000_000_000
        #expect(
            uses == [
                "host key.use \(made.id): 1 signatures for account live (vmPU…Eh8A) from \(start) to \(start)",
                "host key.use \(made.id): 10 signatures for account live (vmPU…Eh8A) from \(start + 10_000) to \(start + 90_000)",
            ])
        fixture.advance(seconds: 300)
        vault.recordUses()
        #expect(try await fixture.audit().filter { $0.contains("key.use") }.count == 2, "no use, no line")
        #expect(try await fixture.vault().credentials().first?.lastUsedAt?.milliseconds == start + 90_000)
        fixture.end()
    }

    @Test func `the end of a key is announced 14, 3 and 1 days ahead and when it has come, each once`()
        async throws
    {
        var draft = VaultFixture.draft()
        draft.expiresAt = vault.time.advanced(byMilliseconds: 20 * 86_400_000)
        let made = try await add(draft)
        var said: [Int: [KeyNotice.Kind]] = [:]
        for day in 0...25 {
            for _ in 0..<2 {
                let kinds = try await vault.review().map(\.kind)
                if !kinds.isEmpty { said[day, default: []] += kinds }
            }
            if day == 10 {
                #expect(try await fixture.vault().review().isEmpty, "the next host does not repeat it")
            }
            fixture.advance(days: 1)
        }
        #expect(
            said == [
                6: [.expires(withinDays: 14)], 17: [.expires(withinDays: 3)], 19: [.expires(withinDays: 1)],
                20: [.expired],
            ])
        let audit = try await fixture.audit().filter { $0.contains("key.notice") }
        #expect(
            audit.count == 4
                && audit[0].hasPrefix("host key.notice \(made.id): this key runs out within 14 days"))
        // Another end begins anew.
        var change = CredentialChange()
        change.expiresAt = .some(vault.time.advanced(byMilliseconds: 2 * 86_400_000))
        _ = try await vault.change(made.id, change, by: "root")
        #expect(try await vault.review().map(\.kind) == [.expires(withinDays: 3)])
        fixture.end()
    }

    @Test func `an old key is remembered every week until it is rotated`() async throws {
        var draft = VaultFixture.draft()
        draft.rotateAfterDays = 30
        let made = try await add(draft)
        var days: [Int] = []
        for day in 0..<46 {
            if try await !vault.review().isEmpty { days.append(day) }
            fixture.advance(days: 1)
        }
        #expect(days == [30, 37, 44])
        #expect(made.warnings(at: vault.time) == ["this key has been in use for 46 days: rotate it"])
        let rotated = try await vault.rotate(made.id, to: VaultFixture.key(), by: "ann")
        #expect(rotated.warnings(at: vault.time).isEmpty)
        #expect(try await vault.review().isEmpty)
        fixture.end()
    }

    // MARK: - Helpers

    private func row(_ id: String) async throws -> VaultStore.Stored {
        try await fixture.writer.write { try VaultStore.get(id, in: $0) }
    }

    private func failure<Result>(_ body: () async throws -> Result) async -> VaultFailure? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? VaultFailure
        }
    }
}
