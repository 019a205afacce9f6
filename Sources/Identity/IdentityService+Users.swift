import Journal
import Synchronization

extension IdentityService {
    /// The shortest password that is taken, in characters.
    public static let shortestPassword = 10
    private static let longestPassword = 1024

    /// Every user, by name.
    public func users() -> [User] {
        state.withLock { $0.users.values.map(\.user).sorted { $0.name < $1.name } }
    }

    /// Adds a user.
    public func addUser(
        _ name: String, role: Role, password: String, by actor: String
    ) async throws(IdentityError) -> User {
        try Self.checkName(name)
        try Self.checkPassword(password, name: name)
        guard state.withLock({ $0.users[name] == nil }) else { throw Self.taken(name) }
        let hash = try await hash(password)
        let user = User(name: name, role: role, isDisabled: false, createdAt: now())
        let isAdded = try await write { database in
            let count = try database.run(
                """
                INSERT INTO users (name, role, password, created_at) VALUES (?, ?, ?, ?)
                ON CONFLICT (name) DO NOTHING
                """, name, role.rawValue, hash.description, user.createdAt)
            guard count == 1 else { return false }
            try AuditTrail.insert(database, user.createdAt, actor, "user.add", name, role.rawValue)
            return true
        }
        guard isAdded else { throw Self.taken(name) }
        state.withLock { $0.users[name] = Record(user: user, password: hash) }
        return user
    }

    /// Whether `password` is the user's own, under the same limit on guesses as a login.
    public func isPassword(
        _ password: String, of name: String, peer: String
    ) async throws(IdentityError) -> Bool {
        let now = now()
        let wait = state.withLock { $0.throttle.attempt(name: name, peer: peer, now: now) }
        if let wait { throw .throttled(milliseconds: wait) }
        guard let hash = state.withLock({ $0.users[name]?.password }) else { return false }
        let isRight = try await workers.run { hash.matches(password) }
        if isRight { state.withLock { $0.throttle.succeeded(name: name, peer: peer) } }
        return isRight
    }

    /// Gives a user a new password and ends his sessions.
    public func setPassword(
        _ password: String, of name: String, by actor: String
    ) async throws(IdentityError) {
        try Self.checkPassword(password, name: name)
        guard state.withLock({ $0.users[name] != nil }) else { throw .notFound(kind: "user", id: name) }
        let hash = try await hash(password)
        let now = now()
        try await write { database in
            try database.run("UPDATE users SET password = ? WHERE name = ?", hash.description, name)
            try database.run("DELETE FROM sessions WHERE user = ?", name)
            try AuditTrail.insert(database, now, actor, "user.password", name, "")
        }
        state.withLock { state in
            state.users[name]?.password = hash
            state.endSessions(of: name)
        }
    }

    /// Shuts a user out, or lets him in again. The last operator stays.
    public func setDisabled(
        _ isDisabled: Bool, _ name: String, by actor: String
    ) async throws(IdentityError) -> User {
        guard let user = state.withLock({ $0.users[name]?.user }) else {
            throw .notFound(kind: "user", id: name)
        }
        let now = now()
        // The database decides, since two operators may shut each other out at the same moment.
        let isDone = try await write { database in
            let others = try database.first(
                "SELECT count(*) FROM users WHERE role = 'operator' AND is_disabled = 0 AND name <> ?", name
            ) { try $0.integer(0) }
            guard !isDisabled || (others ?? 0) > 0 else { return false }
            try database.run("UPDATE users SET is_disabled = ? WHERE name = ?", isDisabled, name)
            if isDisabled { try database.run("DELETE FROM sessions WHERE user = ?", name) }
            try AuditTrail.insert(database, now, actor, isDisabled ? "user.disable" : "user.enable", name, "")
            return true
        }
        guard isDone else { throw .conflict("\(name) is the last operator who can log in") }
        let changed = User(name: name, role: user.role, isDisabled: isDisabled, createdAt: user.createdAt)
        state.withLock { state in
            state.users[name]?.user = changed
            if isDisabled { state.endSessions(of: name) }
        }
        return changed
    }

    private func hash(_ password: String) async throws(IdentityError) -> PasswordHash {
        let cost = settings.passwordCost
        return try await workers.run { PasswordHash(password, cost: cost) }
    }

    private static func taken(_ name: String) -> IdentityError {
        .conflict("there is a user \"\(name)\" already")
    }

    private static func checkName(_ name: String) throws(IdentityError) {
        let isMark: (UInt8) -> Bool = {
            $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
        }
        let isPlain: (UInt8) -> Bool = { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
        guard (1...32).contains(name.utf8.count), let first = name.utf8.first, isPlain(first),
            name.utf8.allSatisfy({ isPlain($0) || isMark($0) }), name != "host"
        else {
            throw .invalid(
                field: "name",
                reason:
                    "must have 1 to 32 of a–z, 0–9, '.', '_' and '-', begin with a letter or digit, and not be "
                    + "\"host\"")
        }
    }

    private static func checkPassword(_ password: String, name: String) throws(IdentityError) {
        guard password.count >= shortestPassword, password.utf8.count <= longestPassword else {
            throw .invalid(
                field: "password",
                reason:
                    "must have \(shortestPassword) characters or more, and at most \(longestPassword) bytes")
        }
        guard !password.lowercased().contains(name) || name.count < 4 else {
            throw .invalid(field: "password", reason: "must not contain the name")
        }
    }
}

extension IdentityService.State {
    mutating func endSessions(of user: String) {
        sessions = sessions.filter { $0.value.user != user }
    }
}
