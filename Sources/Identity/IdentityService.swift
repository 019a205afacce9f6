public import Journal
public import Posix
import Synchronization

/// Users, their passwords, sessions and tokens.
///
/// Everything is kept in memory too, so that asking who somebody is takes no disk and no wait; every change is durable
/// before it counts.
public final class IdentityService: Sendable {
    /// How long things last and how much there may be.
    public struct Settings: Sendable {
        /// How long a session lasts without being used, in milliseconds.
        public var sessionMilliseconds: Int64 = 12 * 3_600_000
        /// How long a session lasts however much it is used.
        public var sessionLimitMilliseconds: Int64 = 30 * 86_400_000
        /// The wrong passwords for one name from one address behind which it is locked out for fifteen minutes.
        public var loginAttempts = 10
        /// Sessions of one user at once; the oldest ends when one more begins.
        public var sessionsPerUser = 20
        /// Tokens of one user at once.
        public var tokensPerUser = 100
        var passwordCost = PasswordHash.Cost.standard

        /// The defaults.
        public init() {}
    }

    /// A session that has just begun.
    public struct Login: Sendable {
        public let user: User
        /// The cookie's value. Shown once, kept nowhere.
        public let secret: String
        /// What the browser sends with everything that changes something.
        public let csrfToken: String
    }

    struct Record: Sendable {
        var user: User
        var password: PasswordHash
    }

    struct Session: Sendable {
        let user: String
        let createdAt: Int64
        var expiresAt: Int64
        /// `expiresAt` as the database has it.
        var storedExpiresAt: Int64
    }

    struct State: Sendable {
        var users: [String: Record] = [:]
        var sessions: [[UInt8]: Session] = [:]
        var tokens: [[UInt8]: TokenRecord] = [:]
        var throttle: LoginThrottle
    }

    let settings: Settings
    let writer: GroupCommitWriter
    let log: HostLog
    /// The audit trail that every change of users and tokens is recorded in.
    public let audit: AuditTrail
    let state: Mutex<State>
    let workers = PasswordWorkers()
    let now: @Sendable () -> Int64
    /// What an unknown user's password is compared with, so that he takes as long as a known one.
    private let decoy: PasswordHash

    /// Reads what the database holds.
    ///
    /// - Parameters:
    ///   - writer: The writer of a database that ``IdentitySchema`` has prepared.
    ///   - now: Milliseconds since the epoch.
    public init(
        writer: GroupCommitWriter, settings: Settings = Settings(), log: HostLog,
        now: @escaping @Sendable () -> Int64 = { WallClock.milliseconds }
    ) async throws(IdentityError) {
        self.writer = writer
        self.settings = settings
        self.log = log
        self.now = now
        audit = AuditTrail(writer: writer, log: log)
        decoy = PasswordHash("", cost: settings.passwordCost)
        do throws(WriteFailure) {
            let loaded = try await writer.write { try Self.load($0) }
            state = Mutex(
                State(
                    users: loaded.users, sessions: loaded.sessions, tokens: loaded.tokens,
                    throttle: LoginThrottle(attempts: settings.loginAttempts)))
        } catch {
            throw .storage("users cannot be read: \(error)")
        }
    }

    /// On the first start, makes the operator `admin` and returns his generated password: the only time that anybody
    /// sees it. Nil when there are users.
    public func makeFirstOperator() async throws(IdentityError) -> (name: String, password: String)? {
        guard state.withLock({ $0.users.isEmpty }) else { return nil }
        let password = GeneratedPassword.make()
        _ = try await addUser("admin", role: .operator, password: password, by: "host")
        return ("admin", password)
    }

    // MARK: - Login

    /// Checks a name and password and begins a session.
    ///
    /// - Parameter peer: The address that asks, for the limit on guesses.
    public func logIn(name: String, password: String, peer: String) async throws(IdentityError) -> Login {
        let now = now()
        let wait = state.withLock { $0.throttle.attempt(name: name, peer: peer, now: now) }
        if let wait { throw .throttled(milliseconds: wait) }
        let record = state.withLock { $0.users[name] }
        let hash = record?.password ?? decoy
        let isRight = try await workers.run { hash.matches(password) }
        guard isRight, let record, !record.user.isDisabled else {
            audit.record(name.isEmpty ? "-" : String(name.prefix(64)), "login.failed", "", "from \(peer)")
            throw .wrongCredentials
        }
        let login = try await beginSession(record.user)
        state.withLock { $0.throttle.succeeded(name: name, peer: peer) }
        return login
    }

    private func beginSession(_ user: User) async throws(IdentityError) -> Login {
        let secret = SecretToken()
        let hash = secret.hash
        let now = now()
        let session = Session(
            user: user.name, createdAt: now, expiresAt: now + settings.sessionMilliseconds,
            storedExpiresAt: now + settings.sessionMilliseconds)
        let ending = state.withLock { state in
            let own = state.sessions.filter { $0.value.user == user.name }
                .sorted { $0.value.createdAt < $1.value.createdAt }
            let expired = state.sessions.filter { $0.value.expiresAt <= now }
            return own.prefix(max(0, own.count + 1 - settings.sessionsPerUser)).map(\.key)
                + expired.map(\.key)
        }
        try await write { database in
            for hash in ending { try database.run("DELETE FROM sessions WHERE hash = ?", hash) }
            try database.run(
                "INSERT INTO sessions (hash, user, created_at, expires_at) VALUES (?, ?, ?, ?)", hash,
                session.user, session.createdAt, session.expiresAt)
            try AuditTrail.insert(database, now, user.name, "login", "", "")
        }
        state.withLock { state in
            for hash in ending { state.sessions[hash] = nil }
            // A user who was disabled while his password was checked gets no session.
            if state.users[user.name]?.user.isDisabled == false { state.sessions[hash] = session }
        }
        return Login(user: user, secret: secret.text, csrfToken: CSRFToken.text(session: secret.text))
    }

    /// Ends a session; one that is unknown has ended already.
    public func logOut(session secret: String) async throws(IdentityError) {
        let hash = SecretToken.hash(secret)
        guard let session = state.withLock({ $0.sessions.removeValue(forKey: hash) }) else { return }
        let now = now()
        try await write { database in
            try database.run("DELETE FROM sessions WHERE hash = ?", hash)
            try AuditTrail.insert(database, now, session.user, "logout", "", "")
        }
    }

    /// Who shows this session's secret; nil when it is unknown or over. Cheap: hashes it and looks it up.
    public func principal(session secret: String) -> Principal? {
        let hash = SecretToken.hash(secret)
        let now = now()
        let (principal, expiry) = state.withLock { state -> (Principal?, Int64?) in
            guard var session = state.sessions[hash], session.expiresAt > now,
                let user = state.users[session.user]?.user, !user.isDisabled
            else { return (nil, nil) }
            session.expiresAt = min(
                now + settings.sessionMilliseconds, session.createdAt + settings.sessionLimitMilliseconds)
            // Written down now and then only: a restart may end a session a little early.
            let isStale = session.expiresAt - session.storedExpiresAt > settings.sessionMilliseconds / 20
            if isStale { session.storedExpiresAt = session.expiresAt }
            state.sessions[hash] = session
            return (
                Principal(name: user.name, role: user.role, credential: .session),
                isStale ? session.expiresAt : nil
            )
        }
        if let expiry {
            writeLater("a session's end") { database in
                try database.run("UPDATE sessions SET expires_at = ? WHERE hash = ?", expiry, hash)
            }
        }
        return principal
    }

    /// The CSRF token that belongs to a session's secret.
    public func csrfToken(session secret: String) -> String { CSRFToken.text(session: secret) }

    /// Whether `token` belongs to the session. Takes as long for a wrong one.
    public func isCSRFToken(_ token: String, session secret: String) -> Bool {
        ConstantTime.equal(Array(token.utf8), Array(CSRFToken.text(session: secret).utf8))
    }

    // MARK: - Writing

    func write<Result: Sendable>(
        _ operation: @escaping @Sendable (Database) throws -> Result
    ) async throws(IdentityError) -> Result {
        do throws(WriteFailure) {
            return try await writer.write(operation)
        } catch {
            throw .storage("it could not be kept: \(error)")
        }
    }

    /// Writes what may be lost. A failure is logged.
    func writeLater(_ what: String, _ operation: @escaping @Sendable (Database) throws -> Void) {
        let log = log
        do throws(WriteFailure) {
            try writer.submit(operation) { result in
                if case .failure(let failure) = result {
                    log.warning("\(what) was not written", ["cause": "\(failure)"])
                }
            }
        } catch {
            log.warning("\(what) was not written", ["cause": "\(error)"])
        }
    }

    private typealias Loaded = (
        users: [String: Record], sessions: [[UInt8]: Session], tokens: [[UInt8]: TokenRecord]
    )

    private static func load(_ database: Database) throws -> Loaded {
        var loaded: Loaded = ([:], [:], [:])
        try database.forEach("SELECT name, role, password, is_disabled, created_at FROM users") { row in
            guard let password = PasswordHash(try row.text(2)) else {
                throw DatabaseFailure(
                    code: .unexpectedValue, reason: "a user's password hash is malformed", path: database.path
                )
            }
            let user = User(
                name: try row.text(0), role: try row.choice(1), isDisabled: try row.bool(3),
                createdAt: try row.integer(4))
            loaded.users[user.name] = Record(user: user, password: password)
            return true
        }
        try database.forEach("SELECT hash, user, created_at, expires_at FROM sessions") { row in
            let expiresAt = try row.integer(3)
            loaded.sessions[try row.blob(0)] = Session(
                user: try row.text(1), createdAt: try row.integer(2), expiresAt: expiresAt,
                storedExpiresAt: expiresAt)
            return true
        }
        try database.forEach(
            "SELECT id, hash, user, name, created_at, expires_at, last_used_at FROM api_tokens"
        ) { row in
            loaded.tokens[try row.blob(1)] = TokenRecord(
                token: APIToken(
                    id: try row.text(0), name: try row.text(3), createdAt: try row.integer(4),
                    expiresAt: try row.optionalInteger(5), lastUsedAt: try row.optionalInteger(6)),
                user: try row.text(2))
            return true
        }
        return loaded
    }
}

/// Passwords that the host makes up.
enum GeneratedPassword {
    /// Letters and digits that are not mistaken for each other.
    private static let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789".utf8)

    /// Four groups of five out of 32 letters: 100 random bits.
    static func make() -> String {
        let letters = RandomBytes.make(20).map { alphabet[Int($0) % alphabet.count] }
        return stride(from: 0, to: 20, by: 5)
            .map { String(decoding: letters[$0..<$0 + 5], as: UTF8.self) }.joined(separator: "-")
    }
}
