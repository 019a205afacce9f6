import MarketData
import Trading

/// The candles of a file, moved to now and taken apart into minutes.
///
/// A candle longer than a minute becomes a path from its open over its extremes to its close: down first when it rose, up
/// first when it fell. Gaps of the file, and the time behind its end, are flat.
struct CandleTape: Sendable {
    let instrument: Instrument
    private let resolution: Resolution
    private let candles: [Candle]
    /// The candle that stands at each slot of the file, or the last before a gap.
    private let slots: [(index: Int, isGap: Bool)]
    /// When the first slot opens on the wall clock.
    private let start: Int64

    private static let minute: Int64 = 60_000

    /// Reads a file whose name says what it holds, such as `BTCUSDT-5m.csv.gz`.
    ///
    /// - Parameters:
    ///   - now: The beginning of the file lies before it, the rest is to come.
    ///   - past: How many candles lie before; nil takes half the file, at most 1,000.
    init(path: String, now: Timestamp, past: Int? = nil) throws(SimulatorFailure) {
        var candles: [Candle] = []
        let file: CandleFile
        do throws(MarketFileFailure) {
            file = try CandleFile(path: path)
            while let candle = try file.nextCandle() { candles.append(candle) }
        } catch {
            throw SimulatorFailure(.candles, "\(error)")
        }
        guard let first = candles.first, file.resolution.milliseconds % Self.minute == 0 else {
            throw SimulatorFailure(
                .candles, "\(path): there must be candles in it, of whole minutes, not \(file.resolution)")
        }
        resolution = file.resolution
        self.candles = candles
        let length = resolution.milliseconds
        var slots: [(index: Int, isGap: Bool)] = []
        for (index, candle) in candles.enumerated() {
            let slot = Int((candle.openTime.milliseconds - first.openTime.milliseconds) / length)
            while slots.count < slot { slots.append((index - 1, true)) }
            slots.append((index, false))
        }
        self.slots = slots
        let before = Int64(min(past ?? min(1000, slots.count / 2), slots.count))
        start = now.milliseconds / length * length - before * length
        instrument = Self.instrument(file.symbol, candles)
    }

    /// When the first candle opens.
    var begin: Timestamp { Timestamp(milliseconds: start) }

    /// The minute that opens at `time`, a whole minute.
    func minute(at time: Int64) -> Candle {
        let length = resolution.milliseconds
        let offset = max(0, time - start)
        let slot = Int(offset / length)
        guard time >= start, slot < slots.count, !slots[slot].isGap else {
            let last = candles[time < start ? 0 : slots[min(slot, slots.count - 1)].index]
            return flat(time < start ? last.open : last.close, at: time)
        }
        let candle = candles[slots[slot].index]
        let count = length / Self.minute
        let number = offset % length / Self.minute
        guard count > 1 else {
            return shown(candle, at: time, candle.open, candle.high, candle.low, candle.close, candle.volume)
        }
        let (from, to) = (level(candle, number, count), level(candle, number + 1, count))
        let share = candle.volume.over(FixedDecimal(Int(count)), .down).stepped(instrument.stepSize, .down)
        let volume =
            number == count - 1 ? candle.volume.minus(share.times(FixedDecimal(Int(count - 1)))) : share
        guard count > 2 else {
            // Too short for a path: the first minute has all of it.
            return number == 0
                ? shown(candle, at: time, candle.open, candle.high, candle.low, candle.close, volume)
                : shown(candle, at: time, candle.close, candle.close, candle.close, candle.close, volume)
        }
        return shown(candle, at: time, from, max(from, to), min(from, to), to, volume)
    }

    /// Closed minutes before `time`, the oldest first.
    func minutes(_ count: Int, before time: Timestamp) -> [Candle] {
        let end = time.milliseconds / Self.minute * Self.minute
        let first = max(start, end - Int64(count) * Self.minute)
        return stride(from: first, to: end, by: Int64.Stride(Self.minute)).map { minute(at: $0) }
    }

    /// Closed candles of another length before `time`, the oldest first.
    func candles(_ target: Resolution, _ count: Int, before time: Timestamp) throws(ArithmeticFault)
        -> [Candle]
    {
        if target == resolution || target.isMade(of: resolution) {
            let most = Int64(count) * target.milliseconds / resolution.milliseconds + 1
            let end = time.milliseconds / resolution.milliseconds * resolution.milliseconds
            var source: [Candle] = []
            for open in stride(
                from: max(
                    start,
                    end - (most + target.milliseconds / resolution.milliseconds) * resolution.milliseconds),
                to: end, by: Int64.Stride(resolution.milliseconds))
            {
                let slot = Int((open - start) / resolution.milliseconds)
                if slot < slots.count, !slots[slot].isGap {
                    let candle = candles[slots[slot].index]
                    source.append(
                        shown(
                            candle, at: open, candle.open, candle.high, candle.low, candle.close,
                            candle.volume,
                            resolution))
                } else {
                    source.append(
                        flat(candles[slots[min(slot, slots.count - 1)].index].close, at: open, resolution))
                }
            }
            return Array(
                (target == resolution ? source : try CandleRollUp.fold(source, to: target)).suffix(count))
        }
        let perCandle = Int(target.milliseconds / Self.minute)
        let source = minutes((count + 1) * perCandle, before: time)
        let one = Resolution(milliseconds: Self.minute)
        return Array((target == one ? source : try CandleRollUp.fold(source, to: target)).suffix(count))
    }

    /// The trades and quotes of the minute that opens at `time`, in order.
    func events(minute time: Int64) -> [MarketEvent] {
        let candle = minute(at: time)
        let middle = candle.close < candle.open ? [candle.high, candle.low] : [candle.low, candle.high]
        let anchors = [candle.open] + middle + [candle.close]
        let share = candle.volume.over(FixedDecimal(12), .down).stepped(instrument.stepSize, .down)
        let quantity = max(share, instrument.stepSize)
        var events: [MarketEvent] = []
        for number in 0..<12 {
            let price =
                number == 11
                ? candle.close
                : between(anchors[number / 4], anchors[number / 4 + 1], Int64(number % 4), 4)
            let at = Timestamp(milliseconds: time + Int64(number) * 5000 + 500)
            events.append(
                .trade(MarketTrade(symbol: instrument.symbol, time: at, price: price, quantity: quantity)))
            let size = quantity.times(FixedDecimal(3))
            events.append(
                .quote(
                    Quote(
                        symbol: instrument.symbol, time: at.advanced(byMilliseconds: 1),
                        bid: max(instrument.tickSize, price.minus(instrument.tickSize)), bidQuantity: size,
                        ask: price, askQuantity: size)))
        }
        events.append(.candle(candle))
        return events
    }

    /// Where the path of a candle is after `number` of `count` minutes.
    private func level(_ candle: Candle, _ number: Int64, _ count: Int64) -> FixedDecimal {
        let middle = candle.close < candle.open ? [candle.high, candle.low] : [candle.low, candle.high]
        let (first, second) = (max(1, count / 3), max(2, count * 2 / 3))
        if number <= first { return between(candle.open, middle[0], number, first) }
        if number <= second { return between(middle[0], middle[1], number - first, second - first) }
        return between(middle[1], candle.close, number - second, count - second)
    }

    private func between(_ from: FixedDecimal, _ to: FixedDecimal, _ part: Int64, _ whole: Int64)
        -> FixedDecimal
    {
        guard part < whole else { return to }
        let way = FixedDecimal(units: to.minus(from).units * Int128(part) / Int128(whole))
        return part == 0 ? from : from.plus(way).stepped(instrument.tickSize, .nearestEven)
    }

    private func flat(
        _ price: FixedDecimal, at time: Int64, _ length: Resolution = Resolution(milliseconds: 60_000)
    ) -> Candle {
        Candle(
            symbol: instrument.symbol, resolution: length, openTime: Timestamp(milliseconds: time),
            open: price,
            high: price, low: price, close: price, volume: .zero)
    }

    private func shown(
        _ candle: Candle, at time: Int64, _ open: FixedDecimal, _ high: FixedDecimal, _ low: FixedDecimal,
        _ close: FixedDecimal, _ volume: FixedDecimal, _ length: Resolution = Resolution(milliseconds: 60_000)
    ) -> Candle {
        Candle(
            symbol: candle.symbol, resolution: length, openTime: Timestamp(milliseconds: time), open: open,
            high: high,
            low: low, close: close, volume: volume)
    }

    /// What a file does not say: steps as fine as its prices, and the quote currency by the symbol's ending.
    private static func instrument(_ symbol: String, _ candles: [Candle]) -> Instrument {
        let known = SimulatedMarket.availableSymbols.contains(symbol)
        // The market is made for its list of instruments alone; a known symbol cannot be refused.
        if known,
            let market = try? SimulatedMarket(
                seed: 0, start: Timestamp(milliseconds: 0), options: .init(symbols: [symbol])),
            let instrument = market.instruments.first
        {
            return instrument
        }
        let quotes = ["USDT", "USDC", "BUSD", "USD", "EUR", "INR", "AUD", "BTC", "ETH"]
        let quote = quotes.first { symbol.hasSuffix($0) && symbol != $0 } ?? "USDT"
        let base = symbol.hasSuffix(quote) ? String(symbol.dropLast(quote.count)) : symbol
        var tick = FixedDecimal.one
        for candle in candles.prefix(500) {
            for price in [candle.open, candle.high, candle.low, candle.close] {
                while !price.isMultiple(of: tick), tick.units > FixedDecimal.unitsPerOne / 100_000_000 {
                    tick = FixedDecimal(units: tick.units / 10)
                }
            }
        }
        return Instrument(
            symbol: symbol, base: base, quote: quote, tickSize: tick,
            stepSize: FixedDecimal(units: FixedDecimal.unitsPerOne / 100_000),
            minimumNotional: FixedDecimal(5))
    }
}
