import Identity
import Journal
public import Secrets
import Synchronization
public import Trading

/// Adding, changing, trying, rotating and removing credentials.
///
/// Who may is decided by the faces; `by` is the user's name, for the record.
extension KeyVault {
    /// A key pair as its owner enters it.
    public struct NewKey: Sendable, CustomStringConvertible, CustomReflectable {
        /// What the venue calls the key: 1 to 512 visible ASCII characters.
        public var apiKey: String
        public var secret: LockedBytes

        /// Pairs them.
        public init(apiKey: String, secret: LockedBytes) {
            self.apiKey = apiKey
            self.secret = secret
        }

        /// Says that there is a key, and nothing of it.
        public var description: String { "(new key)" }
        /// Shows nothing to `dump` and debuggers that ask.
        public var customMirror: Mirror { Mirror(self, children: [:]) }
    }

    /// Tries a key at its venue and keeps it.
    ///
    /// - Parameter keepsRefused: Whether a key that the venue refuses is kept all the same, inactive.
    /// - Throws: ``VaultFailure``; nothing is kept then.
    public func add(
        _ draft: CredentialDraft, _ new: NewKey, keepsRefused: Bool = false, by user: String
    ) async throws(VaultFailure) -> Credential {
        let credential = try Draft(draft, new, settings).credential(at: time)
        guard credentials(owner: draft.owner).count < settings.credentialsPerOwner else {
            throw .conflict(
                "\(draft.owner) has \(settings.credentialsPerOwner) credentials already: remove one that is not used"
            )
        }
        _ = try await openMaster()
        let found = try await attempt(new, credential, keepsRefused: keepsRefused)
        return try await withMaster { [time] master, database in
            var credential = credential
            credential.check = found
            credential.isActive =
                draft.isActive ?? (credential.account != nil && found.outcome == .works)
            let envelope = try Envelope.seal(
                Envelope.Pair(apiKey: new.apiKey, secret: new.secret), for: credential.context, master: master
            )
            let stored = VaultStore.Stored(credential: credential, envelope: envelope, revision: 0)
            try AuditTrail.insert(
                database, time.milliseconds, user, "key.add", credential.id, credential.summary)
            return try VaultStore.put(stored, in: database)
        }
    }

    /// Changes what is given. Another account needs the record sealed anew, which this does.
    public func change(
        _ id: String, _ change: CredentialChange, by user: String
    ) async throws(VaultFailure) -> Credential {
        let before = try credential(id)
        try Draft.check(change, of: before)
        return try await withMaster { [time] master, database in
            var stored = try VaultStore.get(id, in: database)
            let former = stored.context
            stored.credential.take(change)
            if change.expiresAt != nil { stored.noticedRank = nil }
            if change.rotateAfterDays != nil { stored.remindedAt = nil }
            if stored.context != former {
                let pair = try Self.opening(id) { () throws(SecretFailure) in
                    try stored.envelope.open(for: former, master: master)
                }
                stored.envelope = try Envelope.seal(pair, for: stored.context, master: master)
            }
            guard !stored.credential.isActive || stored.credential.account != nil else {
                throw VaultFailure.conflict("it has no account to trade on: an operator gives it one")
            }
            try AuditTrail.insert(
                database, time.milliseconds, user, "key.change", id, change.summary)
            return try VaultStore.put(stored, in: database)
        }
    }

    /// Tries a credential at its venue, and keeps what came of it.
    public func test(_ id: String, by user: String) async throws(VaultFailure) -> Credential {
        _ = try await openMaster()
        let entry = state.withLock { $0.entries[id] }
        guard let entry else { throw .notFound(id) }
        guard let key = entry.key else { throw .tampered(credential: id) }
        let found = try await ask(entry.credential, with: key)
        return try await withMaster { [time] _, database in
            var stored = try VaultStore.get(id, in: database)
            stored.credential.check = found
            try AuditTrail.insert(
                database, time.milliseconds, user, "key.test", id, found.outcome.rawValue)
            return try VaultStore.put(stored, in: database)
        }
    }

    /// Puts a new key in the place of the old one. Whoever trades with it goes on: the next request is signed with the new.
    ///
    /// - Parameters:
    ///   - expiresAt: When the new key ends; nil for never.
    ///   - keepsRefused: Whether a key that the venue refuses is taken all the same.
    public func rotate(
        _ id: String, to new: NewKey, expiresAt: Timestamp? = nil, keepsRefused: Bool = false, by user: String
    ) async throws(VaultFailure) -> Credential {
        let before = try credential(id)
        try Draft.check(new)
        try Draft.check(expiresAt, at: time)
        _ = try await openMaster()
        let found = try await attempt(new, before, keepsRefused: keepsRefused)
        recordUses(of: id)
        return try await withMaster { [time] master, database in
            var stored = try VaultStore.get(id, in: database)
            stored.credential.maskedKey = Draft.masked(new.apiKey)
            stored.credential.rotatedAt = time
            stored.credential.expiresAt = expiresAt
            stored.credential.check = found
            stored.noticedRank = nil
            stored.remindedAt = nil
            stored.envelope = try Envelope.seal(
                Envelope.Pair(apiKey: new.apiKey, secret: new.secret), for: stored.context, master: master)
            try AuditTrail.insert(
                database, time.milliseconds, user, "key.rotate", id,
                "\(before.maskedKey) to \(stored.credential.maskedKey)")
            return try VaultStore.put(stored, in: database)
        }
    }

    /// Forgets a credential. Requests that need it are not sent from then on.
    public func remove(_ id: String, by user: String) async throws(VaultFailure) {
        let credential = try credential(id)
        recordUses(of: id)
        let time = time
        try await write { database in
            try VaultStore.remove(id, in: database)
            try AuditTrail.insert(
                database, time.milliseconds, user, "key.remove", id, credential.summary)
        }
        state.withLock { $0.remove(id) }
    }

    // MARK: - Inside

    var time: Timestamp { Timestamp(milliseconds: now()) }

    /// Tries a key that is not kept yet.
    private func attempt(
        _ new: NewKey, _ credential: Credential, keepsRefused: Bool
    ) async throws(VaultFailure) -> KeyCheck {
        let key = SigningKey(apiKey: new.apiKey, secret: new.secret)
        let found = try await ask(credential, with: key)
        guard found.outcome != .refused || keepsRefused else {
            throw .refusedByVenue(found.reason ?? "it did not say why")
        }
        return found
    }

    /// Asks the venue, unless it is asked about many keys already.
    private func ask(_ credential: Credential, with key: SigningKey) async throws(VaultFailure) -> KeyCheck {
        let mayAsk = state.withLock { state in
            guard state.checks < settings.checksAtOnce else { return false }
            state.checks += 1
            return true
        }
        guard mayAsk else {
            throw .conflict("too many keys are being tried at once; try again in a moment")
        }
        defer { state.withLock { $0.checks -= 1 } }
        return await check(credential.venue, credential.environment, key)
    }

    /// Does something inside a transaction with the master key in force, and takes over the row that comes of it. Another
    /// process may have changed the master key; then it is read anew, once.
    private func withMaster(
        _ body: @escaping @Sendable (MasterKey, Database) throws -> VaultStore.Stored
    ) async throws(VaultFailure) -> Credential {
        var isSecond = false
        while true {
            let master = try await openMaster()
            do throws(VaultFailure) {
                let stored = try await write { database in
                    try VaultStore.check(master, in: database)
                    return try body(master, database)
                }
                return state.withLock { state in
                    state.put(stored)
                    return state.entries[stored.credential.id]?.credential ?? stored.credential
                }
            } catch {
                guard error == .masterKeyChanged, !isSecond else { throw error }
                isSecond = true
                state.withLock { $0.master = nil }
            }
        }
    }

    /// Gives a record that does not open the vault's words.
    static func opening<Result>(
        _ id: String, _ body: () throws(SecretFailure) -> Result
    ) throws(VaultFailure) -> Result {
        do throws(SecretFailure) {
            return try body()
        } catch {
            throw error == .notAuthentic ? .tampered(credential: id) : .machine(error)
        }
    }
}

extension Credential {
    mutating func take(_ change: CredentialChange) {
        if let name = change.name { self.name = name }
        if let account = change.account { self.account = account }
        if let isActive = change.isActive { self.isActive = isActive }
        if let traders = change.traders { self.traders = traders }
        if let expiresAt = change.expiresAt { self.expiresAt = expiresAt }
        if let rotateAfterDays = change.rotateAfterDays { self.rotateAfterDays = rotateAfterDays }
        // Without an account there is nothing to be active on, unless somebody insists.
        if account == nil, change.isActive == nil { isActive = false }
    }

    /// For the audit trail.
    fileprivate var summary: String {
        "\(venue) \(environment.rawValue), \(maskedKey), owner \(owner), account \(account ?? "none"), "
            + (isActive ? "active" : "not active")
    }
}

extension CredentialChange {
    /// For the audit trail.
    fileprivate var summary: String {
        var parts: [String] = []
        if let name { parts.append("name \(name)") }
        if let account { parts.append("account \(account ?? "none")") }
        if let isActive { parts.append(isActive ? "active" : "not active") }
        if let traders {
            parts.append("traders \(traders.isEmpty ? "none" : traders.joined(separator: ", "))")
        }
        if let expiresAt { parts.append("expires \(expiresAt.map { String($0.milliseconds) } ?? "never")") }
        if let rotateAfterDays {
            parts.append("rotate after \(rotateAfterDays.map { "\($0) days" } ?? "never")")
        }
        return parts.joined(separator: "; ")
    }
}
