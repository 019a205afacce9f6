public import Journal

/// The tables of users, sessions, tokens and the audit trail.
public enum IdentitySchema {
    /// The steps that make them.
    public static let migrations = MigrationSet(
        name: "identity",
        [
            Migration(
                1, "Users, sessions, tokens, audit trail",
                """
                CREATE TABLE users (
                    name TEXT PRIMARY KEY,
                    role TEXT NOT NULL CHECK (role IN ('operator', 'author')),
                    password TEXT NOT NULL,
                    is_disabled INTEGER NOT NULL DEFAULT 0 CHECK (is_disabled IN (0, 1)),
                    created_at INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE sessions (
                    hash BLOB PRIMARY KEY,
                    user TEXT NOT NULL REFERENCES users (name),
                    created_at INTEGER NOT NULL,
                    expires_at INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE api_tokens (
                    id TEXT PRIMARY KEY,
                    hash BLOB NOT NULL UNIQUE,
                    user TEXT NOT NULL REFERENCES users (name),
                    name TEXT NOT NULL,
                    created_at INTEGER NOT NULL,
                    expires_at INTEGER,
                    last_used_at INTEGER
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE audit (
                    id INTEGER PRIMARY KEY,
                    time INTEGER NOT NULL,
                    actor TEXT NOT NULL,
                    action TEXT NOT NULL,
                    subject TEXT NOT NULL,
                    detail TEXT NOT NULL
                ) STRICT;
                """),
            Migration(
                2, "Chain the audit trail, and only append to it",
                """
                ALTER TABLE audit RENAME TO audit_before;
                CREATE TABLE audit (
                    id INTEGER PRIMARY KEY,
                    time INTEGER NOT NULL,
                    actor TEXT NOT NULL,
                    action TEXT NOT NULL,
                    subject TEXT NOT NULL,
                    detail TEXT NOT NULL,
                    hash BLOB NOT NULL CHECK (length(hash) = 32)
                ) STRICT;
                CREATE TABLE audit_head (
                    one INTEGER PRIMARY KEY CHECK (one = 1),
                    last INTEGER NOT NULL,
                    hash BLOB NOT NULL CHECK (length(hash) = 32)
                ) STRICT;
                CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
                BEGIN SELECT RAISE(ABORT, 'the audit trail is only appended to'); END;
                CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit
                BEGIN SELECT RAISE(ABORT, 'the audit trail is only appended to'); END;
                CREATE TRIGGER audit_goes_on BEFORE INSERT ON audit
                WHEN NEW.id IS NOT (SELECT last + 1 FROM audit_head)
                BEGIN SELECT RAISE(ABORT, 'a record of the audit trail follows the last one'); END;
                CREATE TRIGGER audit_head_goes_on BEFORE UPDATE ON audit_head
                WHEN NEW.last <> OLD.last + 1
                    OR NEW.hash IS NOT (SELECT hash FROM audit WHERE id = NEW.last)
                BEGIN SELECT RAISE(ABORT, 'the audit trail is only appended to'); END;
                CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
                BEGIN SELECT RAISE(ABORT, 'the audit trail is only appended to'); END;
                CREATE TRIGGER audit_head_is_one BEFORE INSERT ON audit_head
                WHEN EXISTS (SELECT 1 FROM audit_head)
                BEGIN SELECT RAISE(ABORT, 'the audit trail is only appended to'); END;
                """, then: AuditChain.adoption),
        ])
}
