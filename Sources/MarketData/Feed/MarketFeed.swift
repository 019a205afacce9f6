public import Trading

/// One feed at work: a source, its clock and its health behind one face, whatever the source.
///
/// It has no thread and no timer. Who drives it waits until ``nextDue``, then calls
/// ``take(atNanoseconds:wall:limit:)`` and hands the events on.
public final class MarketFeed {
    /// Why a feed could not be opened.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// What is wrong, in words.
        public let description: String
    }

    private enum Source {
        case simulated(SimulatedMarket)
        case replay(ReplayFeed)
        /// By request, or by an exchange's stream.
        case injected
    }

    /// What it was made from.
    public private(set) var definition: FeedDefinition
    /// Its instruments, one for each symbol.
    public private(set) var instruments: [Instrument]
    /// What it delivered so far.
    public private(set) var health: FeedHealth
    /// What ended it before its time, in words.
    public private(set) var fault: String?
    /// The market time up to which events were handed out.
    public private(set) var now: Timestamp

    private var source: Source
    private var clock: FeedClock
    /// The candles that passed by; the simulated market makes its own.
    private var recent = RecentCandles(capacity: 5000)

    /// Opens a feed.
    ///
    /// - Parameters:
    ///   - folder: Where relative paths of candle files begin.
    ///   - wall: The wall clock, which is the simulated market's time at the start.
    ///   - nanoseconds: The monotonic clock.
    ///   - cursor: Where an earlier life of this feed stood (``cursor``), to go on from there.
    public init(
        _ definition: FeedDefinition, folder: String, wall: Timestamp, atNanoseconds nanoseconds: Int64,
        cursor: String? = nil
    ) throws(Failure) {
        self.definition = definition
        instruments = definition.symbols.map { symbol in
            definition.instruments.first { $0.symbol == symbol } ?? .usual(symbol: symbol)
        }
        health = FeedHealth(openedAt: wall)
        now = wall
        switch definition.source {
        case .simulated(let seed, let options):
            do throws(SimulatedMarket.Failure) {
                source = .simulated(try SimulatedMarket(seed: seed, start: wall, options: options))
            } catch {
                throw Failure(description: error.description)
            }
        case .replay(let replay):
            var place: ReplayFeed.Cursor?
            if let cursor {
                place = ReplayFeed.Cursor(cursor)
                guard place != nil else { throw Failure(description: "\"\(cursor)\" is no cursor") }
            }
            do throws(MarketFileFailure) {
                let feed = try Self.open(replay, folder, place)
                source = .replay(feed)
                // Not before the first event: a replay begins at once, wherever its data begins.
                now = feed.nextEventTime?.advanced(byMilliseconds: -1) ?? wall
            } catch {
                throw Failure(description: error.description)
            }
        case .injected, .live: source = .injected
        }
        clock = FeedClock(market: now, atNanoseconds: nanoseconds, speed: definition.speed)
    }

    private static func open(
        _ replay: FeedDefinition.Replay, _ folder: String, _ cursor: ReplayFeed.Cursor?
    ) throws(MarketFileFailure) -> ReplayFeed {
        var files: [any EventFile] = []
        for file in replay.files {
            files.append(
                try CandleFile(
                    path: file.path.hasPrefix("/") ? file.path : folder + "/" + file.path,
                    symbol: file.symbol, resolution: file.resolution, flaws: replay.flaws))
        }
        let start: ReplayFeed.Start =
            if let cursor { .cursor(cursor) } else { .afterCandles(replay.lookback) }
        return try ReplayFeed(files: files, derived: replay.derived, start: start, historyCandles: 5000)
    }

    // MARK: - Driving

    /// What the monotonic clock shows when the next event is due; nil when there is none, or the feed is paused.
    public var nextDue: Int64? {
        guard fault == nil else { return nil }
        let next =
            switch source {
            case .simulated(let market): market.nextEventTime
            // After a wrong row there is no next event, but the fault is still to be told.
            case .replay(let feed): feed.nextEventTime ?? (feed.isAtEnd ? nil : now)
            case .injected: Timestamp?.none
            }
        return next.flatMap { clock.nanoseconds(atMarketTime: $0) }
    }

    /// Whether there is nothing more to come.
    public var isAtEnd: Bool {
        if case .replay(let feed) = source { feed.isAtEnd } else { false }
    }

    /// The events that are due, at most `limit`; when there are more, ``nextDue`` is in the past.
    public func take(
        atNanoseconds nanoseconds: Int64, wall: Timestamp, limit: Int = 500
    ) -> [MarketEvent] {
        guard fault == nil, !clock.isPaused else { return [] }
        let instant = clock.marketTime(atNanoseconds: nanoseconds)
        var events: [MarketEvent] = []
        switch source {
        case .simulated(var market):
            source = .injected  // So that the market is not copied while it moves.
            events = market.advance(to: instant, limit: limit)
            now = max(now, market.now)
            source = .simulated(market)
        case .replay(let feed):
            do throws(MarketFileFailure) {
                events = try feed.advance(to: instant, limit: limit)
            } catch {
                fault = error.description
                health.recordRefusal(error.description)
            }
            if let last = events.last { now = max(now, last.time) }
            if feed.isAtEnd { health.recordEnd() }
        case .injected: break
        }
        for event in events { health.record(event, arrivedAt: wall) }
        return events
    }

    /// Takes events from outside, already checked by ``FeedInjection`` or by an exchange's adapter.
    ///
    /// - Precondition: The feed makes none itself.
    public func inject(_ events: [MarketEvent], wall: Timestamp) {
        guard case .injected = source else { preconditionFailure("this feed makes its own events") }
        for event in events {
            if case .candle(let candle) = event { recent.append(candle) }
            now = max(now, event.time)
            health.record(event, arrivedAt: wall)
        }
    }

    /// Takes closed candles from before anything else of their series, as history that nobody is told of.
    public func remember(_ candles: [Candle]) {
        for candle in candles { recent.append(candle) }
    }

    /// Takes closed candles of one series from before those that passed by, oldest first.
    public func remember(before candles: [Candle]) { recent.prepend(candles) }

    /// Takes the instruments as the exchange tells them now; what it does not tell of stays.
    public func setInstruments(_ told: [Instrument]) {
        instruments = instruments.map { old in told.first { $0.symbol == old.symbol } ?? old }
    }

    /// Whether people may put events in.
    public var takesEvents: Bool {
        if case .injected = definition.source { true } else { false }
    }

    /// Counts events or rows that were refused.
    public func recordRefusal(_ reason: String, count: Int = 1) {
        health.recordRefusal(reason, count: count)
    }

    /// Where to go on after a restart; nil for feeds that have no place.
    public var cursor: String? {
        guard case .replay(let feed) = source else { return nil }
        return feed.cursor.taken == 0 ? nil : feed.cursor.description
    }

    /// The last `count` candles that closed before now, oldest first; empty when the feed has none of that kind.
    public func history(symbol: String, resolution: Resolution, count: Int) -> [Candle] {
        switch source {
        case .simulated(var market):
            source = .injected
            defer { source = .simulated(market) }
            do throws(SimulatedMarket.Failure) {
                return try market.history(
                    symbol: symbol, resolution: resolution, count: count, before: now)
            } catch {
                return []
            }
        case .replay(let feed):
            return feed.history(symbol: symbol, resolution: resolution, count: count, before: now)
        case .injected:
            return recent.last(count, symbol: symbol, resolution: resolution)
        }
    }

    /// Whether candles of this kind come: what a strategy may ask for.
    public func gives(symbol: String, resolution: Resolution) -> Bool {
        guard definition.symbols.contains(symbol) else { return false }
        switch definition.source {
        case .simulated(_, let options): return options.resolutions.contains(resolution)
        case .replay(let replay):
            return replay.files.contains { file in
                file.symbol == symbol
                    && (file.resolution == resolution
                        || (replay.derived.contains(resolution) && resolution.isMade(of: file.resolution)))
            }
        case .injected: return true
        case .live(let live): return live.resolutions.contains(resolution)
        }
    }

    // MARK: - The clock

    /// Whether market time stands still.
    public var isPaused: Bool { clock.isPaused }

    /// How fast market time runs.
    public var speed: FeedClock.Speed { clock.speed }

    /// Stops market time.
    public func pause(atNanoseconds nanoseconds: Int64) {
        clock.pause(atNanoseconds: nanoseconds, market: clock.speed == .asFastAsPossible ? now : nil)
    }

    /// Lets market time run on.
    public func resume(atNanoseconds nanoseconds: Int64) {
        clock.resume(atNanoseconds: nanoseconds)
    }

    /// Changes the speed from now on.
    public func setSpeed(_ speed: FeedClock.Speed, atNanoseconds nanoseconds: Int64) {
        definition.speed = speed
        clock.setSpeed(
            speed, atNanoseconds: nanoseconds, market: clock.speed == .asFastAsPossible ? now : nil)
    }
}
