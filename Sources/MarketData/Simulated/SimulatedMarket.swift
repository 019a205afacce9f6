public import Trading

/// A made-up market that never ends, for work without a network.
///
/// The same seed gives the same market at the same instant, whatever was asked before and however often: any minute
/// can be made without the ones before it, so that history is there at once and a restart finds the market where the
/// clock says it is. Prices are computed as `Double` logarithms with additions, multiplications and square roots only
/// (the same bits on every machine) and become whole ticks in one place, ``SimulatedMarket/ticks(_:_:)``; everything
/// after that is integers.
///
/// Instruments move together (see `SimulatedInstrument`), volatility comes in clusters, and a minute's trades fold
/// exactly to its candle.
public struct SimulatedMarket: Sendable {
    /// How many events a minute holds and which candles close.
    public struct Options: Hashable, Sendable {
        /// Which instruments, from ``SimulatedMarket/availableSymbols``.
        public var symbols: [String]
        /// Which candles are announced as they close.
        ///
        /// Multiples of one minute, at most a day.
        public var resolutions: [Resolution]
        /// Trades per instrument and minute, 4 to 600.
        public var tradesPerMinute: Int
        /// Quotes per instrument and minute, 1 to 600.
        public var quotesPerMinute: Int

        /// Sets the options.
        public init(
            symbols: [String] = SimulatedMarket.availableSymbols,
            resolutions: [Resolution] = ["1m", "5m", "15m", "1h"].compactMap { Resolution($0) },
            tradesPerMinute: Int = 90, quotesPerMinute: Int = 120
        ) {
            self.symbols = symbols
            self.resolutions = resolutions
            self.tradesPerMinute = tradesPerMinute
            self.quotesPerMinute = quotesPerMinute
        }
    }

    /// Why a simulated market could not be made as asked.
    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case unknownSymbol(String)
        case repeatedSymbol(String)
        case resolutionNotMinutes(Resolution)
        case rateOutOfRange(name: String, value: Int, allowed: ClosedRange<Int>)

        /// What is wrong and what is allowed.
        public var description: String {
            switch self {
            case .unknownSymbol(let symbol):
                "\(symbol) is not simulated; there are \(availableSymbols.joined(separator: ", "))"
            case .repeatedSymbol(let symbol): "\(symbol) stands twice among the symbols"
            case .resolutionNotMinutes(let resolution):
                "\(resolution) is not a whole number of minutes that divides a day"
            case .rateOutOfRange(let name, let value, let allowed):
                "\(name) is \(value), allowed are \(allowed.lowerBound) to \(allowed.upperBound)"
            }
        }
    }

    /// The symbols that can be simulated.
    public static let availableSymbols = SimulatedInstrument.all.map(\.instrument.symbol)

    /// The instruments of this market.
    public let instruments: [Instrument]

    /// The instant up to which events were handed out.
    public private(set) var now: Timestamp

    static let minute = Resolution(milliseconds: 60_000)

    private var options: Options
    private let members: [Member]
    private var days = DayCache()
    private var minuteIndex: Int64
    private var pending: [MarketEvent] = []
    private var position = 0

    /// One instrument with its factors ready to use.
    private struct Member: Sendable {
        let simulated: SimulatedInstrument
        let key: UInt64
        let factors: [(factor: MarketFactor, weight: Double)]
        var symbol: String { simulated.instrument.symbol }
    }

    /// Opens the market that `seed` names, with the first event after `start`.
    public init(seed: UInt64, start: Timestamp, options: Options = Options()) throws(Failure) {
        for (name, value, allowed) in [
            ("trades_per_minute", options.tradesPerMinute, 4...600),
            ("quotes_per_minute", options.quotesPerMinute, 1...600),
        ] {
            guard allowed.contains(value) else {
                throw .rateOutOfRange(name: name, value: value, allowed: allowed)
            }
        }
        for resolution in options.resolutions { try Self.check(resolution) }
        var members: [Member] = []
        for symbol in options.symbols {
            guard let simulated = SimulatedInstrument.all.first(where: { $0.instrument.symbol == symbol })
            else { throw .unknownSymbol(symbol) }
            guard !members.contains(where: { $0.symbol == symbol }) else { throw .repeatedSymbol(symbol) }
            let factors = simulated.weights.map { name, weight in
                let volatility = SimulatedInstrument.factors.first { $0.name == name }!.dailyVolatility
                let key = SplitMix64.key(seed: seed, name: name)
                return (factor: MarketFactor(key: key, dailyVolatility: volatility), weight: weight)
            }
            members.append(
                Member(
                    simulated: simulated, key: SplitMix64.key(seed: seed, name: symbol), factors: factors))
        }
        self.options = options
        // Each length once, the shorter first: a longer candle follows its parts.
        self.options.resolutions = Set(options.resolutions).sorted { $0.milliseconds < $1.milliseconds }
        self.members = members
        instruments = members.map(\.simulated.instrument)
        now = start
        minuteIndex = start.milliseconds.flooredQuotient(by: Self.minute.milliseconds)
        fill()
        skip(to: start)
    }

    private static func check(_ resolution: Resolution) throws(Failure) {
        let day: Int64 = 86_400_000
        guard resolution.milliseconds % minute.milliseconds == 0, day % resolution.milliseconds == 0 else {
            throw .resolutionNotMinutes(resolution)
        }
    }

    /// When the next event happens; nil only when no symbol was asked for.
    public var nextEventTime: Timestamp? { position < pending.count ? pending[position].time : nil }

    /// The events after ``now`` up to and including `instant`, in order of time, and moves there.
    ///
    /// - Parameter limit: At most so many events; the rest comes with the next call, and ``now`` stays at the last
    ///   one given.
    public mutating func advance(to instant: Timestamp, limit: Int = .max) -> [MarketEvent] {
        var events: [MarketEvent] = []
        while let time = nextEventTime, time <= instant {
            guard events.count < limit else { return events }
            events.append(pending[position])
            position += 1
            now = max(now, time)
            if position == pending.count { turn() }
        }
        now = max(now, instant)
        return events
    }

    /// Moves to `instant` without the events on the way, as after a long sleep of the machine.
    public mutating func skip(to instant: Timestamp) {
        guard instant >= now, !members.isEmpty else { return }
        let index = instant.milliseconds.flooredQuotient(by: Self.minute.milliseconds)
        if index > minuteIndex + 1 {
            minuteIndex = index - 1
            turn()
        }
        while let time = nextEventTime, time <= instant {
            position += 1
            if position == pending.count { turn() }
        }
        now = instant
    }

    /// The last `count` candles that closed at or before `instant`, oldest first.
    ///
    /// They are what ``advance(to:limit:)`` announced or would have announced. A thousand hours cost a few
    /// milliseconds. At most 5,000 candles are made, and none that begin before 600,000 minutes ago (some 80 ms).
    public mutating func history(
        symbol: String, resolution: Resolution, count: Int, before instant: Timestamp
    ) throws(Failure) -> [Candle] {
        try Self.check(resolution)
        guard let member = members.firstIndex(where: { $0.symbol == symbol }) else {
            throw .unknownSymbol(symbol)
        }
        let length = resolution.milliseconds
        let end = instant.milliseconds.flooredQuotient(by: length) * length
        let most = min(5000, 600_000 * Self.minute.milliseconds / length)
        let first = end - min(max(Int64(count), 0), most) * length
        var candles: [Candle] = []
        for open in stride(from: first, to: end, by: Int64.Stride(length)) {
            candles.append(candle(member, resolution, openTime: Timestamp(milliseconds: open)))
        }
        return candles
    }

    // MARK: - Minutes

    private mutating func turn() {
        minuteIndex += 1
        fill()
    }

    /// Makes the events of the current minute: trades and quotes inside it, candles at its end.
    private mutating func fill() {
        pending.removeAll(keepingCapacity: true)
        position = 0
        var timed: [(time: Int64, order: Int, event: MarketEvent)] = []
        for index in members.indices {
            let trades = trades(index)
            for trade in trades {
                timed.append((trade.event.time.milliseconds, timed.count, .trade(trade.event)))
            }
            for quote in quotes(index, after: trades) {
                timed.append((quote.time.milliseconds, timed.count, .quote(quote)))
            }
        }
        timed.sort { ($0.time, $0.order) < ($1.time, $1.order) }
        pending.append(contentsOf: timed.map(\.event))
        let close = (minuteIndex + 1) * Self.minute.milliseconds
        for resolution in options.resolutions where close % resolution.milliseconds == 0 {
            let open = Timestamp(milliseconds: close - resolution.milliseconds)
            for index in members.indices {
                pending.append(.candle(candle(index, resolution, openTime: open)))
            }
        }
        // Without candles and symbols there would be nothing to wait for; with symbols there are always trades.
        precondition(members.isEmpty || !pending.isEmpty)
    }

    /// One minute in ticks and steps.
    private struct Shape {
        var open: Int64
        var high: Int64
        var low: Int64
        var close: Int64
        var volume: Int64
        /// A typical move within the minute, in ticks.
        var width: Double
    }

    /// The price at a logarithmic level: the one place where a `Double` becomes whole ticks.
    private static func ticks(_ base: Double, _ level: Double) -> Int64 {
        max(1, Int64((base * exponential(level)).rounded(.toNearestOrEven)))
    }

    private mutating func shape(_ index: Int, minute: Int64) -> Shape {
        let member = members[index]
        let perDay = Int64(MarketFactor.minutesPerDay)
        let day = minute.flooredQuotient(by: perDay)
        let inside = Int(minute - day * perDay)
        let (level, next, variance) = days.with(member: index, day: day) {
            var path = DayPath(day: day)
            for (factor, weight) in member.factors { factor.add(to: &path, weight: weight) }
            return path
        } read: {
            ($0.levels[inside], $0.levels[inside + 1], $0.variances[inside])
        }
        var random = SplitMix64(key: member.key, purpose: .shape, index: minute)
        let open = Self.ticks(member.simulated.basePrice, level)
        let close = Self.ticks(member.simulated.basePrice, next)
        let width = max(variance.squareRoot() * Double(open), 1)
        let above = Int64((abs(random.bell()) * 0.5 * width).rounded(.down))
        let below = Int64((abs(random.bell()) * 0.5 * width).rounded(.down))
        let high = max(open, close) + above
        let low = max(1, min(open, close) - below)
        let burst = random.uniform()
        let activity = (0.3 + 2 * burst * burst) * (0.5 + 0.5 * min(Double(high - low) / width, 6))
        let volume = Int64(member.simulated.minuteVolume * activity)
        return Shape(
            open: open, high: high, low: low, close: close,
            volume: max(volume, Int64(options.tradesPerMinute)), width: width)
    }

    private mutating func candle(_ index: Int, _ resolution: Resolution, openTime: Timestamp) -> Candle {
        let first = openTime.milliseconds.flooredQuotient(by: Self.minute.milliseconds)
        var whole = shape(index, minute: first)
        for offset in 1..<(resolution.milliseconds / Self.minute.milliseconds) {
            let part = shape(index, minute: first + offset)
            whole.high = max(whole.high, part.high)
            whole.low = min(whole.low, part.low)
            whole.close = part.close
            whole.volume += part.volume
        }
        let instrument = members[index].simulated.instrument
        return Candle(
            symbol: instrument.symbol, resolution: resolution, openTime: openTime,
            open: whole.open.times(instrument.tickSize), high: whole.high.times(instrument.tickSize),
            low: whole.low.times(instrument.tickSize), close: whole.close.times(instrument.tickSize),
            volume: whole.volume.times(instrument.stepSize))
    }

    /// A trade, its price in ticks and who took it.
    private struct SimulatedTrade {
        let event: MarketTrade
        let ticks: Int64
        let buyerTakes: Bool
    }

    /// The minute's trades: from open to close, touching high and low, volumes adding up.
    private mutating func trades(_ index: Int) -> [SimulatedTrade] {
        let shape = shape(index, minute: minuteIndex)
        let member = members[index]
        let instrument = member.simulated.instrument
        let count = options.tradesPerMinute
        var random = SplitMix64(key: member.key, purpose: .trades, index: minuteIndex)
        let highAt = 1 + Int(random.whole(below: Int64(count - 2)))
        var lowAt = 1 + Int(random.whole(below: Int64(count - 3)))
        if lowAt >= highAt { lowAt += 1 }
        let anchors = [(0, shape.open), (highAt, shape.high), (lowAt, shape.low), (count - 1, shape.close)]
            .sorted { $0.0 < $1.0 }
        let weights = (0..<count).map { _ in
            let weight = random.uniform()
            return 0.02 + weight * weight * weight
        }
        let totalWeight = weights.reduce(0, +)
        let spare = shape.volume - Int64(count)
        var left = spare
        var trades: [SimulatedTrade] = []
        trades.reserveCapacity(count)
        var leg = 0
        for trade in 0..<count {
            while leg < anchors.count - 2, trade > anchors[leg + 1].0 { leg += 1 }
            let (from, to) = (anchors[leg], anchors[leg + 1])
            let noise = random.bell() * 0.12 * shape.width
            let part = Double(trade - from.0) / Double(to.0 - from.0)
            let between = Double(from.1) + Double(to.1 - from.1) * part
            let isAnchor = trade == from.0 || trade == to.0
            let price =
                isAnchor
                ? (trade == from.0 ? from.1 : to.1)
                : min(max(Int64((between + noise).rounded(.toNearestOrEven)), shape.low), shape.high)
            let share =
                trade == count - 1
                ? left
                : min(left, Int64((Double(spare) * weights[trade] / totalWeight).rounded(.down)))
            left -= share
            let event = MarketTrade(
                symbol: instrument.symbol, time: time(of: trade, among: count, &random),
                price: price.times(instrument.tickSize), quantity: (share + 1).times(instrument.stepSize))
            trades.append(
                SimulatedTrade(event: event, ticks: price, buyerTakes: random.next() & 1 == 0))
        }
        return trades
    }

    /// The minute's quotes: the last trade's price on one side, a spread beside it.
    private func quotes(_ index: Int, after trades: [SimulatedTrade]) -> [Quote] {
        let instrument = members[index].simulated.instrument
        let count = options.quotesPerMinute
        var random = SplitMix64(key: members[index].key, purpose: .quotes, index: minuteIndex)
        var last = 0
        return (0..<count).map { quote in
            let time = time(of: quote, among: count, &random)
            while last + 1 < trades.count, trades[last + 1].event.time <= time { last += 1 }
            let price = trades[last].ticks
            let spread = max(1, price / 20_000 + random.whole(below: max(1, price / 20_000)))
            let bid = trades[last].buyerTakes ? max(1, price - spread) : price
            let depth = members[index].simulated.minuteVolume / 20
            let bidSteps = 1 + Int64(depth * random.uniform())
            let askSteps = 1 + Int64(depth * random.uniform())
            return Quote(
                symbol: instrument.symbol, time: time, bid: bid.times(instrument.tickSize),
                bidQuantity: bidSteps.times(instrument.stepSize),
                ask: (bid + spread).times(instrument.tickSize),
                askQuantity: askSteps.times(instrument.stepSize))
        }
    }

    /// An instant in the slot of the minute that belongs to the `number`th of `count` events.
    private func time(of number: Int, among count: Int, _ random: inout SplitMix64) -> Timestamp {
        let length = Self.minute.milliseconds
        let start = Int64(number) * length / Int64(count)
        let end = Int64(number + 1) * length / Int64(count)
        return Timestamp(
            milliseconds: minuteIndex * length + start + random.whole(below: end - start))
    }
}

extension Int64 {
    /// So many steps, exactly.
    ///
    /// Simulated prices and volumes are far inside the range.
    fileprivate func times(_ step: FixedDecimal) -> FixedDecimal {
        FixedDecimal(units: Int128(self) * step.units)
    }
}

/// The days computed last; a few dozen, some 23 KB each.
private struct DayCache: Sendable {
    private struct Entry: Sendable {
        let member: Int
        let path: DayPath
    }

    private static let capacity = 32
    private var entries: [Entry] = []
    private var oldest = 0

    /// Reads from the path of one member's day, which `make` computes when it is not there.
    mutating func with<Result>(
        member: Int, day: Int64, make: () -> DayPath, read: (DayPath) -> Result
    ) -> Result {
        if let found = entries.firstIndex(where: { $0.member == member && $0.path.day == day }) {
            return read(entries[found].path)
        }
        let entry = Entry(member: member, path: make())
        if entries.count < Self.capacity {
            entries.append(entry)
        } else {
            entries[oldest] = entry
            oldest = (oldest + 1) % Self.capacity
        }
        return read(entry.path)
    }
}
