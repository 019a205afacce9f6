internal import Journal
internal import Trading

/// Halts and the closing of positions, as rows.
extension DeskStore {
    /// The scopes of the halts that are in force for a sub-ledger, whose three columns stand before; that of any venue
    /// counts.
    private static let covering = """
        SELECT 1 FROM desk_halts
        WHERE scope IN ('everything', 'account:' || account, 'strategy:' || strategy) OR scope LIKE 'venue:%'
        """

    /// Lifts a halt, and forgets how closings ended that no other halt covers.
    static func resume(_ scope: RiskScope, in database: Database) throws {
        try database.run("DELETE FROM desk_halts WHERE scope = ?", scope.key)
        try database.run("DELETE FROM desk_flattened WHERE NOT EXISTS (\(covering))")
    }

    static func beginFlatten(_ key: LedgerKey, at time: Timestamp, in database: Database) throws {
        try database.run(
            "INSERT OR REPLACE INTO desk_flattening VALUES (?, ?, ?, ?)", key.strategy.text,
            key.account.text, key.symbol, time)
        try database.run(
            "DELETE FROM desk_flattened WHERE strategy = ? AND account = ? AND symbol = ?",
            key.strategy.text, key.account.text, key.symbol)
    }

    /// Ends a closing, and keeps how while a halt covers it.
    static func endFlatten(
        _ key: LedgerKey, reason: String, at time: Timestamp, in database: Database
    ) throws {
        try database.run(
            "DELETE FROM desk_flattening WHERE strategy = ? AND account = ? AND symbol = ?",
            key.strategy.text, key.account.text, key.symbol)
        try database.run(
            """
            INSERT OR REPLACE INTO desk_flattened
            SELECT strategy, account, ?3, ?4, ?5 FROM (SELECT ?1 AS strategy, ?2 AS account)
            WHERE EXISTS (\(covering))
            """, key.strategy.text, key.account.text, key.symbol, reason, time)
    }

    static func outcomes(in database: Database) throws -> [LedgerKey: FlattenOutcome] {
        var outcomes: [LedgerKey: FlattenOutcome] = [:]
        try database.forEach("SELECT strategy, account, symbol, reason, ended_at FROM desk_flattened") {
            row in
            outcomes[try row.ledgerKey(0)] = FlattenOutcome(reason: try row.text(3), time: try row.time(4))
            return true
        }
        return outcomes
    }
}
