import Posix
public import Trading
import Wire

/// Looking at an account: open orders and deals, and what follows.
extension CoinSpotVenue {
    // MARK: - JournalGuidedVenue

    /// Takes the journal's orders and fills of an account, and begins to look.
    public func restore(_ orders: [Order], fills: [Fill], on account: AccountID) {
        guard let known = accounts[account] else { return }
        known.ledger.restore(
            orders.filter { $0.intent.account == account }, fills: fills.filter { $0.key.account == account }
        ) { [weak self] symbol in self?.pair(symbol) }
        known.isRestored = true
        // What may have happened before this start must be seen once.
        known.seenSince = nil
        poll(account, after: .zero)
    }

    /// A person has said which of several orders at the venue is ours, or that none is.
    public func decided(_ order: OrderReference, isThere: Bool, on account: AccountID) {
        guard let known = accounts[account],
            known.ledger.placements[order.clientID]?.state == .unanswered
        else { return }
        known.ledger.decide(order.clientID, as: isThere ? order.venueOrderID?.text : nil)
        sayFrozen(known)
        drain(account)
        poll(account, after: .zero)
    }

    /// A symbol as the journal has it: every market is paid in one of these.
    private func pair(_ symbol: String) -> CoinSpotPair? {
        if let market = markets?.bySymbol[symbol] { return market.pair }
        for market in ["AUD", "USDT"] where symbol.hasSuffix(market) && symbol.count > market.count {
            return CoinSpotPair(coin: String(symbol.dropLast(market.count)), market: market)
        }
        return nil
    }

    // MARK: - Looking

    /// Looks from time to time: often while something is under way.
    func poll(_ account: AccountID, after wait: Duration) {
        guard let known = accounts[account], known.isRestored else { return }
        let due = MonotonicClock.nanoseconds + UInt64(wait.wholeNanoseconds)
        // A look that comes sooner serves as well.
        if let planned = known.pollDue, planned <= due { return }
        if let timer = known.pollTimer { loop.cancel(timer) }
        known.pollDue = due
        known.pollTimer = loop.schedule(after: wait) { [weak self, weak known] in
            guard let self, let known, !known.isClosed else { return }
            known.pollDue = nil
            look(at: account) { [weak self, weak known] _ in
                guard let self, let known, !known.isClosed else { return }
                poll(account, after: known.ledger.isBusy ? settings.pollEvery : settings.idleEvery)
            }
        }
    }

    /// Looks unless that was done a moment ago.
    func withFreshLook(of account: AccountID, _ completion: @escaping (Result<Void, CallFailure>) -> Void) {
        if let known = accounts[account], known.isHealthy, let last = known.lookedNanoseconds,
            MonotonicClock.nanoseconds - last < UInt64(settings.lookBefore.wholeNanoseconds)
        {
            return completion(.success(()))
        }
        look(at: account) { completion($0.map { _ in }) }
    }

    /// Reads the two lists, after everything that was answered so far, and tells what follows.
    func look(
        at account: AccountID, since: Timestamp? = nil,
        _ completion: @escaping (Result<CoinSpotLook.Lists, CallFailure>) -> Void
    ) {
        guard let known = accounts[account] else {
            return loop.atEndOfTurn { [venue] in
                completion(.failure(.unsent("account \(account) is not open at \(venue)")))
            }
        }
        guard known.isRestored else {
            return loop.atEndOfTurn {
                completion(.failure(.unsent("the journal's orders of \(account) were not told yet")))
            }
        }
        known.wanted.append(CoinSpotLook(since: since, completion: completion))
        // One that is under way may have read before whoever asks now knew what to ask.
        guard !known.isLooking else { return }
        known.isLooking = true
        loop.atEndOfTurn { [weak self] in self?.read(account) }
    }

    private func read(_ account: AccountID) {
        guard let known = accounts[account] else { return }
        let takers = known.wanted
        known.wanted = []
        let began = connection.venueTime
        var since = known.seenSince ?? known.ledger.earliest(else: known.start)
        for taker in takers { since = min(since, taker.since ?? since) }
        // The deals first: see ``CoinSpotLedger/look(open:deals:at:)``.
        askDeals(since: since, on: account) { [weak self] deals in
            guard let self else { return }
            guard case .success(let deals) = deals else {
                return finish(
                    account, takers, deals.map { CoinSpotLook.Lists(open: [], deals: $0, since: since) })
            }
            send(question("my/orders/market/open", on: account)) { [weak self] result in
                guard let self else { return }
                let lists = result.flatMap { answer in
                    CoinSpotOpenOrder.all(answer.body).map {
                        .success(CoinSpotLook.Lists(open: $0, deals: deals, since: since))
                    }
                        ?? .failure(CallFailure.outcomeUnknown("open orders that cannot be read"))
                }
                if case .success = lists {
                    // An hour is read again, for deals that show up late.
                    known.seenSince = began.advanced(byMilliseconds: -known.ledger.settings.reread)
                }
                finish(account, takers, lists)
            }
        }
    }

    private func finish(
        _ account: AccountID, _ takers: [CoinSpotLook], _ lists: Result<CoinSpotLook.Lists, CallFailure>
    ) {
        guard let known = accounts[account] else { return }
        known.isLooking = false
        switch lists {
        case .success(let lists):
            known.refusals = 0
            known.lookedNanoseconds = MonotonicClock.nanoseconds
            known.standing = Dictionary(
                lists.open.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
            let wasHealthy = known.isHealthy
            known.isHealthy = true
            let findings = known.ledger.look(
                open: lists.open, deals: lists.deals, since: lists.since, at: connection.venueTime)
            tell(findings, known)
            report("orders of \(account)", nil)
            if known.mayTrade == nil { learnRights(of: account) }
            if !wasHealthy {
                onReport?(account, .streamRestored)
                onResumed?(account)
            }
        case .failure(let failure):
            if known.isHealthy { onReport?(account, .streamGap(reason: failure.description)) }
            known.isHealthy = false
            report("orders of \(account)", failure.description)
            suspectNonce(failure, known)
        }
        for taker in takers { taker.completion(lists) }
        drain(account)
        if !known.wanted.isEmpty, !known.isLooking {
            known.isLooking = true
            read(account)
        }
    }

    /// The words for a nonce that is too small are not documented. A question that is refused twice, whatever the words,
    /// is tried with nonces of the next size.
    private func suspectNonce(_ failure: CallFailure, _ known: CoinSpotAccount) {
        guard case .refused(let refusal) = failure else { return }
        known.refusals += 1
        // A refused key is not used again for a while, so that there would be no second time.
        let isKey = refusal.status == 401 || refusal.status == 403
        guard isKey || known.refusals >= 2, known.leaps < 2 else { return }
        leap(known.id)
        connection.credentialsChanged(known.id)
        poll(known.id, after: .zero)
    }

    /// Every deal since a day's beginning, oldest first. The venue tells 500 at most: of a longer time they are asked for
    /// day by day.
    private func askDeals(
        since: Timestamp, on account: AccountID,
        _ completion: @escaping (Result<[CoinSpotDeal], CallFailure>) -> Void
    ) {
        ask(fields: [.init("startdate", .string("\(CivilDate(utcDay: since.utcDay))"))], on: account) {
            [weak self] result in
            guard let self else { return }
            switch result {
            case .success(.some(let deals)): completion(.success(deals))
            case .success(.none): askDays(from: since.utcDay, [], on: account, completion)
            case .failure(let failure): completion(.failure(failure))
            }
        }
    }

    private func askDays(
        from day: Int64, _ found: [CoinSpotDeal], on account: AccountID,
        _ completion: @escaping (Result<[CoinSpotDeal], CallFailure>) -> Void
    ) {
        guard day <= connection.venueTime.utcDay else {
            return completion(.success(CoinSpotDeal.counted(found)))
        }
        // Whether the last day is told whole or not at all is not documented: what is beyond it is left out here.
        let fields: [JSONValue.Member] = [
            .init("startdate", .string("\(CivilDate(utcDay: day))")),
            .init("enddate", .string("\(CivilDate(utcDay: day + 1))")),
        ]
        ask(fields: fields, on: account) { [weak self] result in
            switch result {
            case .success(.some(let deals)):
                self?.askDays(
                    from: day + 1, found + deals.filter { $0.time.utcDay == day }, on: account, completion)
            case .success(.none): self?.askDay(day, found, on: account, completion)
            case .failure(let failure): completion(.failure(failure))
            }
        }
    }

    /// Asks for a day that with the next one has more deals than an answer holds, named as its own end. Where the last day
    /// is not told at all the answer is empty, and nothing is known.
    private func askDay(
        _ day: Int64, _ found: [CoinSpotDeal], on account: AccountID,
        _ completion: @escaping (Result<[CoinSpotDeal], CallFailure>) -> Void
    ) {
        let date = JSONValue.string("\(CivilDate(utcDay: day))")
        ask(fields: [.init("startdate", date), .init("enddate", date)], on: account) { [weak self] result in
            switch result {
            case .success(.some(let deals)) where deals.contains { $0.time.utcDay == day }:
                self?.askDays(
                    from: day + 1, found + deals.filter { $0.time.utcDay == day }, on: account, completion)
            case .success:
                completion(.failure(.outcomeUnknown("more deals in a day than CoinSpot tells of")))
            case .failure(let failure): completion(.failure(failure))
            }
        }
    }

    /// The deals of an answer; nil when there are as many as the venue tells at most.
    private func ask(
        fields: [JSONValue.Member], on account: AccountID,
        _ completion: @escaping (Result<[CoinSpotDeal]?, CallFailure>) -> Void
    ) {
        let limit = settings.dealsPerAnswer
        let call = question("my/orders/completed", fields + [.init("limit", .integer(limit))], on: account)
        send(call) { result in
            completion(
                result.flatMap { answer in
                    guard let deals = CoinSpotDeal.all(answer.body) else {
                        return .failure(.outcomeUnknown("deals that cannot be read"))
                    }
                    return .success(deals.count >= limit ? nil : deals)
                })
        }
    }

    // MARK: - Telling

    private func tell(_ findings: [CoinSpotLedger.Finding], _ known: CoinSpotAccount) {
        let account = known.id
        for finding in findings {
            switch finding {
            case .adopted(let id, let venueID): onReport?(account, .accepted(id, VenueOrderID(venueID)))
            case .notPlaced(let id): onReport?(account, .absent(id))
            case .ambiguous(let id, let candidates):
                onReport?(account, .ambiguous(id, candidates: candidates.map { VenueOrderID($0) }))
            case .deal(let deal, let owner, let order):
                // What was there before this host is none of its business.
                guard owner != nil || deal.time >= known.start else { continue }
                onReport?(
                    account,
                    .trade(
                        deal.venueTrade(known.ledger.name(of: deal), clientID: owner, order: order)))
            case .ended(_, .filled, _): break  // Its deals say it.
            case .ended(let id, _, let filled):
                onReport?(
                    account, .cancelled(id, filled: filled, reason: "CoinSpot no longer lists it"))
            case .moved(let id, _): tellState(of: id, on: account)
            }
        }
        sayFrozen(known)
    }

    private func sayFrozen(_ known: CoinSpotAccount) {
        let questions = known.ledger.placements.values.filter {
            $0.state == .unanswered && !$0.candidates.isEmpty
        }.sorted { $0.clientID.text < $1.clientID.text }.map(Self.question)
        report("frozen on \(known.id)", questions.isEmpty ? nil : questions.joined(separator: "; "))
    }

    // MARK: - Questions

    /// Every open order of an account.
    public func openOrders(
        on account: AccountID, _ completion: @escaping (Result<[VenueOrder], VenueFailure>) -> Void
    ) {
        look(at: account) { [weak self] result in
            guard let self else { return }
            completion(
                result.map { lists in
                    guard let ledger = self.accounts[account]?.ledger else { return [] }
                    return lists.open.compactMap { ledger.venueOrder($0, at: self.connection.venueTime) }
                }.mapError(\.venueFailure))
        }
    }

    /// An account's trades after a cursor, oldest first.
    public func trades(
        on account: AccountID, after cursor: String?,
        _ completion: @escaping (Result<TradePage, VenueFailure>) -> Void
    ) {
        let start = accounts[account]?.start ?? Timestamp(milliseconds: 0)
        guard let place = CoinSpotTradeCursor(cursor, start: start) else {
            return refuse("\(cursor ?? "") is no cursor of CoinSpot", completion)
        }
        look(at: account, since: place.from) { [weak self] result in
            guard let self, let known = accounts[account] else { return }
            completion(
                result.map { lists in
                    // Beyond a deal that nobody can be found for yet the cursor does not go.
                    let undecided = lists.deals.first { known.ledger.owner(of: $0) == nil }?.time
                    let told = place.beyond(lists.deals) { known.isLate($0) }.filter { deal in
                        undecided.map { deal.time < $0 } ?? true
                    }
                    known.seen(told, from: place.time)
                    let trades = told.compactMap { deal in
                        known.ledger.owner(of: deal).map {
                            deal.venueTrade(known.ledger.name(of: deal), clientID: $0.id, order: $0.order)
                        }
                    }
                    return TradePage(
                        trades: trades, cursor: place.next(told)?.text ?? cursor, isComplete: true)
                }.mapError(\.venueFailure))
        }
    }

    /// An account's money.
    public func balances(
        on account: AccountID, _ completion: @escaping (Result<[VenueBalance], VenueFailure>) -> Void
    ) {
        send(question("my/balances", on: account)) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): completion(.failure(failure.venueFailure))
            case .success(let answer):
                guard let totals = Self.totals(answer.body) else {
                    return completion(.failure(.outcomeUnknown("balances that cannot be read")))
                }
                // Only an order in the book holds money back, and of that coin alone is the free part asked for.
                look(at: account) { [weak self] result in
                    guard let self else { return }
                    switch result {
                    case .failure(let failure): completion(.failure(failure.venueFailure))
                    case .success(let lists):
                        let held = Set(lists.open.map { $0.side == .buy ? $0.pair.market : $0.pair.coin })
                        askFree(held.sorted()[...], totals, [:], on: account, completion)
                    }
                }
            }
        }
    }

    private func askFree(
        _ coins: ArraySlice<String>, _ totals: [String: FixedDecimal], _ free: [String: FixedDecimal],
        on account: AccountID, _ completion: @escaping (Result<[VenueBalance], VenueFailure>) -> Void
    ) {
        guard let coin = coins.first else {
            let balances = totals.filter { !$0.value.isZero }.map { currency, total in
                VenueBalance(
                    currency: currency, total: total, locked: free[currency].map { total.less($0) } ?? .zero)
            }
            return completion(.success(balances.sorted { $0.currency < $1.currency }))
        }
        let call = question("my/balance/\(coin)", on: account, query: [("available", "yes")])
        send(call) { [weak self] result in
            switch result {
            case .failure(let failure): completion(.failure(failure.venueFailure))
            case .success(let answer):
                guard case .object(let members)? = answer.body["balance"], let row = members.first?.value,
                    let available = row["available"]?.looseDecimal
                else { return completion(.failure(.outcomeUnknown("a balance that cannot be read"))) }
                var free = free
                free[coin] = available
                self?.askFree(coins.dropFirst(), totals, free, on: account, completion)
            }
        }
    }

    /// `balances` is a list of objects of one member each; the first version's is one object.
    static func totals(_ body: JSONValue) -> [String: FixedDecimal]? {
        guard let rows = body["balances"]?.arrayValue else { return nil }
        var totals: [String: FixedDecimal] = [:]
        for row in rows {
            guard case .object(let members) = row else { return nil }
            for member in members {
                guard let total = member.value["balance"]?.looseDecimal else { return nil }
                totals[CoinSpotPair(coin: member.name, market: "").coin] = total
            }
        }
        return totals
    }
}

/// Where in the account's deals to go on: the time of the last, and how many of that very moment were told.
struct CoinSpotTradeCursor: Hashable, Sendable {
    let time: Timestamp
    private let count: Int
    /// A deal may show up late behind another: so much before the place is read again.
    private static let overlap: Int64 = 600_000

    /// Reads `1785000000000#2`; nil begins at `start`.
    init?(_ text: String?, start: Timestamp) {
        guard let text else {
            self.init(time: start, count: 0)
            return
        }
        let parts = text.split(separator: "#", omittingEmptySubsequences: false)
        guard parts.count == 2, let time = Int64(parts[0]), let count = Int(parts[1]), time >= 0, count >= 0
        else { return nil }
        self.init(time: Timestamp(milliseconds: time), count: count)
    }

    private init(time: Timestamp, count: Int) {
        self.time = time
        self.count = count
    }

    var text: String { "\(time.milliseconds)#\(count)" }

    /// From when on deals are asked for.
    var from: Timestamp { time.advanced(byMilliseconds: -Self.overlap) }

    /// The deals beyond this place, oldest first.
    func beyond(_ deals: [CoinSpotDeal], isLate: (CoinSpotDeal) -> Bool) -> [CoinSpotDeal] {
        var skipped = 0
        return deals.filter { deal in
            if deal.time < time { return deal.time >= from && isLate(deal) }
            guard deal.time == time, skipped < count else { return true }
            skipped += 1
            return false
        }
    }

    /// Where to go on after them; nil to stay.
    func next(_ deals: [CoinSpotDeal]) -> CoinSpotTradeCursor? {
        guard let last = deals.last, last.time >= time else { return nil }
        let number = deals.filter { $0.time == last.time }.count
        return CoinSpotTradeCursor(time: last.time, count: last.time == time ? count + number : number)
    }
}

extension CoinSpotLedger {
    /// Whether something is under way that must be looked after often.
    var isBusy: Bool {
        placements.values.contains { placement in
            switch placement.state {
            case .preparing, .sending, .unanswered, .placed: true
            case .ended, .notPlaced: false
            }
        }
    }

    /// Before the first deal that an order of ours can have that has not ended.
    func earliest(else start: Timestamp) -> Timestamp {
        placements.values.filter { placement in
            switch placement.state {
            case .preparing, .sending, .unanswered, .placed: true
            case .ended, .notPlaced: false
            }
        }.map { $0.sentAt.advanced(byMilliseconds: -settings.skew) }.min().map { min($0, start) } ?? start
    }

    /// Whose a deal is; nil while that is not known.
    func owner(of deal: CoinSpotDeal) -> (id: ClientOrderID?, order: String)? {
        guard let owner = dealOwners[deal.trade] else { return nil }
        guard let id = owner else { return (nil, deal.id ?? "deal:\(deal.trade)") }
        return (id, placements[id]?.venueID ?? deal.id ?? "")
    }

    /// An order in the book as the desk hears of it; nil while it may be one whose answer was lost.
    func venueOrder(_ order: CoinSpotOpenOrder, at now: Timestamp) -> VenueOrder? {
        if let id = owners[order.id] { return placements[id]?.venueOrder }
        guard let known = foreign[order.id] else { return nil }
        return VenueOrder(
            clientID: nil, venueOrderID: VenueOrderID(order.id), symbol: order.pair.symbol, side: order.side,
            quantity: known.order.amount, price: order.rate,
            filledQuantity: known.order.amount.less(order.amount), averagePrice: nil, state: .open,
            reason: nil,
            time: order.created ?? now)
    }
}
