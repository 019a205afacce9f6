import Journal
public import Trading
import Wire

/// What somebody noted about a strategy of the catalogue.
public struct AlgorithmNotes: Hashable, Sendable {
    /// At most 16 KiB of text.
    public var notes: String
    /// At most 20 words of at most 40 bytes each.
    public var tags: [String]

    /// Notes; without arguments there are none.
    public init(notes: String = "", tags: [String] = []) {
        self.notes = notes
        self.tags = tags
    }
}

/// How far a version of a strategy has come.
public enum VersionStatus: String, Hashable, Sendable, CaseIterable {
    /// It is tried out.
    case lab
    /// It has met what is asked of it and may be deployed.
    case deployable
    /// It is deployed.
    case deployed
}

/// How a version stands in the Lab.
public struct VersionStanding: Hashable, Sendable {
    public var status: VersionStatus
    /// At most 4 KiB of text.
    public var notes: String
    /// When and by whom the status was changed last; nil when it never was.
    public var changedAt: Timestamp?
    public var changedBy: String?

    /// A version as it begins.
    public init(
        status: VersionStatus = .lab, notes: String = "", changedAt: Timestamp? = nil,
        changedBy: String? = nil
    ) {
        self.status = status
        self.notes = notes
        self.changedAt = changedAt
        self.changedBy = changedBy
    }
}

/// What is known of a strategy in the Lab, beside what the catalogue has.
public struct AlgorithmRecord: Hashable, Sendable {
    public var notes = AlgorithmNotes()
    /// By version; versions of which nothing is noted are absent.
    public var standings: [String: VersionStanding] = [:]
    /// How many runs of it there are.
    public var runs = 0

    /// How a version stands.
    public func standing(of version: String) -> VersionStanding { standings[version] ?? VersionStanding() }
}

/// Algorithms.
extension LabStore {
    /// What is known of each strategy; of those absent nothing is.
    public func algorithms() throws(LabFailure) -> [String: AlgorithmRecord] {
        try read { try Self.records(nil, in: $0) }
    }

    /// What is known of one strategy.
    public func algorithm(_ id: String) throws(LabFailure) -> AlgorithmRecord {
        try read { try Self.records(id, in: $0)[id] ?? AlgorithmRecord() }
    }

    /// Writes notes and tags.
    public func set(
        _ notes: AlgorithmNotes, of algorithm: String, by user: String, at now: Timestamp
    ) async throws(LabFailure) {
        let tags = JSONValue.array(notes.tags.map { .string($0) }).text
        try await change { database in
            _ = try database.run(
                "INSERT OR REPLACE INTO algorithms (id, notes, tags, changed_at, changed_by) VALUES (?, ?, ?, ?, ?)",
                algorithm, notes.notes, tags, now, user)
        }
    }

    /// Writes how a version stands. Whether it may is the caller's to decide.
    public func set(
        _ status: VersionStatus, of version: String, of algorithm: String, by user: String, at now: Timestamp
    ) async throws(LabFailure) {
        try await change { database in
            _ = try database.run(
                """
                INSERT INTO algorithm_versions (algorithm, version, status, notes, changed_at, changed_by)
                VALUES (?, ?, ?, '', ?, ?)
                ON CONFLICT (algorithm, version) DO UPDATE SET status = excluded.status,
                    changed_at = excluded.changed_at, changed_by = excluded.changed_by
                """, algorithm, version, status.rawValue, now, user)
        }
    }

    /// Writes a version's notes.
    public func set(
        notes: String, of version: String, of algorithm: String, by user: String, at now: Timestamp
    ) async throws(LabFailure) {
        try await change { database in
            _ = try database.run(
                """
                INSERT INTO algorithm_versions (algorithm, version, status, notes, changed_at, changed_by)
                VALUES (?, ?, 'lab', ?, ?, ?)
                ON CONFLICT (algorithm, version) DO UPDATE SET notes = excluded.notes
                """, algorithm, version, notes, now, user)
        }
    }

    /// Forgets everything about a strategy that is no more, its runs included.
    public func forget(algorithm: String) async throws(LabFailure) {
        try await change { database in
            try database.run("DELETE FROM algorithms WHERE id = ?", algorithm)
            try database.run("DELETE FROM algorithm_versions WHERE algorithm = ?", algorithm)
            try database.run(
                "DELETE FROM backtests WHERE algorithm = ? AND state NOT IN ('queued', 'running')", algorithm)
        }
    }

    private static func records(
        _ id: String?, in database: Database
    ) throws -> [String: AlgorithmRecord] {
        var records: [String: AlgorithmRecord] = [:]
        let values: [any SQLBindable] = id.map { [$0] } ?? []
        func condition(_ column: String) -> String { id == nil ? "1" : "\(column) = ?" }
        try database.forEach(
            "SELECT id, notes, tags FROM algorithms WHERE \(condition("id"))", values: values
        ) { row in
            let tags = try JSONParser.parse(try row.text(2)).arrayValue ?? []
            records[try row.text(0), default: AlgorithmRecord()].notes = AlgorithmNotes(
                notes: try row.text(1), tags: tags.compactMap(\.stringValue))
            return true
        }
        try database.forEach(
            """
            SELECT algorithm, version, status, notes, changed_at, changed_by FROM algorithm_versions
            WHERE \(condition("algorithm"))
            """, values: values
        ) { row in
            let standing = VersionStanding(
                status: try row.choice(2), notes: try row.text(3), changedAt: try row.time(4),
                changedBy: try row.text(5))
            records[try row.text(0), default: AlgorithmRecord()].standings[try row.text(1)] = standing
            return true
        }
        try database.forEach(
            """
            SELECT algorithm, count(*) FROM backtests WHERE study IS NULL AND \(condition("algorithm"))
            GROUP BY algorithm
            """, values: values
        ) { row in
            records[try row.text(0), default: AlgorithmRecord()].runs = try row.int(1)
            return true
        }
        return records
    }
}
