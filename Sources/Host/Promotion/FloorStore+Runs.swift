internal import Journal
internal import Trading
internal import Wire

/// A run as the journal keeps it.
struct RunRecord: Hashable, Sendable {
    var id: String
    var strategy: String
    var owner: String
    var version: String
    var feed: String
    var account: String
    var capital: FixedDecimal
    /// All of them, as the run was told them.
    var parameters: JSONValue
    var startedAt: Timestamp
    /// Nil while it is under way.
    var endedAt: Timestamp?
    var cause: String?
    /// How many fills its orders have had.
    var fills: Int
}

/// Runs, read back.
extension FloorStore {
    /// One run, or nil.
    func run(_ id: String) throws(HostError) -> RunRecord? {
        try runs("r.id = ?", [id]).first
    }

    /// Runs of a version, the oldest first.
    func runs(of strategy: String, version: String) throws(HostError) -> [RunRecord] {
        try runs("r.strategy = ? AND r.version = ? ORDER BY r.number", [strategy, version])
    }

    /// Runs of a strategy, the newest first.
    func runs(of strategy: String, limit: Int) throws(HostError) -> [RunRecord] {
        try runs("r.strategy = ? ORDER BY r.number DESC LIMIT ?", [strategy, limit])
    }

    private func runs(
        _ condition: String, _ values: [any SQLBindable & Sendable]
    ) throws(HostError) -> [RunRecord] {
        try read { database in
            try database.all(
                """
                SELECT r.id, r.strategy, r.owner, r.version, r.feed, r.account, r.capital, r.parameters,
                    r.started_at, r.ended_at, r.cause,
                    (SELECT count(*) FROM desk_fills f JOIN desk_orders o ON o.id = f.order_id
                     WHERE f.strategy = r.strategy AND o.run = r.id)
                FROM strategy_runs r WHERE \(condition)
                """, values: values
            ) { row in
                RunRecord(
                    id: try row.text(0), strategy: try row.text(1), owner: try row.text(2),
                    version: try row.text(3), feed: try row.text(4), account: try row.text(5),
                    capital: try row.decimal(6), parameters: try JSONParser.parse(try row.text(7)),
                    startedAt: try row.time(8), endedAt: try row.optionalTime(9),
                    cause: try row.optionalText(10), fills: try row.int(11))
            }
        }
    }
}
