internal import Exchanges
internal import MarketData
internal import Posix
internal import Trading

/// The live candles of one collector: what closes goes to the store behind what is there, and never past a gap. On the
/// collectors' loop.
final class CandleStream {
    /// What a stream has to say.
    enum News {
        /// So many candles were kept.
        case kept(Int)
        case refused(Refusal)
        /// Something is missing before a candle that came: it must be asked for.
        case gap
        /// Nothing comes, in words; nil when it comes again.
        case fault(String?)
        /// A candle could not be written down.
        case failed(String)
    }

    /// So much later than this host's clock a candle may close that the venue calls closed, in milliseconds.
    private static let clockTolerance: Int64 = 5_000
    private static let heldLimit = 256

    private let venue: CollectedVenue
    private let source: any MarketSource
    private let sink: any CandleSink
    private let news: (News) -> Void
    /// Up to where each series is complete.
    private var frontiers: [SeriesKey: Timestamp] = [:]
    /// What came past a frontier, until what is before it has been fetched.
    private var held: [SeriesKey: [Candle]] = [:]

    init(
        _ definition: CollectorDefinition, source: any MarketSource, sink: any CandleSink,
        news: @escaping (News) -> Void
    ) {
        venue = definition.venue
        self.source = source
        self.sink = sink
        self.news = news
        let wish = MarketWish(
            symbols: definition.symbols, resolutions: definition.resolutions, history: 2, prices: false)
        source.begin(wish) { [weak self] in self?.take($0) }
    }

    /// Everything of a series up to `time` has been asked for; what was held goes on from there.
    func isComplete(_ series: SeriesKey, upTo time: Timestamp) {
        frontiers[series] = max(frontiers[series] ?? time, time)
        let waiting = held.removeValue(forKey: series) ?? []
        for candle in waiting { keep(candle, of: series, mayAsk: false) }
    }

    /// Lets the stream go.
    func end() { source.end() }

    private func take(_ said: MarketNews) {
        switch said {
        case .event(.candle(let candle)): take(candle)
        case .history(let candles): for candle in candles { take(candle) }
        case .fault(let fault): news(.fault(fault))
        case .instruments, .event, .primed: break
        }
    }

    private func take(_ candle: Candle) {
        let series = SeriesKey(venue: venue.id, symbol: candle.symbol, resolution: candle.resolution)
        let now = Timestamp(milliseconds: WallClock.milliseconds + Self.clockTolerance)
        do throws(Refusal) {
            let rules = CandleRules(series: series, span: candle.openTime..<candle.closeTime, now: now)
            try rules.check(candle)
            guard candle.flaw == nil else { throw .inconsistent }
        } catch {
            return news(.refused(error))
        }
        keep(candle, of: series, mayAsk: true)
    }

    private func keep(_ candle: Candle, of series: SeriesKey, mayAsk: Bool) {
        guard let frontier = frontiers[series], frontier >= candle.openTime else {
            if held[series, default: []].count < Self.heldLimit { held[series, default: []].append(candle) }
            if mayAsk, frontiers[series] != nil { news(.gap) }
            return
        }
        guard frontier == candle.openTime else { return }  // It is there.
        do throws(MarketFileFailure) {
            let kept = try sink.keep([candle], of: series, asked: candle.openTime..<candle.closeTime)
            frontiers[series] = candle.closeTime
            news(.kept(kept))
        } catch {
            news(.failed("\(error)"))
        }
    }
}
