public import Journal
import Trading

extension JournalPaperStore {
    /// The tables of the paper venue's database.
    public static let migrations = MigrationSet(
        name: "paper_venue",
        [
            Migration(
                1, "Accounts, orders and trades",
                """
                CREATE TABLE paper_venue (
                    one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL,
                    last_order INTEGER NOT NULL, last_trade INTEGER NOT NULL
                ) STRICT;
                INSERT INTO paper_venue VALUES (1, 0, 0, 0);
                CREATE TABLE paper_accounts (
                    id TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('spot', 'margin')),
                    leverage TEXT NOT NULL, maintenance TEXT NOT NULL, currency TEXT NOT NULL
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE paper_balances (
                    account TEXT NOT NULL REFERENCES paper_accounts (id), currency TEXT NOT NULL,
                    total TEXT NOT NULL, locked TEXT NOT NULL, PRIMARY KEY (account, currency)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE paper_positions (
                    account TEXT NOT NULL REFERENCES paper_accounts (id), symbol TEXT NOT NULL,
                    quantity TEXT NOT NULL, cost TEXT NOT NULL, realised TEXT NOT NULL, fees TEXT NOT NULL,
                    PRIMARY KEY (account, symbol)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE paper_orders (
                    number INTEGER PRIMARY KEY, account TEXT NOT NULL, client_id TEXT, symbol TEXT NOT NULL,
                    side TEXT NOT NULL, type TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT, stop_price TEXT,
                    time_in_force TEXT NOT NULL, post_only INTEGER NOT NULL, reduce_only INTEGER NOT NULL,
                    state TEXT NOT NULL, filled_quantity TEXT NOT NULL, filled_notional TEXT NOT NULL,
                    is_triggered INTEGER NOT NULL, locked TEXT NOT NULL, reason TEXT,
                    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (account, client_id)
                ) STRICT;
                CREATE INDEX paper_open_orders ON paper_orders (account, number) WHERE state = 'open';
                CREATE TABLE paper_trades (
                    number INTEGER PRIMARY KEY, order_number INTEGER NOT NULL REFERENCES paper_orders (number),
                    account TEXT NOT NULL, client_id TEXT, symbol TEXT NOT NULL, side TEXT NOT NULL,
                    price TEXT NOT NULL, quantity TEXT NOT NULL, fee TEXT NOT NULL, fee_currency TEXT NOT NULL,
                    liquidity TEXT NOT NULL, time INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX paper_account_trades ON paper_trades (account, number);
                """)
        ])
}

/// How the paper venue's books stand in its tables.
enum PaperVenueTables {
    private static let orderColumns = """
        number, account, client_id, symbol, side, type, quantity, price, stop_price, time_in_force, post_only,
        reduce_only, state, filled_quantity, filled_notional, is_triggered, locked, reason, created_at, updated_at
        """

    /// Writes changes that follow save number `sequence`, and refuses them when that one is not there.
    static func save(_ changes: MatchingChanges, following sequence: Int64, in database: Database) throws {
        let lastOrder = changes.orders.last?.number ?? 0
        let lastTrade = changes.trades.last?.number ?? 0
        let matched = try database.run(
            """
            UPDATE paper_venue SET sequence = ?, last_order = max(last_order, ?), last_trade = max(last_trade, ?)
            WHERE sequence = ?
            """, sequence + 1, lastOrder, lastTrade, sequence)
        guard matched == 1 else {
            throw PaperStoreFailure("an earlier change was lost, and this one builds on it")
        }
        for account in changes.accounts { try save(account, in: database) }
        for order in changes.orders { try save(order, in: database) }
        for trade in changes.trades { try save(trade, in: database) }
    }

    private static func save(_ account: MatchingAccount, in database: Database) throws {
        let maintenance: FixedDecimal =
            if case .margin(_, let maintenance) = account.kind { maintenance } else { .zero }
        try database.run(
            """
            INSERT INTO paper_accounts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                kind = excluded.kind, leverage = excluded.leverage, maintenance = excluded.maintenance
            """, account.id.text, account.kind.name, account.kind.leverage, maintenance, account.currency)
        for (currency, balance) in account.balances {
            try database.run(
                """
                INSERT INTO paper_balances VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                    total = excluded.total, locked = excluded.locked
                """, account.id.text, currency, balance.total, balance.locked)
        }
        for (symbol, position) in account.positions {
            try database.run(
                """
                INSERT INTO paper_positions VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                    quantity = excluded.quantity, cost = excluded.cost, realised = excluded.realised,
                    fees = excluded.fees
                """, account.id.text, symbol, position.quantity, position.cost, position.realised,
                position.fees)
        }
    }

    private static func save(_ order: MatchingOrder, in database: Database) throws {
        let terms = order.terms
        let values: [any SQLBindable] = [
            order.number, order.account.text, order.clientID?.text, terms.symbol, terms.side.rawValue,
            terms.type.rawValue, terms.quantity, terms.price, terms.stopPrice, terms.timeInForce.rawValue,
            terms.postOnly, terms.reduceOnly, order.state.rawValue, order.filledQuantity,
            order.filledNotional,
            order.isTriggered, order.locked, order.reason, order.createdAt, order.updatedAt,
        ]
        // Only the number may be there already: a client id used twice is a fault of ours, and an error.
        try database.run(
            """
            INSERT INTO paper_orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (number) DO UPDATE SET
                quantity = excluded.quantity, price = excluded.price, state = excluded.state,
                filled_quantity = excluded.filled_quantity, filled_notional = excluded.filled_notional,
                is_triggered = excluded.is_triggered, locked = excluded.locked, reason = excluded.reason,
                updated_at = excluded.updated_at
            """, values: values)
    }

    private static func save(_ trade: MatchingTrade, in database: Database) throws {
        let told = trade.trade
        try database.run(
            "INSERT INTO paper_trades VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", trade.number, trade.order,
            trade.account.text, told.clientID?.text, told.symbol, told.side.rawValue, told.price,
            told.quantity,
            told.fee, told.feeCurrency, told.liquidity.rawValue, told.time)
    }

    static func load(from database: Database) throws -> (state: PaperVenueState, sequence: Int64) {
        let counters = try database.first("SELECT sequence, last_order, last_trade FROM paper_venue") { row in
            (try row.integer(0), try row.integer(1), try row.integer(2))
        }
        guard let (sequence, lastOrder, lastTrade) = counters else {
            throw PaperStoreFailure("the table paper_venue has no row")
        }
        let orders = try database.all(
            "SELECT \(orderColumns) FROM paper_orders WHERE state = 'open' ORDER BY number", read: order)
        let state = PaperVenueState(
            accounts: try accounts(in: database), openOrders: orders, lastOrder: lastOrder,
            lastTrade: lastTrade)
        return (state, sequence)
    }

    static func accounts(in database: Database) throws -> [MatchingAccount] {
        var balances: [String: [String: MatchingAccount.Balance]] = [:]
        try database.forEach("SELECT account, currency, total, locked FROM paper_balances") { row in
            balances[try row.text(0), default: [:]][try row.text(1)] = MatchingAccount.Balance(
                total: try row.decimal(2), locked: try row.decimal(3))
            return true
        }
        var positions: [String: [String: SubLedger]] = [:]
        try database.forEach("SELECT account, symbol, quantity, cost, realised, fees FROM paper_positions") {
            row in
            positions[try row.text(0), default: [:]][try row.text(1)] = SubLedger(
                quantity: try row.decimal(2), cost: try row.decimal(3), realised: try row.decimal(4),
                fees: try row.decimal(5))
            return true
        }
        return try database.all(
            "SELECT id, kind, leverage, maintenance, currency FROM paper_accounts ORDER BY id"
        ) { row in
            let id = try row.text(0)
            let kind: AccountKind =
                try row.text(1) == "spot"
                ? .spot : .margin(leverage: try row.decimal(2), maintenance: try row.decimal(3))
            return MatchingAccount(
                id: AccountID(id), kind: kind, currency: try row.text(4), balances: balances[id] ?? [:],
                positions: positions[id] ?? [:])
        }
    }

    static func order(
        _ id: ClientOrderID, on account: AccountID, in database: Database
    ) throws -> MatchingOrder? {
        try database.first(
            "SELECT \(orderColumns) FROM paper_orders WHERE account = ? AND client_id = ?", account.text,
            id.text,
            read: order)
    }

    static func openOrders(on account: AccountID, in database: Database) throws -> [MatchingOrder] {
        try database.all(
            """
            SELECT \(orderColumns) FROM paper_orders WHERE account = ? AND state = 'open' ORDER BY number
            """, account.text, read: order)
    }

    static func trades(
        on account: AccountID, after number: Int64, limit: Int, in database: Database
    ) throws -> [MatchingTrade] {
        try database.all(
            """
            SELECT number, order_number, client_id, symbol, side, price, quantity, fee, fee_currency, liquidity, time
            FROM paper_trades WHERE account = ? AND number > ? ORDER BY number LIMIT ?
            """, account.text, number, limit
        ) { row in
            let number = try row.integer(0)
            let order = try row.integer(1)
            let trade = VenueTrade(
                trade: TradeID("T\(number)"), clientID: try row.optionalText(2).flatMap(ClientOrderID.init),
                venueOrderID: VenueOrderID("P\(order)"), symbol: try row.text(3), side: try row.choice(4),
                price: try row.decimal(5), quantity: try row.decimal(6), fee: try row.decimal(7),
                feeCurrency: try row.text(8), liquidity: try row.choice(9), time: try row.time(10))
            return MatchingTrade(number: number, order: order, account: account, trade: trade)
        }
    }

    private static func order(_ row: borrowing Row) throws -> MatchingOrder {
        let terms = OrderTerms(
            symbol: try row.text(3), side: try row.choice(4), type: try row.choice(5),
            quantity: try row.decimal(6), price: try row.optionalDecimal(7),
            stopPrice: try row.optionalDecimal(8),
            timeInForce: try row.choice(9), postOnly: try row.bool(10), reduceOnly: try row.bool(11))
        return MatchingOrder(
            number: try row.integer(0), account: AccountID(try row.text(1)),
            clientID: try row.optionalText(2).flatMap(ClientOrderID.init), terms: terms,
            state: try row.choice(12), filledQuantity: try row.decimal(13),
            filledNotional: try row.decimal(14), isTriggered: try row.bool(15), locked: try row.decimal(16),
            reason: try row.optionalText(17), createdAt: try row.time(18), updatedAt: try row.time(19))
    }
}
