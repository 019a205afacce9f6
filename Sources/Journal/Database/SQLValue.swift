public import Trading

/// A value as SQLite keeps it. There are no floating-point numbers here on purpose: money is text.
public enum SQLValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])
}

/// Something that can stand for a `?` in a statement.
public protocol SQLBindable {
    /// The value to store.
    var sqlValue: SQLValue { get }
}

extension SQLValue: SQLBindable {
    /// Itself.
    public var sqlValue: SQLValue { self }
}

extension Int64: SQLBindable {
    /// An integer.
    public var sqlValue: SQLValue { .integer(self) }
}

extension Int: SQLBindable {
    /// An integer.
    public var sqlValue: SQLValue { .integer(Int64(self)) }
}

extension Bool: SQLBindable {
    /// The integer 0 or 1.
    public var sqlValue: SQLValue { .integer(self ? 1 : 0) }
}

extension String: SQLBindable {
    /// Text.
    public var sqlValue: SQLValue { .text(self) }
}

extension [UInt8]: SQLBindable {
    /// A blob.
    public var sqlValue: SQLValue { .blob(self) }
}

extension FixedDecimal: SQLBindable {
    /// The exact decimal text.
    public var sqlValue: SQLValue { .text(description) }
}

extension Timestamp: SQLBindable {
    /// Milliseconds since the epoch.
    public var sqlValue: SQLValue { .integer(milliseconds) }
}

extension Optional: SQLBindable where Wrapped: SQLBindable {
    /// The wrapped value, or null.
    public var sqlValue: SQLValue { self?.sqlValue ?? .null }
}
