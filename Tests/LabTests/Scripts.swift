import Trading
import Wire

/// Strategies for tests. Each is a value that decides by what it was told.

/// Buys one when the fast mean is above the slow one, and sells it again below.
struct Crossover: Script {
    var fast = 10
    var slow = 50
    var quantity = FixedDecimal.one
    private var closes: [FixedDecimal] = []
    private var isIn = false
    private var count = 0

    init(fast: Int = 10, slow: Int = 50) {
        self.fast = fast
        self.slow = slow
    }

    mutating func answer(_ message: HostMessage) -> [StrategyMessage] {
        guard case .candle(let candle, let isHistory) = message else { return [] }
        closes.append(candle.close)
        if closes.count > slow { closes.removeFirst() }
        guard closes.count == slow, !isHistory else { return [] }
        let fastSum = closes.suffix(fast).reduce(Int128(0)) { $0 + $1.units } * Int128(slow)
        let slowSum = closes.reduce(Int128(0)) { $0 + $1.units } * Int128(fast)
        guard (fastSum > slowSum) != isIn else { return [] }
        isIn.toggle()
        count += 1
        return [
            .order(
                request: "c-\(count)",
                terms: OrderTerms(
                    symbol: candle.symbol, side: isIn ? .buy : .sell, type: .market, quantity: quantity))
        ]
    }
}

/// Puts all it has on one side, and waits.
struct Gambler: Script {
    let side: Side
    private var hasOrdered = false

    init(side: Side) { self.side = side }

    mutating func answer(_ message: HostMessage) -> [StrategyMessage] {
        guard case .candle(let candle, false) = message, !hasOrdered else { return [] }
        hasOrdered = true
        return [
            .order(
                request: "g",
                terms: OrderTerms(
                    symbol: candle.symbol, side: side, type: .market, quantity: FixedDecimal(14)))
        ]
    }
}

/// Does something at random now and then: every kind of order, brackets, changes, cancels, timers, signals and log lines, also
/// in answer to fills. The same candles and the same news always bring the same.
struct Dabbler: Script {
    private var dice: SplitMix64
    private var open: [String] = []
    private var count = 0
    private let pace: Int

    init(seed: UInt64, pace: Int) {
        dice = SplitMix64(seed: seed)
        self.pace = pace
    }

    mutating func answer(_ message: HostMessage) -> [StrategyMessage] {
        switch message {
        case .candle(let candle, false): dabble(candle)
        case .candle: []
        case .order(let order):
            note(order)
        case .fill(let fill):
            dice.next(0...5) == 0
                ? [ask(fill.symbol, fill.side.opposite, .limit, price: fill.price, quantity: fill.quantity)]
                : []
        case .timer(let id, _):
            [.signal(action: "BUY", symbol: nil, data: .object([.init("timer", .string(id))]))]
        default: []
        }
    }

    private mutating func note(_ order: OrderReport) -> [StrategyMessage] {
        if order.status.isFinal { open.removeAll { $0 == order.request } }
        return order.status == .denied ? [.log(level: .info, message: order.reason ?? "")] : []
    }

    private mutating func dabble(_ candle: Candle) -> [StrategyMessage] {
        guard dice.next(0...pace) == 0 else {
            return dice.next(0...30) == 0 ? [.log(level: .info, message: "nothing at \(candle.close)")] : []
        }
        let side: Side = dice.next(0...1) == 0 ? .buy : .sell
        let away = FixedDecimal(units: Int128(dice.next(-400...400)) * 10_000_000_000_000_000)
        let price = FixedDecimal(units: candle.close.units + away.units)
        let quantity = FixedDecimal(units: Int128(dice.next(1...30)) * 100_000_000_000_000_000)
        switch dice.next(0...11) {
        case 0...2: return [ask(candle.symbol, side, .market, quantity: quantity)]
        case 3, 4: return [ask(candle.symbol, side, .limit, price: price, quantity: quantity)]
        case 5: return [ask(candle.symbol, side, .stop, stop: price, quantity: quantity)]
        case 6: return [ask(candle.symbol, side, .takeProfit, stop: price, quantity: quantity)]
        case 7: return [ask(candle.symbol, side, .stopLimit, price: price, stop: price, quantity: quantity)]
        case 8:
            let (low, high) = (candle.close.units * 995 / 1000, candle.close.units * 1005 / 1000)
            return [
                ask(
                    candle.symbol, side, .market, quantity: quantity,
                    bracket: side == .buy
                        ? BracketPrices(
                            stopLoss: FixedDecimal(
                                units: low / 10_000_000_000_000_000 * 10_000_000_000_000_000),
                            takeProfit: FixedDecimal(
                                units: high / 10_000_000_000_000_000 * 10_000_000_000_000_000))
                        : BracketPrices(
                            stopLoss: FixedDecimal(
                                units: high / 10_000_000_000_000_000 * 10_000_000_000_000_000),
                            takeProfit: FixedDecimal(
                                units: low / 10_000_000_000_000_000 * 10_000_000_000_000_000)))
            ]
        case 9:
            guard let request = open.first else { return [] }
            return [.cancel(request: request)]
        case 10:
            guard let request = open.last else { return [] }
            return [.amend(request: request, quantity: nil, price: price)]
        default:
            return [
                .timer(id: "t\(dice.next(0...3))", afterMilliseconds: dice.next(0...600_000), repeats: false),
                .signal(action: "SELL", symbol: candle.symbol, data: nil),
            ]
        }
    }

    private mutating func ask(
        _ symbol: String, _ side: Side, _ type: OrderType, price: FixedDecimal? = nil,
        stop: FixedDecimal? = nil,
        quantity: FixedDecimal, bracket: BracketPrices? = nil
    ) -> StrategyMessage {
        count += 1
        open.append("d-\(count)")
        return .order(
            request: "d-\(count)",
            terms: OrderTerms(
                symbol: symbol, side: side, type: type, quantity: quantity, price: price, stopPrice: stop,
                timeInForce: dice.next(0...9) == 0 ? .ioc : .gtc, reduceOnly: dice.next(0...5) == 0),
            bracket: bracket)
    }
}
