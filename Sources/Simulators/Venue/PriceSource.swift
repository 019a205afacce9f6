import MarketData
import Trading

/// Where a simulator's prices come from: the simulated market, and candle files for the symbols that have one.
struct PriceSource {
    private var market: SimulatedMarket
    private let tapes: [String: CandleTape]
    private var pending: [MarketEvent] = []
    private var minute: Int64
    let instruments: [Instrument]

    /// - Parameter symbols: What the exchange lists besides the files.
    /// - Parameter past: How many candles of each file lie before now; nil is as the tape does it.
    init(
        seed: UInt64, symbols: [String], files: [String], past: Int? = nil, now: Timestamp
    ) throws(SimulatorFailure) {
        var tapes: [String: CandleTape] = [:]
        for path in files {
            let tape = try CandleTape(path: path, now: now, past: past)
            guard tapes[tape.instrument.symbol] == nil else {
                throw SimulatorFailure(.candles, "\(path): there are two files for \(tape.instrument.symbol)")
            }
            tapes[tape.instrument.symbol] = tape
        }
        self.tapes = tapes
        let made = symbols.filter { tapes[$0] == nil }
        // Some minutes ago, so that there are trades to be shown from the first moment.
        let start = now.milliseconds / 60_000 * 60_000 - 300_000
        do throws(SimulatedMarket.Failure) {
            market = try SimulatedMarket(
                seed: seed, start: Timestamp(milliseconds: start),
                options: .init(symbols: made, resolutions: [Resolution(milliseconds: 60_000)]))
        } catch {
            throw SimulatorFailure(.candles, "\(error)")
        }
        instruments = (market.instruments + tapes.values.map(\.instrument)).sorted { $0.symbol < $1.symbol }
        minute = start - 60_000
        fill()
    }

    /// When the next event happens.
    var nextEventTime: Timestamp? {
        [market.nextEventTime, pending.first?.time].compactMap { $0 }.min()
    }

    /// The events up to an instant, in order of time for each symbol.
    mutating func advance(to instant: Timestamp) -> [MarketEvent] {
        var events = market.advance(to: instant)
        while let first = pending.first, first.time <= instant {
            events.append(first)
            pending.removeFirst()
            if pending.isEmpty { fill() }
        }
        return events
    }

    private mutating func fill() {
        guard !tapes.isEmpty else { return }
        minute += 60_000
        pending = tapes.values.flatMap { $0.events(minute: minute) }.sorted { $0.time < $1.time }
    }

    /// The last closed candles before an instant, oldest first; nil when this length is not to be had.
    mutating func candles(_ symbol: String, _ length: Resolution, _ count: Int, before: Timestamp)
        -> [Candle]?
    {
        let day: Int64 = 86_400_000
        do {
            if let tape = tapes[symbol] { return try tape.candles(length, count, before: before) }
            if length.milliseconds % 60_000 == 0, day % length.milliseconds == 0 {
                return try market.history(symbol: symbol, resolution: length, count: count, before: before)
            }
            guard length.milliseconds % day == 0 else { return nil }
            let days = Resolution(milliseconds: day)
            let perCandle = Int(length.milliseconds / day)
            let source = try market.history(
                symbol: symbol, resolution: days, count: (count + 1) * perCandle, before: before)
            return Array(try CandleRollUp.fold(source, to: length).suffix(count))
        } catch {
            return nil
        }
    }
}
