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
                """)
        ])
}
