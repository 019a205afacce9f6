public import Trading
public import Wire

/// What an operator says about a feed, read from and written as JSON.
///
/// `{"id": "sim", "kind": "simulated", "seed": 7, "symbols": […], "resolutions": […], "speed": "1"}`,
/// `{"id": "btc-2024", "kind": "replay", "files": ["BTCUSDT-5m.csv.gz"], "derived": ["1h"], "lookback": 100,
/// "speed": "max"}`, `{"id": "mine", "kind": "injected", "symbols": ["BTCUSDT"]}`; each with `instruments` where the
/// usual steps do not fit. `{"id": "btc", "kind": "binance", "environment": "testnet", "symbols": ["BTCUSDT"],
/// "resolutions": ["1m", "1h"]}` gives the live prices of an exchange, which tells the steps itself.
public struct FeedDefinition: Hashable, Sendable {
    /// The feed's name, such as `simulated`.
    public let id: String
    /// Where its prices come from.
    public var source: Source
    /// How fast its market time runs.
    public var speed: FeedClock.Speed
    /// Instruments whose steps were given; the others get the usual ones.
    public var instruments: [Instrument]

    /// Where a feed's prices come from.
    public enum Source: Hashable, Sendable {
        /// A ``SimulatedMarket``.
        case simulated(seed: UInt64, options: SimulatedMarket.Options)
        /// A ``ReplayFeed``.
        case replay(Replay)
        /// `POST /market-data/feed`.
        case injected(symbols: [String])
        /// The live prices of an exchange.
        case live(Live)
    }

    /// What an exchange is asked for.
    public struct Live: Hashable, Sendable {
        /// The exchange.
        public var venue: KnownVenue
        /// Its own prices, or those of its test network.
        public var environment: VenueEnvironment
        /// The instruments.
        public var symbols: [String]
        /// The lengths of candle.
        public var resolutions: [Resolution]
        /// How many closed candles of each series to begin with.
        public var history: Int

        /// Says what an exchange is asked for.
        public init(
            venue: KnownVenue, environment: VenueEnvironment, symbols: [String], resolutions: [Resolution],
            history: Int = 500
        ) {
            self.venue = venue
            self.environment = environment
            self.symbols = symbols
            self.resolutions = resolutions
            self.history = history
        }

        /// The most symbols of one feed: their streams fit into one connection with every length of candle.
        public static let symbolLimit = 40
        /// The lengths that are taken when none are given.
        public static let usualResolutions = ["1m", "5m", "15m", "1h", "4h", "1d"].compactMap {
            Resolution($0)
        }
    }

    /// What is replayed.
    public struct Replay: Hashable, Sendable {
        /// Candle files, in the order in which their events come at one instant.
        public var files: [File]
        /// Candles to put together from theirs.
        public var derived: [Resolution]
        /// How many candles of the first file are history.
        public var lookback: Int
        /// What happens at a row that is wrong.
        public var flaws: FlawPolicy

        /// Says what is replayed.
        public init(
            files: [File], derived: [Resolution] = [], lookback: Int = 0, flaws: FlawPolicy = .stop
        ) {
            self.files = files
            self.derived = derived
            self.lookback = lookback
            self.flaws = flaws
        }
    }

    /// One candle file.
    public struct File: Hashable, Sendable {
        /// Absolute, or below the folder that ``MarketFeed`` is given.
        public let path: String
        /// The instrument of its candles.
        public let symbol: String
        /// Their length.
        public let resolution: Resolution

        /// Names a file and what it holds.
        public init(path: String, symbol: String, resolution: Resolution) {
            self.path = path
            self.symbol = symbol
            self.resolution = resolution
        }
    }

    private enum Kind: Hashable {
        case simulated, replay, injected
        case live(KnownVenue)

        static let words = ["simulated", "replay", "injected"] + KnownVenue.allCases.map(\.rawValue)

        init?(_ word: String) {
            switch word {
            case "simulated": self = .simulated
            case "replay": self = .replay
            case "injected": self = .injected
            default:
                guard let venue = KnownVenue(rawValue: word) else { return nil }
                self = .live(venue)
            }
        }
    }

    /// Describes a feed.
    public init(
        id: String, source: Source, speed: FeedClock.Speed = .times(1), instruments: [Instrument] = []
    ) {
        self.id = id
        self.source = source
        self.speed = speed
        self.instruments = instruments
    }

    /// Every symbol it gives.
    public var symbols: [String] {
        var seen: Set<String> = []
        return switch source {
        case .simulated(_, let options): options.symbols
        case .replay(let replay): replay.files.map(\.symbol).filter { seen.insert($0).inserted }
        case .injected(let symbols): symbols
        case .live(let live): live.symbols
        }
    }

    // MARK: - Reading

    /// Reads a definition.
    public init(_ value: JSONValue) throws(FieldFailure) {
        var reader = try ObjectReader(value)
        let id = try reader.string("id", bytes: 32)
        guard !id.isEmpty, id.utf8.allSatisfy(Self.isIDByte) else {
            throw reader.failure("id", "may hold small letters, digits and - only")
        }
        self.id = id
        let word = try reader.string("kind", bytes: 32)
        guard let kind = Kind(word) else {
            let known = Kind.words.map { "\"\($0)\"" }.joined(separator: ", ")
            throw reader.failure("kind", "\"\(word)\" is not one of \(known)")
        }
        speed = try Self.speed(&reader)
        switch kind {
        case .simulated:
            source = try Self.simulated(&reader)
            guard speed != .asFastAsPossible else {
                throw reader.failure("speed", "\"max\" has no meaning for a market that never ends")
            }
        case .replay: source = try Self.replay(&reader)
        case .injected: source = .injected(symbols: try Self.symbols(&reader))
        case .live(let venue):
            source = .live(try Self.live(venue, &reader))
            guard speed == .times(1) else {
                throw reader.failure("speed", "must be \"1\": an exchange goes at its own speed")
            }
        }
        instruments = []
        if case .live = kind {
            guard try reader.optionalArray("instruments", count: 200) ?? [] == [] else {
                throw reader.failure("instruments", "cannot be given: the exchange tells them")
            }
        } else {
            instruments = try Self.instruments(&reader, of: symbols)
        }
        try reader.finish()
    }

    /// A number is taken as well: whoever writes `speed=60` on a command line means one.
    private static func speed(_ reader: inout ObjectReader) throws(FieldFailure) -> FeedClock.Speed {
        let text: String
        switch reader.optional("speed") {
        case nil: return .times(1)
        case .string(let written), .number(let written): text = written
        case let other?:
            throw reader.failure("speed", "must be \"1\" to \"1000000\" or \"max\", not \(other.kind)")
        }
        guard let speed = FeedClock.Speed(text) else {
            throw reader.failure("speed", "\"\(text.prefix(16))\" is not \"1\" to \"1000000\" or \"max\"")
        }
        return speed
    }

    /// The definition with the given members in place of its own; `id` and `kind` cannot be changed.
    public func changed(by value: JSONValue) throws(FieldFailure) -> FeedDefinition {
        guard case .object(let changes) = value, case .object(var members) = json else {
            throw FieldFailure(field: "", reason: "must be an object, not \(value.kind)")
        }
        for change in changes {
            let index = members.firstIndex { $0.name == change.name }
            if change.name == "id" || change.name == "kind" {
                guard let index, members[index] == change else {
                    throw FieldFailure(field: change.name, reason: "cannot be changed; add another feed")
                }
            }
            if let index { members[index] = change } else { members.append(change) }
        }
        return try FeedDefinition(.object(members))
    }

    private static func simulated(_ reader: inout ObjectReader) throws(FieldFailure) -> Source {
        var options = SimulatedMarket.Options()
        let seed = try reader.optionalInteger("seed", in: 0...Int.max) ?? 1
        if let symbols = try Self.optionalSymbols(&reader) { options.symbols = symbols }
        if let resolutions = try Self.resolutions("resolutions", &reader) {
            options.resolutions = resolutions
        }
        if let rate = try reader.optionalInteger("trades_per_minute", in: 4...600) {
            options.tradesPerMinute = rate
        }
        if let rate = try reader.optionalInteger("quotes_per_minute", in: 1...600) {
            options.quotesPerMinute = rate
        }
        do throws(SimulatedMarket.Failure) {
            _ = try SimulatedMarket(
                seed: 0, start: Timestamp(milliseconds: 0), options: options)
        } catch {
            let field =
                switch error {
                case .unknownSymbol, .repeatedSymbol: "symbols"
                case .resolutionNotMinutes: "resolutions"
                case .rateOutOfRange(let name, _, _): name
                }
            throw reader.failure(field, error.description)
        }
        return .simulated(seed: UInt64(seed), options: options)
    }

    private static func replay(_ reader: inout ObjectReader) throws(FieldFailure) -> Source {
        guard let elements = try reader.optionalArray("files", count: 32), !elements.isEmpty else {
            throw reader.failure("files", "must name at least one candle file")
        }
        var files: [File] = []
        for (index, element) in elements.enumerated() {
            files.append(try file(element, path: reader.fullName("files[\(index)]")))
        }
        return .replay(
            Replay(
                files: files, derived: try resolutions("derived", &reader) ?? [],
                lookback: try reader.optionalInteger("lookback", in: 0...100_000) ?? 0,
                flaws: try reader.optionalChoice("flaws") ?? .stop))
    }

    private static func file(_ value: JSONValue, path field: String) throws(FieldFailure) -> File {
        var reader = try ObjectReader(
            value.stringValue.map { .members(["path": .string($0)]) } ?? value, path: field)
        let path = try reader.string("path", bytes: 1024)
        let name = CandleFileName(path: path)
        let symbol = try reader.optionalString("symbol", bytes: 32) ?? name?.symbol
        let text = try reader.optionalString("resolution", bytes: 16)
        try reader.finish()
        guard !path.isEmpty, !path.utf8.contains(0), !path.split(separator: "/").contains("..") else {
            throw reader.failure("path", "must be a path without ..")
        }
        guard let symbol, isSymbol(symbol) else {
            throw reader.failure("symbol", "is not told by the file's name; give it, such as \"BTCUSDT\"")
        }
        guard let resolution = text.map({ Resolution($0) }) ?? name?.resolution else {
            throw reader.failure("resolution", "is not told by the file's name; give it, such as \"5m\"")
        }
        return File(path: path, symbol: symbol, resolution: resolution)
    }

    private static func live(
        _ venue: KnownVenue, _ reader: inout ObjectReader
    ) throws(FieldFailure) -> Live {
        let environment = try environment(of: venue, &reader)
        let symbols = try Self.symbols(&reader)
        guard symbols.count <= Live.symbolLimit else {
            throw reader.failure("symbols", "has \(symbols.count), at most \(Live.symbolLimit) are taken")
        }
        let resolutions =
            try Self.resolutions("resolutions", &reader)
            ?? Live.usualResolutions.filter { venue.resolutions.contains($0) }
        guard !resolutions.isEmpty, Set(resolutions).count == resolutions.count else {
            throw reader.failure("resolutions", "must name at least one, and none twice")
        }
        for resolution in resolutions where !venue.resolutions.contains(resolution) {
            let known = venue.resolutions.map(\.description).joined(separator: ", ")
            throw reader.failure(
                "resolutions", "\(venue.rawValue) has no \(resolution) candles; it has \(known)")
        }
        return Live(
            venue: venue, environment: environment, symbols: symbols, resolutions: resolutions,
            history: try reader.optionalInteger("history", in: 1...999) ?? 500)
    }

    /// Reads which of an exchange's worlds is meant: the test network where there is one, unless told otherwise.
    public static func environment(
        of venue: KnownVenue, _ reader: inout ObjectReader
    ) throws(FieldFailure) -> VenueEnvironment {
        guard let word = try reader.optionalString("environment", bytes: 16) else {
            return venue.environments[0]
        }
        guard let environment = VenueEnvironment(rawValue: word), venue.environments.contains(environment)
        else {
            let known = venue.environments.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
            throw reader.failure("environment", "\"\(word)\" is not there; \(venue.rawValue) has \(known)")
        }
        return environment
    }

    private static func resolutions(
        _ name: String, _ reader: inout ObjectReader
    ) throws(FieldFailure) -> [Resolution]? {
        guard let elements = try reader.optionalArray(name, count: 16) else { return nil }
        var resolutions: [Resolution] = []
        for (index, element) in elements.enumerated() {
            guard let resolution = element.stringValue.flatMap({ Resolution($0) }) else {
                throw reader.failure("\(name)[\(index)]", "must be a resolution such as \"5m\"")
            }
            resolutions.append(resolution)
        }
        return resolutions
    }

    private static func symbols(_ reader: inout ObjectReader) throws(FieldFailure) -> [String] {
        guard let symbols = try optionalSymbols(&reader), !symbols.isEmpty else {
            throw reader.failure("symbols", "must name at least one, such as \"BTCUSDT\"")
        }
        return symbols
    }

    private static func optionalSymbols(_ reader: inout ObjectReader) throws(FieldFailure) -> [String]? {
        guard let elements = try reader.optionalArray("symbols", count: 200) else { return nil }
        var symbols: [String] = []
        for (index, element) in elements.enumerated() {
            guard let symbol = element.stringValue, isSymbol(symbol) else {
                throw reader.failure("symbols[\(index)]", "must be a symbol such as \"BTCUSDT\"")
            }
            guard !symbols.contains(symbol) else {
                throw reader.failure("symbols[\(index)]", "\"\(symbol)\" stands twice")
            }
            symbols.append(symbol)
        }
        return symbols
    }

    private static func instruments(
        _ reader: inout ObjectReader, of symbols: [String]
    ) throws(FieldFailure) -> [Instrument] {
        var instruments: [Instrument] = []
        for (index, element) in (try reader.optionalArray("instruments", count: 200) ?? []).enumerated() {
            var inner = try ObjectReader(element, path: reader.fullName("instruments[\(index)]"))
            let symbol = try inner.string("symbol", bytes: 32)
            guard symbols.contains(symbol), !instruments.contains(where: { $0.symbol == symbol }) else {
                throw inner.failure("symbol", "\"\(symbol)\" is not one of the feed's, or stands twice")
            }
            let (base, quote) = (try inner.string("base", bytes: 16), try inner.string("quote", bytes: 16))
            for (name, word) in [("base", base), ("quote", quote)] where !isSymbol(word) {
                throw inner.failure(name, "must be a currency such as \"USDT\"")
            }
            let tick = try inner.decimal("tick_size")
            let step = try inner.decimal("step_size")
            let least = try inner.optionalDecimal("minimum_notional") ?? .zero
            guard tick.isPositive else { throw inner.failure("tick_size", "must be above 0") }
            guard step.isPositive else { throw inner.failure("step_size", "must be above 0") }
            guard !least.isNegative else { throw inner.failure("minimum_notional", "must not be below 0") }
            try inner.finish()
            instruments.append(
                Instrument(
                    symbol: symbol, base: base, quote: quote, tickSize: tick, stepSize: step,
                    minimumNotional: least))
        }
        return instruments
    }

    private static func isSymbol(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }
    }

    private static func isIDByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "-")
    }

    // MARK: - Writing

    /// The definition as it is read, every default written out.
    public var json: JSONValue {
        func texts(_ items: [some CustomStringConvertible]) -> JSONValue {
            .array(items.map { .string($0.description) })
        }
        var members: [JSONValue.Member] = [.init("id", .string(id))]
        switch source {
        case .simulated(let seed, let options):
            members += [
                .init("kind", .string("simulated")), .init("seed", .integer(seed)),
                .init("symbols", texts(options.symbols)), .init("resolutions", texts(options.resolutions)),
                .init("trades_per_minute", .integer(options.tradesPerMinute)),
                .init("quotes_per_minute", .integer(options.quotesPerMinute)),
            ]
        case .replay(let replay):
            let files = replay.files.map { file -> JSONValue in
                .members([
                    "path": .string(file.path), "symbol": .string(file.symbol),
                    "resolution": .string(file.resolution.description),
                ])
            }
            members += [
                .init("kind", .string("replay")), .init("files", .array(files)),
                .init("derived", texts(replay.derived)), .init("lookback", .integer(replay.lookback)),
                .init("flaws", .string(replay.flaws.rawValue)),
            ]
        case .injected(let symbols):
            members += [.init("kind", .string("injected")), .init("symbols", texts(symbols))]
        case .live(let live):
            members += [
                .init("kind", .string(live.venue.rawValue)),
                .init("environment", .string(live.environment.rawValue)),
                .init("symbols", texts(live.symbols)), .init("resolutions", texts(live.resolutions)),
                .init("history", .integer(live.history)),
            ]
        }
        members.append(.init("speed", .string(speed.description)))
        members.append(.init("instruments", .array(instruments.map(Self.json))))
        return .object(members)
    }

    private static func json(_ instrument: Instrument) -> JSONValue {
        .members([
            "symbol": .string(instrument.symbol), "base": .string(instrument.base),
            "quote": .string(instrument.quote), "tick_size": .decimal(instrument.tickSize),
            "step_size": .decimal(instrument.stepSize),
            "minimum_notional": .decimal(instrument.minimumNotional),
        ])
    }
}
