/// How a database is opened.
public struct DatabaseOptions: Sendable {
    /// When SQLite waits for the disk.
    public enum Synchronous: String, Sendable {
        /// Every commit is durable when it returns. The only right choice for what must not be lost.
        case full = "FULL"
        /// Commits may be lost on power loss, though nothing is torn. Tests use it to show that the difference is seen.
        case normal = "NORMAL"
    }

    /// How thoroughly the file is checked before it is used.
    public enum Check: Hashable, Sendable {
        /// Not at all; for further connections to a file that was checked.
        case none
        /// The structure of every page, and the rows for at most so long. Rows beyond that are not checked. Of a file
        /// beyond ``DatabaseOptions/wholeCheckBytes`` tables of history are left to a ``LateCheck``.
        case quick(milliseconds: Int)
        /// Structure, indexes and constraints, however long it takes.
        case full
    }

    /// When commits are durable.
    public var synchronous = Synchronous.full
    /// How the file is checked at opening.
    public var check = Check.quick(milliseconds: 10_000)
    /// Tables that only grow and that a start does not read.
    public var history: Set<String> = []
    /// Up to this size a file is checked as a whole however much of it is history, in bytes.
    public var wholeCheckBytes = 32 << 20
    /// Whether every attempt to write is refused.
    public var readsOnly = false
    /// How long to wait for another connection's lock.
    public var busyMilliseconds = 5_000
    /// How many compiled statements are kept.
    public var statementLimit = 256
    /// The name of a registered SQLite file system; nil for the operating system's.
    public var vfs: String?

    /// The defaults: durable, checked, for writing.
    public init() {}

    /// For a further connection that only reads a file which was already checked.
    public static var reader: DatabaseOptions {
        var options = DatabaseOptions()
        options.readsOnly = true
        options.check = .none
        return options
    }
}
