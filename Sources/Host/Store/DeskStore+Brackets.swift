internal import Journal
internal import Trading
internal import Wire

/// Brackets in the journal: as events, as rows, and read back.
extension DeskStore {
    private static let bracketUpdate = """
        UPDATE desk_brackets SET stop_loss = ?, take_profit = ?, status = ?, armed = ?, closed = ?,
            closed_before = ?, released = ?, leg = ?, exit_order = ?, reason = ?, updated_at = ?, is_live = ?
        WHERE id = ?
        """
    private static let bracketInsert = """
        INSERT INTO desk_brackets (\(Bracket.columns), is_live, owner)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \(owner))
        """

    static func write(_ bracket: Bracket, in database: Database) throws {
        let changed = try database.run(
            bracketUpdate, bracket.prices.stopLoss, bracket.prices.takeProfit, bracket.status.rawValue,
            bracket.armed, bracket.closed, bracket.closedBefore, bracket.released, bracket.leg?.rawValue,
            bracket.exit?.number, bracket.reason, bracket.updatedAt, bracket.status.isLive,
            bracket.id.number)
        guard changed == 0 else { return }
        try database.run(
            bracketInsert, bracket.id.number, bracket.key.strategy.text, bracket.key.account.text,
            bracket.key.symbol, bracket.run.text, bracket.request.text, bracket.hasEntry,
            bracket.side.rawValue, bracket.prices.stopLoss, bracket.prices.takeProfit,
            bracket.status.rawValue, bracket.armed, bracket.closed, bracket.closedBefore, bracket.released,
            bracket.leg?.rawValue, bracket.exit?.number, bracket.reason, bracket.createdAt,
            bracket.updatedAt, bracket.status.isLive, bracket.key.strategy.text)
    }

    /// Every bracket that waits or works, and so many that are over.
    static func brackets(recent: Int, in database: Database) throws -> [Bracket] {
        try database.all(
            """
            SELECT \(Bracket.columns) FROM desk_brackets WHERE is_live = 1
            UNION ALL
            SELECT * FROM (
                SELECT \(Bracket.columns) FROM desk_brackets WHERE is_live = 0 ORDER BY id DESC LIMIT ?)
            """, recent, read: Bracket.init(row:))
    }

    /// A strategy's brackets, newest first.
    func brackets(of strategy: String, page: PageRequest) throws(HostError) -> Page<Bracket> {
        let before = try page.deskCursor()
        let brackets = try read { database in
            try database.all(
                """
                SELECT \(Bracket.columns) FROM desk_brackets WHERE strategy = ? AND id < ?
                ORDER BY id DESC LIMIT ?
                """, strategy, before, page.limit + 1, read: Bracket.init(row:))
        }
        return brackets.page(limit: page.limit) { $0.id.number }
    }
}

extension Bracket {
    /// The columns that ``init(row:)`` reads, in its order.
    static let columns = """
        id, strategy, account, symbol, run, request, has_entry, side, stop_loss, take_profit, status, armed,
        closed, closed_before, released, leg, exit_order, reason, created_at, updated_at
        """

    init(row: borrowing Row) throws {
        var leg: Leg?
        if let text = try row.optionalText(15) {
            guard let known = Leg(rawValue: text) else {
                throw DeskStoreFailure.unreadable("bracket \(try row.integer(0)) has the leg \"\(text)\"")
            }
            leg = known
        }
        self.init(
            id: OrderID(try row.integer(0)), key: try row.ledgerKey(1), run: RunID(try row.text(4)),
            request: RequestID(try row.text(5)), hasEntry: try row.bool(6), side: try row.choice(7),
            prices: BracketPrices(
                stopLoss: try row.optionalDecimal(8), takeProfit: try row.optionalDecimal(9)),
            status: try row.choice(10), armed: try row.decimal(11), closed: try row.decimal(12),
            closedBefore: try row.decimal(13), released: try row.decimal(14), leg: leg,
            exit: try row.optionalInteger(16).map { OrderID($0) }, reason: try row.optionalText(17),
            createdAt: try row.time(18), updatedAt: try row.time(19))
    }

    func write(to writer: inout DeskEventWriter) {
        writer.add("id", id.number)
        key.write(to: &writer)
        writer.add("run", run.text)
        writer.add("request", request.text)
        writer.add("has_entry", hasEntry)
        writer.add("side", side.rawValue)
        writer.add("stop_loss", prices.stopLoss)
        writer.add("take_profit", prices.takeProfit)
        writer.add("status", status.rawValue)
        writer.add("armed", armed)
        writer.add("closed", closed)
        writer.add("closed_before", closedBefore)
        writer.add("released", released)
        writer.add("leg", leg?.rawValue)
        if let exit { writer.add("exit_order", exit.number) }
        writer.add("reason", reason)
        writer.add("created_at", createdAt)
        writer.add("updated_at", updatedAt)
    }

    init(desk reader: inout ObjectReader) throws {
        let exit = try reader.optionalInteger("exit_order")
        self.init(
            id: OrderID(Int64(try reader.integer("id"))), key: try LedgerKey(desk: &reader),
            run: RunID(try reader.string("run")), request: RequestID(try reader.string("request")),
            hasEntry: try reader.bool("has_entry"), side: try reader.choice("side"),
            prices: BracketPrices(
                stopLoss: try reader.optionalDecimal("stop_loss"),
                takeProfit: try reader.optionalDecimal("take_profit")),
            status: try reader.choice("status"), armed: try reader.decimal("armed"),
            closed: try reader.decimal("closed"), closedBefore: try reader.decimal("closed_before"),
            released: try reader.decimal("released"), leg: try reader.optionalChoice("leg"),
            exit: exit.map { OrderID(Int64($0)) },
            reason: try reader.optionalString("reason", bytes: 1 << 16),
            createdAt: try reader.deskTime("created_at"), updatedAt: try reader.deskTime("updated_at"))
    }
}
