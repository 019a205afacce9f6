/// What a user is to the host.
public enum Role: String, Hashable, Sendable, CaseIterable {
    /// Owns the machine, the keys and the limits; may do everything.
    case `operator`
    /// Brings strategies; sees and touches only his own.
    case author
}

/// Somebody who has shown who he is.
public struct Principal: Hashable, Sendable {
    /// How he showed it.
    public enum Credential: Hashable, Sendable {
        /// A browser's session, which needs the CSRF token on everything that changes something.
        case session
        /// An API token, by its id.
        case token(id: String)
    }

    public let name: String
    public let role: Role
    public let credential: Credential

    /// Names somebody whose credential was checked.
    public init(name: String, role: Role, credential: Credential) {
        self.name = name
        self.role = role
        self.credential = credential
    }
}

/// A user as the operator sees him.
public struct User: Hashable, Sendable {
    public let name: String
    public let role: Role
    public let isDisabled: Bool
    /// Milliseconds since the epoch.
    public let createdAt: Int64

    /// Describes a user.
    public init(name: String, role: Role, isDisabled: Bool, createdAt: Int64) {
        self.name = name
        self.role = role
        self.isDisabled = isDisabled
        self.createdAt = createdAt
    }
}
