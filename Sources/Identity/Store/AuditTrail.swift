public import Journal
public import Posix

/// One thing that somebody did.
public struct AuditEntry: Hashable, Sendable {
    /// Counts up from 1.
    public let id: Int64
    /// Milliseconds since the epoch.
    public let time: Int64
    /// The user's name, or `host`.
    public let actor: String
    /// A word such as `limits.change`.
    public let action: String
    /// What it was done to, such as a strategy's id; empty where that needs no saying.
    public let subject: String
    /// More about it: JSON text or plain words. Never a secret.
    public let detail: String

    /// Describes an entry.
    public init(id: Int64, time: Int64, actor: String, action: String, subject: String, detail: String) {
        self.id = id
        self.time = time
        self.actor = actor
        self.action = action
        self.subject = subject
        self.detail = detail
    }
}

/// Who did what, and when. Entries are never changed or removed.
public final class AuditTrail: Sendable {
    /// Longer details are cut, so that nobody fills the disk through them.
    static let detailLimit = 16 << 10

    private let writer: GroupCommitWriter
    private let log: HostLog

    /// A trail in the writer's database, which ``IdentitySchema`` has prepared.
    public init(writer: GroupCommitWriter, log: HostLog) {
        self.writer = writer
        self.log = log
    }

    /// Records that `actor` did something, without waiting. What cannot be recorded is logged instead.
    public func record(_ actor: String, _ action: String, _ subject: String = "", _ detail: String = "") {
        let time = WallClock.milliseconds
        let log = log
        let lose: @Sendable (WriteFailure) -> Void = { failure in
            log.error(
                "not in the audit trail: \(actor) \(action)", ["subject": subject, "cause": "\(failure)"])
        }
        do throws(WriteFailure) {
            try writer.submit { database in
                try Self.insert(database, time, actor, action, subject, detail)
            } completion: { result in
                if case .failure(let failure) = result { lose(failure) }
            }
        } catch {
            lose(error)
        }
    }

    /// Adds an entry inside a transaction of the caller's, so that it stands exactly when the change does.
    public static func insert(
        _ database: Database, _ time: Int64, _ actor: String, _ action: String, _ subject: String,
        _ detail: String
    ) throws(DatabaseFailure) {
        try database.run(
            "INSERT INTO audit (time, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)", time, actor,
            action, String(subject.prefix(256)), String(detail.prefix(detailLimit)))
    }

    /// Entries, newest first: those older than `before`, or the newest.
    public func entries(before: Int64? = nil, limit: Int) async throws(IdentityError) -> [AuditEntry] {
        do throws(WriteFailure) {
            return try await writer.write { database in
                try database.all(
                    """
                    SELECT id, time, actor, action, subject, detail FROM audit WHERE id < ?
                    ORDER BY id DESC LIMIT ?
                    """, before ?? .max, limit
                ) { row in
                    AuditEntry(
                        id: try row.integer(0), time: try row.integer(1), actor: try row.text(2),
                        action: try row.text(3), subject: try row.text(4), detail: try row.text(5))
                }
            }
        } catch {
            throw .storage("the audit trail cannot be read: \(error)")
        }
    }
}
