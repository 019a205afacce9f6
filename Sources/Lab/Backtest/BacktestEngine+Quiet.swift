internal import Analytics
internal import MarketData
internal import Trading

/// Candles in which nothing can happen unless the strategy acts: they go to the strategy many at a time, and past the books
/// without much ado. Where it is not plain that nothing can, something may.
extension BacktestEngine {
    /// Between which prices of a symbol nothing happens, neither end included.
    struct QuietRange {
        var above: FixedDecimal?
        var below: FixedDecimal?

        mutating func raise(to price: FixedDecimal) { above = max(above ?? price, price) }
        mutating func lower(to price: FixedDecimal) { below = min(below ?? price, price) }
    }

    /// The last candle of the block before which, from the one after `index` on, nothing happens by itself.
    func quietEnd(of block: CandleStream.Block, after index: Int) -> Int {
        guard index + 1 < block.count, let ranges = quietRanges else { return index }
        let until = quietUntil
        if until == nil, ranges.isEmpty { return block.count - 1 }
        let bounds = block.pieces.indices.map { number -> PieceBounds in
            guard isTraded[number] else { return PieceBounds() }
            return PieceBounds(ranges[series[number].symbol], block.pieces[number].priceDigits)
        }
        if until == nil, bounds.allSatisfy({ $0.isOpen }) { return block.count - 1 }
        let last = min(block.count - 1, index + Self.outlook)
        for next in (index + 1)...last {
            let (number, row) = (block.series(next), block.row(next))
            let piece = block.pieces[number]
            guard piece.low[row] > bounds[number].above, piece.high[row] < bounds[number].below,
                until == nil || piece.openTimes[row] + series[number].resolution.milliseconds < until!
            else { return next - 1 }
        }
        return last
    }

    /// How far ahead is looked where prices decide: most of it would be looked at again after the next act.
    private static let outlook = 256

    /// The same bounds in the whole numbers of a piece, on the safe side.
    private struct PieceBounds {
        var above = Int64.min
        var below = Int64.max

        var isOpen: Bool { above == .min && below == .max }

        init() {}

        init(_ range: QuietRange?, _ digits: Int) {
            guard let range else { return }
            let unit = CandleColumns.unit(digits)
            if let above = range.above { self.above = Int64(clamping: above.units / unit + 1) }
            if let below = range.below { self.below = Int64(clamping: below.units / unit - 1) }
        }
    }

    /// When something happens at the latest whatever the prices are, in milliseconds since the epoch.
    private var quietUntil: Int64? {
        let funding = costs.fundingRate != nil && heldCount > 0 ? nextFunding : nil
        guard let timer = timers.next else { return funding }
        return funding.map { min($0, timer) } ?? timer
    }

    /// Where prices may go without anything happening, by symbol; nil when something happens anyway.
    private var quietRanges: [String: QuietRange]? {
        guard arrivals.isEmpty else { return nil }
        var ranges: [String: QuietRange] = [:]
        for order in matching.openOrders(on: Self.account) {
            guard widen(&ranges[order.terms.symbol, default: QuietRange()], by: order) else { return nil }
        }
        if desk.holdsBrackets {
            guard !desk.hasExits else { return nil }
            for symbol in instruments.keys {
                for bracket in desk.heldBrackets(in: symbol, at: Self.venue) {
                    let (stop, take) = (bracket.prices.stopLoss, bracket.prices.takeProfit)
                    let (under, over) = bracket.side == .sell ? (stop, take) : (take, stop)
                    if let under { ranges[symbol, default: QuietRange()].raise(to: under) }
                    if let over { ranges[symbol, default: QuietRange()].lower(to: over) }
                }
            }
        }
        guard case .margin = kind, heldCount > 0 else { return ranges }
        // What several positions are worth together no range of one of them tells.
        guard heldCount == 1, let held = holdings.first(where: { !$0.value.quantity.isZero }) else {
            return nil
        }
        if let price = liquidationPrice(of: held.value.quantity) {
            if held.value.quantity.isPositive {
                ranges[held.key, default: QuietRange()].raise(to: price)
            } else {
                ranges[held.key, default: QuietRange()].lower(to: price)
            }
        }
        return ranges
    }

    /// Narrows a range to where an order neither fills nor fires. False when it may at any price.
    private func widen(_ range: inout QuietRange, by order: MatchingOrder) -> Bool {
        let terms = order.terms
        if terms.type.needsStopPrice, !order.isTriggered, let trigger = terms.stopPrice {
            if order.waitsForFall { range.raise(to: trigger) } else { range.lower(to: trigger) }
            return true
        }
        guard terms.type == .limit || terms.type == .stopLimit, let limit = terms.price else { return false }
        if terms.side == .buy { range.raise(to: limit) } else { range.lower(to: limit) }
        return true
    }

    /// A price before the one at which the only position would be liquidated; nil when no price would.
    private func liquidationPrice(of quantity: FixedDecimal) -> FixedDecimal? {
        guard case .margin(_, let maintenance) = kind else { return nil }
        let factor = quantity.isPositive ? 1 - maintenance.approximate : 1 + maintenance.approximate
        // Who has money left owes nothing at any price that a long position may fall to.
        guard quantity.isNegative || cash.isNegative else { return nil }
        let price = -cash.approximate / (quantity.approximate * factor)
        guard price > 0 else { return quantity.isPositive ? nil : FixedDecimal(units: 0) }
        // Far on the safe side of what floating point may be off.
        let safe = quantity.isPositive ? price * 1.0001 : price * 0.9999
        guard safe < 1e12 else { return quantity.isPositive ? FixedDecimal(1_000_000_000_000) : nil }
        return FixedDecimal(units: Int128(safe * Double(FixedDecimal.unitsPerOne)))
    }

    // MARK: - Going past

    /// Goes past candles in which nothing happened, as ``advance(over:series:)`` would over each of them.
    mutating func pass(_ block: CandleStream.Block, from first: Int, through last: Int) {
        guard first <= last else { return }
        var index = first
        while index <= last {
            // A new day begins with the equity of the last, so books and prices must be where they were then.
            let end = endOfDay(block, from: index, through: last)
            if end == index - 1 {
                mark()
                pass(one: block, index, marks: true)
                index += 1
            } else {
                block.picks.isEmpty ? passAlike(block, index, end) : passMixed(block, index, end)
                index = end + 1
            }
        }
    }

    /// Tells desk and venue the prices that they were not told.
    mutating func mark() {
        guard !unmarked.isEmpty else { return }
        if unmarked.count > 1 {
            unmarked.sort { ($0.closeTime, $0.symbol) < ($1.closeTime, $1.symbol) }
        }
        let now = clock
        for candle in unmarked {
            // By the time of its close, for the desk counts days.
            clock = candle.closeTime
            instant = clock
            matching.candlePassed(candle)
            carry(desk.priceMoved(.candle(candle), on: Self.venue, at: clock))
        }
        (clock, instant) = (now, nil)
        unmarked.removeAll(keepingCapacity: true)
    }

    /// Notes a candle that desk and venue are not told of yet.
    private mutating func leave(_ candle: Candle) {
        if let place = unmarked.firstIndex(where: { $0.symbol == candle.symbol }) {
            unmarked[place] = candle
        } else {
            unmarked.append(candle)
        }
    }

    /// The last candle from `index` on that closes on the desk's day; `index - 1` when that itself does not.
    private func endOfDay(_ block: CandleStream.Block, from index: Int, through last: Int) -> Int {
        let next = (desk.day + 1) * 86_400_000
        func close(_ index: Int) -> Int64 {
            let number = block.series(index)
            return block.pieces[number].openTimes[block.row(index)] + series[number].resolution.milliseconds
        }
        if close(last) < next { return last }
        var (low, high) = (index, last)
        // The first that closes on another day.
        while low < high {
            let middle = (low + high) / 2
            if close(middle) < next { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    private mutating func pass(one block: CandleStream.Block, _ index: Int, marks: Bool) {
        let number = block.series(index)
        let candle = block[index]
        if isTraded[number] {
            if marks { matchOrders(with: candle) } else { leave(candle) }
            holdings[candle.symbol, default: Holding()].price = candle.close
            if heldCount > 0 { ledger.saw(candle.symbol, low: candle.low, high: candle.high) }
        }
        clock = max(clock, candle.closeTime)
        if heldCount > 0 { payFunding() } else { passFunding() }
        if number == 0 { curve.add(equityUnits, at: candle.closeTime.milliseconds) }
    }

    private mutating func passMixed(_ block: CandleStream.Block, _ first: Int, _ last: Int) {
        for index in first...last { pass(one: block, index, marks: false) }
    }

    /// Candles of one series, whose equity follows from a multiplication each.
    private mutating func passAlike(_ block: CandleStream.Block, _ first: Int, _ last: Int) {
        let piece = block.pieces[0]
        let length = series[0].resolution.milliseconds
        let unit = CandleColumns.unit(piece.priceDigits)
        // What a step of one in the column is worth.
        let (factor, rest) =
            heldCount == 0
            ? (0, 0)
            : held(piece.symbol).units.quotientAndRemainder(dividingBy: FixedDecimal.unitsPerOne / unit)
        guard rest == 0 else { return passMixed(block, first, last) }
        let base = cash.units
        let (times, closes) = (piece.openTimes, piece.close)
        curve.add(
            first...last, of: closes, times: times, delay: length, base: base, factor: factor)
        if heldCount > 0 {
            let (lows, highs) = (piece.low, piece.high)
            var (low, high) = (Int64.max, Int64.min)
            for row in first...last {
                low = min(low, lows[row])
                high = max(high, highs[row])
            }
            ledger.saw(
                piece.symbol, low: FixedDecimal(units: Int128(low) * unit),
                high: FixedDecimal(units: Int128(high) * unit))
        }
        let candle = piece[last]
        leave(candle)
        holdings[candle.symbol, default: Holding()].price = candle.close
        clock = max(clock, candle.closeTime)
        // Nothing falls due in quiet candles; where nothing is held it goes by.
        if heldCount == 0 { passFunding() }
    }
}

extension MatchingOrder {
    /// Whether its trigger lies below the market.
    fileprivate var waitsForFall: Bool {
        (terms.type == .takeProfit) == (terms.side == .buy)
    }
}
