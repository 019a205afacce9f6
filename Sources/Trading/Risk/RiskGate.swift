/// The books that decide: positions, reservations, money and limits of all strategies and accounts.
///
/// A pure value. A check and the reservation that relies on it are one call, ``reserve(_:claim:row:at:)``, so nothing
/// can come between. Names are looked up once and are small numbers from there on.
struct RiskGate: Sendable {
    /// An instrument of a venue and its last price.
    struct Market: Sendable {
        let venue: VenueID
        var instrument: Instrument
        var lastPrice: FixedDecimal?
        var lastTime = Timestamp(milliseconds: 0)
        var rows: [Int] = []
    }

    /// An account with the sums over its rows.
    struct Account: Sendable {
        var settings: AccountSettings
        var limits: RiskLimits
        var venue: Int
        var rate = RateWindow()
        var ratio = RatioWindow()
        var peak: PeakWatch?
        var liveOrders = 0
        var buyNotional = FixedDecimal.zero
        var cashFlow = FixedDecimal.zero
        var day: Int64
        var openingEquity: FixedDecimal
        /// Whether the journal has the day's opening.
        var isDayRecorded = false
        var rows: [Int] = []
        var cells: [Int] = []
        /// How many rows hold something, or could come to by their open orders.
        var occupied = 0
    }

    /// All accounts at a venue together.
    struct Venue: Sendable {
        let id: VenueID
        var limits = RiskLimits.none {
            didSet { isLimited = limits != .none }
        }
        private(set) var isLimited = false
        var rate = RateWindow()
        var ratio = RatioWindow()
        var peak: PeakWatch?
        var accounts: [Int] = []
    }

    /// A strategy with its rows.
    struct Strategy: Sendable {
        var enrolment: Enrolment
        var account: Int
        var prefix: ClientOrderID.Prefix
        var rate = RateWindow()
        var ratio = RatioWindow()
        var peak: PeakWatch?
        var liveOrders = 0
        var rows: [Int] = []
    }

    /// What one strategy has of one instrument on one account.
    struct Row: Sendable {
        let strategy: Int
        let account: Int
        let market: Int
        let cell: Int
        var ledger = SubLedger()
        var claim = Claim.none
        /// The last price when the ledger was last recorded, and when that was.
        var mark: FixedDecimal?
        var recordedAt = Timestamp(milliseconds: 0)
        /// The newest order, to know whether the strategy has moved on from an older one.
        var lastOrder = OrderID(0)
        /// Orders that are not terminal, oldest first.
        var live: [OrderID] = []

        /// What the row adds to the sums over its cell.
        var part: Part {
            Part(ledger: ledger, worst: Self.worst(ledger.quantity, claim))
        }

        /// The largest position, by size, that open orders could lead to, whatever fills first: what reduces a short position
        /// leaves more of the buys to make a long one.
        static func worst(
            _ quantity: FixedDecimal, _ claim: Claim, adding extra: Claim = .none
        ) -> FixedDecimal {
            var long = FixedDecimal.sum(quantity, FixedDecimal.sum(claim.buys, extra.buys))
            var short = FixedDecimal.difference(quantity, FixedDecimal.sum(claim.sells, extra.sells))
            if quantity.isNegative {
                let exits = FixedDecimal.sum(claim.exitBuys, extra.exitBuys)
                long = FixedDecimal.sum(long, min(exits, FixedDecimal.size(quantity)))
            } else {
                let exits = FixedDecimal.sum(claim.exitSells, extra.exitSells)
                short = FixedDecimal.difference(short, min(exits, quantity))
            }
            return max(FixedDecimal.size(long), FixedDecimal.size(short))
        }
    }

    /// What one row adds to the sums over its cell.
    struct Part {
        let ledger: SubLedger
        /// The largest position, by size, that open orders could lead to.
        let worst: FixedDecimal
    }

    /// The sums over the rows of one instrument on one account, so that a decision need not visit every strategy.
    struct Cell: Hashable, Sendable {
        let account: Int
        let market: Int
        var quantity = FixedDecimal.zero
        var cost = FixedDecimal.zero
        var realised = FixedDecimal.zero
        /// Sum of ``SubLedger/charges``.
        var charges = FixedDecimal.zero
        /// Sum of ``Part/worst``.
        var worst = FixedDecimal.zero
        /// How many rows hold something, or could come to by their open orders.
        var occupied = 0
        /// What values it until the market has a price.
        var mark: FixedDecimal?

        /// Puts a row's part in the place of what it was.
        mutating func replace(_ old: Part, by new: Part) {
            quantity = Self.moved(quantity, old.ledger.quantity, new.ledger.quantity)
            cost = Self.moved(cost, old.ledger.cost, new.ledger.cost)
            realised = Self.moved(realised, old.ledger.realised, new.ledger.realised)
            charges = Self.moved(charges, old.ledger.charges, new.ledger.charges)
            worst = Self.moved(worst, old.worst, new.worst)
            occupied += (new.worst.isPositive ? 1 : 0) - (old.worst.isPositive ? 1 : 0)
        }

        private static func moved(
            _ sum: FixedDecimal, _ old: FixedDecimal, _ new: FixedDecimal
        ) -> FixedDecimal {
            FixedDecimal(units: sum.units - old.units + new.units)
        }
    }

    var markets: [Market] = []
    var cells: [Cell] = []
    var venues: [Venue] = []
    var accounts: [Account] = []
    var strategies: [Strategy] = []
    var rows: [Row] = []
    var limits: RiskLimits
    var rate = RateWindow()
    var ratio = RatioWindow()
    var peak: PeakWatch?
    /// Over which time orders are counted for each trade, and from how many on.
    let ratioRule: RatioRule
    /// Whether a limit on drawdown is set anywhere, so that prices have to be watched for it.
    var watchesPeaks = false
    var liveOrders = 0
    var occupied = 0
    var halts: [RiskScope: HaltRecord] = [:]
    /// Why orders are denied on an account, or in one symbol on it, until more is known. Nearly always empty.
    var blocks: [Block: RiskDenial] = [:]

    private var lastMoved: Int?
    /// What is blocked.
    enum Block: Hashable {
        case account(Int)
        case cell(Int)
        /// What is paid in or for a currency or coin, on an account.
        case asset(Int, String)
    }

    private var marketNumbers: [MarketName: Int] = [:]
    private var venueNumbers = NameTable<VenueID, Int>()
    private var accountNumbers = NameTable<AccountID, Int>()
    private var strategyNumbers = NameTable<StrategyID, Int>()

    private struct MarketName: Hashable {
        let venue: VenueID
        let symbol: String
    }

    init(limits: RiskLimits, ratioRule: RatioRule = RatioRule()) {
        self.limits = limits
        self.ratioRule = ratioRule
        lookForDrawdownLimits()
    }
}

// MARK: - Names

extension RiskGate {
    func market(_ symbol: String, at venue: VenueID) -> Int? {
        marketNumbers[MarketName(venue: venue, symbol: symbol)]
    }

    /// The market whose price moves; most often the one whose price moved last.
    mutating func movingMarket(_ symbol: String, at venue: VenueID) -> Int? {
        if let last = lastMoved, markets[last].instrument.symbol == symbol, markets[last].venue == venue {
            return last
        }
        lastMoved = market(symbol, at: venue)
        return lastMoved
    }

    func account(_ id: AccountID) -> Int? { accountNumbers[id] }

    func strategy(_ id: StrategyID) -> Int? { strategyNumbers[id] }

    func knownVenue(_ id: VenueID) -> Int? { venueNumbers[id] }

    mutating func addMarket(_ instrument: Instrument, at venue: VenueID) {
        let name = MarketName(venue: venue, symbol: instrument.symbol)
        if let number = marketNumbers[name] {
            markets[number].instrument = instrument
        } else {
            marketNumbers[name] = markets.count
            markets.append(Market(venue: venue, instrument: instrument))
        }
    }

    /// The number of a venue, which is given one when it is new.
    mutating func venue(_ id: VenueID) -> Int {
        if let number = venueNumbers[id] { return number }
        venueNumbers[id] = venues.count
        venues.append(Venue(id: id))
        return venues.count - 1
    }

    mutating func addAccount(_ settings: AccountSettings, limits: RiskLimits, day: Int64) {
        let venue = venue(settings.venue)
        if let number = accountNumbers[settings.id] {
            venues[accounts[number].venue].accounts.removeAll { $0 == number }
            venues[venue].accounts.append(number)
            accounts[number].venue = venue
            // Money put in or taken out is no profit.
            accounts[number].openingEquity = FixedDecimal.difference(
                FixedDecimal.sum(accounts[number].openingEquity, settings.balance),
                accounts[number].settings.balance)
            accounts[number].settings = settings
            accounts[number].limits = limits
        } else {
            accountNumbers[settings.id] = accounts.count
            venues[venue].accounts.append(accounts.count)
            accounts.append(
                Account(
                    settings: settings, limits: limits, venue: venue, day: day,
                    openingEquity: settings.balance))
        }
        lookForDrawdownLimits()
    }

    mutating func addStrategy(_ enrolment: Enrolment, account: Int) -> Int {
        let prefix = ClientOrderID.Prefix(strategy: enrolment.strategy, run: enrolment.run)
        if let number = strategyNumbers[enrolment.strategy] {
            strategies[number].enrolment = enrolment
            strategies[number].account = account
            strategies[number].prefix = prefix
            lookForDrawdownLimits()
            return number
        }
        strategyNumbers[enrolment.strategy] = strategies.count
        strategies.append(Strategy(enrolment: enrolment, account: account, prefix: prefix))
        lookForDrawdownLimits()
        return strategies.count - 1
    }

    /// The market of a symbol at the venue of a strategy's account: one that the strategy has traded, or any that there is.
    func market(_ symbol: String, for strategy: Int) -> Int? {
        let account = strategies[strategy].account
        for row in strategies[strategy].rows
        where rows[row].account == account && markets[rows[row].market].instrument.symbol == symbol {
            return rows[row].market
        }
        return market(symbol, at: accounts[account].settings.venue)
    }

    func findRow(strategy: Int, account: Int, market: Int) -> Int? {
        strategies[strategy].rows.first { rows[$0].market == market && rows[$0].account == account }
    }

    mutating func row(strategy: Int, account: Int, market: Int) -> Int {
        if let row = findRow(strategy: strategy, account: account, market: market) { return row }
        let number = rows.count
        rows.append(
            Row(
                strategy: strategy, account: account, market: market,
                cell: cell(account: account, market: market)))
        strategies[strategy].rows.append(number)
        accounts[account].rows.append(number)
        markets[market].rows.append(number)
        return number
    }

    private mutating func cell(account: Int, market: Int) -> Int {
        if let known = accounts[account].cells.first(where: { cells[$0].market == market }) { return known }
        cells.append(Cell(account: account, market: market))
        accounts[account].cells.append(cells.count - 1)
        return cells.count - 1
    }

    /// Changes a row's ledger or claims, and the sums that it is part of.
    private mutating func change<Result>(_ row: Int, _ body: (inout Row) -> Result) -> Result {
        let cell = rows[row].cell
        let occupied = cells[cell].occupied
        let old = rows[row].part
        let result = body(&rows[row])
        cells[cell].replace(old, by: rows[row].part)
        let change = cells[cell].occupied - occupied
        if change != 0 {
            accounts[rows[row].account].occupied += change
            self.occupied += change
        }
        return result
    }

    func key(of row: Int) -> LedgerKey {
        LedgerKey(
            strategy: strategies[rows[row].strategy].enrolment.strategy,
            account: accounts[rows[row].account].settings.id,
            symbol: markets[rows[row].market].instrument.symbol)
    }
}

// MARK: - Sums

extension RiskGate {
    /// Replaces what an order holds back. The only way by which reservations change.
    mutating func move(_ row: Int, from old: Claim, to new: Claim) {
        guard old != new else { return }
        let (strategy, account) = (rows[row].strategy, rows[row].account)
        change(row) {
            $0.claim.buys = FixedDecimal.difference(FixedDecimal.sum($0.claim.buys, new.buys), old.buys)
            $0.claim.sells = FixedDecimal.difference(FixedDecimal.sum($0.claim.sells, new.sells), old.sells)
            $0.claim.exitBuys = FixedDecimal.difference(
                FixedDecimal.sum($0.claim.exitBuys, new.exitBuys), old.exitBuys)
            $0.claim.exitSells = FixedDecimal.difference(
                FixedDecimal.sum($0.claim.exitSells, new.exitSells), old.exitSells)
            $0.claim.buyNotional = FixedDecimal.difference(
                FixedDecimal.sum($0.claim.buyNotional, new.buyNotional), old.buyNotional)
        }
        rows[row].claim.unknownOrders += new.unknownOrders - old.unknownOrders
        accounts[account].buyNotional = FixedDecimal.difference(
            FixedDecimal.sum(accounts[account].buyNotional, new.buyNotional), old.buyNotional)
        let orders = new.liveOrders - old.liveOrders
        if orders != 0 {
            rows[row].claim.liveOrders += orders
            strategies[strategy].liveOrders += orders
            accounts[account].liveOrders += orders
            liveOrders += orders
        }
        assert(!rows[row].claim.buys.isNegative && !rows[row].claim.sells.isNegative)
    }

    /// What a fill's fee currency is worth in the quote currency of its market, where it is neither that nor the base: by
    /// the last price of a market of the two at the same venue, either way round. Nil when there is none.
    func feePrice(of fill: Fill, in row: Int) -> FixedDecimal? {
        let market = markets[rows[row].market]
        let quote = market.instrument.quote
        guard !fill.fee.isZero, fill.feeCurrency != quote, fill.feeCurrency != market.instrument.base else {
            return nil
        }
        for other in markets where other.venue == market.venue {
            guard let price = other.lastPrice, price.isPositive else { continue }
            if other.instrument.base == fill.feeCurrency, other.instrument.quote == quote { return price }
            if other.instrument.base == quote, other.instrument.quote == fill.feeCurrency {
                return FixedDecimal.quotient(.one, price, .nearestEven)
            }
        }
        return nil
    }

    /// Books a fill into a row. Returns its fee in quote currency, or nil when that is not known.
    mutating func book(_ fill: Fill, into row: Int) -> FixedDecimal? {
        let instrument = markets[rows[row].market].instrument
        let feePrice = feePrice(of: fill, in: row)
        return changeMoney(of: row) { $0.book(fill, in: instrument, feePrice: feePrice) }
    }

    /// Books funding into a row; see ``SubLedger/fund(_:)``.
    mutating func fund(_ amount: FixedDecimal, row: Int) { changeMoney(of: row) { $0.fund(amount) } }

    /// Changes a row's ledger, and the account's money by as much.
    private mutating func changeMoney<Result>(of row: Int, _ body: (inout SubLedger) -> Result) -> Result {
        let account = rows[row].account
        let before = rows[row].ledger.cashFlow
        let result = change(row) { body(&$0.ledger) }
        let change = FixedDecimal.difference(rows[row].ledger.cashFlow, before)
        accounts[account].cashFlow = FixedDecimal.sum(accounts[account].cashFlow, change)
        return result
    }

    /// Puts a ledger from the journal in its place.
    mutating func restore(_ record: LedgerRecord, into row: Int) {
        let account = rows[row].account
        let change = FixedDecimal.difference(record.ledger.cashFlow, rows[row].ledger.cashFlow)
        self.change(row) { $0.ledger = record.ledger }
        rows[row].mark = record.mark
        cells[rows[row].cell].mark = record.mark
        rows[row].recordedAt = record.time
        accounts[account].cashFlow = FixedDecimal.sum(accounts[account].cashFlow, change)
    }

    /// What the journal should hold of a row now.
    mutating func ledgerRecord(of row: Int, at time: Timestamp) -> LedgerRecord {
        rows[row].mark = markets[rows[row].market].lastPrice ?? rows[row].mark
        cells[rows[row].cell].mark = rows[row].mark
        rows[row].recordedAt = time
        return LedgerRecord(key: key(of: row), ledger: rows[row].ledger, mark: rows[row].mark, time: time)
    }

    func unrealised(_ row: Int) -> FixedDecimal {
        guard let price = markets[rows[row].market].lastPrice ?? rows[row].mark else { return .zero }
        return rows[row].ledger.unrealised(at: price)
    }

    /// Realised and unrealised profit less fees, and funding.
    func profit(_ row: Int) -> FixedDecimal {
        FixedDecimal.difference(
            FixedDecimal.sum(rows[row].ledger.realised, unrealised(row)), rows[row].ledger.charges)
    }

    /// Capital plus the profit of the strategy's rows on its present account.
    func equity(ofStrategy number: Int) -> FixedDecimal {
        var sum = strategies[number].enrolment.capital
        for row in strategies[number].rows where rows[row].account == strategies[number].account {
            sum = FixedDecimal.sum(sum, profit(row))
        }
        return sum
    }

    func equity(ofAccount number: Int) -> FixedDecimal {
        var sum = accounts[number].settings.balance
        for number in accounts[number].cells {
            let cell = cells[number]
            sum = FixedDecimal.sum(sum, FixedDecimal.difference(cell.realised, cell.charges))
            guard let price = markets[cell.market].lastPrice ?? cell.mark else { continue }
            let value = FixedDecimal.product(cell.quantity, price, .nearestEven)
            sum = FixedDecimal.sum(sum, FixedDecimal.difference(value, cell.cost))
        }
        return sum
    }

    /// The worst-case value of all rows of a cell, with an order before the gate if it is in one of them.
    func exposure(ofCell number: Int, with question: RiskQuestion) -> FixedDecimal {
        let cell = cells[number]
        var worst = cell.worst
        let isItsOwn = rows[question.row].cell == number
        if isItsOwn {
            worst = FixedDecimal.sum(
                worst,
                FixedDecimal.difference(
                    worstQuantity(question.row, adding: question.claim), worstQuantity(question.row)))
        }
        guard let price = markets[cell.market].lastPrice ?? (isItsOwn ? question.price : cell.mark) else {
            return FixedDecimal.size(cell.cost)
        }
        return FixedDecimal.product(worst, price, .up)
    }

    /// The worst-case value of a row, `extra` included; `price` where the market has none yet.
    func exposure(_ row: Int, adding extra: Claim = .none, price: FixedDecimal? = nil) -> FixedDecimal {
        guard let value = markets[rows[row].market].lastPrice ?? price else {
            return FixedDecimal.sum(FixedDecimal.size(rows[row].ledger.cost), rows[row].claim.buyNotional)
        }
        return FixedDecimal.product(worstQuantity(row, adding: extra), value, .up)
    }

    /// Whether another row's symbol is held, or could come to be by its open orders.
    func isOccupied(_ row: Int) -> Bool {
        worstQuantity(row).isPositive
    }

    private func worstQuantity(_ row: Int, adding extra: Claim = .none) -> FixedDecimal {
        Row.worst(rows[row].ledger.quantity, rows[row].claim, adding: extra)
    }
}
