internal import Analytics
internal import Catalogue
internal import MarketData
internal import Trading
internal import Wire

/// A backtest as a value: candles and what the strategy says go in, lines for the strategy and the books come out.
///
/// It is the order desk and the matching engine of paper and live, between a clock that the candles move and a venue that
/// answers at once. It has no process, file or clock of its own, so the same calls give the same result to the last digit.
struct BacktestEngine: Sendable {
    static let strategy = StrategyID("lab")
    static let account = AccountID("lab")
    static let venue = VenueID("lab")
    /// How many lines of the strategy's log are kept.
    static let logLines = 1_000

    /// A request on its way to the venue.
    struct Arrival: Sendable {
        let time: Timestamp
        let symbol: String
        let request: VenueRequest
    }

    /// What is held of an instrument, for the equity of each candle.
    struct Holding: Sendable {
        var quantity = FixedDecimal.zero
        var price = FixedDecimal.zero
    }

    let costs: CostModel
    let series: [SeriesKey]
    let instruments: [String: Instrument]
    let kind: AccountKind
    /// Whether orders meet the candles of a series: of each symbol, the shortest candles that the job has.
    let isTraded: [Bool]

    var desk: OrderDesk
    var matching: MatchingEngine
    /// The close of the latest candle.
    var clock: Timestamp
    /// The latest candle of each symbol that desk and venue have not been told of, since nothing came of it.
    var unmarked: [Candle] = []
    /// Whether the candles are from before the start, and orders are denied.
    var isHistory = false
    /// Whether a candle of the run itself has closed; what is ordered before meets the open of one.
    private(set) var hasBegun = false
    /// Requests that have not reached the venue.
    var arrivals: [Arrival] = []
    /// When it is within the candle that is being gone through; what the desk sends then does not travel.
    var instant: Timestamp?
    /// Where the market stands within a candle, when that is neither its open nor its close.
    var standing: FixedDecimal?
    /// Lines for the strategy that have not been taken.
    var outgoing: [UInt8] = []
    var timers = BacktestTimers()
    /// How many fills a run may have.
    var fillLimit = 1_000_000

    /// Money, before the worth of what is held.
    private(set) var cash: FixedDecimal
    var holdings: [String: Holding] = [:]
    private(set) var heldCount = 0
    var curve = EquityCurve()
    var ledger = TradeLedger()
    private(set) var fills: [Fill] = []
    var decisions: [BacktestResult.Decision] = []
    private(set) var log: [String] = []
    private(set) var nextFunding: Int64
    /// What was received as funding, less what was paid.
    private(set) var funding = FixedDecimal.zero
    private(set) var fundingPayments = 0

    /// Sets up the books.
    init(
        _ job: BacktestJob, instruments: [Instrument], config: StrategyConfig, kind: AccountKind
    ) throws(BacktestFailure) {
        costs = job.costs
        series = job.series
        self.kind = kind
        self.instruments = Dictionary(
            instruments.map { ($0.symbol, $0) }, uniquingKeysWith: { first, _ in first })
        isTraded = job.series.indices.map { index in
            let key = job.series[index]
            let shortest = job.series.indices.filter { job.series[$0].symbol == key.symbol }
                .min { job.series[$0].resolution.milliseconds < job.series[$1].resolution.milliseconds }
            return shortest == index
        }
        clock = job.start
        cash = job.capital
        nextFunding = Self.funding(after: job.start.milliseconds - 1, hours: job.costs.fundingHours)
        var settings = MatchingSettings(
            makerFee: job.costs.makerFee, takerFee: job.costs.takerFee, slippageBasisPoints: 0,
            participation: job.costs.volumeShare ?? .one, remembered: 1_000)
        settings.slippage = job.costs.slippage
        settings.halfSpreadTicks = job.costs.halfSpreadTicks
        settings.impact = job.costs.impact
        settings.hasAnyVolume = job.costs.volumeShare == nil
        settings.keepsChanges = false
        matching = MatchingEngine(settings: settings)
        matching.setInstruments(instruments)
        let currency = instruments.first?.quote ?? "USDT"
        matching.openAccount(Self.account, kind: kind, currency: currency, balance: job.capital)
        // Questions to the venue are answered at once, so none is ever asked again.
        desk = OrderDesk(
            settings: .init(rememberedOrders: 1_000, rememberedFills: 1_000, questionMilliseconds: .max / 4),
            at: job.start)
        var account = AccountSettings(
            id: Self.account, venue: Self.venue, kind: kind, currency: currency, balance: job.capital,
            feeRate: max(.zero, job.costs.takerFee))
        account.tellsTradesOnce = true
        desk.setAccount(account)
        desk.setInstruments(instruments, at: Self.venue)
        do throws(EnrolmentFlaw) {
            _ = try desk.enrol(
                Self.strategy, run: "lab", on: Self.account, capital: job.capital,
                limits: RiskLimits(
                    openPositions: config.maximumPositions, dailyLossFraction: config.maximumDailyLoss,
                    leverage: kind.leverage),
                at: job.start)
        } catch {
            throw BacktestFailure(field: "capital", reason: error.description)
        }
    }

    // MARK: - Money

    /// Money and the worth of what is held at the last prices, in units of ``FixedDecimal``.
    var equityUnits: Int128 {
        guard heldCount > 0 else { return cash.units }
        return holdings.values.reduce(cash.units) { $0 + FixedDecimal.times($1.quantity, $1.price).units }
    }

    var equity: FixedDecimal { FixedDecimal(units: equityUnits) }

    /// What is held of a symbol.
    func held(_ symbol: String) -> FixedDecimal { holdings[symbol]?.quantity ?? .zero }

    /// Takes a fill that the desk has booked.
    mutating func note(_ fill: Fill) {
        fills.append(fill)
        let isBuy = fill.side == .buy
        let notional = FixedDecimal.times(fill.price, fill.quantity)
        cash = isBuy ? .subtracting(cash, notional) : .adding(cash, notional)
        cash = .subtracting(cash, fill.fee)
        let before = held(fill.symbol)
        let after = isBuy ? FixedDecimal.adding(before, fill.quantity) : .subtracting(before, fill.quantity)
        heldCount += (after.isZero ? 0 : 1) - (before.isZero ? 0 : 1)
        holdings[fill.symbol, default: Holding()].quantity = after
        holdings[fill.symbol]?.price = fill.price
        ledger.book(fill, fee: fill.fee)
    }

    /// What a liquidated account is short of is the venue's loss: nobody loses more than there was.
    mutating func forgive(_ shortfall: FixedDecimal) {
        keep("the venue bore \(shortfall) of the loss")
        cash = .adding(cash, shortfall)
        guard let symbol = fills.last?.symbol else { return }
        carry(desk.funded(shortfall, for: symbol, by: Self.strategy, at: clock))
    }

    /// Adds a line to the strategy's log; the oldest go.
    mutating func keep(_ line: String) {
        log.append(String(line.prefix(8192)))
        if log.count >= 2 * Self.logLines { log.removeFirst(log.count - Self.logLines) }
    }

    // MARK: - Time

    /// A candle closed: what waits at the venue meets it, and whatever comes of it is told.
    mutating func advance(over candle: Candle, series number: Int) {
        if candle.openTime > clock {
            // The hours of a gap are owed by what was held then, whatever meets the candle behind it.
            clock = candle.openTime
            if heldCount > 0 { payFunding() } else { passFunding() }
        }
        if isTraded[number] {
            matchOrders(with: candle)
            holdings[candle.symbol, default: Holding()].price = candle.close
            if heldCount > 0 { ledger.saw(candle.symbol, low: candle.low, high: candle.high) }
        }
        if !isHistory { hasBegun = true }
        clock = max(clock, candle.closeTime)
        if heldCount > 0 { payFunding() } else { passFunding() }
        if number == 0, !isHistory { curve.add(equityUnits, at: candle.closeTime.milliseconds) }
        for timer in timers.due(at: clock) {
            HostMessage.timer(id: timer.id, time: Timestamp(milliseconds: timer.time)).write(to: &outgoing)
        }
    }

    /// What holders pay, or are paid, at each full funding hour that the clock has passed.
    mutating func payFunding() {
        guard let rate = costs.fundingRate, clock.milliseconds >= nextFunding else { return }
        let length = Int64(costs.fundingHours) * 3_600_000
        let times = (clock.milliseconds - nextFunding) / length + 1
        nextFunding += times * length
        for (symbol, holding) in holdings.sorted(by: { $0.key < $1.key }) where !holding.quantity.isZero {
            let worth = FixedDecimal.times(holding.quantity, holding.price)
            let once = FixedDecimal.times(worth, rate, .ceiling)
            let amount = FixedDecimal.times(once, FixedDecimal(Int(times)))
            cash = .subtracting(cash, amount)
            ledger.pay(amount, for: symbol)
            carry(desk.funded(.flipped(amount), for: symbol, by: Self.strategy, at: clock))
            funding = .subtracting(funding, amount)
            fundingPayments += Int(times)
            guard let currency = instruments[symbol]?.quote else { continue }
            HostMessage.funding(
                FundingReport(
                    symbol: symbol, quantity: holding.quantity, rate: rate, amount: .flipped(amount),
                    currency: currency, time: clock)
            ).write(to: &outgoing)
            do throws(MatchingRefusal) {
                try matching.fund(.flipped(amount), of: currency, on: Self.account)
            } catch {
                keep("funding of \(amount) \(currency) is owed: \(error)")
            }
        }
    }

    /// The first funding later than `time`: whole hours count from midnight UTC.
    private static func funding(after time: Int64, hours: Int) -> Int64 {
        let length = Int64(max(1, hours)) * 3_600_000
        return (time / length + 1) * length
    }

    /// Funding does not fall due while nothing is held; the clock goes past it.
    mutating func passFunding() {
        guard costs.fundingRate != nil, clock.milliseconds >= nextFunding else { return }
        nextFunding = Self.funding(after: clock.milliseconds, hours: costs.fundingHours)
    }
}

/// Timers that a strategy set, by the clock of its candles.
struct BacktestTimers: Sendable {
    private struct Timer: Sendable {
        let id: String
        var time: Int64
        let repeats: Int64?
    }

    private var timers: [Timer] = []

    /// When the next one falls due, in milliseconds since the epoch.
    var next: Int64? { timers.isEmpty ? nil : timers.map(\.time).min() }

    /// Sets a timer, or takes it away. False when there are as many as there may be.
    mutating func set(_ id: String, after milliseconds: Int, repeats: Bool, at now: Timestamp) -> Bool {
        timers.removeAll { $0.id == id }
        guard milliseconds > 0 else { return true }
        guard timers.count < 64 else { return false }
        timers.append(
            Timer(
                id: id, time: now.milliseconds + Int64(milliseconds),
                repeats: repeats ? Int64(milliseconds) : nil))
        return true
    }

    /// Those that are due, in order; each repeating one once, however much time has passed.
    mutating func due(at now: Timestamp) -> [(id: String, time: Int64)] {
        guard let next, next <= now.milliseconds else { return [] }
        let due = timers.filter { $0.time <= now.milliseconds }.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
        timers.removeAll { $0.time <= now.milliseconds && $0.repeats == nil }
        for index in timers.indices where timers[index].time <= now.milliseconds {
            guard let length = timers[index].repeats else { continue }
            let passed = (now.milliseconds - timers[index].time) / length + 1
            timers[index].time += passed * length
        }
        return due.map { ($0.id, $0.time) }
    }
}
