import Secrets
import Trading

/// A credential that was checked and has no place in the database yet.
struct Draft {
    private let draft: CredentialDraft
    private let environment: VenueEnvironment
    private let maskedKey: String

    /// The most bytes of a secret; a private key in PEM has some hundred.
    private static let secretLimit = 8192
    private static let tradersLimit = 100

    init(
        _ draft: CredentialDraft, _ new: KeyVault.NewKey, _ settings: KeyVault.Settings
    ) throws(VaultFailure) {
        guard let venue = settings.venues.first(where: { $0.name == draft.venue }) else {
            let names = settings.venues.map { "\"\($0.name)\"" }.joined(separator: ", ")
            throw .invalid(field: "venue", reason: "\"\(draft.venue.prefix(32))\" is not one of \(names)")
        }
        let environment = draft.environment ?? (venue.hasTestnet ? .testnet : .live)
        guard environment == .live || venue.hasTestnet else {
            throw .invalid(field: "environment", reason: "\(venue.name) has no testnet")
        }
        if let name = draft.name { try Self.check(name: name) }
        if let account = draft.account { try Self.check(account: account) }
        try Self.check(traders: draft.traders)
        if let days = draft.rotateAfterDays { try Self.check(days: days) }
        guard draft.isActive != true || draft.account != nil else {
            throw .invalid(field: "active", reason: "needs an account to trade on")
        }
        try Self.check(new)
        self.draft = draft
        self.environment = environment
        maskedKey = Self.masked(new.apiKey)
    }

    func credential(at now: Timestamp) throws(VaultFailure) -> Credential {
        try Self.check(draft.expiresAt, at: now)
        let random = try locked { () throws(SecretFailure) in try LockedBytes.random(8) }
        let id = "key-" + Hexadecimal.text(unsafe random.withBytes { unsafe Array($0) })
        return Credential(
            id: id, owner: draft.owner, name: draft.name ?? draft.venue, venue: draft.venue,
            environment: environment, account: draft.account, maskedKey: maskedKey, isActive: false,
            traders: draft.traders, createdAt: now, rotatedAt: now, expiresAt: draft.expiresAt,
            rotateAfterDays: draft.rotateAfterDays)
    }

    /// What is shown of a key: its ends, and of a short one nothing.
    static func masked(_ apiKey: String) -> String {
        apiKey.utf8.count < 12 ? "…" : "\(apiKey.prefix(4))…\(apiKey.suffix(4))"
    }

    static func check(_ new: KeyVault.NewKey) throws(VaultFailure) {
        guard (1...Envelope.Pair.apiKeyLimit).contains(new.apiKey.utf8.count),
            new.apiKey.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw .invalid(
                field: "api_key",
                reason: "must have 1 to \(Envelope.Pair.apiKeyLimit) letters, digits or signs, and no spaces")
        }
        guard (1...secretLimit).contains(new.secret.count) else {
            throw .invalid(field: "secret", reason: "must have 1 to \(secretLimit) bytes")
        }
    }

    static func check(_ change: CredentialChange, of credential: Credential) throws(VaultFailure) {
        if let name = change.name { try check(name: name) }
        if let account = change.account ?? nil { try check(account: account) }
        if let traders = change.traders { try check(traders: traders) }
        if let days = change.rotateAfterDays ?? nil { try check(days: days) }
    }

    static func check(_ expiresAt: Timestamp?, at now: Timestamp) throws(VaultFailure) {
        guard let expiresAt else { return }
        guard now < expiresAt else {
            throw .invalid(field: "expires_at", reason: "has passed already")
        }
    }

    private static func check(name: String) throws(VaultFailure) {
        guard (1...64).contains(name.utf8.count),
            name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { throw .invalid(field: "name", reason: "must have 1 to 64 bytes on one line") }
    }

    private static func check(account: String) throws(VaultFailure) {
        guard (1...32).contains(account.utf8.count),
            account.utf8.allSatisfy({
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
            })
        else { throw .invalid(field: "account", reason: "must be 1 to 32 of a-z, 0-9 and -") }
    }

    private static func check(traders: [String]) throws(VaultFailure) {
        guard traders.count <= tradersLimit else {
            throw .invalid(field: "traders", reason: "at most \(tradersLimit) are taken")
        }
        guard
            traders.allSatisfy({ name in
                (1...64).contains(name.utf8.count) && name.unicodeScalars.allSatisfy { $0.value > 0x20 }
            })
        else { throw .invalid(field: "traders", reason: "must be names of users") }
    }

    private static func check(days: Int) throws(VaultFailure) {
        guard (1...3650).contains(days) else {
            throw .invalid(field: "rotate_after_days", reason: "is \(days), allowed are 1 to 3650")
        }
    }
}
