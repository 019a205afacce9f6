import CSQLite
public import Trading

/// One row of a result. It can be read where it is handed out, and kept nowhere.
@safe
public struct Row: ~Copyable {
    private let statement: Statement

    init(_ statement: Statement) { self.statement = statement }

    /// The integer in `column`, counted from nought.
    public borrowing func integer(_ column: Int) throws(DatabaseFailure) -> Int64 {
        try expect(SQLITE_INTEGER, "an integer", in: column)
        return statement.integer(column)
    }

    /// The integer in `column` as an `Int`.
    public borrowing func int(_ column: Int) throws(DatabaseFailure) -> Int { Int(try integer(column)) }

    /// The truth value in `column`, kept as 0 or 1.
    public borrowing func bool(_ column: Int) throws(DatabaseFailure) -> Bool {
        switch try integer(column) {
        case 0: return false
        case 1: return true
        case let other: throw failure(column, "holds \(other), not 0 or 1")
        }
    }

    /// The text in `column`.
    public borrowing func text(_ column: Int) throws(DatabaseFailure) -> String {
        try expect(SQLITE_TEXT, "text", in: column)
        return statement.text(column)
    }

    /// The bytes in `column`.
    public borrowing func blob(_ column: Int) throws(DatabaseFailure) -> [UInt8] {
        try expect(SQLITE_BLOB, "bytes", in: column)
        return statement.blob(column)
    }

    /// The exact decimal in `column`, kept as text.
    public borrowing func decimal(_ column: Int) throws(DatabaseFailure) -> FixedDecimal {
        guard let value = FixedDecimal(try text(column)) else { throw failure(column, "holds no decimal") }
        return value
    }

    /// The instant in `column`, kept as milliseconds since the epoch.
    public borrowing func time(_ column: Int) throws(DatabaseFailure) -> Timestamp {
        Timestamp(milliseconds: try integer(column))
    }

    /// The word in `column` as one of a fixed set.
    public borrowing func choice<Choice: RawRepresentable>(
        _ column: Int, as type: Choice.Type = Choice.self
    ) throws(DatabaseFailure) -> Choice where Choice.RawValue == String {
        let word = try text(column)
        guard let choice = Choice(rawValue: word) else { throw failure(column, "holds \"\(word)\"") }
        return choice
    }

    /// Whether `column` is null.
    public borrowing func isNull(_ column: Int) -> Bool { statement.type(column) == SQLITE_NULL }

    /// The integer in `column`, or nil for null.
    public borrowing func optionalInteger(_ column: Int) throws(DatabaseFailure) -> Int64? {
        isNull(column) ? nil : try integer(column)
    }

    /// The text in `column`, or nil for null.
    public borrowing func optionalText(_ column: Int) throws(DatabaseFailure) -> String? {
        isNull(column) ? nil : try text(column)
    }

    /// The bytes in `column`, or nil for null.
    public borrowing func optionalBlob(_ column: Int) throws(DatabaseFailure) -> [UInt8]? {
        isNull(column) ? nil : try blob(column)
    }

    /// The decimal in `column`, or nil for null.
    public borrowing func optionalDecimal(_ column: Int) throws(DatabaseFailure) -> FixedDecimal? {
        isNull(column) ? nil : try decimal(column)
    }

    /// The instant in `column`, or nil for null.
    public borrowing func optionalTime(_ column: Int) throws(DatabaseFailure) -> Timestamp? {
        isNull(column) ? nil : try time(column)
    }

    /// The value in `column`, whatever it is. A floating-point number is refused.
    public borrowing func value(_ column: Int) throws(DatabaseFailure) -> SQLValue {
        switch statement.type(column) {
        case SQLITE_NULL: return .null
        case SQLITE_INTEGER: return .integer(statement.integer(column))
        case SQLITE_TEXT: return .text(statement.text(column))
        case SQLITE_BLOB: return .blob(statement.blob(column))
        default: throw failure(column, "holds a floating-point number")
        }
    }

    private borrowing func expect(_ type: Int32, _ words: String, in column: Int) throws(DatabaseFailure) {
        precondition((0..<statement.columnCount).contains(column), "no such column")
        guard statement.type(column) == type else { throw failure(column, "does not hold \(words)") }
    }

    private borrowing func failure(_ column: Int, _ reason: String) -> DatabaseFailure {
        DatabaseFailure(
            code: .unexpectedValue, reason: "column \(statement.name(column)) \(reason)",
            path: statement.path,
            statement: statement.sql)
    }
}
