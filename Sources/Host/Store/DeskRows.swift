internal import Journal
internal import Trading
internal import Wire

/// The desk's values as rows and back.

extension DeskStore {
    /// The owner as the catalogue has it; nobody's when it does not know the strategy.
    static let owner = "coalesce((SELECT owner FROM strategies WHERE id = ?), '')"

    // Statements are looked up by their text, so the text is made once.
    private static let orderUpdate = """
        UPDATE desk_orders SET status = ?, quantity = ?, price = ?, filled_quantity = ?,
            filled_notional = ?, fee = ?, venue_order_id = ?, reason = ?, cancel_wanted = ?,
            amend_quantity = ?, amend_price = ?, venue_filled_quantity = ?, inferred_quantity = ?,
            updated_at = ?, is_live = ?
        WHERE id = ?
        """
    private static let orderInsert = """
        INSERT INTO desk_orders (\(Order.columns), is_live, owner)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
            ?, ?, \(owner))
        """
    private static let fillInsert = """
        INSERT INTO desk_fills (\(Fill.columns), owner)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \(owner))
        ON CONFLICT (venue, account, symbol, trade) DO NOTHING
        """
    private static let ledgerUpsert = """
        INSERT INTO desk_ledgers (\(LedgerRecord.columns), owner) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, \(owner))
        ON CONFLICT (strategy, account, symbol) DO UPDATE SET quantity = excluded.quantity,
            cost = excluded.cost, realised = excluded.realised, fees = excluded.fees, mark = excluded.mark,
            time = excluded.time
        """
    private static let enrolmentUpsert = """
        INSERT OR REPLACE INTO desk_enrolments (\(Enrolment.columns), owner)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, \(owner))
        """

    static func write(_ order: Order, in database: Database) throws {
        let isLive = !order.status.isTerminal || order.reservedQuantity.isPositive
        let changed = try database.run(
            orderUpdate, order.status.rawValue, order.quantity, order.price, order.filledQuantity,
            order.filledNotional, order.fee, order.venueOrderID?.text, order.reason, order.cancelWanted,
            order.amendment?.quantity, order.amendment?.price, order.venueFilledQuantity,
            order.inferredQuantity, order.updatedAt, isLive, order.id.number)
        guard changed == 0 else { return }
        let intent = order.intent
        let terms = intent.terms
        try database.run(
            orderInsert, intent.id.number, intent.clientID.text, intent.strategy.text, intent.run.text,
            intent.account.text, intent.venue.text, intent.request?.text, intent.origin.rawValue,
            terms.symbol, terms.side.rawValue, terms.type.rawValue, terms.quantity, terms.price,
            terms.stopPrice, terms.timeInForce.rawValue, terms.postOnly, terms.reduceOnly,
            intent.reservePrice, intent.createdAt, order.status.rawValue, order.quantity, order.price,
            order.filledQuantity, order.filledNotional, order.fee, order.venueOrderID?.text, order.reason,
            order.cancelWanted, order.amendment?.quantity, order.amendment?.price, order.venueFilledQuantity,
            order.inferredQuantity, order.updatedAt, isLive, intent.strategy.text)
    }

    static func write(_ fill: Fill, in database: Database) throws {
        try database.run(
            fillInsert, fill.key.venue.text, fill.key.account.text, fill.key.symbol, fill.key.trade.text,
            fill.order.number, fill.strategy.text, fill.side.rawValue, fill.price, fill.quantity, fill.fee,
            fill.feeCurrency, fill.liquidity.rawValue, fill.time, fill.isInferred, fill.strategy.text)
    }

    static func write(_ record: LedgerRecord, in database: Database) throws {
        let ledger = record.ledger
        try database.run(
            ledgerUpsert, record.key.strategy.text, record.key.account.text, record.key.symbol,
            ledger.quantity,
            ledger.cost, ledger.realised, ledger.fees, record.mark, record.time, record.key.strategy.text)
    }

    static func write(_ enrolment: Enrolment, in database: Database) throws {
        try database.run(
            enrolmentUpsert, enrolment.strategy.text, enrolment.run.text, enrolment.account.text,
            enrolment.capital,
            enrolment.limits.deskJSON.text, enrolment.isRunning, enrolment.day, enrolment.dayOpeningEquity,
            enrolment.strategy.text)
    }
}

extension Order {
    /// The columns that ``init(row:)`` reads, in its order.
    static let columns = """
        id, client_id, strategy, run, account, venue, request, origin, symbol, side, type, asked_quantity,
        asked_price, stop_price, time_in_force, post_only, reduce_only, reserve_price, created_at, status,
        quantity, price, filled_quantity, filled_notional, fee, venue_order_id, reason, cancel_wanted,
        amend_quantity, amend_price, venue_filled_quantity, inferred_quantity, updated_at
        """

    init(row: borrowing Row) throws {
        let clientID = try row.text(1)
        guard let clientID = ClientOrderID(clientID) else {
            throw DeskStoreFailure.unreadable("order \(try row.integer(0)) has the client id \"\(clientID)\"")
        }
        let terms = OrderTerms(
            symbol: try row.text(8), side: try row.choice(9), type: try row.choice(10),
            quantity: try row.decimal(11), price: try row.optionalDecimal(12),
            stopPrice: try row.optionalDecimal(13), timeInForce: try row.choice(14),
            postOnly: try row.bool(15), reduceOnly: try row.bool(16))
        let intent = OrderIntent(
            id: OrderID(try row.integer(0)), clientID: clientID, strategy: StrategyID(try row.text(2)),
            run: RunID(try row.text(3)), account: AccountID(try row.text(4)), venue: VenueID(try row.text(5)),
            request: try row.optionalText(6).map { RequestID($0) }, origin: try row.choice(7), terms: terms,
            reservePrice: try row.decimal(17), createdAt: try row.time(18))
        let amendedPrice = try row.optionalDecimal(29)
        self.init(
            intent: intent, status: try row.choice(19), quantity: try row.decimal(20),
            price: try row.optionalDecimal(21), filledQuantity: try row.decimal(22),
            filledNotional: try row.decimal(23), fee: try row.decimal(24),
            venueOrderID: try row.optionalText(25).map { VenueOrderID($0) },
            reason: try row.optionalText(26), cancelWanted: try row.bool(27),
            amendment: try row.optionalDecimal(28).map { Amendment(quantity: $0, price: amendedPrice) },
            venueFilledQuantity: try row.decimal(30), inferredQuantity: try row.decimal(31),
            updatedAt: try row.time(32))
    }
}

extension Fill {
    /// The columns that ``init(row:)`` reads, in its order.
    static let columns = """
        venue, account, symbol, trade, order_id, strategy, side, price, quantity, fee, fee_currency, liquidity,
        time, is_inferred
        """
    static let columnCount = 14

    init(row: borrowing Row) throws {
        let key = FillKey(
            venue: VenueID(try row.text(0)), account: AccountID(try row.text(1)), symbol: try row.text(2),
            trade: TradeID(try row.text(3)))
        self.init(
            key: key, order: OrderID(try row.integer(4)), strategy: StrategyID(try row.text(5)),
            side: try row.choice(6), price: try row.decimal(7), quantity: try row.decimal(8),
            fee: try row.decimal(9), feeCurrency: try row.text(10), liquidity: try row.choice(11),
            time: try row.time(12), isInferred: try row.bool(13))
    }
}

extension LedgerRecord {
    /// The columns that ``init(row:)`` reads, in its order.
    static let columns = "strategy, account, symbol, quantity, cost, realised, fees, mark, time"

    init(row: borrowing Row) throws {
        let ledger = SubLedger(
            quantity: try row.decimal(3), cost: try row.decimal(4), realised: try row.decimal(5),
            fees: try row.decimal(6))
        self.init(
            key: try row.ledgerKey(0), ledger: ledger, mark: try row.optionalDecimal(7), time: try row.time(8)
        )
    }
}

extension Enrolment {
    /// The columns that ``init(row:)`` reads, in its order.
    static let columns = "strategy, run, account, capital, limits, is_running, day, day_opening_equity"

    init(row: borrowing Row) throws {
        self.init(
            strategy: StrategyID(try row.text(0)), run: RunID(try row.text(1)),
            account: AccountID(try row.text(2)), capital: try row.decimal(3),
            limits: try RiskLimits(deskJSON: try JSONParser.parse(try row.text(4))),
            isRunning: try row.bool(5), day: try row.integer(6), dayOpeningEquity: try row.decimal(7))
    }
}

extension HoldingRecord {
    /// Reads all columns of `desk_holdings`.
    init(row: borrowing Row) throws {
        self.init(
            account: AccountID(try row.text(0)), asset: try row.text(1), unowned: try row.decimal(2),
            external: try row.decimal(3),
            since: try row.optionalTime(4), time: try row.time(5))
    }
}

extension Row {
    /// The ledger's key in three columns from `column` on.
    borrowing func ledgerKey(_ column: Int) throws -> LedgerKey {
        LedgerKey(
            strategy: StrategyID(try text(column)), account: AccountID(try text(column + 1)),
            symbol: try text(column + 2))
    }

    /// The scope in `column`.
    borrowing func scope(_ column: Int) throws -> RiskScope {
        let key = try text(column)
        guard let scope = RiskScope(key: key) else {
            throw DeskStoreFailure.unreadable("the scope \"\(key)\"")
        }
        return scope
    }
}

extension RiskScope {
    /// A stable name for rows: `everything`, `venue:binance`, `account:paper`, `strategy:grid-1`.
    var key: String {
        switch self {
        case .everything: "everything"
        case .venue(let id): "venue:\(id.text)"
        case .account(let id): "account:\(id.text)"
        case .strategy(let id): "strategy:\(id.text)"
        }
    }

    /// Reads what ``key`` wrote.
    init?(key: String) {
        let (venue, account, strategy) = ("venue:", "account:", "strategy:")
        if key == "everything" {
            self = .everything
        } else if key.hasPrefix(venue) {
            self = .venue(VenueID(String(key.dropFirst(venue.count))))
        } else if key.hasPrefix(account) {
            self = .account(AccountID(String(key.dropFirst(account.count))))
        } else if key.hasPrefix(strategy) {
            self = .strategy(StrategyID(String(key.dropFirst(strategy.count))))
        } else {
            return nil
        }
    }
}

/// What the desk's tables hold and this version cannot read.
enum DeskStoreFailure: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(String)

    var description: String {
        switch self {
        case .unreadable(let what): "the journal holds something that this version cannot read: \(what)"
        }
    }
}
