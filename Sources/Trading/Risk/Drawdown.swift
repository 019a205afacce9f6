/// The highest that the profit of a scope has been.
///
/// Profit is equity less the money that was put in, so that money put in or taken out is neither a gain nor a fall.
public struct EquityPeak: Hashable, Sendable {
    public let scope: RiskScope
    /// Equity at the peak less capital or balance, in the scope's currency.
    public let profit: FixedDecimal
    /// When it was reached, or when it was begun anew.
    public let time: Timestamp

    /// Describes a peak.
    public init(scope: RiskScope, profit: FixedDecimal, time: Timestamp) {
        self.scope = scope
        self.profit = profit
        self.time = time
    }
}

/// How far a scope has fallen from its peak.
public struct Drawdown: Hashable, Sendable {
    public let scope: RiskScope
    /// The equity at the peak, with the money of today.
    public let peak: FixedDecimal
    public let equity: FixedDecimal
    public let limit: FixedDecimal
    /// When the peak was reached, or begun anew.
    public let since: Timestamp

    /// Describes how far something has fallen.
    public init(
        scope: RiskScope, peak: FixedDecimal, equity: FixedDecimal, limit: FixedDecimal, since: Timestamp
    ) {
        self.scope = scope
        self.peak = peak
        self.equity = equity
        self.limit = limit
        self.since = since
    }

    /// What was lost since; nought at the peak.
    public var fallen: FixedDecimal { max(.zero, FixedDecimal.difference(peak, equity)) }
    /// The same as a fraction of the peak; 1 where nothing was there to fall from and something was lost.
    public var fraction: FixedDecimal {
        guard fallen.isPositive else { return .zero }
        return peak.isPositive ? FixedDecimal.quotient(fallen, peak, .down) : .one
    }
    /// Whether it has fallen as far as the limit, or further.
    public var isPassed: Bool {
        fallen.isPositive && fallen >= FixedDecimal.product(max(.zero, peak), limit, .down)
    }
}

/// A peak as the gate watches it.
struct PeakWatch: Hashable, Sendable {
    var peak: EquityPeak
    /// What the journal has.
    var recorded: EquityPeak?
    /// Whether the operator was told that the limit is passed since this peak.
    var isTold = false
}

extension RiskGate {
    /// Whose equity is watched.
    enum Holder: Hashable {
        case strategy(Int)
        case account(Int)
        case venue(Int)
        case everything
    }

    /// Everyone whose equity can be watched.
    var holders: [Holder] {
        strategies.indices.map { .strategy($0) } + accounts.indices.map { .account($0) }
            + venues.indices.map { .venue($0) } + [.everything]
    }

    /// Notes whether prices must be watched. Call it when limits have changed.
    mutating func lookForDrawdownLimits() {
        watchesPeaks = holders.contains { drawdownLimit(of: $0) != nil }
    }

    /// Takes the present equity into account: a new peak, or the first one.
    mutating func watch(_ holder: Holder, at time: Timestamp) {
        guard drawdownLimit(of: holder) != nil else { return }
        let profit = FixedDecimal.difference(equity(of: holder), money(of: holder))
        if let watch = self[holder] {
            guard profit > watch.peak.profit else { return }
            self[holder] = PeakWatch(
                peak: EquityPeak(scope: watch.peak.scope, profit: profit, time: time),
                recorded: watch.recorded)
        } else {
            self[holder] = PeakWatch(peak: EquityPeak(scope: scope(of: holder), profit: profit, time: time))
        }
    }

    /// How far a holder has fallen; nil without a limit, or before it was looked at.
    func drawdown(of holder: Holder) -> Drawdown? {
        guard let limit = drawdownLimit(of: holder), let peak = self[holder]?.peak else { return nil }
        return Drawdown(
            scope: peak.scope, peak: FixedDecimal.sum(money(of: holder), peak.profit),
            equity: equity(of: holder), limit: limit, since: peak.time)
    }

    /// Denies what opens a position where equity has fallen too far.
    mutating func checkDrawdown(_ question: RiskQuestion, at time: Timestamp) throws(RiskDenial) {
        guard watchesPeaks else { return }
        let (strategy, account) = (rows[question.row].strategy, rows[question.row].account)
        let all: [(Level, Holder)] = [
            (.strategy, .strategy(strategy)), (.account, .account(account)),
            (.venue, .venue(accounts[account].venue)), (.everything, .everything),
        ]
        for (level, holder) in all {
            watch(holder, at: time)
            guard let drawdown = drawdown(of: holder), drawdown.isPassed else { continue }
            throw .drawdown(
                fallen: drawdown.fallen, peak: drawdown.peak, limit: drawdown.limit,
                currency: currency(level, question), scope: drawdown.scope)
        }
    }

    func drawdownLimit(of holder: Holder) -> FixedDecimal? {
        switch holder {
        case .strategy(let number): strategies[number].enrolment.limits.drawdown
        case .account(let number): accounts[number].limits.drawdown
        case .venue(let number): venues[number].limits.drawdown
        case .everything: limits.drawdown
        }
    }

    func scope(of holder: Holder) -> RiskScope {
        switch holder {
        case .strategy(let number): .strategy(strategies[number].enrolment.strategy)
        case .account(let number): .account(accounts[number].settings.id)
        case .venue(let number): .venue(venues[number].id)
        case .everything: .everything
        }
    }

    func holder(of scope: RiskScope) -> Holder? {
        switch scope {
        case .strategy(let id): strategy(id).map { .strategy($0) }
        case .account(let id): account(id).map { .account($0) }
        case .venue(let id): knownVenue(id).map { .venue($0) }
        case .everything: .everything
        }
    }

    private func equity(of holder: Holder) -> FixedDecimal {
        switch holder {
        case .strategy(let number): equity(ofStrategy: number)
        case .account(let number): equity(ofAccount: number)
        case .venue(let number): sum(over: venues[number].accounts) { equity(ofAccount: $0) }
        case .everything: sum(over: accounts.indices) { equity(ofAccount: $0) }
        }
    }

    /// What was put in: the equity without any trade.
    private func money(of holder: Holder) -> FixedDecimal {
        switch holder {
        case .strategy(let number): strategies[number].enrolment.capital
        case .account(let number): accounts[number].settings.balance
        case .venue(let number): sum(over: venues[number].accounts) { accounts[$0].settings.balance }
        case .everything: sum(over: accounts.indices) { accounts[$0].settings.balance }
        }
    }

    /// A sum over accounts in the currency in which the operator thinks.
    func sum(over numbers: some Sequence<Int>, _ amount: (Int) -> FixedDecimal) -> FixedDecimal {
        var sum = FixedDecimal.zero
        for number in numbers {
            sum = FixedDecimal.sum(
                sum, FixedDecimal.product(amount(number), accounts[number].settings.worth, .floor))
        }
        return sum
    }

    subscript(holder: Holder) -> PeakWatch? {
        get {
            switch holder {
            case .strategy(let number): strategies[number].peak
            case .account(let number): accounts[number].peak
            case .venue(let number): venues[number].peak
            case .everything: peak
            }
        }
        set {
            switch holder {
            case .strategy(let number): strategies[number].peak = newValue
            case .account(let number): accounts[number].peak = newValue
            case .venue(let number): venues[number].peak = newValue
            case .everything: peak = newValue
            }
        }
    }
}
