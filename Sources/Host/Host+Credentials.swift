internal import Identity
internal import Posix
internal import Secrets
internal import Trading
internal import Vault
public import Wire

/// The exchanges' keys.
extension Host {
    /// The owner of a credential.
    public func owner(ofCredential id: String) async throws(HostError) -> String {
        try Self.vaulted { () throws(VaultFailure) in try vault.credential(id).owner }
    }

    /// Every credential, or those of one owner, oldest first.
    public func credentials(owner: String?) async throws(HostError) -> [CredentialView] {
        vault.credentials(owner: owner).map(view)
    }

    /// One credential.
    public func credential(_ id: String) async throws(HostError) -> CredentialView {
        view(try Self.vaulted { () throws(VaultFailure) in try vault.credential(id) })
    }

    /// Tries a key at its venue and keeps it; `body` is the request's body.
    public func addCredential(_ body: JSONValue, by user: String) async throws(HostError) -> CredentialView {
        let (draft, key, keeps) = try Self.checked { () throws(FieldFailure) in
            var reader = try ObjectReader(body)
            var draft = CredentialDraft(
                owner: try reader.optionalString("owner", bytes: 64) ?? user,
                venue: try reader.string("venue", bytes: 32))
            draft.name = try reader.optionalString("name", bytes: 64)
            draft.environment = try reader.optionalChoice("environment", as: VenueEnvironment.self)
            draft.account = try reader.optionalString("account", bytes: 32)
            draft.traders = try Self.names("traders", &reader) ?? []
            draft.isActive = try reader.optionalBool("active")
            draft.expiresAt = try reader.optionalTime("expires_at")
            draft.rotateAfterDays = try reader.optionalInteger("rotate_after_days", in: 1...3650)
            let key = try Self.key(&reader)
            let keeps = try reader.optionalBool("keep_refused") ?? false
            try reader.finish()
            return (draft, key, keeps)
        }
        try check(users: [draft.owner], "owner")
        try check(users: draft.traders, "traders")
        if let account = draft.account {
            try await check(account: account, venue: draft.venue, draft.environment)
        }
        let made = try await vaulted { () async throws(VaultFailure) in
            try await vault.add(draft, key, keepsRefused: keeps, by: user)
        }
        return await changed(made, before: nil)
    }

    /// Changes the given members.
    public func changeCredential(
        _ id: String, _ body: JSONValue, by user: String
    ) async throws(HostError) -> CredentialView {
        let before = try Self.vaulted { () throws(VaultFailure) in try vault.credential(id) }
        let change = try Self.checked { () throws(FieldFailure) in
            var reader = try ObjectReader(body)
            var change = CredentialChange()
            change.name = try reader.optionalString("name", bytes: 64)
            change.isActive = try reader.optionalBool("active")
            change.traders = try Self.names("traders", &reader)
            // Null takes away what is there.
            let account = try reader.optionalString("account", bytes: 32)
            if body["account"] != nil { change.account = .some(account) }
            let end = try reader.optionalTime("expires_at")
            if body["expires_at"] != nil { change.expiresAt = .some(end) }
            let days = try reader.optionalInteger("rotate_after_days", in: 1...3650)
            if body["rotate_after_days"] != nil { change.rotateAfterDays = .some(days) }
            try reader.finish()
            return change
        }
        try check(users: change.traders ?? [], "traders")
        if let account = change.account ?? nil {
            try await check(account: account, venue: before.venue, before.environment)
        }
        let made = try await vaulted { () async throws(VaultFailure) in
            try await vault.change(id, change, by: user)
        }
        return await changed(made, before: before)
    }

    /// Tries it at its venue now.
    public func testCredential(_ id: String, by user: String) async throws(HostError) -> CredentialView {
        view(
            try await vaulted { () async throws(VaultFailure) in try await vault.test(id, by: user) })
    }

    /// Puts a new key in the place of the old one, while strategies trade.
    public func rotateCredential(
        _ id: String, _ body: JSONValue, by user: String
    ) async throws(HostError) -> CredentialView {
        let (key, end, keeps) = try Self.checked { () throws(FieldFailure) in
            var reader = try ObjectReader(body)
            let key = try Self.key(&reader)
            let end = try reader.optionalTime("expires_at")
            let keeps = try reader.optionalBool("keep_refused") ?? false
            try reader.finish()
            return (key, end, keeps)
        }
        let made = try await vaulted { () async throws(VaultFailure) in
            try await vault.rotate(id, to: key, expiresAt: end, keepsRefused: keeps, by: user)
        }
        return await changed(made, before: made)
    }

    /// Forgets it.
    public func removeCredential(_ id: String, by user: String) async throws(HostError) {
        let before = try Self.vaulted { () throws(VaultFailure) in try vault.credential(id) }
        try await vaulted { () async throws(VaultFailure) in try await vault.remove(id, by: user) }
        await tellFloor([before.account])
    }

    /// Refuses an account that the operator has guarded with a key and not given to the strategy's owner.
    func checkTrader(_ strategy: String, on account: String) async throws(HostError) {
        let owner = try await owner(of: strategy)
        guard !mayTrade(owner, on: account) else { return }
        throw .denied(
            "strategies of \(owner) may not trade on account \(account): an operator decides who may")
    }

    /// Whether strategies of a user may trade on an account: a guarded one is its key's owner's, and of whom the operator
    /// named.
    func mayTrade(_ user: String, on account: String) -> Bool {
        vault.permits(user, on: AccountID(account))
            || identity.users().contains { $0.name == user && $0.role == .operator }
    }

    // MARK: - Inside

    private func view(_ credential: Credential) -> CredentialView {
        CredentialView(credential, at: Timestamp(milliseconds: WallClock.milliseconds))
    }

    private func changed(_ credential: Credential, before: Credential?) async -> CredentialView {
        await tellFloor([before?.account, credential.account])
        return view(credential)
    }

    /// Tells those who trade on the accounts that their key is another one.
    private func tellFloor(_ accounts: [String?]) async {
        upkeep.report()
        for account in Set(accounts.compactMap { $0 }) {
            floor.soon { $0.credentialChanged(account) }
        }
    }

    /// Reads the pair, and wipes what it can of the copies on the way.
    private static func key(_ reader: inout ObjectReader) throws(FieldFailure) -> KeyVault.NewKey {
        let apiKey = try reader.string("api_key", bytes: 512)
        var secret = Array(try reader.string("secret", bytes: 8192).utf8)
        defer { LockedBytes.wipe(&secret) }
        do throws(SecretFailure) {
            return KeyVault.NewKey(apiKey: apiKey, secret: try LockedBytes(secret))
        } catch {
            throw reader.failure("secret", error.description)
        }
    }

    private static func names(
        _ name: String, _ reader: inout ObjectReader
    ) throws(FieldFailure) -> [String]? {
        guard let values = try reader.optionalArray(name, count: 100) else { return nil }
        var names: [String] = []
        for value in values {
            guard let text = value.stringValue else {
                throw reader.failure(name, "must be a list of users' names")
            }
            if !names.contains(text) { names.append(text) }
        }
        return names
    }

    private func check(users names: [String], _ field: String) throws(HostError) {
        let known = Set(identity.users().map(\.name))
        guard let stranger = names.first(where: { !known.contains($0) }) else { return }
        throw .invalid(FieldFailure(field: field, reason: "there is no user \"\(stranger.prefix(64))\""))
    }

    private func check(
        account: String, venue: String, _ environment: VenueEnvironment?
    ) async throws(HostError) {
        try await floor { floor throws(HostError) in
            guard let setup = floor.accounts[account] else {
                throw .invalid(
                    FieldFailure(field: "account", reason: "there is no account \"\(account.prefix(32))\""))
            }
            // Without a word on the environment it is the safe one where there is one.
            let world = environment?.rawValue ?? KnownVenue(rawValue: venue)?.environments[0].rawValue
            guard let exchange = setup.exchange, exchange.venue.rawValue == venue,
                exchange.environment.rawValue == world
            else {
                let place = setup.exchange?.words ?? "the paper venue"
                throw .invalid(
                    FieldFailure(
                        field: "account",
                        reason:
                            "account \(account) is at \(place), and the key is for \(venue) \(world ?? "")"))
            }
        }
    }

    private static func vaulted<Result>(
        _ body: () throws(VaultFailure) -> Result
    ) throws(HostError) -> Result {
        do throws(VaultFailure) {
            return try body()
        } catch {
            throw HostError(error)
        }
    }

    private func vaulted<Result>(
        _ body: () async throws(VaultFailure) -> Result
    ) async throws(HostError) -> Result {
        do throws(VaultFailure) {
            return try await body()
        } catch {
            throw HostError(error)
        }
    }
}

extension HostError {
    /// The vault's failure in the host's words.
    fileprivate init(_ failure: VaultFailure) {
        switch failure {
        case .notFound(let id): self = .notFound(kind: "credential", id: id)
        case .invalid(let field, let reason): self = .invalid(FieldFailure(field: field, reason: reason))
        case .refusedByVenue: self = .invalid(FieldFailure(field: "api_key", reason: failure.description))
        case .conflict, .tampered, .closed: self = .conflict(failure.description)
        case .storage, .machine, .masterKeyChanged: self = .unavailable(failure.description)
        }
    }
}
