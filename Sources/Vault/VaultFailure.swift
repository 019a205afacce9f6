public import Secrets

/// Why something about credentials was not done. No case holds a part of a secret.
public enum VaultFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no master key that fits; why, and what to do about it.
    case closed(String)
    /// There is no such credential, or the asker may not know of it.
    case notFound(String)
    /// A field cannot be taken.
    case invalid(field: String, reason: String)
    /// What is there does not allow it.
    case conflict(String)
    /// The venue refused the key.
    case refusedByVenue(String)
    /// A record is not what the vault wrote.
    case tampered(credential: String)
    /// The journal did not take it, or cannot be read.
    case storage(String)
    /// The machine lacks memory for a secret.
    case machine(SecretFailure)
    /// The master key was changed while this was under way.
    case masterKeyChanged

    /// What happened, in words.
    public var description: String {
        switch self {
        case .closed(let reason): "the vault is closed: \(reason)"
        case .notFound(let id): "there is no credential \"\(id.prefix(64))\""
        case .invalid(let field, let reason): "\(field): \(reason)"
        case .conflict(let reason), .storage(let reason): reason
        case .refusedByVenue(let reason): "the venue does not take this key: \(reason)"
        case .tampered(let credential):
            "credential \"\(credential.prefix(64))\" cannot be opened: its record was changed outside of the host, or "
                + "moved to another venue, account or user. Remove it and add the key again"
        case .machine(let failure): failure.description
        case .masterKeyChanged: "the vault's master key was changed just now; try again"
        }
    }
}
