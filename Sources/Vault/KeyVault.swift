import Identity
public import Journal
public import Posix
public import Secrets
import Synchronization
public import Trading

/// Exchange credentials: sealed on disk, plain only in locked memory, and handed to nobody but an adapter's signer.
///
/// The keys in use are kept in memory, so that looking one up takes no disk and no wait; every change is durable before
/// it counts. What is done, and by whom, stands in the audit trail in the same transaction.
public final class KeyVault: Sendable {
    /// How the vault behaves.
    public struct Settings: Sendable {
        /// The venues that keys may be for.
        public var venues: [VenueTraits]
        /// How long uses of one key are gathered before the audit trail gets another line about them, in milliseconds.
        public var useMilliseconds: Int64 = 300_000
        /// Keys that are tried at once, over all users; each takes connections of its own.
        public var checksAtOnce = 4
        /// Credentials of one owner at most.
        public var credentialsPerOwner = 100
        var cost = PassphraseKey.standard

        /// The defaults, for these venues.
        public init(venues: [VenueTraits]) {
            self.venues = venues
        }
    }

    struct Entry: Sendable {
        var stored: VaultStore.Stored
        /// The key, when its record can be opened.
        var key: SigningKey?
        let use: KeyUse
        /// Uses that stand in no audit line yet, and the first and last of them.
        var uses = 0
        var usedSince: Int64?
        var usedUntil: Int64?
        /// When the last audit line about uses was written.
        var usesRecordedAt: Int64?
    }

    struct State: Sendable {
        var master: MasterKey?
        /// Why there is no master key.
        var reason = ""
        var entries: [String: Entry] = [:]
        /// Removed while the host runs, in case an older answer comes late.
        var removed: Set<String> = []
        /// By account.
        var active: [String: SigningKey] = [:]
        /// Keys that are being tried now.
        var checks = 0
    }

    let settings: Settings
    let writer: GroupCommitWriter
    let sources: MasterKeySources
    let log: HostLog
    let check: KeyChecker
    let now: @Sendable () -> Int64
    let state = Mutex(State())

    /// Reads what the database holds, and opens it when the sources have its master key.
    ///
    /// A vault that cannot be opened is closed, not broken: it lists what it has, and says why in ``closedReason``.
    ///
    /// - Parameters:
    ///   - writer: The writer of a database that ``VaultStore`` and `IdentitySchema` have prepared.
    ///   - check: Tries a key at its venue.
    ///   - now: Milliseconds since the epoch.
    public init(
        writer: GroupCommitWriter, sources: MasterKeySources, settings: Settings, log: HostLog,
        check: @escaping KeyChecker, now: @escaping @Sendable () -> Int64 = { WallClock.milliseconds }
    ) async throws(VaultFailure) {
        self.writer = writer
        self.sources = sources
        self.settings = settings
        self.log = log
        self.check = check
        self.now = now
        try await reload()
    }

    // MARK: - For the adapters

    /// The key with which an account trades now; nil when it has no active credential that can be opened.
    ///
    /// Cheap, from any thread. Ask anew for each request: a rotation takes effect with the next one.
    public func key(for account: AccountID) -> SigningKey? {
        state.withLock { $0.active[account.text] }
    }

    /// Whether strategies of `user`, who is no operator, may trade on `account`. Nobody's account is anybody's: one that no
    /// active credential belongs to has nothing to guard.
    public func permits(_ user: String, on account: AccountID) -> Bool {
        state.withLock { state in
            let guarding = state.entries.values.map(\.stored.credential).filter {
                $0.isActive && $0.account == account.text
            }
            return guarding.allSatisfy { $0.owner == user || $0.traders.contains(user) }
        }
    }

    // MARK: - For people

    /// Every credential, or those of one owner, oldest first. Never a secret.
    public func credentials(owner: String? = nil) -> [Credential] {
        state.withLock { state in
            state.entries.values.map(\.credential).filter { owner == nil || $0.owner == owner }
                .sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
        }
    }

    /// One credential.
    public func credential(_ id: String) throws(VaultFailure) -> Credential {
        guard let entry = state.withLock({ $0.entries[id] }) else { throw .notFound(id) }
        return entry.credential
    }

    /// Why no key can be used now; nil when the vault is open, or has nothing to open.
    public var closedReason: String? {
        state.withLock { $0.master == nil && !$0.entries.isEmpty ? $0.reason : nil }
    }

    // MARK: - Opening

    /// Reads rows and master key anew, as at the start and after the master key was changed.
    func reload() async throws(VaultFailure) {
        let found = try await write { database in
            (record: try VaultStore.masterKey(in: database), rows: try VaultStore.all(in: database))
        }
        var master: MasterKey?
        var reason = ""
        do throws(VaultFailure) {
            master = try await masterKey(found.record, hasCredentials: !found.rows.isEmpty)
            if master == nil { reason = Self.noMasterKey }
        } catch {
            guard case .closed(let words) = error else { throw error }
            reason = words
        }
        let (key, words) = (master, reason)
        state.withLock { state in
            state.master = key
            state.reason = words
            for stored in found.rows { state.put(stored) }
        }
        if let master { finishRotation(master) }
        for credential in credentials() where credential.fault != nil {
            log.error(
                "a credential cannot be opened",
                ["credential": credential.id, "reason": credential.fault ?? ""])
        }
    }

    static let noMasterKey =
        "it has no master key. Make a key file (bullpen vault init), give the service a systemd credential, or start the "
        + "host with --passphrase"

    /// The master key, once more when it was changed by another process or has come only now.
    func openMaster() async throws(VaultFailure) -> MasterKey {
        if let master = state.withLock({ $0.master }) { return master }
        try await reload()
        guard let master = state.withLock({ $0.master }) else {
            throw .closed(state.withLock { $0.reason })
        }
        return master
    }

    private func masterKey(
        _ record: MasterKeyRecord?, hasCredentials: Bool
    ) async throws(VaultFailure) -> MasterKey? {
        if let record {
            do throws(VaultFailure) {
                return try sources.key(for: record)
            } catch {
                // With nothing sealed there is nothing to lose: another key may take its place.
                guard !hasCredentials, case .closed = error else { throw error }
            }
        }
        var parameters: PassphraseParameters?
        var key = try sources.key(for: nil)
        if key == nil, let passphrase = sources.passphrase {
            let made = try PassphraseParameters.make(settings.cost)
            key = try made.key(from: passphrase)
            parameters = made
        }
        guard let key else { return nil }
        let made = MasterKeyRecord(id: key.id, origin: key.origin, parameters: parameters)
        let now = Timestamp(milliseconds: now())
        try await write { database in
            // Another process may have been quicker.
            guard try VaultStore.masterKey(in: database)?.id == record?.id else {
                throw VaultFailure.masterKeyChanged
            }
            try VaultStore.setMasterKey(made, at: now, in: database)
            try AuditTrail.insert(
                database, now.milliseconds, "host", "vault.open", made.id, "from \(made.origin.words)")
        }
        return key
    }

    /// Ends a rotation that was cut short after it had become true.
    private func finishRotation(_ master: MasterKey) {
        guard master.path == sources.nextFile else { return }
        do throws(VaultFailure) {
            try MasterKeyRotation.putInPlace(sources)
        } catch {
            log.warning("the new master key stays at its first place", ["reason": "\(error)"])
        }
    }

    /// Changes the database, durably, and gives its failures the vault's words.
    func write<Result: Sendable>(
        _ operation: @escaping @Sendable (Database) throws -> Result
    ) async throws(VaultFailure) -> Result {
        do throws(WriteFailure) {
            return try await writer.write(operation)
        } catch {
            switch error {
            case .operation(let failure as VaultFailure): throw failure
            case .operation(let failure as SecretFailure): throw .machine(failure)
            case .operation, .database, .overloaded, .closed:
                throw .storage("it could not be kept: \(error)")
            }
        }
    }
}

extension KeyVault.Entry {
    /// The credential as people see it.
    var credential: Credential { stored.credential }
}

extension KeyVault.State {
    /// Takes a row over, unless a newer one is known, and opens it.
    mutating func put(_ stored: VaultStore.Stored) {
        let id = stored.credential.id
        guard !removed.contains(id), stored.revision >= entries[id]?.stored.revision ?? 0 else { return }
        var entry = entries[id] ?? KeyVault.Entry(stored: stored, use: KeyUse())
        entry.stored = stored
        entry.key = nil
        if let master {
            do throws(SecretFailure) {
                let pair = try stored.envelope.open(for: stored.context, master: master)
                entry.key = SigningKey(apiKey: pair.apiKey, secret: pair.secret, use: entry.use)
            } catch {
                switch error {
                case .notAuthentic:
                    entry.stored.credential.fault = VaultFailure.tampered(credential: id).description
                default: entry.stored.credential.fault = error.description
                }
            }
        } else {
            entry.stored.credential.fault = VaultFailure.closed(reason).description
        }
        entries[id] = entry
        refresh()
    }

    mutating func remove(_ id: String) {
        entries[id] = nil
        removed.insert(id)
        refresh()
    }

    private mutating func refresh() {
        active = [:]
        for entry in entries.values where entry.credential.isActive {
            if let account = entry.credential.account, let key = entry.key { active[account] = key }
        }
    }
}
