public import Trading
public import Vault
public import Wire

/// An exchange credential as the API shows it: never the secret, and of the key no more than its ends.
public struct CredentialView: Hashable, Sendable {
    public var credential: Credential
    /// When it was looked at, for what is said about ends and ages.
    public var time: Timestamp

    /// Wraps a credential.
    public init(_ credential: Credential, at time: Timestamp) {
        self.credential = credential
        self.time = time
    }

    /// As the API writes it.
    public var json: JSONValue {
        let one = credential
        return .members([
            "id": .string(one.id), "owner": .string(one.owner), "name": .string(one.name),
            "venue": .string(one.venue), "environment": .string(one.environment.rawValue),
            "account": .optional(one.account), "key": .string(one.maskedKey), "active": .bool(one.isActive),
            "usable": .bool(one.fault == nil), "traders": .array(one.traders.map { .string($0) }),
            "created_at": .time(one.createdAt), "rotated_at": .time(one.rotatedAt),
            "expires_at": .orNull(one.expiresAt), "rotate_after_days": .orNull(one.rotateAfterDays),
            "last_used_at": .orNull(one.lastUsedAt), "test": one.check?.json ?? .null,
            "warnings": .array(one.warnings(at: time).map { .string($0) }),
        ])
    }
}

extension KeyCheck {
    /// As the API writes it.
    fileprivate var json: JSONValue {
        .members([
            "outcome": .string(outcome.rawValue), "time": .time(at), "reason": .optional(reason),
            "can_withdraw": canWithdraw.map { .bool($0) } ?? .null,
            "clock_offset_ms": clockOffsetMilliseconds.map { .integer($0) } ?? .null,
            "currencies": .orNull(currencies),
        ])
    }
}
