public import Trading

/// Something that a feed's market said.
public struct MarketTick: Hashable, Sendable {
    /// The feed's id.
    public let feed: String
    public let event: MarketEvent
    /// Where a candle stands among those of every feed, so that a reader can resume behind it; nil for prices, of which
    /// only the latest counts.
    public let sequence: Int?

    /// Describes it.
    public init(feed: String, event: MarketEvent, sequence: Int?) {
        self.feed = feed
        self.event = event
        self.sequence = sequence
    }
}

/// Where the host puts what markets say, for one watcher. Offers come from the host's own thread; taking one never waits.
public protocol MarketSink: AnyObject, Sendable {
    /// Takes it; false when the watcher has left.
    func offer(_ tick: MarketTick) -> Bool
    /// Some of the candles that the watcher wanted to resume behind are not kept any more; `oldest` is the first that
    /// is, nil when none is. Called before anything is offered.
    func missed(oldest: Int?)
}

/// What a watcher wants to hear of markets.
public struct MarketTopic: Hashable, Sendable {
    /// Trades and quotes, or closed candles.
    public enum Kind: String, Hashable, Sendable {
        case prices, candles
    }

    public var kind: Kind
    /// Of this feed alone; nil takes every feed.
    public var feed: String?
    /// Of this symbol alone; nil takes every symbol.
    public var symbol: String?
    /// Candles of this length alone; nil takes every length.
    public var resolution: Resolution?

    /// Describes what is wanted.
    public init(_ kind: Kind, feed: String? = nil, symbol: String? = nil, resolution: Resolution? = nil) {
        self.kind = kind
        self.feed = feed
        self.symbol = symbol
        self.resolution = resolution
    }

    /// Whether something is meant by it.
    public func includes(_ event: MarketEvent, of feed: String) -> Bool {
        guard self.feed == nil || self.feed == feed, symbol == nil || symbol == event.symbol else {
            return false
        }
        switch event {
        case .trade, .quote: return kind == .prices
        case .candle(let candle):
            return kind == .candles && (resolution == nil || resolution == candle.resolution)
        }
    }
}

/// The live markets of a host.
public protocol StreamingService: Sendable {
    /// Sends what `topic` means to `sink` from now on; with `after`, first the candles kept since that number.
    ///
    /// - Throws: ``HostError/notFound(kind:id:)`` when there is no such feed.
    func followMarket(_ topic: MarketTopic, after: Int?, sink: any MarketSink) async throws(HostError)
}

extension StreamingService {
    /// None.
    public func followMarket(
        _ topic: MarketTopic, after: Int?, sink: any MarketSink
    ) async throws(HostError) {
        throw .unavailable("this host streams no markets")
    }
}
