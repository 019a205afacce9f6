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
    /// Its link of the chain, over it and the entry before: 64 lower-case hexadecimal digits.
    public let hash: String

    /// Describes an entry.
    public init(
        id: Int64, time: Int64, actor: String, action: String, subject: String, detail: String, hash: String
    ) {
        self.id = id
        self.time = time
        self.actor = actor
        self.action = action
        self.subject = subject
        self.detail = detail
        self.hash = hash
    }
}

/// Who did what, and when. Entries are never changed or removed: the database refuses it, and every entry carries a hash
/// over itself and the one before, see ``AuditVerification``.
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

    /// Adds an entry inside a transaction of the caller's, so that it stands exactly when the change does. The caller must
    /// be the one who writes at that moment, as in every transaction that may write.
    public static func insert(
        _ database: Database, _ time: Int64, _ actor: String, _ action: String, _ subject: String,
        _ detail: String
    ) throws(DatabaseFailure) {
        try AuditChain.append(
            time, actor, action, String(subject.prefix(256)), String(detail.prefix(detailLimit)),
            in: database)
    }

    /// Entries, newest first: those older than `before`, or the newest.
    public func entries(before: Int64? = nil, limit: Int) async throws(IdentityError) -> [AuditEntry] {
        do throws(WriteFailure) {
            return try await writer.write { database in
                try database.all(
                    """
                    SELECT id, time, actor, action, subject, detail, hash FROM audit WHERE id < ?
                    ORDER BY id DESC LIMIT ?
                    """, before ?? .max, limit
                ) { row in
                    AuditEntry(
                        id: try row.integer(0), time: try row.integer(1), actor: try row.text(2),
                        action: try row.text(3), subject: try row.text(4), detail: try row.text(5),
                        hash: Hexadecimal.text(try row.blob(6)))
                }
            }
        } catch {
            throw .storage("the audit trail cannot be read: \(error)")
        }
    }

    /// Where the trail ends now, with everything that was recorded before the call.
    public func head() async throws(IdentityError) -> AuditHead {
        let end: AuditChain.End?
        do throws(WriteFailure) {
            end = try await writer.write { try AuditChain.end(in: $0) }
        } catch {
            throw .storage("the audit trail cannot be read: \(error)")
        }
        guard let end else { throw .storage("where the audit trail ends is not written any more") }
        return AuditHead(end)
    }

    /// Looks whether the trail, or a part of it, is what was written. It reads beside the writer, on the calling thread,
    /// some 300,000 records a second.
    ///
    /// - Parameters:
    ///   - after: Begins behind this record; nil begins at the first.
    ///   - limit: The most records that are looked at.
    ///   - wanted: A hash to look for, see ``AuditVerification/isHash(_:)``.
    public func verify(
        after: Int64? = nil, limit: Int, wanted: String? = nil
    ) throws(IdentityError) -> AuditVerification {
        do {
            return try AuditVerification.run(path: writer.path, after: after, limit: limit, wanted: wanted)
        } catch {
            throw .storage("the audit trail cannot be read: \(error)")
        }
    }
}
