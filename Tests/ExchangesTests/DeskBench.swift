import Exchanges
import Posix
import Testing
import Trading

/// The order desk over an exchange's adapter, without a host and a journal around them: what it decides is done at once.
final class DeskBench: @unchecked Sendable {
    // @unchecked: what changes is touched on the loop's thread alone.
    let bench: SimulatorBench
    private(set) var desk: OrderDesk
    private(set) var alarms: [DeskAlarm] = []
    /// What the strategy was told of its orders, in order.
    private(set) var told: [Order] = []
    /// How often something was to be written into the journal.
    private(set) var recorded = 0

    /// Takes an exchange's account over, and asks about it as a host's start does.
    ///
    /// - Parameters:
    ///   - audits: Whether it looks every 200 ms whether the exchange agrees.
    ///   - patience: How often trades that are owed are asked for before they are inferred.
    init(_ bench: SimulatorBench, audits: Bool = true, patience: Int = 1_000) async throws {
        self.bench = bench
        let venue = try #require(await bench.read { $0.venue?.venue })
        desk = OrderDesk(
            settings: OrderDesk.Settings(
                questionMilliseconds: 100, tradeQuestions: patience, auditMilliseconds: audits ? 200 : nil),
            at: Self.now)
        desk.setInstruments([bench.traits.instrument], at: venue)
        desk.setAccount(
            AccountSettings(
                id: bench.account, venue: venue, kind: .spot, currency: bench.traits.instrument.quote,
                balance: FixedDecimal(100_000), absenceGraceMilliseconds: 300))
        _ = try desk.enrol(
            "alpha", run: "run", on: bench.account, capital: FixedDecimal(100_000), at: Self.now)
        await bench.onLoop { [self] in
            bench.venue?.onReport = { [self] account, report in hear(account, report) }
            carryOut(desk.reconcile(at: Self.now))
            review()
        }
        try await until("the account is known") { $0.desk.doubt(about: bench.account) == nil }
    }

    private static var now: Timestamp { Timestamp(milliseconds: WallClock.milliseconds) }

    // MARK: - What a host does

    private func review() {
        carryOut(desk.review(at: Self.now))
        bench.loop.schedule(after: .milliseconds(50)) { [weak self] in self?.review() }
    }

    private func hear(_ account: AccountID, _ report: VenueReport) {
        carryOut(desk.venueReported(report, on: account, at: Self.now))
    }

    private func carryOut(_ actions: [DeskAction]) {
        for action in actions {
            switch action {
            case .send(let account, let request):
                bench.venue?.carryOut(request, on: account) { [self] report in hear(account, report) }
            case .alarm(let alarm): alarms.append(alarm)
            case .tell(_, .order(let order)): told.append(order)
            case .record: recorded += 1
            case .tell: break
            }
        }
    }

    // MARK: - What a test does

    private func decide(_ body: @escaping @Sendable (inout OrderDesk, Timestamp) -> [DeskAction]) async {
        await bench.onLoop { [self] in carryOut(body(&desk, Self.now)) }
    }

    /// Orders are numbered from 1, and so are the names that the exchange knows them by.
    func submit(_ number: Int, _ terms: OrderTerms) async {
        await decide { desk, now in
            desk.submit(terms, request: RequestID("\(number)"), by: "alpha", at: now)
        }
    }

    func cancel(_ number: Int) async {
        await decide { desk, now in desk.cancel(RequestID("\(number)"), by: "alpha", at: now) }
    }

    func reconcile() async { await decide { desk, now in desk.reconcile(at: now) } }

    /// Asks about everything, and waits for all answers.
    func reconcileFully() async throws {
        let account = bench.account
        await reconcile()
        try await until("everything is answered") { bench in
            bench.desk.doubt(about: account) == nil && !bench.desk.isAuditing(account)
        }
    }

    func settle(_ number: Int, as id: VenueOrderID?) async {
        await decide { desk, now in desk.settleAmbiguity(of: OrderID(Int64(number)), as: id, at: now) }
    }

    func see<Value: Sendable>(_ body: @escaping @Sendable (DeskBench) -> Value) async -> Value {
        await bench.read { [self] _ in body(self) }
    }

    func order(_ number: Int) async -> Order? { await see { $0.desk.order(OrderID(Int64(number))) } }

    func until(_ what: String, _ isTrue: @escaping @Sendable (DeskBench) -> Bool) async throws {
        try await bench.until(what) { await see(isTrue) }
    }

    /// Waits until an order is as it should be.
    @discardableResult
    func until(
        _ what: String, order number: Int, _ isRight: @escaping @Sendable (Order) -> Bool
    ) async throws -> Order {
        try await until(what) { $0.desk.order(OrderID(Int64(number))).map(isRight) ?? false }
        return try #require(await order(number))
    }

    /// What the strategy holds.
    func position() async -> FixedDecimal {
        await see { bench in
            bench.desk.positions(of: "alpha", at: Self.now).first?.quantity ?? .zero
        }
    }
}
