internal import Exchanges
internal import MarketData
internal import Net
internal import Posix
internal import Trading
internal import Wire

/// Everything that collects: the collectors, the downloads and the ways to the venues. On a loop of its own.
final class Collecting {
    /// What prices are kept by.
    static let fiveMinutes = Resolution(milliseconds: 300_000)
    /// How many downloads run at once, and how many are remembered.
    private static let downloadLimit = 8
    private static let rememberedDownloads = 50
    /// How long the names of a venue's markets are good, and how soon they are asked for again after one was not
    /// among them.
    private static let namesAge: UInt64 = 3_600_000_000_000
    private static let namesPause: UInt64 = 30_000_000_000
    /// How long somebody who asks for a download waits to hear whether the venue has the symbol.
    private static let checkPatience = Duration.seconds(10)

    let loop: EventLoop
    let store: CollectorStore
    let sink: any CandleSink
    let log: HostLog
    let retry: Retry
    /// Hears what is wrong with a collector, in words; nil when nothing is any more.
    let onHealth: @Sendable (String, String?) -> Void
    private let venues: CollectorVenues
    private let http: HTTPClient
    private let sockets: WebSocketClient?
    private(set) var works: [String: CollectorWork] = [:]
    private(set) var downloads: [CandleDownload] = []
    private var lastDownload = 0
    private var callers: [CollectedVenue: PublicCaller] = [:]
    private var live: [CollectedVenue: any LiveVenue] = [:]
    private var names: [CollectedVenue: (names: [String: String], at: UInt64)] = [:]
    /// Who waits to hear whether a venue has a symbol.
    private var checks: [Int: (CollectFailure?) -> Void] = [:]
    private var lastCheck = 0

    init(
        loop: EventLoop, venues: CollectorVenues, store: CollectorStore, sink: any CandleSink,
        retry: Retry, log: HostLog, onHealth: @escaping @Sendable (String, String?) -> Void
    ) throws {
        self.loop = loop
        self.venues = venues
        self.store = store
        self.sink = sink
        self.retry = retry
        self.log = log
        self.onHealth = onHealth
        http = try HTTPClient()
        sockets = try WebSocketClient()
        for kept in try store.all() {
            works[kept.definition.id] = CollectorWork(kept.definition, figures: kept.figures, in: self)
        }
    }

    var now: Timestamp { Timestamp(milliseconds: WallClock.milliseconds) }

    /// Lets every collector run.
    func begin() {
        for (_, work) in works.sorted(by: { $0.key < $1.key }) { work.begin() }
    }

    /// Ends everything.
    func end() {
        for work in works.values { work.end() }
        for download in downloads { download.cancel() }
        for venue in live.values { venue.end() }
        live = [:]
        for number in Array(checks.keys) {
            checked(number, CollectFailure(.unanswered, "the collectors ended meanwhile"))
        }
    }

    func report(_ id: String, _ fault: String?) { onHealth(id, fault) }

    // MARK: - Collectors

    func add(_ definition: CollectorDefinition) {
        precondition(works[definition.id] == nil)
        let work = CollectorWork(definition, figures: CollectorFigures(), in: self)
        works[definition.id] = work
        work.begin()
    }

    func remove(_ id: String) {
        works.removeValue(forKey: id)?.end()
    }

    // MARK: - Downloads

    /// Begins a download; nil when as many run as may.
    ///
    /// - Parameter note: What is to be said of it until more is known.
    func download(
        _ order: CandleDownload.Order, by owner: String, note: String? = nil
    ) -> CandleDownload? {
        if let same = downloads.first(where: { $0.order == order && $0.state == .running }) { return same }
        guard downloads.count(where: { $0.state == .running }) < Self.downloadLimit else { return nil }
        lastDownload += 1
        let download = CandleDownload(String(lastDownload), order, by: owner, note: note, in: self)
        downloads.append(download)
        if downloads.count > Self.rememberedDownloads,
            let oldest = downloads.firstIndex(where: { $0.state != .running })
        {
            downloads.remove(at: oldest)
        }
        download.begin()
        return download
    }

    // MARK: - Ways to the venues

    func face(_ venue: CollectedVenue) -> any PublicVenue { venues.face(venue) }

    var coinSpot: CoinSpotPublic { CoinSpotPublic(base: venues.coinspot) }

    func caller(_ venue: CollectedVenue) -> PublicCaller {
        if let caller = callers[venue] { return caller }
        let caller = PublicCaller(
            venue.id, face: face(venue), timeoutMilliseconds: retry.timeoutMilliseconds, http: http,
            loop: loop)
        callers[venue] = caller
        return caller
    }

    /// A source of a venue's live candles; nil where there is none.
    func source(_ venue: CollectedVenue) -> (any MarketSource)? {
        if let known = live[venue] { return known.market() }
        guard let sockets else { return nil }
        let made: any LiveVenue
        switch venue.known {
        case .binance:
            var settings = BinanceVenue.Settings()
            settings.instrumentsEvery = .seconds(3_600)
            made = BinanceVenue(
                venue: venue.known.id(venue.environment),
                addresses: venue.environment == .live ? venues.binance : venues.binanceTestnet, http: http,
                sockets: sockets, loop: loop, settings: settings, keys: { _ in nil })
        case .coindcx:
            var settings = CoinDCXVenue.Settings()
            settings.instrumentsEvery = .seconds(3_600)
            made = CoinDCXVenue(
                addresses: venues.coindcx, http: http, sockets: sockets, loop: loop, settings: settings,
                keys: { _ in nil })
        case .coinspot: return nil
        }
        live[venue] = made
        return made.market()
    }

    /// What a venue calls a symbol. The completion is called once, at once when it is known.
    func withName(
        of symbol: String, at venue: CollectedVenue,
        _ completion: @escaping (Result<String, CollectFailure>) -> Void
    ) {
        let face = face(venue)
        guard let url = face.namesURL else { return completion(.success(symbol)) }
        let age = names[venue].map { MonotonicClock.nanoseconds - $0.at }
        if let age, age < Self.namesAge, let name = names[venue]?.names[symbol] {
            return completion(.success(name))
        }
        let unknown = CollectFailure(.unknownSymbol, "\(venue.id) has no \(symbol)")
        if let age, age < Self.namesPause { return completion(.failure(unknown)) }
        caller(venue).ask(url) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): completion(.failure(failure))
            case .success(let answer):
                guard let told = face.names(in: answer.body) else {
                    return completion(
                        .failure(CollectFailure(.unreadable, "\(venue.id) answered with no markets")))
                }
                names[venue] = (told, MonotonicClock.nanoseconds)
                completion(told[symbol].map { .success($0) } ?? .failure(unknown))
            }
        }
    }

    /// Asks a venue whether it has a symbol.
    ///
    /// The completion is called once: with nil when it has, or cannot be asked that; with a failure of the code
    /// ``CollectFailure/Code/unknownSymbol`` when it has not; else with why that is not known.
    func check(
        _ symbol: String, at venue: CollectedVenue, _ completion: @escaping (CollectFailure?) -> Void
    ) {
        lastCheck += 1
        let number = lastCheck
        checks[number] = completion
        let late = CollectFailure(.unanswered, "\(venue.id) did not answer within \(Self.checkPatience)")
        let timer = loop.schedule(after: Self.checkPatience) { [weak self] in self?.checked(number, late) }
        let tell: (CollectFailure?) -> Void = { [weak self] failure in
            self?.loop.cancel(timer)
            self?.checked(number, failure)
        }
        let face = face(venue)
        guard face.namesURL == nil else {
            return withName(of: symbol, at: venue) { result in
                if case .failure(let failure) = result { tell(failure) } else { tell(nil) }
            }
        }
        guard let url = face.symbolURL(symbol) else { return tell(nil) }
        caller(venue).ask(url) { result in
            guard case .failure(let failure) = result else { return tell(nil) }
            let isUnknown = failure.code == .unknownSymbol
            tell(isUnknown ? CollectFailure(.unknownSymbol, "\(venue.id) has no \(symbol)") : failure)
        }
    }

    private func checked(_ number: Int, _ failure: CollectFailure?) {
        checks.removeValue(forKey: number)?(failure)
    }

    // MARK: - On request

    /// Asks a venue for the best bid and ask now.
    func quote(
        of symbol: String, at venue: CollectedVenue,
        _ completion: @escaping (Result<(quote: BestQuote, at: Timestamp), CollectFailure>) -> Void
    ) {
        let face = face(venue)
        ask(symbol, venue, url: { face.quoteURL(named: $0, symbol: symbol) }) { result in
            completion(
                result.flatMap { answer in
                    do throws(Refusal) {
                        return .success((try face.quote(in: answer.body, symbol: symbol), answer.now))
                    } catch {
                        return .failure(
                            CollectFailure(.unreadable, "the quote of \(venue.id) is refused: \(error.words)")
                        )
                    }
                })
        }
    }

    /// Asks a venue for the last public trades.
    func trades(
        of symbol: String, at venue: CollectedVenue, limit: Int,
        _ completion:
            @escaping (Result<(trades: [MarketTrade], refused: [Refusal: Int]), CollectFailure>) -> Void
    ) {
        let face = face(venue)
        ask(symbol, venue, url: { face.tradesURL(named: $0, symbol: symbol, limit: limit) }) { result in
            completion(
                result.flatMap { answer in
                    guard let reading = face.trades(in: answer.body, symbol: symbol) else {
                        return .failure(CollectFailure(.unreadable, "\(venue.id) answered with no trades"))
                    }
                    let (trades, refused) = reading
                    return .success((Array(trades.suffix(limit)), refused))
                })
        }
    }

    private func ask(
        _ symbol: String, _ venue: CollectedVenue, url: @escaping (String) -> String,
        _ completion: @escaping (Result<PublicCaller.Answer, CollectFailure>) -> Void
    ) {
        withName(of: symbol, at: venue) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let failure): completion(.failure(failure))
            case .success(let name): caller(venue).ask(url(name), completion)
            }
        }
    }
}
