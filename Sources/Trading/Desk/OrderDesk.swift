/// Where every order of every strategy passes, and where what became of it is known.
///
/// A pure value: calls in, actions out; times and ids of requests are parameters, and order numbers count up. The same
/// code serves paper, live and Lab. The host carries the actions out in order and keeps one rule: a
/// ``DeskAction/send(_:_:)`` leaves only once every record before it is durable. The records of one call belong together:
/// the journal writes all of them or none.
public struct OrderDesk: Sendable {
    /// How much the desk remembers, and how patient it is.
    public struct Settings: Hashable, Sendable {
        /// How many ended orders are kept, so that a repeated request or a late fill is known.
        public var rememberedOrders: Int
        /// How many fills are kept, so that one told again is known. Those that the venue may tell again after the
        /// next start, because the trade cursor is not past them, are kept beyond it.
        public var rememberedFills: Int
        /// How long a question about an order waits before it is asked again, in milliseconds.
        public var questionMilliseconds: Int64
        /// How often trades that the venue owes are asked for before they are inferred.
        public var tradeQuestions: Int
        /// How often a cancel is sent again before the operator is told.
        public var cancelAttempts: Int
        /// How often the desk looks whether the venue agrees though its streams seem well, in milliseconds; nil for never.
        public var auditMilliseconds: Int64?
        /// What is added to UTC before days are counted: where the operator is east of it, in milliseconds.
        public var dayOffsetMilliseconds: Int64
        /// Over which time orders are counted for each trade, in minutes. At least 1.
        public var orderToTradeMinutes: Int
        /// So many orders pass in that time whatever became of them.
        public var orderToTradeMinimum: Int
        /// The part of a holding by which venue and books may differ before risk is only reduced with it.
        public var balanceTolerance: FixedDecimal
        /// How many calls of ``OrderDesk/review(at:)`` a difference must stand before it counts: longer than a trade may
        /// be missing from the venue's list.
        public var balanceReviews: Int

        /// Describes the desk's memory and patience.
        public init(
            rememberedOrders: Int = 20_000, rememberedFills: Int = 20_000,
            questionMilliseconds: Int64 = 2_000,
            tradeQuestions: Int = 3, cancelAttempts: Int = 5, auditMilliseconds: Int64? = nil,
            dayOffsetMilliseconds: Int64 = 0, orderToTradeMinutes: Int = 60, orderToTradeMinimum: Int = 100,
            balanceTolerance: FixedDecimal = FixedDecimal(units: FixedDecimal.unitsPerOne / 1_000),
            balanceReviews: Int = 5
        ) {
            precondition(orderToTradeMinutes > 0)
            self.rememberedOrders = rememberedOrders
            self.rememberedFills = rememberedFills
            self.questionMilliseconds = questionMilliseconds
            self.tradeQuestions = tradeQuestions
            self.cancelAttempts = cancelAttempts
            self.auditMilliseconds = auditMilliseconds
            self.dayOffsetMilliseconds = dayOffsetMilliseconds
            self.orderToTradeMinutes = orderToTradeMinutes
            self.orderToTradeMinimum = orderToTradeMinimum
            self.balanceTolerance = balanceTolerance
            self.balanceReviews = balanceReviews
        }
    }

    /// An order with what the desk needs beside it.
    struct Entry: Sendable {
        var order: Order
        let row: Int
        var askedAt: Timestamp?
        /// When the venue first did not list it.
        var absentSince: Timestamp?
        /// Since when trades are missing, and how many complete answers did not hold them.
        var owedSince: Timestamp?
        var tradeQuestions = 0
        var cancelAttempts = 0
        /// How many status questions are under way, and which question of the desk's the last one was.
        var statusQuestions = 0
        var lastQuestion = 0
        /// The question before which the terms were last settled: answers to earlier ones may be of older terms.
        var termsSettled = 0
        /// The question before which the venue first spoke of the order: answers to earlier ones may not know it.
        var firstHeard = 0
        /// A change left this host and its own answer is still to come. A restored desk waits for none.
        var awaitsAmendAnswer = false
        /// When the change under way may last have been sent, and when the venue first showed the order without it.
        var amendmentSentAt: Timestamp?
        var unchangedSince: Timestamp?
    }

    let settings: Settings
    var gate: RiskGate
    var entries: [OrderID: Entry] = [:]
    var fills: [FillKey: Fill] = [:]
    var lastOrder = OrderID(0)
    /// Rows whose position is to be closed, with how many closing orders were tried.
    var flattening: [Int: Int] = [:]
    /// The latest closing orders of this desk's life.
    var closings: [Int: OrderID] = [:]
    /// How those ended that a halt still covers.
    var flattened: [Int: FlattenOutcome] = [:]
    var tradeCursors: [AccountID: String] = [:]
    /// What is known of each account's trades beyond its cursor.
    var tails: [AccountID: TradeTail] = [:]
    /// Orders of which the venue says that more filled than we have trades for.
    var owed: Set<OrderID> = []
    /// Orders of others that the operator was told about.
    var strangers: Set<VenueName> = []
    /// Why what is known of an account may not be all.
    var doubts: [AccountID: AccountDoubt] = [:]
    /// How many questions for trades and open orders are under way.
    var questions: [AccountID: Int] = [:]
    /// Unknown orders of which the venue shows several that could be ours.
    var ambiguities: [OrderID: [VenueOrderID]] = [:]
    /// Orders that have ended here and that the venue showed open.
    var stillOpen: [OrderID: StillOpenOrder] = [:]
    /// Orders that ended while a change of theirs was not settled: how often this desk has asked about each since.
    var lateTerms: [OrderID: Int] = [:]
    /// Orders that the venue's last list showed open under two names.
    var doubled: Set<OrderID> = []
    /// Stop-losses and take-profits that are held here.
    var brackets = BracketBook()
    var lastAudit: Timestamp?
    /// How far the questions about each account are, and what the venue said that it holds.
    var audits: [AccountID: AccountAudit] = [:]
    /// What accounts hold beside their sub-ledgers, by currency or coin.
    var holdings: [AccountID: [String: HoldingRecord]] = [:]
    /// The time of the last call.
    var latest: Timestamp
    /// How many status questions were asked, to tell what an answer can know.
    var statusQuestions = 0
    var today: Int64

    private var requests: [RequestName: OrderID] = [:]
    private var venueNames: [VenueName: OrderID] = [:]
    private var endedOrders = Queue<OrderID>()
    private var fillOrder = Queue<FillKey>()

    private struct RequestName: Hashable {
        let strategy: Int
        let request: RequestID
    }

    /// The trades of an account that a question from its cursor on would be answered with.
    struct TradeTail: Sendable {
        /// Booked, but not seen in an answer yet.
        var streamed: Set<FillKey> = []
        /// Whether an answer has reached the end since this desk began. Until then any fill may come again.
        var isComplete = false
        var askedAt: Timestamp?
    }

    struct VenueName: Hashable {
        let account: AccountID
        let id: VenueOrderID
    }

    /// An empty desk. Accounts and instruments are told to it next.
    public init(limits: RiskLimits = .none, settings: Settings = Settings(), at time: Timestamp) {
        self.settings = settings
        gate = RiskGate(
            limits: limits,
            ratioRule: RatioRule(
                minutes: settings.orderToTradeMinutes, minimumOrders: settings.orderToTradeMinimum))
        latest = time
        today = time.advanced(byMilliseconds: settings.dayOffsetMilliseconds).utcDay
    }

    // MARK: Set-up, which the host keeps in its own configuration

    /// Sets the limits for everything together.
    public mutating func setLimits(_ limits: RiskLimits) {
        gate.limits = limits
        gate.lookForDrawdownLimits()
    }

    /// Sets the limits for all accounts at a venue together, in the common currency.
    public mutating func setLimits(_ limits: RiskLimits, at venue: VenueID) {
        let number = gate.venue(venue)
        gate.venues[number].limits = limits
        gate.lookForDrawdownLimits()
    }

    /// Adds an account, or changes what is set for it.
    @discardableResult
    public mutating func setAccount(_ account: AccountSettings, limits: RiskLimits = .none) -> [DeskAction] {
        gate.addAccount(account, limits: limits, day: today)
        guard let number = gate.account(account.id), gate.accounts[number].isDayRecorded else { return [] }
        return [.record(.accountDay(gate.accounts[number].dayRecord))]
    }

    /// Adds instruments of a venue, or changes their filters.
    public mutating func setInstruments(_ instruments: [Instrument], at venue: VenueID) {
        for instrument in instruments { gate.addMarket(instrument, at: venue) }
    }

    /// Changes the limits of a strategy that is enrolled.
    public mutating func setLimits(_ limits: RiskLimits, of strategy: StrategyID) -> [DeskAction] {
        guard let number = gate.strategy(strategy) else { return [] }
        gate.strategies[number].enrolment = gate.strategies[number].enrolment.with(limits: limits)
        gate.lookForDrawdownLimits()
        return [.record(.enrolment(gate.strategies[number].enrolment))]
    }
}

/// Why a strategy cannot be put on an account.
public enum EnrolmentFlaw: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownAccount(AccountID)
    case capitalNotAboveZero(FixedDecimal)
    /// Something is still open on the account that the strategy was on before.
    case stillOpen(LedgerKey)

    /// In words.
    public var description: String {
        switch self {
        case .unknownAccount(let account): "there is no account \(account)"
        case .capitalNotAboveZero(let capital): "the capital must be above 0, not \(capital)"
        case .stillOpen(let key):
            "\(key.strategy) still has \(key.symbol) open on account \(key.account); close it before moving on"
        }
    }
}

extension OrderDesk {
    /// Puts a strategy on an account at the start of a run. Its positions of earlier runs there are its own still.
    public mutating func enrol(
        _ strategy: StrategyID, run: RunID, on account: AccountID, capital: FixedDecimal,
        limits: RiskLimits = .none, at time: Timestamp
    ) throws(EnrolmentFlaw) -> [DeskAction] {
        guard let accountNumber = gate.account(account) else { throw .unknownAccount(account) }
        guard capital.isPositive, capital <= TradingBounds.notional else {
            throw .capitalNotAboveZero(capital)
        }
        if let number = gate.strategy(strategy), gate.strategies[number].account != accountNumber {
            for row in gate.strategies[number].rows
            where !gate.rows[row].ledger.quantity.isZero || !gate.rows[row].live.isEmpty {
                throw .stillOpen(gate.key(of: row))
            }
        }
        var actions = roll(to: time)
        var opening = capital
        if let number = gate.strategy(strategy), gate.strategies[number].account == accountNumber {
            let old = gate.strategies[number].enrolment
            // What was lost today stays lost; other capital moves the opening with it.
            opening = FixedDecimal.sum(
                old.dayOpeningEquity, FixedDecimal.difference(capital, old.capital))
        } else if let number = gate.strategy(strategy) {
            endPeak(of: .strategy(number), at: time, &actions)
        }
        let enrolment = Enrolment(
            strategy: strategy, run: run, account: account, capital: capital, limits: limits, isRunning: true,
            day: today, dayOpeningEquity: opening)
        let number = gate.addStrategy(enrolment, account: accountNumber)
        gate.watch(.strategy(number), at: time)
        actions.append(.record(.enrolment(enrolment)))
        if !gate.accounts[accountNumber].isDayRecorded {
            gate.accounts[accountNumber].isDayRecorded = true
            actions.append(.record(.accountDay(gate.accounts[accountNumber].dayRecord)))
        }
        return actions
    }

    /// Starts a new day when `time` is in one: the day's profit counts from here.
    mutating func roll(to time: Timestamp) -> [DeskAction] {
        latest = time
        let day = time.advanced(byMilliseconds: settings.dayOffsetMilliseconds).utcDay
        // More than a day back the clock was wrong before, and set right now: nothing else would begin until then.
        guard day > today || day < today - 1 else { return [] }
        today = day
        var actions: [DeskAction] = []
        for number in gate.strategies.indices {
            gate.strategies[number].enrolment.day = day
            gate.strategies[number].enrolment.dayOpeningEquity = gate.equity(ofStrategy: number)
            actions.append(.record(.enrolment(gate.strategies[number].enrolment)))
        }
        for number in gate.accounts.indices {
            gate.accounts[number].day = day
            gate.accounts[number].openingEquity = gate.equity(ofAccount: number)
            gate.accounts[number].isDayRecorded = true
            actions.append(.record(.accountDay(gate.accounts[number].dayRecord)))
        }
        for row in gate.rows.indices where !gate.rows[row].ledger.quantity.isZero {
            actions.append(.record(.ledger(gate.ledgerRecord(of: row, at: time))))
        }
        return actions
    }

    /// Takes a price of a venue's market into account. Call it before any order that a strategy gives because of it.
    ///
    /// - Parameters:
    ///   - symbol: The instrument's name at the venue; nil when the event has it.
    ///   - time: When the price came, by the clock that all calls go by. The event's own time may be another: a feed
    ///     that runs faster than the world is in the future, one that replays is in the past.
    public mutating func priceMoved(
        _ event: MarketEvent, as symbol: String? = nil, on venue: VenueID, at time: Timestamp
    ) -> [DeskAction] {
        var actions = roll(to: time)
        guard let number = gate.movingMarket(symbol ?? event.symbol, at: venue) else { return actions }
        let price: FixedDecimal
        switch event {
        case .candle(let candle): price = candle.close
        case .trade(let trade): price = trade.price
        case .quote(let quote):
            price = FixedDecimal(units: quote.bid.units / 2 + quote.ask.units / 2)
        }
        guard TradingBounds.allows(price: price) else { return actions }
        gate.markets[number].lastPrice = price
        gate.markets[number].lastTime = time
        watchPeaks(ofMarket: number, at: time, &actions)
        if !brackets.isIdle {
            let (bid, ask) = event.sides(orBoth: price)
            watchBrackets(number, bid: bid, ask: ask, at: time, &actions)
        }
        return actions
    }
}

// MARK: - The table of orders

extension OrderDesk {
    func known(_ request: RequestID, of strategy: Int) -> OrderID? {
        requests[RequestName(strategy: strategy, request: request)]
    }

    func order(named id: VenueOrderID, on account: AccountID) -> OrderID? {
        venueNames[VenueName(account: account, id: id)]
    }

    /// Our order of that client id on that account, if it is ours and still remembered.
    func order(named id: ClientOrderID, on account: AccountID) -> OrderID? {
        guard let number = id.order, let intent = entries[number]?.order.intent, intent.clientID == id,
            intent.account == account
        else { return nil }
        return number
    }

    mutating func nextOrder() -> OrderID {
        lastOrder = OrderID(lastOrder.number + 1)
        return lastOrder
    }

    /// Takes a new or a restored order into the books.
    mutating func insert(_ order: Order, row: Int) {
        entries[order.id] = Entry(order: order, row: row)
        let strategy = gate.rows[row].strategy
        if let request = order.intent.request {
            requests[RequestName(strategy: strategy, request: request)] = order.id
        }
        if let id = order.venueOrderID { name(order.id, id, on: order.intent.account) }
        if order.status.isTerminal {
            end(order.id)
        } else {
            gate.rows[row].live.append(order.id)
        }
        gate.rows[row].lastOrder = max(gate.rows[row].lastOrder, order.id)
        if order.owesTrades { owed.insert(order.id) }
        if order.amendment != nil, order.status.isTerminal { lateTerms[order.id] = 0 }
    }

    mutating func name(_ order: OrderID, _ id: VenueOrderID, on account: AccountID) {
        venueNames[VenueName(account: account, id: id)] = order
    }

    /// Remembers an order as ended, and forgets the one that ended longest ago.
    mutating func end(_ order: OrderID) {
        endedOrders.append(order)
        while endedOrders.count > settings.rememberedOrders, let oldest = endedOrders.popFirst() {
            // One that is not terminal came back.
            guard let entry = entries[oldest], entry.order.status.isTerminal else { continue }
            gate.move(entry.row, from: entry.order.claim, to: .none)
            entries[oldest] = nil
            owed.remove(oldest)
            lateTerms[oldest] = nil
            if let request = entry.order.intent.request {
                requests[RequestName(strategy: gate.rows[entry.row].strategy, request: request)] = nil
            }
            if let id = entry.order.venueOrderID {
                venueNames[VenueName(account: entry.order.intent.account, id: id)] = nil
            }
        }
    }

    mutating func remember(_ fill: Fill) {
        fills[fill.key] = fill
        fillOrder.append(fill.key)
        while fillOrder.count > settings.rememberedFills, let oldest = fillOrder.first,
            let tail = tails[oldest.account], tail.isComplete, !tail.streamed.contains(oldest)
        {
            _ = fillOrder.popFirst()
            fills[oldest] = nil
        }
    }
}

extension RiskGate.Account {
    var dayRecord: AccountDay {
        AccountDay(account: settings.id, day: day, openingEquity: openingEquity)
    }
}

extension Enrolment {
    func with(limits: RiskLimits) -> Enrolment {
        Enrolment(
            strategy: strategy, run: run, account: account, capital: capital, limits: limits,
            isRunning: isRunning, day: day, dayOpeningEquity: dayOpeningEquity)
    }
}

/// First in, first out, without moving the rest at every step.
struct Queue<Element: Sendable>: Sendable {
    private var elements: [Element] = []

    private var start = 0

    var count: Int { elements.count - start }
    var first: Element? { start < elements.count ? elements[start] : nil }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard let element = first else { return nil }
        start += 1
        if start >= 1024, start * 2 > elements.count {
            elements.removeFirst(start)
            start = 0
        }
        return element
    }
}
