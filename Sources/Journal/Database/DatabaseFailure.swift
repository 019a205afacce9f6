import CSQLite
import Glibc

/// What a database could not do, with SQLite's own number and words.
public struct DatabaseFailure: Error, Hashable, Sendable, CustomStringConvertible,
    CustomDebugStringConvertible
{
    /// The kinds of failure that callers tell apart.
    public enum Code: String, Hashable, Sendable {
        /// The volume is full or a quota is used up. Goes away when room returns.
        case diskFull = "disk_full"
        /// Reading, writing or synchronising failed.
        case inputOutput = "io_error"
        /// The file is damaged or is no database.
        case corrupt
        /// Somebody else held the database for longer than the busy timeout.
        case busy
        /// A uniqueness, foreign key, not-null, check or type rule of the schema said no.
        case constraint
        /// The file cannot be opened.
        case cannotOpen = "cannot_open"
        /// The file or the connection may only be read.
        case readOnly = "read_only"
        /// The statement does not fit the schema, or is no SQL.
        case statement
        /// A column does not hold what was asked of it.
        case unexpectedValue = "unexpected_value"
        /// The work was given up because its limit was reached.
        case interrupted
        /// The database was written by another version of this program.
        case version
        /// Memory ran out, or SQLite met something that has no kind of its own here.
        case other
    }

    /// What kind of failure it is.
    public let code: Code
    /// SQLite's extended result code; nought when the failure is not SQLite's.
    public let number: Int32
    /// What went wrong, in words.
    public let reason: String
    /// The database's path.
    public let path: String
    /// The statement, when there was one. Values are never part of it.
    public let statement: String?
    /// Whether what failed may still be found after a power loss: a commit failed half way, and so did erasing it.
    public internal(set) var mayReappear = false

    /// Describes a failure.
    public init(code: Code, number: Int32 = 0, reason: String, path: String, statement: String? = nil) {
        self.code = code
        self.number = number
        self.reason = reason
        self.path = path
        self.statement = statement
    }

    /// Describes the last failure of a connection.
    ///
    /// - Parameter systemNumber: The kernel's `errno` of that failure, or nought.
    init(result: Int32, systemNumber: Int32 = 0, reason: String, path: String, statement: String? = nil) {
        self.init(
            code: Self.code(result, systemNumber: systemNumber), number: result, reason: reason, path: path,
            statement: statement)
    }

    /// The file's name and the reason, fit for an operator's page.
    public var description: String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return number == 0 ? "\(name): \(reason)" : "\(name): \(reason) (SQLite \(number))"
    }

    /// As ``description``, with the whole path and the statement.
    public var debugDescription: String {
        "\(path): \(code.rawValue) \(number): \(reason)" + (statement.map { " in: \($0)" } ?? "")
    }

    private static func code(_ result: Int32, systemNumber: Int32) -> Code {
        switch result & 0xff {
        case SQLITE_FULL: .diskFull
        case SQLITE_IOERR: systemNumber == ENOSPC || systemNumber == EDQUOT ? .diskFull : .inputOutput
        case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
        case SQLITE_BUSY, SQLITE_LOCKED: .busy
        case SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG: .constraint
        case SQLITE_CANTOPEN: systemNumber == ENOSPC || systemNumber == EDQUOT ? .diskFull : .cannotOpen
        case SQLITE_PERM, SQLITE_AUTH: .cannotOpen
        case SQLITE_READONLY: .readOnly
        case SQLITE_ERROR, SQLITE_RANGE: .statement
        case SQLITE_INTERRUPT: .interrupted
        default: .other
        }
    }
}
