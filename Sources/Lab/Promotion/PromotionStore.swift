public import Journal
public import Trading
public import Wire

/// The tables of promotion: criteria, packages, who promoted what, reviews, deployments.
///
/// Every function works on the connection it is given, as those of the catalogue do. What happened is never taken away:
/// a demotion ends a promotion and leaves it readable.
public enum PromotionStore {
    /// The schema. A package can be added and read; the database itself refuses to change one.
    public static let migrations = MigrationSet(
        name: "promotion",
        [
            Migration(
                1, "Add criteria, packages, promotions, reviews, deployments",
                """
                CREATE TABLE promotion_criteria (
                    id INTEGER PRIMARY KEY CHECK (id = 1), criteria TEXT NOT NULL, changed_at INTEGER NOT NULL,
                    changed_by TEXT NOT NULL
                ) STRICT;
                CREATE TABLE promotion_packages (
                    hash TEXT PRIMARY KEY, strategy TEXT NOT NULL, version TEXT NOT NULL,
                    manifest TEXT NOT NULL, made_at INTEGER NOT NULL, made_by TEXT NOT NULL
                ) STRICT;
                CREATE TRIGGER promotion_packages_stay BEFORE UPDATE ON promotion_packages
                    BEGIN SELECT raise(ABORT, 'a package never changes'); END;
                CREATE TRIGGER promotion_packages_remain BEFORE DELETE ON promotion_packages
                    BEGIN SELECT raise(ABORT, 'a package is never removed'); END;
                CREATE TABLE promotions (
                    id INTEGER PRIMARY KEY, package TEXT NOT NULL REFERENCES promotion_packages (hash),
                    strategy TEXT NOT NULL, version TEXT NOT NULL, stage TEXT NOT NULL,
                    checklist TEXT NOT NULL, promoted_at INTEGER NOT NULL, promoted_by TEXT NOT NULL,
                    ended_at INTEGER, ended_by TEXT, reason TEXT
                ) STRICT;
                CREATE UNIQUE INDEX promotions_in_force ON promotions (package, stage) WHERE ended_at IS NULL;
                CREATE INDEX promotions_by_strategy ON promotions (strategy, id);
                CREATE TABLE promotion_reviews (
                    id INTEGER PRIMARY KEY, strategy TEXT NOT NULL, version TEXT NOT NULL,
                    reviewer TEXT NOT NULL, approves INTEGER NOT NULL, note TEXT NOT NULL,
                    time INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX promotion_reviews_by_version ON promotion_reviews (strategy, version, id);
                CREATE TABLE deployments (
                    id INTEGER PRIMARY KEY, package TEXT NOT NULL REFERENCES promotion_packages (hash),
                    strategy TEXT NOT NULL, runs_as TEXT NOT NULL, owner TEXT NOT NULL,
                    account TEXT NOT NULL, feed TEXT NOT NULL, capital TEXT NOT NULL,
                    deployed_at INTEGER NOT NULL, deployed_by TEXT NOT NULL, ended_at INTEGER, ended_by TEXT
                ) STRICT;
                CREATE UNIQUE INDEX deployments_in_force ON deployments (runs_as) WHERE ended_at IS NULL;
                """)
        ])

    // MARK: - Criteria

    /// The criteria that an operator has set; nil while the standard holds.
    public static func criteria(in database: Database) throws -> PromotionCriteria? {
        let text = try database.first("SELECT criteria FROM promotion_criteria") { try $0.text(0) }
        return try text.map {
            try PromotionCriteria(paper: [], live: []).changed(by: try JSONParser.parse($0))
        }
    }

    /// Writes the criteria.
    public static func set(
        _ criteria: PromotionCriteria, by user: String, at time: Timestamp, in database: Database
    ) throws {
        try database.run(
            """
            INSERT INTO promotion_criteria VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
                criteria = excluded.criteria, changed_at = excluded.changed_at, changed_by = excluded.changed_by
            """, criteria.json.text, time, user)
    }

    // MARK: - Packages

    /// Keeps a package. One that is there already stays as it is, which is the same.
    public static func add(
        _ package: PromotionPackage, by user: String, at time: Timestamp, in database: Database
    ) throws {
        try database.run(
            "INSERT OR IGNORE INTO promotion_packages VALUES (?, ?, ?, ?, ?, ?)", package.hash,
            package.strategy, package.version, package.manifest.text, time, user)
    }

    /// A package by its hash; nil when there is none.
    ///
    /// - Throws: ``PromotionStoreFailure/altered(package:)`` when what is kept is not what the hash is of.
    public static func package(_ hash: String, in database: Database) throws -> PromotionPackage? {
        let text = try database.first("SELECT manifest FROM promotion_packages WHERE hash = ?", hash) {
            try $0.text(0)
        }
        guard let text else { return nil }
        let package = try PromotionPackage(manifest: try JSONParser.parse(text))
        guard package.hash == hash else { throw PromotionStoreFailure.altered(package: hash) }
        return package
    }

    /// The hashes of packages that begin like this, at most two.
    public static func packages(beginning text: String, in database: Database) throws -> [String] {
        try database.all(
            "SELECT hash FROM promotion_packages WHERE substr(hash, 1, length(?1)) = ?1 LIMIT 2", text
        ) { try $0.text(0) }
    }

    // MARK: - Promotions

    /// Writes that a package has passed the gate in front of `stage`.
    public static func promote(
        _ package: PromotionPackage, to stage: PromotionStage, checklist: JSONValue, by user: String,
        at time: Timestamp, in database: Database
    ) throws {
        try database.run(
            """
            INSERT INTO promotions (package, strategy, version, stage, checklist, promoted_at, promoted_by)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """, package.hash, package.strategy, package.version, stage.rawValue, checklist.text, time, user)
    }

    /// Ends promotions.
    public static func end(
        _ promotions: [Promotion], reason: String, by user: String, at time: Timestamp, in database: Database
    ) throws {
        for promotion in promotions {
            try database.run(
                "UPDATE promotions SET ended_at = ?, ended_by = ?, reason = ? WHERE id = ? AND ended_at IS NULL",
                time, user, reason, promotion.id)
        }
    }

    /// A strategy's promotions, the newest first, those that were ended among them; nil for every strategy's.
    public static func promotions(of strategy: String?, in database: Database) throws -> [Promotion] {
        try database.all(
            """
            SELECT id, package, strategy, version, stage, promoted_at, promoted_by, ended_at, ended_by, reason
            FROM promotions WHERE ?1 IS NULL OR strategy = ?1 ORDER BY id DESC LIMIT 1000
            """, strategy
        ) { row in
            let ended: Promotion.End? =
                row.isNull(7)
                ? nil
                : Promotion.End(
                    time: try row.time(7), by: try row.optionalText(8) ?? "",
                    reason: try row.optionalText(9) ?? "")
            return Promotion(
                id: try row.integer(0), package: try row.text(1), strategy: try row.text(2),
                version: try row.text(3), stage: try row.choice(4), time: try row.time(5),
                by: try row.text(6), end: ended)
        }
    }

    // MARK: - Reviews

    /// Writes what an operator says of a version.
    public static func add(
        _ review: PromotionReview, of strategy: String, version: String, in database: Database
    ) throws {
        try database.run(
            """
            INSERT INTO promotion_reviews (strategy, version, reviewer, approves, note, time)
            VALUES (?, ?, ?, ?, ?, ?)
            """, strategy, version, review.reviewer, review.approves, review.note, review.time)
    }

    /// What was said of a version, the oldest first.
    public static func reviews(
        of strategy: String, version: String, in database: Database
    ) throws -> [PromotionReview] {
        try database.all(
            """
            SELECT reviewer, approves, note, time FROM promotion_reviews WHERE strategy = ? AND version = ?
            ORDER BY id LIMIT 1000
            """, strategy, version
        ) { row in
            PromotionReview(
                reviewer: try row.text(0), approves: try row.bool(1), note: try row.text(2),
                time: try row.time(3))
        }
    }

    // MARK: - Deployments

    /// Writes a deployment and gives it its number.
    public static func add(_ deployment: Deployment, in database: Database) throws -> Deployment {
        try database.run(
            """
            INSERT INTO deployments
                (package, strategy, runs_as, owner, account, feed, capital, deployed_at, deployed_by)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, deployment.package, deployment.strategy, deployment.runsAs, deployment.owner,
            deployment.account, deployment.feed, deployment.capital, deployment.time, deployment.by)
        var numbered = deployment
        numbered.id = database.lastInsertedRow
        return numbered
    }

    /// Ends a deployment.
    public static func endDeployment(
        _ id: Int64, by user: String, at time: Timestamp, in database: Database
    ) throws {
        try database.run(
            "UPDATE deployments SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL", time, user,
            id)
    }

    /// Deployments, the newest first: all, or those that have not ended.
    public static func deployments(onlyInForce: Bool, in database: Database) throws -> [Deployment] {
        try database.all(
            """
            SELECT id, package, strategy, runs_as, owner, account, feed, capital, deployed_at, deployed_by,
                ended_at, ended_by
            FROM deployments WHERE ? = 0 OR ended_at IS NULL ORDER BY id DESC LIMIT 1000
            """, onlyInForce
        ) { row in
            var deployment = Deployment(
                package: try row.text(1), strategy: try row.text(2), runsAs: try row.text(3),
                owner: try row.text(4), account: try row.text(5), feed: try row.text(6),
                capital: try row.decimal(7), time: try row.time(8), by: try row.text(9))
            deployment.id = try row.integer(0)
            deployment.endedAt = try row.optionalTime(10)
            deployment.endedBy = try row.optionalText(11)
            return deployment
        }
    }
}

/// Why a package is not given out.
public enum PromotionStoreFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Somebody changed the database by hand.
    case altered(package: String)

    /// The reason in words.
    public var description: String {
        switch self {
        case .altered(let hash): "package \(hash.prefix(16)) is not what it was when it was made"
        }
    }
}

/// A package's way through one gate.
public struct Promotion: Hashable, Sendable {
    /// How it ended.
    public struct End: Hashable, Sendable {
        public let time: Timestamp
        public let by: String
        public let reason: String
    }

    public let id: Int64
    /// The package's hash.
    public let package: String
    public let strategy: String
    public let version: String
    public let stage: PromotionStage
    public let time: Timestamp
    public let by: String
    /// Nil while it is in force.
    public let end: End?

    /// Whether it still holds.
    public var isInForce: Bool { end == nil }
}

/// A package on an account.
public struct Deployment: Hashable, Sendable {
    /// Given when it is kept.
    public var id: Int64 = 0
    /// The package's hash.
    public let package: String
    /// The strategy that the package is of.
    public let strategy: String
    /// The strategy on the floor that runs it: the same, or a copy made to run beside it.
    public let runsAs: String
    public let owner: String
    public let account: String
    public let feed: String
    /// In the account's currency.
    public let capital: FixedDecimal
    public let time: Timestamp
    public let by: String
    /// Nil while it is in force.
    public var endedAt: Timestamp?
    public var endedBy: String?

    /// Describes a deployment.
    public init(
        package: String, strategy: String, runsAs: String, owner: String, account: String, feed: String,
        capital: FixedDecimal, time: Timestamp, by: String
    ) {
        self.package = package
        self.strategy = strategy
        self.runsAs = runsAs
        self.owner = owner
        self.account = account
        self.feed = feed
        self.capital = capital
        self.time = time
        self.by = by
    }
}
