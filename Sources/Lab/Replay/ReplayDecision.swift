public import Trading
public import Wire

/// Something that a strategy asked the desk for: an order, a bracket, a cancel or an amendment.
public struct ReplayDecision: Hashable, Sendable {
    /// How many lines it had been told when it asked. In a recording this may be more than what it answered, since the
    /// host goes on telling while a strategy thinks.
    public let step: Int
    /// When the host heard it, or in a replay when the line that it answers was told.
    public let time: Timestamp
    public let message: StrategyMessage

    /// Describes a decision; nil for messages that ask the desk for nothing.
    public init?(step: Int, time: Timestamp, message: StrategyMessage) {
        guard message.isDecision else { return nil }
        self.step = step
        self.time = time
        self.message = message
    }

    /// Its own id, or the id of what it is about.
    public var request: String { message.decisionRequest }

    /// What it asks for in words, as in `buy 0.01 BTCUSDT limit at 63900`.
    public var words: String { message.decisionWords }

    /// As the API writes it: the line of the protocol with its time.
    public var json: JSONValue {
        let line: JSONValue
        do {
            line = try JSONParser.parse(message.line.dropLast())
        } catch {
            preconditionFailure("a line that we wrote cannot be read: \(error)")
        }
        return .members(["time": .time(time), "words": .string(words), "line": line])
    }
}

extension StrategyMessage {
    /// Whether the desk has to do with it.
    public var isDecision: Bool {
        switch self {
        case .order, .oco, .cancel, .cancelBracket, .amend, .amendBracket: true
        case .ready, .signal, .log, .metric, .state, .subscribe, .timer, .pong, .done, .bye: false
        }
    }

    /// The id that a decision makes or is about; empty for what is none.
    var decisionRequest: String {
        switch self {
        case .order(let request, _, _), .oco(let request, _, _, _, _), .cancel(let request),
            .cancelBracket(let request), .amend(let request, _, _), .amendBracket(let request, _):
            request
        case .ready, .signal, .log, .metric, .state, .subscribe, .timer, .pong, .done, .bye: ""
        }
    }

    /// Whether it makes something new, whose id is its own choice.
    var makesRequest: Bool {
        switch self {
        case .order, .oco: true
        case .cancel, .cancelBracket, .amend, .amendBracket, .ready, .signal, .log, .metric, .state,
            .subscribe, .timer, .pong, .done, .bye:
            false
        }
    }

    /// The same with other ids: what is new loses its own, and what is about something goes by another's names.
    ///
    /// Two decisions that come to the same thing are equal then.
    func content(_ translate: (String) -> String) -> StrategyMessage {
        switch self {
        case .order(_, let terms, let bracket): .order(request: "", terms: terms, bracket: bracket)
        case .oco(_, let symbol, let side, let quantity, let prices):
            .oco(request: "", symbol: symbol, side: side, quantity: quantity, prices: prices)
        case .cancel(let request): .cancel(request: translate(request))
        case .cancelBracket(let request): .cancelBracket(request: translate(request))
        case .amend(let request, let quantity, let price):
            .amend(request: translate(request), quantity: quantity, price: price)
        case .amendBracket(let request, let prices):
            .amendBracket(request: translate(request), prices: prices)
        case .ready, .signal, .log, .metric, .state, .subscribe, .timer, .pong, .done, .bye: self
        }
    }

    /// Whether both are the same kind of wish about the same thing, so that one may stand in the other's place.
    func mayReplace(_ other: StrategyMessage) -> Bool {
        switch (self, other) {
        case (.order(_, let mine, _), .order(_, let theirs, _)):
            mine.symbol == theirs.symbol && mine.side == theirs.side
        case (.oco(_, let mine, let side, _, _), .oco(_, let theirs, let other, _, _)):
            mine == theirs && side == other
        case (.amend(let mine, _, _), .amend(let theirs, _, _)): mine == theirs
        case (.amendBracket(let mine, _), .amendBracket(let theirs, _)): mine == theirs
        default: false
        }
    }

    fileprivate var decisionWords: String {
        switch self {
        case .order(_, let terms, let bracket): terms.words + (bracket.map { ", \($0.words)" } ?? "")
        case .oco(_, let symbol, let side, let quantity, let prices):
            "\(side.rawValue) \(quantity) \(symbol) at \(prices.words)"
        case .cancel(let request): "cancel \(request)"
        case .cancelBracket(let request): "cancel the bracket of \(request)"
        case .amend(let request, let quantity, let price):
            "amend \(request)" + (quantity.map { " to quantity \($0)" } ?? "")
                + (price.map { " to price \($0)" } ?? "")
        case .amendBracket(let request, let prices): "amend the bracket of \(request) to \(prices.words)"
        case .ready, .signal, .log, .metric, .state, .subscribe, .timer, .pong, .done, .bye: type.rawValue
        }
    }
}

extension OrderTerms {
    fileprivate var words: String {
        var words = "\(side.rawValue) \(quantity) \(symbol) \(type.rawValue.replacing("_", with: " "))"
        if let stopPrice { words += " from \(stopPrice)" }
        if let price { words += " at \(price)" }
        if timeInForce != .gtc { words += ", \(timeInForce.rawValue)" }
        if postOnly { words += ", post only" }
        if reduceOnly { words += ", reduce only" }
        return words
    }
}

extension BracketPrices {
    fileprivate var words: String {
        [stopLoss.map { "stop-loss \($0)" }, takeProfit.map { "take-profit \($0)" }].compactMap { $0 }
            .joined(separator: ", ")
    }
}
