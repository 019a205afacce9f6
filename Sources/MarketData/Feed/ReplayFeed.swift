public import Trading

/// Plays the events of one or several files in order of time, and longer candles put together from them.
///
/// Who drives it asks for everything up to an instant (see ``FeedClock``). Reading is streaming: of each file one
/// event is held ahead, and of each series so many candles behind, for lookback. Files that overlap in symbol and
/// resolution are the caller's mistake and refused.
public final class ReplayFeed {
    /// Where a replay stands: everything before `time` was given, and `taken` events at that time.
    public struct Cursor: Hashable, Sendable, LosslessStringConvertible {
        /// The instant.
        public let time: Timestamp
        /// Events given at that instant.
        public let taken: Int

        /// Names a place.
        public init(time: Timestamp, taken: Int) {
            self.time = time
            self.taken = taken
        }

        /// Reads `1704067200000:2`.
        public init?(_ text: String) {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let time = Int64(parts[0]), let taken = Int(parts[1]), taken >= 0 else {
                return nil
            }
            self.init(time: Timestamp(milliseconds: time), taken: taken)
        }

        /// The place as text, such as `1704067200000:2`.
        public var description: String { "\(time.milliseconds):\(taken)" }
    }

    /// Where a replay begins.
    ///
    /// Candles before it are history.
    public enum Start: Hashable, Sendable {
        /// With the first row, without history.
        case beginning
        /// When the first candle file has given so many candles as history.
        case afterCandles(Int)
        /// With the first event later than this.
        case after(Timestamp)
        /// Where an earlier replay of the same files stood.
        case cursor(Cursor)
    }

    private struct Source {
        let file: any EventFile
        var head: MarketEvent?
    }

    private var sources: [Source] = []
    private var rollUps: [CandleRollUp] = []
    private var failure: MarketFileFailure?
    private var recent: RecentCandles
    /// Longer candles completed by the event before and not given yet.
    private var completed: [Candle] = []

    /// Where the replay stands.
    public private(set) var cursor = Cursor(time: Timestamp(milliseconds: .min), taken: 0)

    /// Opens a replay.
    ///
    /// - Parameters:
    ///   - files: Freshly opened; at one instant the events of an earlier file come first.
    ///   - derived: Candle lengths to put together from each candle file, where they are multiples of its own.
    ///   - historyCandles: How many candles of each series stay at hand.
    /// - Throws: The first row that is wrong on the way to `start`.
    public init(
        files: [any EventFile], derived: [Resolution] = [], start: Start = .beginning,
        historyCandles: Int = 2000
    ) throws(MarketFileFailure) {
        recent = RecentCandles(capacity: historyCandles)
        var series: Set<RecentCandles.Series> = []
        for case let file as CandleFile in files {
            guard
                series.insert(.init(symbol: file.symbol, resolution: file.resolution)).inserted
            else {
                throw MarketFileFailure(
                    file: "replay", line: 0,
                    reason: "two files give candles of \(file.symbol) \(file.resolution)")
            }
        }
        for case let file as CandleFile in files {
            for target in derived
            where target.isMade(of: file.resolution)
                && series.insert(.init(symbol: file.symbol, resolution: target)).inserted
            {
                rollUps.append(CandleRollUp(symbol: file.symbol, from: file.resolution, to: target))
            }
        }
        for file in files { sources.append(Source(file: file, head: try file.next())) }
        try seek(start, first: files.lazy.compactMap { $0 as? CandleFile }.first)
    }

    private func seek(_ start: Start, first: CandleFile?) throws(MarketFileFailure) {
        func skip(while goesOn: () -> Bool) throws(MarketFileFailure) {
            while goesOn(), try take() != nil {
                if let failure { throw failure }
            }
        }
        switch start {
        case .beginning: break
        case .afterCandles(let count):
            guard let first else { return }
            var seen = 0
            while seen < count, let event = try take() {
                if let failure { throw failure }
                if case .candle(let candle) = event, candle.symbol == first.symbol,
                    candle.resolution == first.resolution
                {
                    seen += 1
                }
            }
            let reached = cursor.time
            if seen > 0 { try skip { nextEventTime.map { $0 <= reached } ?? false } }
        case .after(let time):
            try skip { nextEventTime.map { $0 <= time } ?? false }
        case .cursor(let place):
            try skip { nextEventTime.map { $0 < place.time } ?? false }
            for _ in 0..<place.taken where nextEventTime == place.time {
                _ = try take()
                if let failure { throw failure }
            }
        }
    }

    /// When the next event happens; nil at the end of the data.
    public var nextEventTime: Timestamp? {
        if let candle = completed.first { return candle.closeTime }
        let head = sources.lazy.compactMap { $0.head?.time }.min()
        // A longer candle without its last part is announced once later data shows that time went on.
        guard let head else { return nil }
        return min(head, rollUps.lazy.compactMap(\.closeTime).min() ?? head)
    }

    /// Whether every file has been played to its end.
    public var isAtEnd: Bool { nextEventTime == nil && failure == nil }

    /// What the files' readers skipped and missed so far, in the order of the files.
    public var reports: [FileReport] { sources.map(\.file.report) }

    /// The events after the cursor up to and including `instant`, at most `limit` of them.
    ///
    /// - Throws: The row that is wrong, once every event before it was given. The replay ends there.
    public func advance(to instant: Timestamp, limit: Int = 1000) throws(MarketFileFailure) -> [MarketEvent] {
        var events: [MarketEvent] = []
        while events.count < limit {
            if let failure {
                guard events.isEmpty else { return events }
                throw failure
            }
            guard let time = nextEventTime, time <= instant, let event = try take() else { break }
            events.append(event)
        }
        return events
    }

    /// The last `count` candles that closed at or before `instant`, of those at hand, oldest first.
    public func history(
        symbol: String, resolution: Resolution, count: Int, before instant: Timestamp = .endOfTime
    ) -> [Candle] {
        recent.last(count, symbol: symbol, resolution: resolution, before: instant)
    }

    /// Takes the next event and moves the cursor past it.
    private func take() throws(MarketFileFailure) -> MarketEvent? {
        guard let event = try pick() else { return nil }
        cursor = Cursor(
            time: event.time, taken: event.time == cursor.time ? cursor.taken + 1 : 1)
        if case .candle(let candle) = event { recent.append(candle) }
        return event
    }

    private func pick() throws(MarketFileFailure) -> MarketEvent? {
        if !completed.isEmpty { return .candle(completed.removeFirst()) }
        guard let time = nextEventTime else { return nil }
        let ready = sources.indices.first { sources[$0].head?.time == time }
        guard let ready, let event = sources[ready].head else {
            for index in rollUps.indices {
                if let candle = rollUps[index].flush(at: time) { completed.append(candle) }
            }
            return completed.isEmpty ? nil : .candle(completed.removeFirst())
        }
        sources[ready].head = nil
        do {
            sources[ready].head = try sources[ready].file.next()
        } catch {
            failure = error
        }
        if case .candle(let candle) = event { try fold(candle) }
        return event
    }

    private func fold(_ candle: Candle) throws(MarketFileFailure) {
        for index in rollUps.indices
        where rollUps[index].symbol == candle.symbol && rollUps[index].source == candle.resolution {
            do {
                completed.append(contentsOf: try rollUps[index].add(candle))
            } catch {
                throw MarketFileFailure(
                    file: "replay", line: 0,
                    reason: "the volume of \(candle.symbol) \(rollUps[index].target) is out of range")
            }
        }
    }
}
