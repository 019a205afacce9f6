internal import Analytics
internal import Trading

/// Round trips out of fills, first in, first out, with how far the price went meanwhile.
struct TradeLedger: Sendable {
    /// What one fill opened and no other has closed yet.
    private struct Lot: Sendable {
        let time: Timestamp
        let price: FixedDecimal
        var quantity: FixedDecimal
        /// Fees, and funding, that are still to be counted with it.
        var fees: FixedDecimal
        /// The lowest and the highest price from its entry to the next one's.
        var low: FixedDecimal
        var high: FixedDecimal
    }

    private struct Position: Sendable {
        var isLong = true
        var lots: [Lot] = []
        var first = 0

        var isFlat: Bool { first == lots.count }
    }

    /// What was closed, in order.
    private(set) var closed: [ClosedTrade] = []
    private var positions: [String: Position] = [:]

    /// The market of a symbol moved between these prices.
    mutating func saw(_ symbol: String, low: FixedDecimal, high: FixedDecimal) {
        guard let position = positions[symbol], !position.isFlat else { return }
        let last = position.lots.count - 1
        if low < position.lots[last].low { positions[symbol]?.lots[last].low = low }
        if high > position.lots[last].high { positions[symbol]?.lots[last].high = high }
    }

    /// Takes a fill; `fee` is in quote currency.
    mutating func book(_ fill: Fill, fee: FixedDecimal) {
        saw(fill.symbol, low: fill.price, high: fill.price)
        var position = positions[fill.symbol] ?? Position()
        // Taken out, so that it is changed in place.
        positions[fill.symbol] = nil
        var rest = fill.quantity
        var restFee = fee
        while rest.isPositive, !position.isFlat, position.isLong != (fill.side == .buy) {
            close(&position, with: fill, &rest, &restFee)
        }
        if rest.isPositive {
            position.isLong = fill.side == .buy
            position.lots.append(
                Lot(
                    time: fill.time, price: fill.price, quantity: rest, fees: restFee, low: fill.price,
                    high: fill.price))
        }
        if position.first > 64, position.first * 2 > position.lots.count {
            position.lots.removeFirst(position.first)
            position.first = 0
        }
        positions[fill.symbol] = position
    }

    /// Counts a payment, such as funding, with what is open; each lot bears its part by quantity.
    mutating func pay(_ amount: FixedDecimal, for symbol: String) {
        guard let position = positions[symbol], !position.isFlat else { return }
        let held = position.lots[position.first...].reduce(FixedDecimal.zero) { .adding($0, $1.quantity) }
        for index in position.first..<position.lots.count {
            let part = FixedDecimal.ratio(.times(amount, position.lots[index].quantity), held)
            let fees = FixedDecimal.adding(position.lots[index].fees, part)
            positions[symbol]?.lots[index].fees = fees
        }
    }

    private mutating func close(
        _ position: inout Position, with fill: Fill, _ rest: inout FixedDecimal, _ restFee: inout FixedDecimal
    ) {
        let lot = position.lots[position.first]
        let quantity = min(rest, lot.quantity)
        let exitFee = quantity == rest ? restFee : .ratio(.times(restFee, quantity), rest)
        let entryFee = quantity == lot.quantity ? lot.fees : .ratio(.times(lot.fees, quantity), lot.quantity)
        let gain = FixedDecimal.times(FixedDecimal.subtracting(fill.price, lot.price), quantity)
        let fees = FixedDecimal.adding(entryFee, exitFee)
        let (low, high) = position.lots[position.first...].reduce((lot.low, lot.high)) {
            (min($0.0, $1.low), max($0.1, $1.high))
        }
        let below = FixedDecimal.subtracting(lot.price, low).approximate / lot.price.approximate
        let above = FixedDecimal.subtracting(high, lot.price).approximate / lot.price.approximate
        closed.append(
            ClosedTrade(
                symbol: fill.symbol, isLong: position.isLong, entryTime: lot.time, exitTime: fill.time,
                entryPrice: lot.price, exitPrice: fill.price, quantity: quantity, fees: fees,
                profit: .subtracting(position.isLong ? gain : .flipped(gain), fees),
                adverseExcursion: position.isLong ? below : above,
                favourableExcursion: position.isLong ? above : below))
        rest = .subtracting(rest, quantity)
        restFee = .subtracting(restFee, exitFee)
        if quantity == lot.quantity {
            position.first += 1
        } else {
            position.lots[position.first].quantity = .subtracting(lot.quantity, quantity)
            position.lots[position.first].fees = .subtracting(lot.fees, entryFee)
        }
    }
}
