public import Trading

/// A venue without real money: the matching engine behind the same door as a real one.
///
/// It is the independent witness of what happened. It has its own database, its own order and trade ids, and it says
/// nothing, not even an answer to a question, that is not durable there. After `kill -9` it is what it had committed.
public final class PaperVenue: ExchangeAdapter {
    public let venue: VenueID
    public var onReport: ((AccountID, VenueReport) -> Void)?

    /// How many trades one page of ``trades(on:after:_:)`` holds.
    public let pageSize: Int

    private var engine: MatchingEngine
    private let store: any PaperVenueStore
    private let settings: MatchingSettings
    private let now: () -> Timestamp
    private let atLeisure: (@escaping () -> Void) -> Void
    /// Prices that standing orders are still to be matched against.
    private var unmatched: [(event: MarketEvent, symbol: String?)] = []
    private var health = Health.reading
    /// What came before the books were read.
    private var waiting: [Request] = []
    /// The latest price of each instrument that came before the books were read.
    private var missed: [String: MarketEvent] = [:]
    private var listing: [Instrument]
    private var openings: [AccountID: Opening] = [:]

    private enum Health {
        /// The books are being read, for the first time or because something was lost.
        case reading
        case working
        /// The books could not be read; the next request tries again.
        case failed
    }

    private struct Request {
        let carryOut: () -> Void
        let fail: (PaperStoreFailure) -> Void
    }

    private struct Opening {
        let kind: AccountKind
        let currency: String
        let balance: FixedDecimal
    }

    /// Opens a venue on a store and starts to read its books; what is asked meanwhile waits.
    ///
    /// - Parameters:
    ///   - now: The venue's clock, for orders that come between two prices.
    ///   - atLeisure: Does something soon, when nothing more urgent is there to be done. Whatever the venue is asked
    ///     meanwhile comes after it.
    public init(
        venue: VenueID = "paper", store: any PaperVenueStore, instruments: [Instrument],
        settings: MatchingSettings = MatchingSettings(), pageSize: Int = 500,
        atLeisure: @escaping (@escaping () -> Void) -> Void = { $0() }, now: @escaping () -> Timestamp
    ) {
        precondition(pageSize > 0)
        self.venue = venue
        self.store = store
        self.settings = settings
        self.pageSize = pageSize
        self.now = now
        self.atLeisure = atLeisure
        listing = instruments
        engine = MatchingEngine(settings: settings)
        read()
    }

    /// Adds instruments, or changes their filters.
    public func setInstruments(_ instruments: [Instrument]) {
        listing = instruments
        engine.setInstruments(instruments)
    }

    /// Opens an account with play money, or changes the kind of one that is there; its money stays as it is.
    public func openAccount(_ id: AccountID, kind: AccountKind, currency: String, balance: FixedDecimal) {
        openings[id] = Opening(kind: kind, currency: currency, balance: balance)
        // Otherwise it is opened when the books are read.
        if case .working = health { open(id) }
    }

    /// Opens an account that is not there, and changes one whose kind was set otherwise.
    private func open(_ id: AccountID) {
        guard let opening = openings[id], engine.account(id)?.kind != opening.kind else { return }
        engine.openAccount(id, kind: opening.kind, currency: opening.currency, balance: opening.balance)
        saveQuietly()
    }

    /// Lets the market move. Standing orders are matched against it at leisure, before anything else that the venue is
    /// asked; trades that follow are reported when they are durable.
    public func marketMoved(_ event: MarketEvent, as symbol: String? = nil) {
        unmatched.append((event, symbol))
        if unmatched.count == 1 { atLeisure { [weak self] in self?.match() } }
    }

    /// The venue's clock in a market. Where prices are minutes away from the present, as in a replay or a market that runs
    /// fast, theirs is the time: an order between two of them trades at the time of those that it trades at.
    private func time(in symbol: String) -> Timestamp {
        let present = now()
        guard let market = engine.marketTime(of: symbol),
            abs(market.milliseconds - present.milliseconds) > Self.presentMilliseconds
        else { return present }
        return market
    }

    /// How far a market's last price may be from the venue's own clock to be of the present: quiet markets have minutes
    /// without any.
    private static let presentMilliseconds: Int64 = 600_000

    private func match() {
        let events = unmatched
        unmatched.removeAll(keepingCapacity: true)
        for (event, symbol) in events { match(symbol.map(event.renamed) ?? event) }
    }

    private func match(_ event: MarketEvent) {
        guard case .working = health else {
            // The latest will do when the books are read.
            missed[event.symbol] = event
            return
        }
        let events = engine.marketMoved(event)
        guard !events.isEmpty else { return saveQuietly() }
        commit(events) { _ in }
    }

    // MARK: ExchangeAdapter

    /// What can be traded, and in which steps.
    public func instruments(_ completion: @escaping (Result<[Instrument], VenueFailure>) -> Void) {
        whenReady(completion) { [self] in
            let instruments = engine.instruments
            commit([]) { completion($0.map { instruments }.mapError(\.unsent)) }
        }
    }

    /// Places an order.
    public func place(
        _ request: PlaceRequest, on account: AccountID,
        _ completion: @escaping (Result<VenueOrderID, VenueFailure>) -> Void
    ) {
        whenReady(completion) { [self] in
            let (order, events) = engine.place(request, on: account, at: time(in: request.terms.symbol))
            commit(events) { [self] result in
                switch result {
                case .success: completion(order.answer)
                case .failure(let failure): answerForKnown(request.clientID, account, failure, completion)
                }
            }
        }
    }

    /// An order that could not be kept may be one that ended long ago and is in the store alone.
    private func answerForKnown(
        _ id: ClientOrderID, _ account: AccountID, _ failure: PaperStoreFailure,
        _ completion: @escaping (Result<VenueOrderID, VenueFailure>) -> Void
    ) {
        store.order(id, on: account) { result in
            if case .success(.some(let known)) = result { return completion(known.answer) }
            completion(.failure(failure.refused))
        }
    }

    /// Cancels an order.
    public func cancel(
        _ order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<Void, VenueFailure>) -> Void
    ) {
        whenReady(completion) { [self] in
            do throws(MatchingRefusal) {
                let events = try engine.cancel(
                    order.clientID, on: account, at: time(in: order.symbol))
                commit(events) { completion($0.mapError(\.refused)) }
            } catch {
                refuse(error) { completion(.failure($0)) }
            }
        }
    }

    /// Changes an order.
    public func amend(
        _ order: OrderReference, to amendment: Amendment, on account: AccountID,
        _ completion: @escaping (Result<Amendment, VenueFailure>) -> Void
    ) {
        whenReady(completion) { [self] in
            do throws(MatchingRefusal) {
                let events = try engine.amend(
                    order.clientID, to: amendment, on: account, at: time(in: order.symbol))
                let held = engine.order(order.clientID, on: account)
                let answer = Amendment(
                    quantity: held?.terms.quantity ?? amendment.quantity, price: held?.terms.price)
                commit(events) { completion($0.map { answer }.mapError(\.refused)) }
            } catch {
                refuse(error) { completion(.failure($0)) }
            }
        }
    }

    /// What became of an order.
    public func status(
        of order: OrderReference, on account: AccountID,
        _ completion: @escaping (Result<VenueOrder?, VenueFailure>) -> Void
    ) {
        whenReady(completion) { [self] in
            store.order(order.clientID, on: account) {
                completion($0.map { $0?.venueOrder }.mapError(\.unsent))
            }
        }
    }

    /// Every open order of an account.
    public func openOrders(
        on account: AccountID, _ completion: @escaping (Result<[VenueOrder], VenueFailure>) -> Void
    ) {
        whenReady(completion) { [self] in
            store.openOrders(on: account) { completion($0.map { $0.map(\.venueOrder) }.mapError(\.unsent)) }
        }
    }

    /// An account's trades after a cursor.
    public func trades(
        on account: AccountID, after cursor: String?,
        _ completion: @escaping (Result<TradePage, VenueFailure>) -> Void
    ) {
        guard let number = cursor.map(Int64.init) ?? 0 else {
            return whenReady(completion) { [self] in
                commit([]) { _ in completion(.failure(.refused("\(cursor ?? "") is no cursor of this venue")))
                }
            }
        }
        let limit = pageSize
        whenReady(completion) { [self] in
            store.trades(on: account, after: number, limit: limit) { result in
                completion(
                    result.map { trades in
                        TradePage(
                            trades: trades.map(\.trade),
                            cursor: trades.last.map { String($0.number) } ?? cursor,
                            isComplete: trades.count < limit)
                    }.mapError(\.unsent))
            }
        }
    }

    /// An account's money.
    public func balances(
        on account: AccountID, _ completion: @escaping (Result<[VenueBalance], VenueFailure>) -> Void
    ) {
        whenReady(completion) { [self] in
            store.account(account) { result in
                switch result {
                case .success(.some(let account)): completion(.success(account.venueBalances))
                case .success(.none):
                    completion(.failure(.refused(MatchingRefusal.unknownAccount(account).description)))
                case .failure(let failure): completion(.failure(failure.unsent))
                }
            }
        }
    }

    // MARK: Books

    /// Carries a request out now, or when the books are read; or fails it when they cannot be.
    private func whenReady<Value>(
        _ completion: @escaping (Result<Value, VenueFailure>) -> Void, _ body: @escaping () -> Void
    ) {
        match()
        if case .working = health { return body() }
        waiting.append(Request(carryOut: body, fail: { completion(.failure($0.unsent)) }))
        if case .failed = health { read() }
    }

    /// Makes what changed durable, then answers, then reports what happened, in this order.
    private func commit(
        _ events: [MatchingEvent], _ answer: @escaping (Result<Void, PaperStoreFailure>) -> Void
    ) {
        store.save(engine.takeChanges()) { [weak self] result in
            answer(result)
            guard let self else { return }
            switch result {
            case .success: for event in events { report(event) }
            case .failure: recover()
            }
        }
    }

    /// A price can change an order without an event, such as a stop that fired and found no volume.
    private func saveQuietly() {
        let changes = engine.takeChanges()
        guard !changes.isEmpty else { return }
        store.save(changes) { [weak self] result in
            if case .failure = result { self?.recover() }
        }
    }

    private func refuse(_ refusal: MatchingRefusal, _ completion: @escaping (VenueFailure) -> Void) {
        commit([]) { result in
            switch result {
            case .success: completion(.refused(refusal.description))
            case .failure(let failure): completion(failure.unsent)
            }
        }
    }

    /// What was in memory and is not durable never happened: the books are read again.
    private func recover() {
        if case .working = health { read() }
    }

    private func read() {
        health = .reading
        store.load { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let state): adopt(state)
            case .failure(let failure):
                health = .failed
                let waiting = waiting
                self.waiting = []
                for request in waiting { request.fail(failure) }
            }
        }
    }

    private func adopt(_ state: PaperVenueState) {
        let markets = engine
        engine = MatchingEngine(settings: settings)
        engine.setInstruments(listing)
        engine.restore(
            accounts: state.accounts, orders: state.openOrders, lastOrder: state.lastOrder,
            lastTrade: state.lastTrade)
        engine.takeMarkets(from: markets)
        health = .working
        let waiting = waiting
        self.waiting = []
        for id in openings.keys.sorted() { open(id) }
        let prices = missed.values.sorted { $0.symbol < $1.symbol }
        missed = [:]
        for price in prices { match(price) }
        for request in waiting { request.carryOut() }
    }

    private func report(_ event: MatchingEvent) {
        switch event {
        case .traded(let trade, _):
            onReport?(trade.account, .trade(trade.trade))
        case .ended(let order):
            guard let id = order.clientID else { return }
            switch order.state {
            case .cancelled:
                onReport?(order.account, .cancelled(id, filled: order.filledQuantity, reason: order.reason))
            case .expired:
                onReport?(order.account, .expired(id, filled: order.filledQuantity, reason: order.reason))
            case .filled, .open, .rejected:
                break  // Its trades say it.
            }
        case .liquidated:
            break  // Its trades say it.
        }
    }
}

extension PaperStoreFailure {
    fileprivate var unsent: VenueFailure { .unsent("the paper venue's storage: \(description)") }
    fileprivate var refused: VenueFailure { .refused("the paper venue could not keep it: \(description)") }
}

extension MatchingOrder {
    /// What the venue answers to whoever placed it.
    fileprivate var answer: Result<VenueOrderID, VenueFailure> {
        guard state == .rejected else { return .success(venueOrderID) }
        return .failure(.refused(reason ?? "rejected"))
    }
}

extension MatchingAccount {
    fileprivate var venueBalances: [VenueBalance] {
        balances.sorted { $0.key < $1.key }.map {
            VenueBalance(currency: $0.key, total: $0.value.total, locked: $0.value.locked)
        }
    }
}
