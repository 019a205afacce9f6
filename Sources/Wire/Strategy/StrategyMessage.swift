public import Trading

/// One line that a strategy says to the host.
public enum StrategyMessage: Hashable, Sendable {
    /// The strategy has read `hello` and takes events now; `batches` says that it knows `candles` and `go`.
    case ready(sdk: String, batches: Bool = false)
    /// Asks for an order, and perhaps for what it opens to be closed at a price. `request` is the strategy's own id for it,
    /// never used twice.
    case order(request: String, terms: OrderTerms, bracket: BracketPrices? = nil)
    /// Asks for a position that is there to be closed at one price or the other.
    case oco(
        request: String, symbol: String, side: Side, quantity: FixedDecimal, prices: BracketPrices)
    /// Asks to cancel what was asked for as `request`: an order, or a pair of legs.
    case cancel(request: String)
    /// Asks to take away the legs that were asked for with, or as, `request`.
    case cancelBracket(request: String)
    /// Asks to change a standing order; at least one of the two is there.
    case amend(request: String, quantity: FixedDecimal?, price: FixedDecimal?)
    /// Asks to move the legs that were asked for with, or as, `request`.
    case amendBracket(request: String, prices: BracketPrices)
    /// Says something to people and programs that listen; it moves no money.
    case signal(action: String, symbol: String?, data: JSONValue?)
    case log(level: StrategyLogLevel, message: String)
    case metric(name: String, value: FixedDecimal)
    /// Replaces the saved state, which the next run finds in its `hello`.
    case state(JSONValue)
    /// Asks for market data beyond the configured pair: candles of `resolution`, trades, quotes.
    case subscribe(symbol: String, resolution: Resolution?, trades: Bool, quotes: Bool)
    /// Sets a timer, replacing one of the same id; nought milliseconds takes it away.
    case timer(id: String, afterMilliseconds: Int, repeats: Bool)
    case pong(id: Int)
    /// Answers `go`: the number of the candle at which the strategy acted, or of the last that was asked for.
    case done(id: Int)
    /// The last line of a strategy that ends by its own choice or after `stop`.
    case bye(reason: String?)

    /// The word in the line's `type`.
    public var type: StrategyMessageType {
        switch self {
        case .ready: .ready
        case .order: .order
        case .oco: .oco
        case .cancel, .cancelBracket: .cancel
        case .amend, .amendBracket: .amend
        case .signal: .signal
        case .log: .log
        case .metric: .metric
        case .state: .state
        case .subscribe: .subscribe
        case .timer: .timer
        case .pong: .pong
        case .done: .done
        case .bye: .bye
        }
    }

    /// The message as one line, newline included, as a strategy would write it.
    public var line: [UInt8] {
        var output: [UInt8] = []
        var line = LineWriter(takingFrom: &output, type: type.rawValue)
        switch self {
        case .ready(let sdk, let batches):
            line.string("sdk", sdk)
            line.flag("batches", batches)
        case .order(let request, let terms, let bracket):
            line.string("request", request)
            line.string("symbol", terms.symbol)
            line.word("side", terms.side.rawValue)
            line.word("order_type", terms.type.rawValue)
            line.decimal("quantity", terms.quantity)
            line.optionalDecimal("price", terms.price)
            line.optionalDecimal("stop_price", terms.stopPrice)
            line.word("time_in_force", terms.timeInForce.rawValue)
            line.flag("post_only", terms.postOnly)
            line.flag("reduce_only", terms.reduceOnly)
            if let bracket { bracket.write(to: &line) }
        case .oco(let request, let symbol, let side, let quantity, let prices):
            line.string("request", request)
            line.string("symbol", symbol)
            line.word("side", side.rawValue)
            line.decimal("quantity", quantity)
            prices.write(to: &line)
        case .cancel(let request): line.string("request", request)
        case .cancelBracket(let request):
            line.string("request", request)
            line.flag("bracket", true)
        case .amend(let request, let quantity, let price):
            line.string("request", request)
            line.optionalDecimal("quantity", quantity)
            line.optionalDecimal("price", price)
        case .amendBracket(let request, let prices):
            line.string("request", request)
            prices.write(to: &line)
        case .signal(let action, let symbol, let data):
            line.string("action", action)
            line.optionalString("symbol", symbol)
            if let data { line.value("data", data) }
        case .log(let level, let message):
            line.word("level", level.rawValue)
            line.string("message", message)
        case .metric(let name, let value):
            line.string("name", name)
            line.decimal("value", value)
        case .state(let state): line.value("state", state)
        case .subscribe(let symbol, let resolution, let trades, let quotes):
            line.string("symbol", symbol)
            line.optionalString("resolution", resolution?.description)
            line.flag("trades", trades)
            line.flag("quotes", quotes)
        case .timer(let id, let afterMilliseconds, let repeats):
            line.string("id", id)
            line.integer("after_ms", Int64(afterMilliseconds))
            line.flag("repeat", repeats)
        case .pong(let id), .done(let id): line.integer("id", Int64(id))
        case .bye(let reason): line.optionalString("reason", reason)
        }
        line.end(into: &output)
        return output
    }
}

/// What kinds of line a strategy may say.
public enum StrategyMessageType: String, Hashable, Sendable, CaseIterable {
    case order
    case pong
    case log
    case cancel
    case amend
    case oco
    case signal
    case metric
    case state
    case subscribe
    case timer
    case done
    case ready
    case bye
}

extension BracketPrices {
    func write(to line: inout LineWriter) {
        line.optionalDecimal("stop_loss", stopLoss)
        line.optionalDecimal("take_profit", takeProfit)
    }
}

/// Why a strategy's line was refused. The line has no effect; the strategy may carry on.
public struct LineFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of fault it is.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        case tooLong = "line_too_long"
        case notJSON = "not_json"
        case unknownType = "unknown_type"
        case unknownField = "unknown_field"
        case duplicateField = "duplicate_field"
        case missingField = "missing_field"
        case wrongValue = "wrong_value"
    }

    public let code: Code
    /// The field at fault, when it is one.
    public let field: String?
    /// What is wrong and what is allowed, in words that may go to the strategy's log.
    public let reason: String
    /// What kind of line it was, as far as that could be read.
    public let type: StrategyMessageType?
    /// The request id in the line, when it could be read: the host can answer an order that it refused.
    public let request: String?

    /// Describes a refusal.
    public init(
        code: Code, field: String? = nil, reason: String, type: StrategyMessageType? = nil,
        request: String? = nil
    ) {
        self.code = code
        self.field = field
        self.reason = reason
        self.type = type
        self.request = request
    }

    /// Such as `order.price: must be a decimal such as "0.01", not a boolean`.
    public var description: String {
        let place = [type?.rawValue, field].compactMap { $0 }.joined(separator: ".")
        return place.isEmpty ? reason : "\(place): \(reason)"
    }
}
