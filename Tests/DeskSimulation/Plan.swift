import Trading

/// What a seed decides before anything happens: which faults there are, and in what world.
///
/// Every fourth seed has one fault alone, so that nothing hides it; the others have about a third of all.
struct Plan {
    /// How often each fault strikes where it can, in a thousand.
    private(set) var rates = [Int](repeating: 0, count: FaultRow.allCases.count)
    var isMargin = false
    var accounts: [AccountID] = ["main"]
    var strategies: [StrategyID] = ["alpha", "beta"]
    var orders = 20
    var pageSize = 3
    /// How long an order may be at the venue before the venue lists it, in milliseconds.
    var graceMilliseconds: Int64 = 0
    /// How long a request may be on its way: what the host knows of its venue.
    var absenceGraceMilliseconds: Int64 {
        has(.e12) ? max(graceMilliseconds, Self.latestChange + 100) : graceMilliseconds
    }
    /// How long a change may be on its way, in milliseconds.
    static let latestChange: Int64 = 1_500
    var priceAgeMilliseconds: Int64?
    var limits = RiskLimits.none
    var accountLimits = RiskLimits.none
    var venueLimits = RiskLimits.none
    /// Whether the host knows what was on the accounts before it.
    var knowsAccounts = true
    /// Whether the schedule begins shortly before midnight.
    var isLate = false
    /// Whether the venue places another order to change one.
    var replaces = false
    /// Whether strategies ask for stop-losses and take-profits.
    let hasBrackets: Bool
    let latency: Int

    init(seed: UInt64, only: FaultRow?) {
        hasBrackets = seed % 2 == 1
        var random = SeededRandom(seed: seed ^ 0x0071_A400)
        latency = random.between(2, 60)
        if let only {
            rates[only.index] = Self.often(only)
        } else if seed % 4 == 0 {
            let row = FaultRow.allCases[Int(seed / 4 % UInt64(FaultRow.allCases.count))]
            rates[row.index] = Self.often(row)
        } else {
            for index in rates.indices where random.percent(30) { rates[index] = random.between(10, 120) }
        }
        isMargin = random.percent(40)
        if random.percent(30) { accounts.append("side") }
        if random.percent(40) { strategies.append("gamma") }
        orders = random.between(6, 28)
        pageSize = random.between(2, 5)
        graceMilliseconds = random.percent(50) ? 0 : Int64(random.between(200, 1_500))
        isLate = random.percent(15)
        if has(.w4) || random.percent(20) { priceAgeMilliseconds = 800 }
        // Prices lie about 100 and 10; quantities are up to 9.
        if random.percent(40) { limits.positionNotional = FixedDecimal(random.between(500, 2_000)) }
        if random.percent(30) { limits.openOrders = random.between(1, 4) }
        if random.percent(20) { limits.ordersPerMinute = random.between(3, 12) }
        if random.percent(30) { accountLimits.openOrders = random.between(2, 6) }
        if random.percent(30) { accountLimits.positionNotional = FixedDecimal(random.between(800, 3_000)) }
        if has(.e12) { replaces = random.percent(50) }
        // What can be changed must first be placed and stay.
        if isAlone(.e12) { orders += 20 }
        if random.percent(25) { venueLimits.exposure = FixedDecimal(random.between(1_500, 5_000)) }
        if random.percent(20) { venueLimits.ordersPerMinute = random.between(5, 15) }
        // Prices move by a few parts in a hundred, and little of the money is in a position.
        if random.percent(25) { limits.drawdown = Self.thousandths(random.between(1, 20)) }
        if random.percent(15) { accountLimits.drawdown = Self.thousandths(random.between(1, 10)) }
        if random.percent(20) { limits.orderToTrade = FixedDecimal(random.between(1, 4)) }
        // Only money and coins are compared, and margin is neither.
        if has(.r6) { isMargin = false }
        knowsAccounts = random.percent(80)
    }

    /// For orders for each trade.
    static let ratioMinimum = 3

    private static func thousandths(_ count: Int) -> FixedDecimal {
        FixedDecimal(units: FixedDecimal.unitsPerOne / 1_000 * Int128(count))
    }

    /// How often a fault strikes that has a schedule for itself. What it can strike is rarer for some.
    private static func often(_ row: FaultRow) -> Int {
        switch row {
        case .e9, .e10, .e12: 600
        default: 250
        }
    }

    func rate(_ row: FaultRow) -> Int { rates[row.index] }

    func has(_ row: FaultRow) -> Bool { rates[row.index] > 0 }

    /// Whether the venue's books may hold what no order of ours asked for, so that a limit can be passed without the
    /// gate's doing.
    var bendsLimits: Bool {
        has(.s12) || has(.e6) || has(.e14) || has(.e3) || has(.s11) || has(.s13) || has(.e15)
            || replaces
    }
}

extension Plan {
    /// Whether it is the only fault.
    func isAlone(_ row: FaultRow) -> Bool { has(row) && rates.count { $0 > 0 } == 1 }

    func account(of strategy: StrategyID) -> AccountID {
        accounts[(strategies.firstIndex(of: strategy) ?? 0) % accounts.count]
    }
}
