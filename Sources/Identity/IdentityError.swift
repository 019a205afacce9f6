/// Why something about users, sessions or tokens was not done.
public enum IdentityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The name or the password is wrong, or the user is disabled: which of them is nobody's business.
    case wrongCredentials
    /// Too many attempts; the next is taken after so many milliseconds.
    case throttled(milliseconds: Int64)
    /// Too many passwords are being checked at once.
    case busy
    /// A field cannot be taken.
    case invalid(field: String, reason: String)
    case notFound(kind: String, id: String)
    /// What is there does not allow it.
    case conflict(String)
    /// The journal did not take it.
    case storage(String)

    /// What happened, in words.
    public var description: String {
        switch self {
        case .wrongCredentials: "the name or the password is wrong"
        case .throttled(let milliseconds):
            "too many attempts; try again in \((milliseconds + 999) / 1000) seconds"
        case .busy: "too many logins at once; try again in a moment"
        case .invalid(let field, let reason): "\(field): \(reason)"
        case .notFound(let kind, let id): "there is no \(kind) \"\(id.prefix(64))\""
        case .conflict(let reason), .storage(let reason): reason
        }
    }
}
