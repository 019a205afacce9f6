import Exchanges
import Journal
import Posix
import Synchronization
import Testing
import Trading

/// A venue on an event loop with what a test of the contract needs: to move its market, and to ask it and wait for the
/// answer. The market stands at 100, and the account holds 100,000 of what it is paid in.
class VenueBench: @unchecked Sendable {
    // @unchecked: `venue` and `reports` are touched on the loop's thread alone; what subclasses add says its own.
    let loop: EventLoop
    /// The account that tests trade on.
    let account: AccountID
    /// What the venue can.
    let traits: VenueTraits
    private(set) var venue: (any ExchangeAdapter)?
    private var reports: [VenueReport] = []

    /// Makes a loop without a venue, for a subclass to open one on.
    init(account: AccountID, traits: VenueTraits = VenueTraits()) throws {
        loop = try EventLoop(name: "floor")
        self.account = account
        self.traits = traits
    }

    /// The market that tests trade in.
    var symbol: String { traits.instrument.symbol }

    /// Listens to the adapter under test. On the loop.
    func take(_ venue: any ExchangeAdapter) {
        venue.onReport = { [self] _, report in reports.append(report) }
        self.venue = venue
    }

    // MARK: - What a venue does its own way

    /// What the venue takes of a trade.
    func fee(_ side: Side, quantity: FixedDecimal, price: FixedDecimal) -> (FixedDecimal, currency: String) {
        preconditionFailure("each bench says what its venue takes")
    }

    /// Moves the market to a price and waits until what followed is told.
    func move(to price: String) async throws {
        preconditionFailure("each bench moves its own market")
    }

    /// Lets go of the venue, as the host's end does; what stands behind it goes on.
    func letGo() async {
        await onLoop { [self] in venue = nil }
    }

    /// Ends everything.
    func close() async {
        await letGo()
        loop.stop()
    }

    // MARK: - Asking

    func onLoop(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            loop.perform {
                body()
                continuation.resume()
            }
        }
    }

    /// Asks the venue and waits for its answer.
    func ask<Answer: Sendable>(
        _ body: @escaping @Sendable (any ExchangeAdapter, AccountID, @escaping (Answer) -> Void) -> Void
    ) async -> Answer {
        await withCheckedContinuation { continuation in
            loop.perform { [self] in
                guard let venue else { preconditionFailure("the venue is gone") }
                let isBack = Flag()
                body(venue, account) { answer in
                    precondition(isBack.isSet, "a completion came before its call returned")
                    continuation.resume(returning: answer)
                }
                isBack.isSet = true
            }
        }
    }

    /// Terms in the market that tests trade in; without a price it is a market order.
    func order(
        _ side: Side, _ quantity: String, _ price: String? = nil, _ time: TimeInForce = .gtc
    ) -> OrderTerms {
        OrderTerms(
            symbol: symbol, side: side, type: price == nil ? .market : .limit, quantity: d(quantity),
            price: price.map { d($0) }, timeInForce: time)
    }

    private func reference(_ number: Int) -> OrderReference {
        OrderReference(clientID: clientID(number), symbol: symbol, venueOrderID: nil)
    }

    func place(_ number: Int, _ terms: OrderTerms) async -> Result<VenueOrderID, VenueFailure> {
        await ask { $0.place(PlaceRequest(clientID: clientID(number), terms: terms), on: $1, $2) }
    }

    func cancel(_ number: Int) async -> Result<Void, VenueFailure> { await cancel(reference(number)) }

    func cancel(_ order: OrderReference) async -> Result<Void, VenueFailure> {
        await ask { $0.cancel(order, on: $1, $2) }
    }

    func amend(_ number: Int, _ wish: Amendment) async -> Result<Amendment, VenueFailure> {
        await amend(reference(number), wish)
    }

    func amend(_ order: OrderReference, _ wish: Amendment) async -> Result<Amendment, VenueFailure> {
        await ask { $0.amend(order, to: wish, on: $1, $2) }
    }

    func answer(about number: Int) async -> Result<VenueOrder?, VenueFailure> {
        await status(reference(number))
    }

    func status(_ order: OrderReference) async -> Result<VenueOrder?, VenueFailure> {
        await ask { $0.status(of: order, on: $1, $2) }
    }

    func status(_ number: Int) async -> VenueOrder? {
        // A failure is no order; whoever needs the difference takes `answer(about:)`.
        try? await answer(about: number).get()
    }

    func openOrders() async throws -> [VenueOrder] {
        let answer: Result<[VenueOrder], VenueFailure> = await ask { $0.openOrders(on: $1, $2) }
        return try answer.get()
    }

    func page(after cursor: String?) async throws -> TradePage {
        let answer: Result<TradePage, VenueFailure> = await ask { $0.trades(on: $1, after: cursor, $2) }
        return try answer.get()
    }

    /// Every trade from a cursor on, and how many pages they came in.
    func trades(after cursor: String? = nil) async throws -> (all: [VenueTrade], cursor: String?, pages: Int)
    {
        var (all, cursor) = ([VenueTrade](), cursor)
        for number in 1...20 {
            let page = try await page(after: cursor)
            all += page.trades
            cursor = page.cursor
            if page.isComplete { return (all, cursor, number) }
        }
        throw Endless()
    }

    private struct Endless: Error {}

    func balances() async throws -> [VenueBalance] {
        let answer: Result<[VenueBalance], VenueFailure> = await ask { $0.balances(on: $1, $2) }
        return try answer.get()
    }

    // MARK: - News

    func takeReports() async -> [VenueReport] {
        let taken = Mutex<[VenueReport]>([])
        await onLoop { [self] in
            let all = reports
            taken.withLock { $0 = all }
            reports = []
        }
        return taken.withLock { $0 }
    }

    /// Waits until everything that `isDone` looks for has been told; gives all that was.
    @discardableResult
    func wait(
        for what: String, seconds: Int = 15, _ isDone: ([VenueReport]) -> Bool
    ) async throws -> [VenueReport] {
        var told: [VenueReport] = []
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            told += await takeReports()
            if isDone(told) { return told }
            guard ContinuousClock.now < deadline else { throw NotTold(what: what, told: told) }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private struct NotTold: Error {
        let what: String
        let told: [VenueReport]
    }
}

/// The paper venue with its database.
final class PaperBench: VenueBench, @unchecked Sendable {
    // @unchecked: `paper` is touched on the loop's thread alone.
    private var paper: PaperVenue?
    private let writer: GroupCommitWriter

    init(path: String) async throws {
        writer = try GroupCommitWriter(path: path, migrations: [JournalPaperStore.migrations])
        try super.init(account: "paper")
        await onLoop { [self] in
            let store = JournalPaperStore(writer: writer, loop: loop)
            let venue = PaperVenue(
                store: store, instruments: [bitcoin], settings: MatchingSettings(slippageBasisPoints: 0),
                pageSize: 3
            ) { at(1) }
            venue.openAccount("paper", kind: .spot, currency: "USDT", balance: d("100000"))
            venue.marketMoved(candle("100"))
            paper = venue
            take(venue)
        }
        // The market of the start came before the books were read.
        _ = try await balances()
        try await move(to: "100")
    }

    override func fee(_ side: Side, quantity: FixedDecimal, price: FixedDecimal) -> (
        FixedDecimal, currency: String
    ) {
        (FixedDecimal(units: quantity.units / 1000 * (price.units / FixedDecimal.unitsPerOne)), "USDT")
    }

    override func move(to price: String) async throws {
        await onLoop { [self] in paper?.marketMoved(candle(price)) }
        _ = try await balances()
    }

    override func letGo() async {
        await onLoop { [self] in paper = nil }
        await super.letGo()
    }

    override func close() async {
        await letGo()
        writer.close()
        await super.close()
    }
}
