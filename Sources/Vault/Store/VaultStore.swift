public import Journal
import Secrets
import Trading

/// The vault's tables, and what is done to them inside a transaction of the journal's.
public enum VaultStore {
    /// The steps that make the tables. Those of `IdentitySchema` come before.
    public static let migrations = MigrationSet(
        name: "vault",
        [
            Migration(
                1, "Credentials and the master key's record",
                """
                CREATE TABLE vault_master (
                    id TEXT PRIMARY KEY,
                    origin TEXT NOT NULL CHECK (origin IN ('systemd', 'file', 'passphrase')),
                    salt BLOB,
                    log_n INTEGER,
                    block_size INTEGER,
                    parallelism INTEGER,
                    created_at INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE credentials (
                    id TEXT PRIMARY KEY,
                    revision INTEGER NOT NULL DEFAULT 1,
                    owner TEXT NOT NULL REFERENCES users (name),
                    name TEXT NOT NULL,
                    venue TEXT NOT NULL,
                    environment TEXT NOT NULL CHECK (environment IN ('testnet', 'live')),
                    account TEXT,
                    masked_key TEXT NOT NULL,
                    master TEXT NOT NULL,
                    data_key BLOB NOT NULL,
                    payload BLOB NOT NULL,
                    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
                    traders TEXT NOT NULL,
                    created_at INTEGER NOT NULL,
                    rotated_at INTEGER NOT NULL,
                    expires_at INTEGER,
                    rotate_after_days INTEGER,
                    noticed_rank INTEGER,
                    reminded_at INTEGER,
                    last_used_at INTEGER,
                    check_outcome TEXT,
                    check_at INTEGER,
                    check_reason TEXT,
                    check_can_withdraw INTEGER,
                    check_clock_offset INTEGER,
                    check_currencies INTEGER,
                    CHECK (is_active = 0 OR account IS NOT NULL)
                ) STRICT, WITHOUT ROWID;
                CREATE UNIQUE INDEX credentials_in_use ON credentials (account) WHERE is_active = 1;
                """)
        ])

    /// A row.
    struct Stored: Hashable, Sendable {
        var credential: Credential
        var envelope: Envelope
        var revision: Int64
        var noticedRank: Int?
        var remindedAt: Timestamp?

        var context: Envelope.Context { credential.context }
    }

    // MARK: - The master key's record

    /// Where the master key in force came from: `systemd`, `file` or `passphrase`; nil before there is one.
    public static func masterKeyOrigin(in database: Database) throws -> String? {
        let isThere = try database.first("SELECT 1 FROM sqlite_schema WHERE name = 'vault_master'") { _ in
            true
        }
        return isThere == nil ? nil : try masterKey(in: database)?.origin.rawValue
    }

    static func masterKey(in database: Database) throws -> MasterKeyRecord? {
        try database.first(
            "SELECT id, origin, salt, log_n, block_size, parallelism FROM vault_master"
        ) { row in
            var parameters: PassphraseParameters?
            if let salt = try row.optionalBlob(2) {
                parameters = PassphraseParameters(
                    cost: PassphraseKey(
                        logN: try row.int(3), blockSize: try row.int(4), parallelism: try row.int(5)),
                    salt: salt)
            }
            return MasterKeyRecord(id: try row.text(0), origin: try row.choice(1), parameters: parameters)
        }
    }

    static func setMasterKey(_ record: MasterKeyRecord, at now: Timestamp, in database: Database) throws {
        try database.run("DELETE FROM vault_master")
        let cost = record.parameters?.cost
        try database.run(
            """
            INSERT INTO vault_master (id, origin, salt, log_n, block_size, parallelism, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """, record.id, record.origin.rawValue, record.parameters?.salt, cost?.logN, cost?.blockSize,
            cost?.parallelism, now)
    }

    /// Throws unless the master key in force is `key`.
    static func check(_ key: MasterKey, in database: Database) throws {
        guard try masterKey(in: database)?.id == key.id else { throw VaultFailure.masterKeyChanged }
    }

    // MARK: - Credentials

    private static let names = [
        "id", "revision", "owner", "name", "venue", "environment", "account", "masked_key", "master",
        "data_key",
        "payload", "is_active", "traders", "created_at", "rotated_at", "expires_at", "rotate_after_days",
        "noticed_rank", "reminded_at", "last_used_at", "check_outcome", "check_at", "check_reason",
        "check_can_withdraw", "check_clock_offset", "check_currencies",
    ]
    private static let columns = names.joined(separator: ", ")
    private static let insertion = """
        INSERT INTO credentials (\(columns)) VALUES (\(names.map { _ in "?" }.joined(separator: ", ")))
        ON CONFLICT (id) DO UPDATE SET \(names.dropFirst().map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
        """

    static func all(in database: Database) throws -> [Stored] {
        try database.all("SELECT \(columns) FROM credentials ORDER BY created_at, id", read: read)
    }

    static func get(_ id: String, in database: Database) throws -> Stored {
        let found = try database.first("SELECT \(columns) FROM credentials WHERE id = ?", id, read: read)
        guard let found else { throw VaultFailure.notFound(id) }
        return found
    }

    private static func read(_ row: borrowing Row) throws -> Stored {
        var check: KeyCheck?
        if let at = try row.optionalTime(21) {
            check = KeyCheck(
                try row.choice(20), at: at, reason: try row.optionalText(22),
                canWithdraw: row.isNull(23) ? nil : try row.bool(23),
                clockOffsetMilliseconds: try row.optionalInteger(24),
                currencies: try row.optionalInteger(25).map { Int($0) })
        }
        let credential = Credential(
            id: try row.text(0), owner: try row.text(2), name: try row.text(3), venue: try row.text(4),
            environment: try row.choice(5), account: try row.optionalText(6), maskedKey: try row.text(7),
            isActive: try row.bool(11), traders: try row.text(12).split(separator: "\n").map { String($0) },
            createdAt: try row.time(13), rotatedAt: try row.time(14), expiresAt: try row.optionalTime(15),
            rotateAfterDays: try row.optionalInteger(16).map { Int($0) },
            lastUsedAt: try row.optionalTime(19),
            check: check)
        return Stored(
            credential: credential,
            envelope: Envelope(
                master: try row.text(8), dataKey: try row.blob(9), payload: try row.blob(10)),
            revision: try row.integer(1), noticedRank: try row.optionalInteger(17).map { Int($0) },
            remindedAt: try row.optionalTime(18))
    }

    /// Writes a row, new or known, and gives it with its revision.
    static func put(_ stored: Stored, in database: Database) throws -> Stored {
        var stored = stored
        stored.revision += 1
        let (one, check) = (stored.credential, stored.credential.check)
        let envelope = stored.envelope
        if one.isActive, let account = one.account {
            let other = try database.first(
                "SELECT name FROM credentials WHERE account = ? AND is_active = 1 AND id <> ?", account,
                one.id
            ) { try $0.text(0) }
            if let other {
                throw VaultFailure.conflict(
                    "account \(account) trades with the credential \"\(other)\" already: make that one inactive first"
                )
            }
        }
        try database.run(
            insertion,
            values: [
                one.id, stored.revision, one.owner, one.name, one.venue, one.environment.rawValue,
                one.account,
                one.maskedKey, envelope.master, envelope.dataKey, envelope.payload, one.isActive,
                one.traders.joined(separator: "\n"), one.createdAt, one.rotatedAt, one.expiresAt,
                one.rotateAfterDays, stored.noticedRank, stored.remindedAt, one.lastUsedAt,
                check?.outcome.rawValue, check?.at, check?.reason, check?.canWithdraw,
                check?.clockOffsetMilliseconds, check?.currencies,
            ])
        return stored
    }

    static func remove(_ id: String, in database: Database) throws {
        guard try database.run("DELETE FROM credentials WHERE id = ?", id) == 1 else {
            throw VaultFailure.notFound(id)
        }
    }
}

extension Credential {
    /// What its seal binds it to.
    var context: Envelope.Context {
        Envelope.Context(
            id: id, owner: owner, venue: venue, environment: environment.rawValue, account: account ?? "")
    }
}
