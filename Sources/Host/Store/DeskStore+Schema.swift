public import Journal

extension DeskStore {
    /// What only grows and is not read at a start.
    static let history: Set<String> = ["desk_events"]

    /// The desk's tables, in the journal's database, beside the catalogue's `strategies`.
    ///
    /// `desk_events` is appended to, and the oldest are let go in time. The other tables are what the events come to, changed
    /// in the same transaction. Decimals are text, times milliseconds since the epoch. Every row of a strategy's carries its
    /// owner; a row of nobody's (`external`) has an empty one, and is the operator's.
    public static let migrations = MigrationSet(
        name: "desk",
        [
            Migration(
                1, "Add events, orders, fills, ledgers, enrolments, days, halts",
                """
                CREATE TABLE desk_events (
                    id INTEGER PRIMARY KEY, recorded_at INTEGER NOT NULL, kind TEXT NOT NULL, strategy TEXT,
                    body TEXT NOT NULL
                ) STRICT;
                CREATE TABLE desk_orders (
                    id INTEGER PRIMARY KEY, client_id TEXT NOT NULL, strategy TEXT NOT NULL,
                    owner TEXT NOT NULL, run TEXT NOT NULL, account TEXT NOT NULL, venue TEXT NOT NULL,
                    request TEXT, origin TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL,
                    type TEXT NOT NULL, asked_quantity TEXT NOT NULL, asked_price TEXT, stop_price TEXT,
                    time_in_force TEXT NOT NULL, post_only INTEGER NOT NULL, reduce_only INTEGER NOT NULL,
                    reserve_price TEXT NOT NULL, created_at INTEGER NOT NULL,
                    status TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT, filled_quantity TEXT NOT NULL,
                    filled_notional TEXT NOT NULL, fee TEXT NOT NULL, venue_order_id TEXT, reason TEXT,
                    cancel_wanted INTEGER NOT NULL, amend_quantity TEXT, amend_price TEXT,
                    venue_filled_quantity TEXT NOT NULL, inferred_quantity TEXT NOT NULL,
                    updated_at INTEGER NOT NULL, is_live INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX desk_orders_by_strategy ON desk_orders (strategy, id);
                CREATE INDEX desk_orders_live ON desk_orders (id) WHERE is_live = 1;
                CREATE TABLE desk_fills (
                    number INTEGER PRIMARY KEY, venue TEXT NOT NULL, account TEXT NOT NULL,
                    symbol TEXT NOT NULL, trade TEXT NOT NULL, order_id INTEGER NOT NULL,
                    strategy TEXT NOT NULL, owner TEXT NOT NULL, side TEXT NOT NULL, price TEXT NOT NULL,
                    quantity TEXT NOT NULL, fee TEXT NOT NULL, fee_currency TEXT NOT NULL,
                    liquidity TEXT NOT NULL, time INTEGER NOT NULL, is_inferred INTEGER NOT NULL,
                    UNIQUE (venue, account, symbol, trade)
                ) STRICT;
                CREATE INDEX desk_fills_by_strategy ON desk_fills (strategy, number);
                CREATE TABLE desk_ledgers (
                    strategy TEXT NOT NULL, account TEXT NOT NULL, symbol TEXT NOT NULL, owner TEXT NOT NULL,
                    quantity TEXT NOT NULL, cost TEXT NOT NULL, realised TEXT NOT NULL, fees TEXT NOT NULL,
                    mark TEXT, time INTEGER NOT NULL, PRIMARY KEY (strategy, account, symbol)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE desk_enrolments (
                    strategy TEXT PRIMARY KEY, owner TEXT NOT NULL, run TEXT NOT NULL, account TEXT NOT NULL,
                    capital TEXT NOT NULL, limits TEXT NOT NULL, is_running INTEGER NOT NULL,
                    day INTEGER NOT NULL, day_opening_equity TEXT NOT NULL
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE desk_account_days (
                    account TEXT PRIMARY KEY, day INTEGER NOT NULL, opening_equity TEXT NOT NULL
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE desk_halts (
                    scope TEXT PRIMARY KEY, reason TEXT NOT NULL, time INTEGER NOT NULL, asked_by TEXT
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE desk_flattening (
                    strategy TEXT NOT NULL, account TEXT NOT NULL, symbol TEXT NOT NULL,
                    began_at INTEGER NOT NULL, PRIMARY KEY (strategy, account, symbol)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE desk_trade_cursors (
                    account TEXT PRIMARY KEY, cursor TEXT NOT NULL
                ) STRICT, WITHOUT ROWID
                """),
            Migration(
                2, "Add how the closing of positions ended, and peaks of equity",
                """
                CREATE TABLE desk_flattened (
                    strategy TEXT NOT NULL, account TEXT NOT NULL, symbol TEXT NOT NULL,
                    reason TEXT NOT NULL, ended_at INTEGER NOT NULL, PRIMARY KEY (strategy, account, symbol)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE desk_peaks (
                    scope TEXT PRIMARY KEY, profit TEXT NOT NULL, time INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID
                """),
            Migration(
                3, "Add brackets",
                """
                CREATE TABLE desk_brackets (
                    id INTEGER PRIMARY KEY, strategy TEXT NOT NULL, owner TEXT NOT NULL,
                    account TEXT NOT NULL, symbol TEXT NOT NULL, run TEXT NOT NULL, request TEXT NOT NULL,
                    has_entry INTEGER NOT NULL, side TEXT NOT NULL, stop_loss TEXT, take_profit TEXT,
                    status TEXT NOT NULL, armed TEXT NOT NULL, closed TEXT NOT NULL,
                    closed_before TEXT NOT NULL, released TEXT NOT NULL, leg TEXT, exit_order INTEGER,
                    reason TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
                    is_live INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX desk_brackets_by_strategy ON desk_brackets (strategy, id);
                CREATE INDEX desk_brackets_live ON desk_brackets (id) WHERE is_live = 1
                """),
            Migration(
                4, "Find the events of an order",
                """
                ALTER TABLE desk_events ADD COLUMN order_id INTEGER;
                UPDATE desk_events SET order_id =
                    json_extract(body, CASE kind WHEN 'order' THEN '$.id' ELSE '$.order' END)
                WHERE kind IN ('order', 'fill');
                CREATE INDEX desk_events_by_order ON desk_events (order_id, id) WHERE order_id IS NOT NULL;
                """),
            Migration(
                5, "Add what accounts hold beside their ledgers",
                """
                CREATE TABLE desk_holdings (
                    account TEXT NOT NULL, asset TEXT NOT NULL, unowned TEXT NOT NULL, external TEXT NOT NULL,
                    since INTEGER, time INTEGER NOT NULL, PRIMARY KEY (account, asset)
                ) STRICT, WITHOUT ROWID
                """),
        ])
}
