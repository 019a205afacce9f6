public import Journal
internal import Posix
public import Trading
internal import Wire

/// The order desk's books in the journal: what happened, appended, and what it came to, in the same transaction.
public final class DeskStore: Sendable {
    private let writer: GroupCommitWriter
    private let readers: DatabaseReaders

    /// How much of the past a start takes into memory.
    public struct Recent: Sendable {
        /// Orders that are over; a request told again within them gets the first answer.
        public var orders: Int
        /// Fills; a trade told again within them is known.
        public var fills: Int

        /// As much as a host takes, unless told otherwise.
        public init(orders: Int = 20_000, fills: Int = 50_000) {
            self.orders = orders
            self.fills = fills
        }
    }

    init(writer: GroupCommitWriter, readers: DatabaseReaders) {
        self.writer = writer
        self.readers = readers
    }

    // MARK: - Writing

    /// Makes events durable, all or none.
    ///
    /// Events of one call, and calls of one moment, share a transaction with whatever else the journal writes.
    ///
    /// - Parameter answer: Called once, with nil when they are durable, in the order of the calls: on the journal's
    ///   thread, or at once on this one when the journal takes nothing more.
    func append(_ events: [DeskEvent], answer: @escaping @Sendable (WriteFailure?) -> Void) {
        let time = Timestamp(milliseconds: WallClock.milliseconds)
        do throws(WriteFailure) {
            try writer.submit {
                try Self.write(events, at: time, in: $0)
            } completion: { result in
                switch result {
                case .success: answer(nil)
                case .failure(let failure): answer(failure)
                }
            }
        } catch {
            answer(error)
        }
    }

    /// How many of the journal's events one step of ``prune(after:before:answer:)`` looks at.
    static let pruneStep: Int64 = 500

    /// Lets go of events that were written before `time`, a few of them: everything that they come to stands in the other
    /// tables, from which alone a host starts. Events of an order are kept, all of them, while it is live or was changed
    /// since, so that its story is whole or gone. The last event stays, for the sake of its number.
    ///
    /// - Parameters:
    ///   - cursor: The number behind which to look.
    ///   - answer: Called once, anywhere, with the number behind which to go on; nil when nothing older is left, or when the
    ///     journal takes nothing now.
    func prune(after cursor: Int64, before time: Timestamp, answer: @escaping @Sendable (Int64?) -> Void) {
        do throws(WriteFailure) {
            try writer.submit {
                try Self.prune(after: cursor, before: time, in: $0)
            } completion: { result in
                // What failed is tried again the next time.
                if case .success(let next) = result { answer(next) } else { answer(nil) }
            }
        } catch {
            answer(nil)
        }
    }

    private static func prune(
        after cursor: Int64, before time: Timestamp, in database: Database
    ) throws -> Int64? {
        let bounds = try database.first(
            """
            SELECT (SELECT id FROM desk_events WHERE id > ? ORDER BY id LIMIT 1),
                (SELECT max(id) FROM desk_events)
            """, cursor
        ) { (first: try $0.optionalInteger(0), last: try $0.optionalInteger(1)) }
        guard let first = bounds?.first, let last = bounds?.last, first < last else { return nil }
        let end = min(first + pruneStep, last) - 1
        let newest = try database.first(
            "SELECT recorded_at FROM desk_events WHERE id <= ? ORDER BY id DESC LIMIT 1", end
        ) { try $0.time(0) }
        try database.run(
            """
            DELETE FROM desk_events WHERE id BETWEEN ? AND ? AND recorded_at < ?
                AND NOT EXISTS (
                    SELECT 1 FROM desk_orders
                    WHERE desk_orders.id = desk_events.order_id AND (is_live = 1 OR updated_at >= ?))
            """, first, end, time, time)
        return newest.map { $0 < time } == true ? end : nil
    }

    /// Notes who asked for a halt, before or after the desk writes the halt itself down.
    func haltAsked(
        _ halt: HaltRecord, by name: String, answer: @escaping @Sendable (WriteFailure?) -> Void
    ) {
        do throws(WriteFailure) {
            try writer.submit {
                try $0.run(
                    """
                    INSERT INTO desk_halts VALUES (?, ?, ?, ?)
                    ON CONFLICT(scope) DO UPDATE SET asked_by = excluded.asked_by
                    """, halt.scope.key, halt.reason, halt.time, name)
            } completion: { result in
                if case .failure(let failure) = result { answer(failure) } else { answer(nil) }
            }
        } catch {
            answer(error)
        }
    }

    /// Appends events and carries each over into its row. Of several about one thing only the last is carried over.
    public static func write(_ events: [DeskEvent], at time: Timestamp, in database: Database) throws {
        var lastOrders: [OrderID: Int] = [:]
        var lastLedgers: [LedgerKey: Int] = [:]
        var lastBrackets: [OrderID: Int] = [:]
        for (index, event) in events.enumerated() {
            switch event {
            case .order(let order): lastOrders[order.id] = index
            case .ledger(let record): lastLedgers[record.key] = index
            case .bracket(let bracket): lastBrackets[bracket.id] = index
            case .fill, .enrolment, .accountDay, .halted, .resumed, .flattenBegan, .flattenEnded,
                .tradeCursor, .peak, .peakEnded, .holding:
                break
            }
        }
        for (index, event) in events.enumerated() {
            try database.run(
                "INSERT INTO desk_events (recorded_at, kind, strategy, order_id, body) VALUES (?, ?, ?, ?, ?)",
                time, event.kind.rawValue, event.strategy?.text, event.order?.number, event.text)
            switch event {
            case .order(let order): if lastOrders[order.id] == index { try write(order, in: database) }
            case .ledger(let record): if lastLedgers[record.key] == index { try write(record, in: database) }
            case .bracket(let bracket):
                if lastBrackets[bracket.id] == index { try write(bracket, in: database) }
            case .fill(let fill): try write(fill, in: database)
            case .enrolment(let enrolment): try write(enrolment, in: database)
            case .accountDay(let day):
                try database.run(
                    "INSERT OR REPLACE INTO desk_account_days VALUES (?, ?, ?)", day.account.text, day.day,
                    day.openingEquity)
            case .halted(let halt):
                try database.run(
                    """
                    INSERT INTO desk_halts VALUES (?, ?, ?, NULL)
                    ON CONFLICT(scope) DO UPDATE SET reason = excluded.reason, time = excluded.time
                    """, halt.scope.key, halt.reason, halt.time)
            case .resumed(let scope, _):
                try resume(scope, in: database)
            case .flattenBegan(let key, let time):
                try beginFlatten(key, at: time, in: database)
            case .flattenEnded(let key, let reason, let time):
                try endFlatten(key, reason: reason, at: time, in: database)
            case .tradeCursor(let account, let cursor):
                try database.run(
                    "INSERT OR REPLACE INTO desk_trade_cursors VALUES (?, ?)", account.text, cursor)
            case .peak(let peak):
                try database.run(
                    "INSERT OR REPLACE INTO desk_peaks VALUES (?, ?, ?)", peak.scope.key, peak.profit,
                    peak.time)
            case .peakEnded(let scope, _):
                try database.run("DELETE FROM desk_peaks WHERE scope = ?", scope.key)
            case .holding(let record):
                try database.run(
                    "INSERT OR REPLACE INTO desk_holdings VALUES (?, ?, ?, ?, ?, ?)", record.account.text,
                    record.asset, record.unowned, record.external, record.since, record.time)
            }
        }
    }

    // MARK: - Starting

    /// What a desk needs in order to go on: everything that is open, and recent things that are over.
    func snapshot(recent: Recent = Recent()) throws -> DeskSnapshot {
        try readers.read { try Self.snapshot(recent, in: $0) }
    }

    /// The same, read over a connection of the caller's.
    public static func snapshot(_ recent: Recent = Recent(), in database: Database) throws -> DeskSnapshot {
        var snapshot = DeskSnapshot()
        // Orders and brackets share one count.
        let last = try database.first(
            """
            SELECT max(coalesce((SELECT max(id) FROM desk_orders), 0),
                coalesce((SELECT max(id) FROM desk_brackets), 0))
            """
        ) { try $0.integer(0) }
        snapshot.lastOrder = OrderID(last ?? 0)
        let orders = try database.all(
            """
            SELECT \(Order.columns) FROM desk_orders WHERE is_live = 1
            UNION ALL
            SELECT * FROM (SELECT \(Order.columns) FROM desk_orders WHERE is_live = 0 ORDER BY id DESC LIMIT ?)
            """, recent.orders, read: Order.init(row:))
        for order in orders { snapshot.orders[order.id] = order }
        for bracket in try Self.brackets(recent: recent.orders, in: database) {
            snapshot.brackets[bracket.id] = bracket
        }
        let fills = try database.all(
            "SELECT \(Fill.columns) FROM desk_fills ORDER BY number DESC LIMIT ?", recent.fills,
            read: Fill.init(row:))
        for fill in fills { snapshot.fills[fill.key] = fill }
        for record in try database.all(
            "SELECT \(LedgerRecord.columns) FROM desk_ledgers", read: LedgerRecord.init(row:))
        {
            snapshot.ledgers[record.key] = record
        }
        for enrolment in try database.all(
            "SELECT \(Enrolment.columns) FROM desk_enrolments", read: Enrolment.init(row:))
        {
            snapshot.enrolments[enrolment.strategy] = enrolment
        }
        try database.forEach("SELECT account, day, opening_equity FROM desk_account_days") { row in
            let day = AccountDay(
                account: AccountID(try row.text(0)), day: try row.integer(1),
                openingEquity: try row.decimal(2))
            snapshot.accountDays[day.account] = day
            return true
        }
        try database.forEach("SELECT scope, reason, time FROM desk_halts") { row in
            let halt = HaltRecord(scope: try row.scope(0), reason: try row.text(1), time: try row.time(2))
            snapshot.halts[halt.scope] = halt
            return true
        }
        try database.forEach("SELECT strategy, account, symbol FROM desk_flattening") { row in
            snapshot.flattening.insert(try row.ledgerKey(0))
            return true
        }
        for record in try database.all("SELECT * FROM desk_holdings", read: HoldingRecord.init(row:)) {
            snapshot.holdings[record.account, default: [:]][record.asset] = record
        }
        snapshot.flattened = try outcomes(in: database)
        try database.forEach("SELECT scope, profit, time FROM desk_peaks") { row in
            let peak = EquityPeak(scope: try row.scope(0), profit: try row.decimal(1), time: try row.time(2))
            snapshot.peaks[peak.scope] = peak
            return true
        }
        try database.forEach("SELECT account, cursor FROM desk_trade_cursors") { row in
            snapshot.tradeCursors[AccountID(try row.text(0))] = try row.text(1)
            return true
        }
        return snapshot
    }

    /// Who asked for the halts in force, where somebody did.
    func haltedBy() throws -> [RiskScope: String] {
        try readers.read { database in
            let rows = try database.all("SELECT scope, asked_by FROM desk_halts WHERE asked_by IS NOT NULL") {
                (try $0.scope(0), try $0.text(1))
            }
            return Dictionary(rows) { first, _ in first }
        }
    }

    // MARK: - Queries

    /// A strategy's orders, newest first.
    func orders(of strategy: String, page: PageRequest) throws(HostError) -> Page<Order> {
        try orders("strategy = ?", [strategy], page)
    }

    /// Orders that may still fill, newest first; of one owner's strategies, or all.
    func liveOrders(owner: String?, page: PageRequest) throws(HostError) -> Page<Order> {
        guard let owner else { return try orders("is_live = 1", [], page) }
        return try orders("is_live = 1 AND owner = ?", [owner], page)
    }

    private func orders(
        _ condition: String, _ values: [any SQLBindable & Sendable], _ page: PageRequest
    ) throws(HostError) -> Page<Order> {
        let before = try page.deskCursor()
        let orders = try read { database in
            try database.all(
                "SELECT \(Order.columns) FROM desk_orders WHERE \(condition) AND id < ? ORDER BY id DESC LIMIT ?",
                values: values + [before, page.limit + 1], read: Order.init(row:))
        }
        return orders.page(limit: page.limit) { $0.id.number }
    }

    /// One order, whoever's it is.
    func order(_ id: OrderID) throws(HostError) -> Order? {
        try read { database in
            try database.first(
                "SELECT \(Order.columns) FROM desk_orders WHERE id = ?", id.number, read: Order.init(row:))
        }
    }

    /// A strategy's fills, newest first.
    func fills(of strategy: String, page: PageRequest) throws(HostError) -> Page<Fill> {
        let before = try page.deskCursor()
        let rows = try read { database in
            try database.all(
                """
                SELECT \(Fill.columns), number FROM desk_fills
                WHERE strategy = ? AND number < ? ORDER BY number DESC LIMIT ?
                """, strategy, before, page.limit + 1
            ) { (fill: try Fill(row: $0), number: try $0.integer(Fill.columnCount)) }
        }
        let page = rows.page(limit: page.limit) { $0.number }
        return Page(items: page.items.map(\.fill), next: page.next)
    }

    /// The sub-ledgers of one owner's strategies, or all, flat ones included; by strategy, account and symbol.
    func ledgers(owner: String?) throws(HostError) -> [LedgerRecord] {
        try read { database in
            try database.all(
                """
                SELECT \(LedgerRecord.columns) FROM desk_ledgers WHERE ?1 IS NULL OR owner = ?1
                ORDER BY strategy, account, symbol
                """, owner, read: LedgerRecord.init(row:))
        }
    }

    /// What keeps a strategy from being deleted, in words: live orders and open positions. Nil when nothing does.
    func opennessOf(_ strategy: String) throws(HostError) -> String? {
        try read { database in
            let orders = try database.first(
                "SELECT count(*) FROM desk_orders WHERE strategy = ? AND is_live = 1", strategy
            ) { try $0.int(0) }
            let symbols = try database.all(
                "SELECT symbol FROM desk_ledgers WHERE strategy = ? AND quantity <> '0' ORDER BY symbol",
                strategy
            ) { try $0.text(0) }
            var reasons: [String] = []
            if let orders, orders > 0 { reasons.append("\(orders) open order\(orders == 1 ? "" : "s")") }
            if !symbols.isEmpty { reasons.append("an open position in \(symbols.joined(separator: ", "))") }
            return reasons.isEmpty ? nil : reasons.joined(separator: " and ")
        }
    }

    /// The events from number `after` on, oldest first, as they were appended.
    func events(after: Int64, limit: Int) throws(HostError) -> [(
        id: Int64, time: Timestamp, event: DeskEvent
    )] {
        try read { database in
            try database.all(
                "SELECT id, recorded_at, kind, body FROM desk_events WHERE id > ? ORDER BY id LIMIT ?", after,
                limit
            ) { row in
                (
                    id: try row.integer(0), time: try row.time(1),
                    event: try DeskEvent(kind: try row.choice(2), text: try row.text(3))
                )
            }
        }
    }

    /// The events about one order, oldest first, at most so many.
    func events(of order: OrderID, limit: Int = 5_000) throws(HostError) -> [OrderStory.Event] {
        try read { database in
            try database.all(
                """
                SELECT id, recorded_at, kind, body FROM desk_events WHERE order_id = ? ORDER BY id LIMIT ?
                """, order.number, limit
            ) { row in
                OrderStory.Event(
                    id: try row.integer(0), time: try row.time(1),
                    event: try DeskEvent(kind: try row.choice(2), text: try row.text(3)))
            }
        }
    }

    /// The number of the last event; nought before the first.
    func lastEvent() throws -> Int64 {
        try readers.read { database in
            try database.first("SELECT coalesce(max(id), 0) FROM desk_events") { try $0.integer(0) } ?? 0
        }
    }

    func read<Result: Sendable>(
        _ body: @Sendable (Database) throws -> Result
    ) throws(HostError) -> Result {
        do {
            return try readers.read(body)
        } catch {
            throw .unavailable("the journal could not be read: \(error)")
        }
    }
}

extension PageRequest {
    /// The number before which the page begins.
    func deskCursor() throws(HostError) -> Int64 {
        guard let after else { return .max }
        guard let number = Int64(after) else {
            throw .invalid(FieldFailure(field: "after", reason: "is not a cursor that a page gave"))
        }
        return number
    }
}

extension Array {
    /// The page, of which one item more than wanted was read in order to know whether there is a next one.
    func page(limit: Int, cursor: (Element) -> Int64) -> Page<Element> where Element: Sendable {
        guard count > limit else { return Page(items: self) }
        return Page(items: Array(prefix(limit)), next: String(cursor(self[limit - 1])))
    }
}
