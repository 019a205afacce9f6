internal import Catalogue
internal import Journal
internal import Posix
internal import Sandbox
internal import Trading
internal import Wire

/// What the floor keeps beside the desk's books: runs, signals, saved states, equity, feeds, accounts, limits.
///
/// Writes from the floor do not wait; one that fails is logged and counted, since nothing here is money.
final class FloorStore: Sendable {
    private let writer: GroupCommitWriter
    private let readers: DatabaseReaders
    private let log: HostLog

    /// The tables, in the journal's database.
    static let migrations = MigrationSet(
        name: "floor",
        [
            Migration(
                1, "runs, signals, saved states, equity, feeds, accounts, limits",
                """
                CREATE TABLE strategy_runs(
                    id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, strategy TEXT NOT NULL,
                    owner TEXT NOT NULL, version TEXT NOT NULL, feed TEXT NOT NULL, account TEXT NOT NULL,
                    capital TEXT NOT NULL, parameters TEXT NOT NULL, started_at INTEGER NOT NULL,
                    ended_at INTEGER, cause TEXT) STRICT;
                CREATE INDEX strategy_runs_by_strategy ON strategy_runs(strategy, number);
                CREATE TABLE signals(
                    id INTEGER PRIMARY KEY, strategy TEXT NOT NULL, owner TEXT NOT NULL, run TEXT,
                    direction TEXT NOT NULL, action TEXT NOT NULL, symbol TEXT, data TEXT NOT NULL,
                    time INTEGER NOT NULL) STRICT;
                CREATE INDEX signals_by_strategy ON signals(strategy, id);
                CREATE TABLE saved_states(
                    strategy TEXT PRIMARY KEY, state TEXT NOT NULL, time INTEGER NOT NULL) STRICT;
                CREATE TABLE equity(
                    strategy TEXT NOT NULL, time INTEGER NOT NULL, equity TEXT NOT NULL,
                    PRIMARY KEY(strategy, time)) STRICT, WITHOUT ROWID;
                CREATE TABLE feeds(id TEXT PRIMARY KEY, settings TEXT NOT NULL, cursor TEXT) STRICT;
                CREATE TABLE accounts(id TEXT PRIMARY KEY, settings TEXT NOT NULL) STRICT;
                CREATE TABLE limits(scope TEXT PRIMARY KEY, limits TEXT NOT NULL) STRICT;
                """),
            Migration(
                2, "what becomes of the orders of strategies that stop",
                """
                CREATE TABLE stops(strategy TEXT PRIMARY KEY, orders TEXT NOT NULL) STRICT, WITHOUT ROWID;
                """),
            Migration(
                3, "what the sandbox refused",
                """
                CREATE TABLE violations(
                    strategy TEXT NOT NULL, call TEXT NOT NULL, arguments TEXT NOT NULL, rule TEXT NOT NULL,
                    fatal INTEGER NOT NULL, count INTEGER NOT NULL, in_run INTEGER NOT NULL,
                    first INTEGER NOT NULL, last INTEGER NOT NULL, run TEXT NOT NULL,
                    PRIMARY KEY(strategy, call, arguments)) STRICT, WITHOUT ROWID;
                """),
            Migration(
                4, "up to where the nonces of exchanges' keys may have been used",
                """
                CREATE TABLE nonces(key TEXT PRIMARY KEY, mark INTEGER NOT NULL) STRICT, WITHOUT ROWID;
                """),
            Migration(
                5, "their senders' names of signals",
                """
                ALTER TABLE signals ADD COLUMN name TEXT;
                CREATE INDEX signals_by_name ON signals(strategy, name) WHERE name IS NOT NULL;
                """),
        ])

    init(writer: GroupCommitWriter, readers: DatabaseReaders, log: HostLog) {
        self.writer = writer
        self.readers = readers
        self.log = log
    }

    // MARK: - Writing

    /// Writes a run's beginning.
    func runBegan(_ run: String, number: Int64, of strategy: FloorStrategy, at time: Timestamp) {
        guard let plan = strategy.plan else { return }
        let (id, owner, parameters) = (strategy.id, strategy.owner, plan.parameters.text)
        write { database in
            try database.run(
                """
                INSERT INTO strategy_runs(id, number, strategy, owner, version, feed, account, capital,
                    parameters, started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """, run, number, id, owner, plan.version, plan.feed, plan.account, plan.capital, parameters,
                time)
        }
    }

    /// Writes how a run ended.
    func runEnded(_ run: String, cause: String, at time: Timestamp) {
        write { database in
            try database.run(
                "UPDATE strategy_runs SET ended_at = ?, cause = ? WHERE id = ?", time, cause, run)
        }
    }

    /// Writes that a strategy has ended for good by itself: the next host does not start it either.
    func stopped(_ strategy: String, orders: OrdersAtEnd, at time: Timestamp) {
        write { try Self.stop(strategy, orders: orders, at: time, in: $0) }
    }

    /// Notes that a strategy is to run no more, and what becomes of its orders. A host that dies before it has done that
    /// leaves it to the next.
    static func stop(
        _ strategy: String, orders: OrdersAtEnd, at time: Timestamp, in database: Database
    ) throws {
        try StrategyStore.setStopped(strategy, at: time, in: database)
        try database.run(
            """
            INSERT INTO stops(strategy, orders) VALUES (?, ?)
            ON CONFLICT(strategy) DO UPDATE SET orders = excluded.orders
            """, strategy, orders.rawValue)
    }

    /// Writes how the runs ended that were under way when the last host died.
    func endRunsLeftOver(at time: Timestamp) {
        write { database in
            try database.run(
                """
                UPDATE strategy_runs SET ended_at = ?, cause = 'the host ended before it' WHERE ended_at IS NULL
                """, time)
        }
    }

    /// Writes a signal; its id was given before.
    ///
    /// - Parameter name: Its sender's name for it, by which one that comes again is known.
    func save(_ signal: SignalView, number: Int64, named name: String? = nil, owner: String) {
        write { database in
            try database.run(
                """
                INSERT INTO signals(id, strategy, owner, run, direction, action, symbol, data, time, name)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """, number, signal.strategy, owner, signal.run, signal.direction.rawValue, signal.action,
                signal.symbol, signal.data.text, signal.time, name)
        }
    }

    /// Writes what a strategy wants to find again.
    func save(state: JSONValue, of strategy: String, at time: Timestamp) {
        let text = state.text
        write { database in
            try database.run(
                """
                INSERT INTO saved_states(strategy, state, time) VALUES (?, ?, ?)
                ON CONFLICT(strategy) DO UPDATE SET state = excluded.state, time = excluded.time
                """, strategy, text, time)
        }
    }

    /// Writes what a strategy was refused, each kind with its latest count.
    func save(violations: [ViolationLedger.Entry], of strategy: String) {
        write { database in
            for one in violations {
                try database.run(
                    """
                    INSERT OR REPLACE INTO violations(strategy, call, arguments, rule, fatal, count, in_run,
                        first, last, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """, strategy, one.systemCall, one.arguments, one.rule.rawValue, one.isFatal ? 1 : 0,
                    one.count, one.inRun, one.first, one.last, one.run)
            }
        }
    }

    /// Writes points of equity curves, all of one instant.
    func save(equity points: [(strategy: String, equity: FixedDecimal)], at time: Timestamp) {
        guard !points.isEmpty else { return }
        write { database in
            for point in points {
                try database.run(
                    "INSERT OR REPLACE INTO equity(strategy, time, equity) VALUES (?, ?, ?)", point.strategy,
                    time, point.equity)
            }
        }
    }

    /// Writes where replays stand.
    func save(cursors: [(feed: String, cursor: String)]) {
        guard !cursors.isEmpty else { return }
        write { database in
            for item in cursors {
                try database.run("UPDATE feeds SET cursor = ? WHERE id = ?", item.cursor, item.feed)
            }
        }
    }

    /// Writes a feed's settings durably; a replay whose files change begins anew.
    func save(feed id: String, settings: JSONValue) async throws(HostError) {
        let text = settings.text
        try await writeDurably { database in
            try database.run(
                """
                INSERT INTO feeds(id, settings) VALUES (?, ?)
                ON CONFLICT(id) DO UPDATE SET settings = excluded.settings, cursor = NULL
                """, id, text)
        }
    }

    /// Writes an account's settings durably.
    func save(account id: String, settings: JSONValue) async throws(HostError) {
        let text = settings.text
        try await writeDurably { database in
            try database.run(
                """
                INSERT INTO accounts(id, settings) VALUES (?, ?)
                ON CONFLICT(id) DO UPDATE SET settings = excluded.settings
                """, id, text)
        }
    }

    /// Writes the limits of some scopes durably, all or none.
    func save(limits: [(scope: String, limits: JSONValue)]) async throws(HostError) {
        let rows = limits.map { ($0.scope, $0.limits.text) }
        try await writeDurably { database in
            for (scope, text) in rows {
                try database.run(
                    """
                    INSERT INTO limits(scope, limits) VALUES (?, ?)
                    ON CONFLICT(scope) DO UPDATE SET limits = excluded.limits
                    """, scope, text)
            }
        }
    }

    /// Writes up to where the nonces of a key may be used; answers on any thread whether that is durable.
    func keep(nonces key: String, upTo mark: Int64, _ answer: @escaping @Sendable (Bool) -> Void) {
        let log = log
        do {
            try writer.submit { database in
                try database.run(
                    """
                    INSERT INTO nonces(key, mark) VALUES (?, ?)
                    ON CONFLICT(key) DO UPDATE SET mark = max(mark, excluded.mark)
                    """, key, mark)
            } completion: { result in
                if case .failure(let failure) = result { log.error("a nonce was not kept: \(failure)") }
                answer((try? result.get()) != nil)  // The failure was said.
            }
        } catch {
            log.error("a nonce was not kept: \(error)")
            answer(false)
        }
    }

    /// Forgets what was kept about a strategy that is deleted, its runs and signals excepted: they are history.
    func forget(strategy: String) {
        write { database in
            try database.run("DELETE FROM saved_states WHERE strategy = ?", strategy)
            try database.run("DELETE FROM equity WHERE strategy = ?", strategy)
            try database.run("DELETE FROM limits WHERE scope = ?", "strategy:\(strategy)")
            try database.run("DELETE FROM stops WHERE strategy = ?", strategy)
            try database.run("DELETE FROM violations WHERE strategy = ?", strategy)
        }
    }

    private func write(_ operation: @escaping @Sendable (Database) throws -> Void) {
        let log = log
        do {
            try writer.submit(operation) { result in
                if case .failure(let failure) = result { log.error("not written: \(failure)") }
            }
        } catch {
            log.error("not written: \(error)")
        }
    }

    private func writeDurably(
        _ operation: @escaping @Sendable (Database) throws -> Void
    ) async throws(HostError) {
        do {
            try await writer.write(operation)
        } catch {
            throw .unavailable("it could not be written: \(error)")
        }
    }

    // MARK: - Reading

    /// How a run ended.
    struct LastEnd: Hashable, Sendable {
        var run: String
        var cause: String
        var time: Timestamp
    }

    /// What a start needs.
    struct Beginning: Sendable {
        var lastRun: Int64
        var lastSignal: Int64
        var savedStates: [String: String]
        /// What becomes of the orders of strategies that were stopped.
        var stops: [String: OrdersAtEnd]
        /// How and when the last run of each strategy ended.
        var lastEnds: [String: LastEnd]
        /// What each strategy was refused.
        var violations: [String: [ViolationLedger.Entry]]
        var feeds: [(id: String, settings: String, cursor: String?)]
        var accounts: [(id: String, settings: String)]
        var limits: [(scope: String, limits: String)]
    }

    /// Reads what a start needs.
    func beginning() throws -> Beginning {
        try readers.read { database in
            let states = try database.all("SELECT strategy, state FROM saved_states") {
                (try $0.text(0), try $0.text(1))
            }
            let stops = try database.all("SELECT strategy, orders FROM stops") {
                (try $0.text(0), try $0.choice(1, as: OrdersAtEnd.self))
            }
            // SQLite takes the other columns from the row that has the maximum.
            let ends = try database.all(
                """
                SELECT strategy, id, cause, ended_at, max(number) FROM strategy_runs
                WHERE ended_at IS NOT NULL GROUP BY strategy
                """
            ) {
                (try $0.text(0), LastEnd(run: try $0.text(1), cause: try $0.text(2), time: try $0.time(3)))
            }
            let violations = try database.all(
                """
                SELECT strategy, rule, call, arguments, fatal, count, in_run, first, last, run FROM violations
                ORDER BY first
                """
            ) {
                (try $0.text(0), try ViolationLedger.Entry(row: $0))
            }
            return Beginning(
                lastRun: try database.first("SELECT coalesce(max(number), 0) FROM strategy_runs") {
                    try $0.integer(0)
                } ?? 0,
                lastSignal: try database.first("SELECT coalesce(max(id), 0) FROM signals") {
                    try $0.integer(0)
                } ?? 0,
                savedStates: Dictionary(states, uniquingKeysWith: { first, _ in first }),
                stops: Dictionary(stops, uniquingKeysWith: { first, _ in first }),
                lastEnds: Dictionary(ends, uniquingKeysWith: { first, _ in first }),
                violations: Dictionary(grouping: violations, by: \.0).mapValues { $0.map(\.1) },
                feeds: try database.all("SELECT id, settings, cursor FROM feeds ORDER BY rowid") {
                    (try $0.text(0), try $0.text(1), try $0.optionalText(2))
                },
                accounts: try database.all("SELECT id, settings FROM accounts ORDER BY rowid") {
                    (try $0.text(0), try $0.text(1))
                },
                limits: try database.all("SELECT scope, limits FROM limits ORDER BY scope") {
                    (try $0.text(0), try $0.text(1))
                })
        }
    }

    /// Up to where the nonces of each key may have been used.
    func nonceMarks() throws -> [String: Int64] {
        try readers.read { database in
            let marks = try database.all("SELECT key, mark FROM nonces") {
                (try $0.text(0), try $0.integer(1))
            }
            return Dictionary(marks, uniquingKeysWith: max)
        }
    }

    /// Signals of a strategy, newest first.
    func signals(of strategy: String, page: PageRequest) throws(HostError) -> Page<SignalView> {
        let before = try page.number(below: .max)
        return try page.cut(
            read { database in
                try database.all(
                    """
                    SELECT id, strategy, run, direction, action, symbol, data, time FROM signals
                    WHERE strategy = ? AND id < ? ORDER BY id DESC LIMIT ?
                    """, strategy, before, page.limit + 1, read: SignalView.init(row:))
            }, cursor: \.id)
    }

    /// The signal with the id, or nil.
    func signal(_ id: String) throws(HostError) -> SignalView? {
        guard let number = Int64(numberedID: id) else { return nil }
        return try read { database in
            try database.first(
                """
                SELECT id, strategy, run, direction, action, symbol, data, time FROM signals WHERE id = ?
                """, number, read: SignalView.init(row:))
        }
    }

    /// The signal that a strategy was given under its sender's name, or nil.
    func signal(named name: String, of strategy: String) throws(HostError) -> SignalView? {
        try read { database in
            try database.first(
                """
                SELECT id, strategy, run, direction, action, symbol, data, time FROM signals
                WHERE strategy = ? AND name = ? ORDER BY id LIMIT 1
                """, strategy, name, read: SignalView.init(row:))
        }
    }

    /// A strategy's equity, oldest first, at most `limit` points spread over all there is.
    func equity(of strategy: String, limit: Int) throws(HostError) -> [EquityPoint] {
        try read { database in
            let count = try database.first("SELECT count(*) FROM equity WHERE strategy = ?", strategy) {
                try $0.int(0)
            }
            let step = max(1, ((count ?? 0) + limit - 1) / max(limit, 1))
            return try database.all(
                """
                SELECT time, equity FROM (
                    SELECT time, equity, row_number() OVER (ORDER BY time DESC) - 1 AS age FROM equity
                    WHERE strategy = ?) WHERE age % ? = 0 ORDER BY time
                """, strategy, step
            ) { EquityPoint(time: try $0.time(0), equity: try $0.decimal(1)) }
        }
    }

    func read<Result: Sendable>(
        _ body: @Sendable (Database) throws -> Result
    ) throws(HostError) -> Result {
        do {
            return try readers.read(body)
        } catch {
            throw .unavailable("it could not be read: \(error)")
        }
    }
}

extension ViolationLedger.Entry {
    /// A row of `violations`, in the order of the reading above.
    fileprivate init(row: borrowing Row) throws {
        // A later version may have rules that this one does not know.
        let rule = SandboxRule(rawValue: try row.text(1)) ?? .otherCalls
        self.init(
            rule: rule, systemCall: try row.text(2), arguments: try row.text(3),
            isFatal: try row.int(4) != 0, count: try row.int(5), inRun: try row.int(6),
            first: try row.time(7), last: try row.time(8), run: try row.text(9))
    }
}

extension SignalView {
    /// A row of `signals`, in the order of its columns without the owner.
    fileprivate init(row: borrowing Row) throws {
        let data: JSONValue
        do {
            data = try JSONParser.parse(try row.text(6))
        } catch let failure as JSONParser.Failure {
            data = .string("unreadable: \(failure)")
        }
        self.init(
            id: String(try row.integer(0)), strategy: try row.text(1), run: try row.optionalText(2),
            direction: try row.text(3) == Direction.incoming.rawValue ? .incoming : .outgoing,
            action: try row.text(4), symbol: try row.optionalText(5), data: data, time: try row.time(7))
    }
}

extension PageRequest {
    /// The cursor as the number it was made of, or `start` for the first page.
    func number(below start: Int64) throws(HostError) -> Int64 {
        guard let after else { return start }
        guard let number = Int64(after) else {
            throw .invalid(FieldFailure(field: "after", reason: "is not a cursor that a page gave"))
        }
        return number
    }

    /// A page of items of which one more than asked for was read.
    func cut<Item>(_ items: [Item], cursor: (Item) -> String) -> Page<Item> {
        guard items.count > limit else { return Page(items: items) }
        let kept = Array(items.prefix(limit))
        return Page(items: kept, next: kept.last.map(cursor))
    }
}
