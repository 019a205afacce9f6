internal import Journal

/// Where the audit trail ends: keep it elsewhere, and whoever changes the trail later can be found out.
public struct AuditHead: Hashable, Sendable {
    /// The last record's number; nought when there is none.
    public let record: Int64
    /// Its hash, in 64 lower-case hexadecimal digits.
    public let hash: String

    init(_ end: AuditChain.End) {
        record = end.last
        hash = Hexadecimal.text(end.hash)
    }
}

/// What looking through the audit trail, or through a part of it, found.
public struct AuditVerification: Hashable, Sendable {
    /// The first place at which the trail is not what was written.
    public struct Flaw: Hashable, Sendable, CustomStringConvertible {
        /// The record's number, or that of the record that is missing.
        public let record: Int64
        /// What is wrong with it, in words.
        public let reason: String

        /// The record and the reason.
        public var description: String { "record \(record) \(reason)" }
    }

    /// How many records were looked at and are as they were written.
    public internal(set) var checked = 0
    /// The record to go on after; nil when the end was reached or something is broken.
    public internal(set) var next: Int64?
    /// What is broken first; nil when nothing is.
    public internal(set) var flaw: Flaw?
    /// Where the trail ends, as the database says.
    public internal(set) var head: AuditHead
    /// The record that has the hash that was looked for; nil when none of those looked at has it.
    public internal(set) var found: Int64?

    /// Looks through the trail of the database at `path`, which a host may be using.
    ///
    /// Whoever owns the file can write another trail that is whole in itself. That is found out by a hash that was kept
    /// elsewhere, and by nothing else: a trail that holds it is, up to that record, the trail of that time.
    ///
    /// - Parameters:
    ///   - after: Begins behind this record, whose hash is taken as it stands; nil begins at the first.
    ///   - limit: The most records that are looked at; nil for all.
    ///   - wanted: A hash to look for, in 64 hexadecimal digits; see ``isHash(_:)``.
    /// - Throws: ``DatabaseFailure`` when the database cannot be read or holds no chain.
    public static func run(
        path: String, after: Int64? = nil, limit: Int? = nil, wanted: String? = nil
    ) throws -> AuditVerification {
        let readers = try DatabaseReaders(path: path, count: 1)
        defer { readers.close() }
        return try readers.read {
            try run(in: $0, after: after, limit: limit ?? .max, wanted: wanted?.lowercased())
        }
    }

    /// Whether a text has the form of a hash.
    public static func isHash(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0)
            }
    }

    // MARK: - Looking

    private struct Record {
        var id: Int64
        var time: Int64
        var texts: [[UInt8]]
        var hash: [UInt8]
    }

    /// How many records are in memory at a time.
    private static let step = 1_000

    /// The same over a connection of the caller's.
    static func run(
        in database: Database, after: Int64? = nil, limit: Int = .max, wanted: String? = nil
    ) throws(DatabaseFailure) -> AuditVerification {
        guard let end = try AuditChain.end(in: database) else {
            var lost = AuditVerification(head: AuditHead(.init(last: 0, hash: AuditChain.beginning)))
            lost.flaw = Flaw(record: 0, reason: "and all others are in doubt: where the chain ends is gone")
            return lost
        }
        var result = AuditVerification(head: AuditHead(end))
        var previous = AuditChain.End(last: 0, hash: AuditChain.beginning)
        if let after {
            let hash = try database.rows("SELECT hash FROM audit WHERE id = ?", values: [after]) {
                row throws(DatabaseFailure) in try row.blob(0)
            }.first
            guard let hash else {
                result.flaw = Flaw(record: after, reason: "is missing")
                return result
            }
            previous = .init(last: after, hash: hash)
        }
        // Numbers count from 1: what stands below was never written by a host.
        var from = after ?? .min
        while true {
            let count = min(step, limit - result.checked)
            guard count > 0 else {
                result.next = previous.last
                return result
            }
            let records = try read(after: from, count, in: database)
            for record in records {
                if let flaw = flaw(in: record, after: previous) {
                    result.flaw = flaw
                    return result
                }
                previous = .init(last: record.id, hash: record.hash)
                from = record.id
                result.checked += 1
                if let wanted, Hexadecimal.text(record.hash) == wanted { result.found = record.id }
            }
            guard records.count == count else { break }
        }
        if previous != end { result.flaw = endFlaw(previous, end) }
        return result
    }

    private static func read(
        after: Int64, _ count: Int, in database: Database
    ) throws(DatabaseFailure) -> [Record] {
        // As bytes: text that is no UTF-8 any more would read as something else.
        try database.rows(
            """
            SELECT id, time, CAST(actor AS BLOB), CAST(action AS BLOB), CAST(subject AS BLOB),
                CAST(detail AS BLOB), hash
            FROM audit WHERE id > ? ORDER BY id LIMIT ?
            """, values: [after, count]
        ) { row throws(DatabaseFailure) in
            var texts: [[UInt8]] = []
            for column in 2...5 { texts.append(try row.blob(column)) }
            return Record(
                id: try row.integer(0), time: try row.integer(1), texts: texts, hash: try row.blob(6))
        }
    }

    private static func flaw(in record: Record, after previous: AuditChain.End) -> Flaw? {
        guard record.id >= previous.last + 1 else {
            return Flaw(record: record.id, reason: "was put in: numbers count from 1")
        }
        guard record.id == previous.last + 1 else {
            return Flaw(
                record: previous.last + 1,
                reason: "is missing: \(record.id) follows \(previous.last)")
        }
        let texts = record.texts
        let hash = AuditChain.hash(
            after: previous.hash, id: record.id, time: record.time, texts[0], texts[1], texts[2], texts[3])
        guard hash == record.hash else {
            return Flaw(
                record: record.id,
                reason: "is not what was written: its hash does not follow from it and the record before")
        }
        return nil
    }

    private static func endFlaw(_ found: AuditChain.End, _ end: AuditChain.End) -> Flaw {
        if found.last < end.last {
            return Flaw(
                record: found.last + 1,
                reason: "is missing, with all that followed: the chain went on to \(end.last)")
        }
        if found.last > end.last {
            return Flaw(record: end.last + 1, reason: "was put in: the chain ended at \(end.last)")
        }
        return Flaw(record: found.last, reason: "does not have the hash with which the chain ended")
    }
}
