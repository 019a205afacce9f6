import Journal
import Synchronization

/// An API token, without its secret.
public struct APIToken: Hashable, Sendable {
    public let id: String
    /// What its owner calls it.
    public let name: String
    /// Milliseconds since the epoch.
    public let createdAt: Int64
    /// When it ends, or nil for never.
    public let expiresAt: Int64?
    /// When it was last shown, give or take a minute; nil for never.
    public internal(set) var lastUsedAt: Int64?
}

struct TokenRecord: Sendable {
    var token: APIToken
    let user: String
}

extension IdentityService {
    /// What every token begins with, so that it is recognised where it does not belong.
    public static let tokenPrefix = "bp_"

    /// Makes a token for a user.
    ///
    /// - Parameter expiresInDays: From 1 to 3650, or nil for never.
    /// - Returns: The token, and its secret: the only time that anybody sees it.
    public func makeToken(
        for user: String, name: String, expiresInDays: Int?
    ) async throws(IdentityError) -> (token: APIToken, secret: String) {
        guard (1...64).contains(name.count), !name.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
            throw .invalid(field: "name", reason: "must have 1 to 64 characters")
        }
        let count = state.withLock { state in state.tokens.values.count { $0.user == user } }
        guard count < settings.tokensPerUser else {
            throw .conflict("there are \(count) tokens already; revoke one first")
        }
        let secret = SecretToken(prefix: Self.tokenPrefix)
        let hash = secret.hash
        let now = now()
        let token = APIToken(
            id: "tok_" + Hexadecimal.text(RandomBytes.make(8)), name: name, createdAt: now,
            expiresAt: expiresInDays.map { now + Int64($0) * 86_400_000 }, lastUsedAt: nil)
        try await write { database in
            try database.run(
                "INSERT INTO api_tokens (id, hash, user, name, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
                token.id, hash, user, name, now, token.expiresAt)
            try AuditTrail.insert(database, now, user, "token.create", token.id, name)
        }
        state.withLock { $0.tokens[hash] = TokenRecord(token: token, user: user) }
        return (token, secret.text)
    }

    /// A user's tokens, oldest first.
    public func tokens(of user: String) -> [APIToken] {
        state.withLock { state in state.tokens.values.filter { $0.user == user }.map(\.token) }
            .sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
    }

    /// Ends a token of the user's own.
    public func revokeToken(_ id: String, of user: String) async throws(IdentityError) {
        let hash = state.withLock { state in
            state.tokens.first { $0.value.token.id == id && $0.value.user == user }?.key
        }
        guard let hash else { throw .notFound(kind: "token", id: id) }
        let now = now()
        // It ends at once, also when writing that down takes a while or fails.
        state.withLock { $0.tokens[hash] = nil }
        try await write { database in
            try database.run("DELETE FROM api_tokens WHERE id = ?", id)
            try AuditTrail.insert(database, now, user, "token.revoke", id, "")
        }
    }

    /// Who shows this token; nil when it is unknown, over or its user disabled. Cheap: hashes it and looks it up.
    public func principal(token secret: String) -> Principal? {
        guard secret.hasPrefix(Self.tokenPrefix), secret.utf8.count <= 128 else { return nil }
        let hash = SecretToken.hash(secret)
        let now = now()
        let (principal, isNews) = state.withLock { state -> (Principal?, Bool) in
            guard let record = state.tokens[hash], record.token.expiresAt.map({ $0 > now }) ?? true,
                let user = state.users[record.user]?.user, !user.isDisabled
            else { return (nil, false) }
            let isNews = now - (record.token.lastUsedAt ?? 0) >= 60_000
            if isNews { state.tokens[hash]?.token.lastUsedAt = now }
            return (
                Principal(name: user.name, role: user.role, credential: .token(id: record.token.id)), isNews
            )
        }
        if isNews {
            writeLater("a token's last use") { database in
                try database.run("UPDATE api_tokens SET last_used_at = ? WHERE hash = ?", now, hash)
            }
        }
        return principal
    }
}
