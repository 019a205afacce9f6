import Trading

/// Something that a person should know about a credential in time.
public struct KeyNotice: Hashable, Sendable {
    /// What it is.
    public enum Kind: Hashable, Sendable {
        /// It runs out within so many days: 14, 3 or 1.
        case expires(withinDays: Int)
        case expired
        /// It has been in use for more days than it should.
        case rotationDue(ageDays: Int)

        /// The days before the end at which somebody is told.
        static let thresholds = [1, 3, 14]
        /// How often a reminder comes again, in days.
        static let reminderDays: Int64 = 7

        /// What is to be said about the end of a credential now.
        static func expiry(of credential: Credential, at now: Timestamp) -> Kind? {
            guard let end = credential.expiresAt else { return nil }
            let left = end.milliseconds - now.milliseconds
            guard left > 0 else { return .expired }
            return thresholds.first { left <= Int64($0) * day }.map { .expires(withinDays: $0) }
        }

        /// What is to be said about the age of a credential now.
        static func rotation(of credential: Credential, at now: Timestamp) -> Kind? {
            guard let days = credential.rotateAfterDays else { return nil }
            let age = (now.milliseconds - credential.rotatedAt.milliseconds) / day
            return age >= Int64(days) ? .rotationDue(ageDays: Int(age)) : nil
        }

        /// The number by which the store remembers that it was said; less is later.
        var rank: Int? {
            switch self {
            case .expires(let days): days
            case .expired: 0
            case .rotationDue: nil
            }
        }

        /// In a sentence.
        public var words: String {
            switch self {
            case .expires(1): "this key runs out within a day: rotate it"
            case .expires(let days): "this key runs out within \(days) days: rotate it"
            case .expired: "this key has run out"
            case .rotationDue(let days): "this key has been in use for \(days) days: rotate it"
            }
        }

        /// A word for programs.
        public var name: String {
            switch self {
            case .expires: "expires"
            case .expired: "expired"
            case .rotationDue: "rotation_due"
            }
        }

        static let day: Int64 = 86_400_000
    }

    public let credential: Credential
    public let kind: Kind

    /// In a sentence.
    public var words: String {
        "\(credential.name) (\(credential.venue), \(credential.maskedKey)): \(kind.words)"
    }
}
