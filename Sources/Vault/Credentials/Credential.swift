public import Trading

/// What the vault must know of a venue.
public struct VenueTraits: Hashable, Sendable {
    public let name: String
    /// Whether it has a testnet.
    public let hasTestnet: Bool

    /// Describes a venue.
    public init(name: String, hasTestnet: Bool) {
        self.name = name
        self.hasTestnet = hasTestnet
    }
}

/// An exchange credential as people see it: never the secret, and of the key no more than its ends.
public struct Credential: Hashable, Sendable {
    public var id: String
    /// The user whose key it is.
    public var owner: String
    /// What people call it.
    public var name: String
    public var venue: String
    public var environment: VenueEnvironment
    /// The account that trades with it; nil until an operator says so.
    public var account: String?
    /// Such as `vmPU…uh8A`.
    public var maskedKey: String
    /// Whether its account trades with it now.
    public var isActive: Bool
    /// Users whose strategies may trade on its account, beside its owner's and operators'.
    public var traders: [String]
    public var createdAt: Timestamp
    /// When this key came in place of the one before, or ``createdAt``.
    public var rotatedAt: Timestamp
    /// When the venue stops taking the key, as far as anybody has said.
    public var expiresAt: Timestamp?
    /// How old the key may become before somebody is reminded to rotate it, in days.
    public var rotateAfterDays: Int?
    /// When it last signed, give or take some minutes.
    public var lastUsedAt: Timestamp?
    /// What the last test found.
    public var check: KeyCheck?
    /// Why the record cannot be opened; nil when it can.
    public var fault: String?

    /// What somebody should look at, in sentences.
    public func warnings(at now: Timestamp) -> [String] {
        var warnings = fault.map { [$0] } ?? []
        warnings += check?.warnings ?? ["it was never tested"]
        if let words = KeyNotice.Kind.expiry(of: self, at: now)?.words { warnings.append(words) }
        if let words = KeyNotice.Kind.rotation(of: self, at: now)?.words { warnings.append(words) }
        return warnings
    }
}

/// A credential that somebody enters.
public struct CredentialDraft: Sendable {
    public var owner: String
    /// Nil takes the venue's name.
    public var name: String?
    public var venue: String
    /// Nil takes the testnet where the venue has one.
    public var environment: VenueEnvironment?
    public var account: String?
    public var traders: [String]
    /// Nil makes it active when it has an account and the test went well.
    public var isActive: Bool?
    public var expiresAt: Timestamp?
    public var rotateAfterDays: Int?

    /// Describes a credential but for its key.
    public init(
        owner: String, name: String? = nil, venue: String, environment: VenueEnvironment? = nil,
        account: String? = nil, traders: [String] = [], isActive: Bool? = nil, expiresAt: Timestamp? = nil,
        rotateAfterDays: Int? = nil
    ) {
        self.owner = owner
        self.name = name
        self.venue = venue
        self.environment = environment
        self.account = account
        self.traders = traders
        self.isActive = isActive
        self.expiresAt = expiresAt
        self.rotateAfterDays = rotateAfterDays
    }
}

/// What is to become different about a credential; nil leaves something as it is.
public struct CredentialChange: Hashable, Sendable {
    public var name: String?
    /// The inner nil takes the account away.
    public var account: String??
    public var isActive: Bool?
    public var traders: [String]?
    /// The inner nil is never.
    public var expiresAt: Timestamp??
    /// The inner nil is never.
    public var rotateAfterDays: Int??

    /// Changes nothing yet.
    public init() {}
}
