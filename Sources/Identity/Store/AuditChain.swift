internal import Journal
internal import Posix

/// The hash chain that holds the audit trail together.
///
/// A record's hash is SHA-256 over the hash of the record before it and the record itself: number and time as 64-bit
/// integers, then actor, action, subject and detail, each as its length in bytes (32 bits) and its UTF-8; integers have
/// the most significant byte first. What stands before the first record is ``beginning``.
enum AuditChain {
    /// What the first record's hash is made over in place of a hash before it.
    static let beginning = SHA256Digest.of(Array("bullpen audit chain 1".utf8))

    /// A record's hash.
    static func hash(
        after previous: [UInt8], id: Int64, time: Int64, _ actor: [UInt8], _ action: [UInt8],
        _ subject: [UInt8], _ detail: [UInt8]
    ) -> [UInt8] {
        var bytes = previous
        for number in [id, time] { bytes += bigEndian(number) }
        for text in [actor, action, subject, detail] {
            bytes += bigEndian(UInt32(text.count))
            bytes += text
        }
        return SHA256Digest.of(bytes)
    }

    private static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        stride(from: number.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    /// Where the chain ends: the last record's number and hash.
    struct End: Hashable, Sendable {
        var last: Int64
        var hash: [UInt8]
    }

    /// Where the chain ends, as the database says; nil when it does not say.
    static func end(in database: Database) throws(DatabaseFailure) -> End? {
        try database.rows("SELECT last, hash FROM audit_head") { row throws(DatabaseFailure) in
            End(last: try row.integer(0), hash: try row.blob(1))
        }.first
    }

    /// Puts a record behind the last one.
    static func append(
        _ time: Int64, _ actor: String, _ action: String, _ subject: String, _ detail: String,
        in database: Database
    ) throws(DatabaseFailure) {
        guard let end = try end(in: database) else {
            throw DatabaseFailure(
                code: .unexpectedValue, reason: "the end of the audit trail is gone", path: database.path)
        }
        let id = end.last + 1
        let hash = hash(
            after: end.hash, id: id, time: time, Array(actor.utf8), Array(action.utf8), Array(subject.utf8),
            Array(detail.utf8))
        try database.run(
            "INSERT INTO audit (id, time, actor, action, subject, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
            id, time, actor, action, subject, detail, hash)
        try database.run("UPDATE audit_head SET last = ?, hash = ?", id, hash)
    }

    /// Chains the records that were written before there was a chain, and says so in the trail.
    static let adoption = MigrationWork("chain what was written before 1") {
        database throws(DatabaseFailure) in
        try database.run("INSERT INTO audit_head (one, last, hash) VALUES (1, 0, ?)", beginning)
        var (count, last) = (0, Int64.min)
        while true {
            let records = try database.rows(
                "SELECT id, time, actor, action, subject, detail FROM audit_before WHERE id > ? "
                    + "ORDER BY id LIMIT 1000", values: [last]
            ) { row throws(DatabaseFailure) in
                AuditEntry(
                    id: try row.integer(0), time: try row.integer(1), actor: try row.text(2),
                    action: try row.text(3), subject: try row.text(4), detail: try row.text(5), hash: "")
            }
            guard let newest = records.last?.id else { break }
            for record in records {
                try append(
                    record.time, record.actor, record.action, record.subject, record.detail, in: database)
            }
            (count, last) = (count + records.count, newest)
        }
        try database.run(script: "DROP TABLE audit_before")
        guard count > 0 else { return }
        let numbers = last == Int64(count) ? "" : "; they were numbered up to \(last) and are numbered anew"
        try append(
            WallClock.milliseconds, "host", "audit.chain", "",
            "\(count) records from before are chained as they stood then: what was done to them earlier "
                + "cannot be known\(numbers)", in: database)
    }
}
