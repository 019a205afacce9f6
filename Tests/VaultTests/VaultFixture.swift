import FoundationEssentials
import Glibc
import Identity
import Journal
import Posix
import Secrets
import Synchronization
import TestSupport
import Trading

@testable import Vault

/// A database and a key file in a folder of their own, a clock that stands still until it is moved, and venues that say
/// what a test wants.
final class VaultFixture: Sendable {
    let folder: String
    let writer: GroupCommitWriter
    let log: LogSink
    let clock = Mutex<Int64>(1_800_000_000_000)
    let answer = Mutex<@Sendable (String, VenueEnvironment, SigningKey) -> KeyCheck>({ _, _, _ in
        KeyCheck(.works, at: Timestamp(milliseconds: 1_800_000_000_000), currencies: 2)
    })
    /// Which venues were asked, in which world, with which key.
    let asked = Mutex<[String]>([])

    static let secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    static let apiKey = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
    static let venues = [
        VenueTraits(name: "binance", hasTestnet: true), VenueTraits(name: "coinspot", hasTestnet: false),
    ]

    /// A file with a key is made unless told otherwise.
    init(folder: String? = nil, hasKeyFile: Bool = true) async throws {
        self.folder = folder ?? Places.makeTemporaryFolder()
        writer = try GroupCommitWriter(
            path: "\(self.folder)/journal.db", migrations: [IdentitySchema.migrations, VaultStore.migrations])
        log = try .memory()
        if folder == nil, hasKeyFile { try KeyFile.make("\(self.folder)/master.key") }
        _ = try await writer.write { database in
            for user in ["root", "ann", "bob"] {
                try database.run(
                    """
                    INSERT OR IGNORE INTO users (name, role, password, created_at) VALUES (?, 'author', 'x', 1)
                    """, user)
            }
        }
    }

    deinit { writer.close() }

    /// Ends the writer and removes the folder.
    func end() {
        writer.close()
        // Only tidiness is lost when it stays behind.
        try? FileManager.default.removeItem(atPath: folder)
    }

    var sources: MasterKeySources { MasterKeySources(file: "\(folder)/master.key") }

    func vault(
        _ sources: MasterKeySources? = nil, _ change: (inout KeyVault.Settings) -> Void = { _ in },
        check: KeyChecker? = nil
    ) async throws -> KeyVault {
        var settings = KeyVault.Settings(venues: Self.venues)
        change(&settings)
        settings.cost = PassphraseKey(logN: 4, blockSize: 1, parallelism: 1)
        return try await KeyVault(
            writer: writer, sources: sources ?? self.sources, settings: settings,
            log: HostLog(part: "vault", sink: log),
            check: check ?? { [self] venue, environment, key in
                asked.withLock { $0.append("\(venue) \(environment.rawValue) \(key.apiKey.prefix(4))") }
                return answer.withLock { $0 }(venue, environment, key)
            }, now: { [self] in clock.withLock { $0 } })
    }

    func advance(days: Int64 = 0, seconds: Int64 = 0) {
        clock.withLock { $0 += days * 86_400_000 + seconds * 1000 }
    }

    /// Makes the venues say something else from now on.
    func answers(_ check: KeyCheck) { answer.withLock { $0 = { _, _, _ in check } } }

    static func key(_ apiKey: String = apiKey, _ secret: String = secret) throws -> KeyVault.NewKey {
        KeyVault.NewKey(apiKey: apiKey, secret: try LockedBytes(Array(secret.utf8)))
    }

    static func draft(account: String? = "live") -> CredentialDraft {
        CredentialDraft(owner: "ann", venue: "binance", account: account)
    }

    /// What the audit trail says, oldest first.
    func audit() async throws -> [String] {
        try await writer.write { database in
            try database.all("SELECT actor, action, subject, detail FROM audit ORDER BY id") { row in
                "\(try row.text(0)) \(try row.text(1)) \(try row.text(2)): \(try row.text(3))"
            }
        }
    }

    func run(_ sql: String, _ values: [any SQLBindable & Sendable] = []) async throws {
        _ = try await writer.write { try $0.run(sql, values: values) }
    }
}

extension SigningKey {
    /// A signature that tells which key it is.
    var mark: [UInt8] { hmacSHA256(Array("mark".utf8)) }
}
