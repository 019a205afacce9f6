import Trading

extension StrategyMessage {
    /// Reads one line, without its newline, straight from its bytes.
    ///
    /// Every name must be known for the line's type and stand once; optional members may be null; a decimal is a
    /// string or a plain JSON number and stays exact.
    public init(line: ArraySlice<UInt8>) throws(LineFailure) {
        let text = line.span
        guard text.count < StrategyProtocol.lineBytes else {
            throw LineFailure(
                code: .tooLong,
                reason: "a line of \(text.count + 1) bytes, at most \(StrategyProtocol.lineBytes) are taken;"
                    + " say less, or in several lines")
        }
        var fields = LineFields()
        try fields.scan(text)
        self = try fields.message(in: text)
    }

    /// Reads one line, without its newline.
    public init(line: [UInt8]) throws(LineFailure) { try self.init(line: line[...]) }
}

/// The members of one line, found but not yet understood.
private struct LineFields {
    /// A member's value as far as the scan knows it. It owns nothing, so that 30 of them cost nothing to drop.
    private enum Value {
        case absent
        case null
        case bool(Bool)
        case number(Range<Int>)
        case string(JSONCursor.RawString)
        /// An object or an array: which of `trees`, and how many bytes it took.
        case tree(Int, bytes: Int)
    }

    // One for each field. On the stack: a line costs no allocation until it is understood.
    private var values = InlineArray<30, Value>(repeating: .absent)
    private var trees: [JSONValue] = []
    private var seen: UInt32 = 0
    private var unknownName: String?
    private var cursor = JSONCursor(limits: .line)

    // MARK: - Finding

    /// Goes over the whole line once: its JSON must be sound, its names known and single.
    mutating func scan(_ text: Span<UInt8>) throws(LineFailure) {
        var duplicate: String?
        do throws(JSONParser.Failure) {
            cursor.skipSpace(in: text)
            guard cursor.next(in: text) == UInt8(ascii: "{") else {
                throw cursor.failure("a line must be one JSON object")
            }
            try cursor.take(UInt8(ascii: "{"), in: text)
            cursor.skipSpace(in: text)
            if cursor.next(in: text) == UInt8(ascii: "}") {
                try cursor.take(UInt8(ascii: "}"), in: text)
            } else {
                repeat {
                    cursor.skipSpace(in: text)
                    duplicate = try member(in: text) ?? duplicate
                    cursor.skipSpace(in: text)
                } while try !cursor.closes(with: UInt8(ascii: "}"), in: text)
            }
            cursor.skipSpace(in: text)
            guard cursor.position == text.count else { throw cursor.failure("text after the object") }
        } catch {
            throw LineFailure(
                code: .notJSON,
                reason:
                    "\(error.description); write one JSON object a line and nothing else to standard output")
        }
        if let duplicate {
            throw LineFailure(code: .duplicateField, field: duplicate, reason: "stands twice; once is enough")
        }
    }

    /// Takes one member; its name when it stood before.
    private mutating func member(in text: Span<UInt8>) throws(JSONParser.Failure) -> String? {
        let rawName = try cursor.memberName(in: text)
        let field = try known(rawName, in: text)
        let value = try value(in: text)
        guard let field else { return nil }
        if seen & field.bit != 0 { return field.name }
        seen |= field.bit
        values[field.rawValue] = value
        return nil
    }

    private mutating func known(
        _ raw: JSONCursor.RawString, in text: Span<UInt8>
    ) throws(JSONParser.Failure) -> LineField? {
        let wanted =
            raw.hasEscapes
            ? lineKey(of: try cursor.decoded(raw, in: text)) : lineKey(of: text.extracting(raw.range))
        if let index = LineField.keys.firstIndex(of: wanted) { return LineField(rawValue: index) }
        let name = try cursor.decoded(raw, in: text)
        unknownName = unknownName ?? String(name.prefix(64))
        return nil
    }

    private mutating func value(in text: Span<UInt8>) throws(JSONParser.Failure) -> Value {
        switch cursor.next(in: text) {
        case UInt8(ascii: "\""): return .string(try cursor.rawString(in: text))
        case UInt8(ascii: "-"), 0x30...0x39: return .number(try cursor.number(in: text))
        default:
            let start = cursor.position
            switch try cursor.value(in: text, depth: 1) {
            case .null: return .null
            case .bool(let value): return .bool(value)
            case let value:
                trees.append(value)
                return .tree(trees.count - 1, bytes: cursor.position - start)
            }
        }
    }

    // MARK: - Understanding

    func message(in text: Span<UInt8>) throws(LineFailure) -> StrategyMessage {
        let type = try messageType(in: text)
        do throws(LineFailure) {
            return try message(type, in: text)
        } catch {
            throw LineFailure(
                code: error.code, field: error.field, reason: error.reason, type: type,
                request: readableRequest(in: text))
        }
    }

    private func message(
        _ type: StrategyMessageType, in text: Span<UInt8>
    ) throws(LineFailure) -> StrategyMessage {
        switch type {
        case .order: return try order(in: text)
        case .pong:
            try allow(.id)
            return .pong(id: try required(try integer(.id, in: Int.min...Int.max, of: text), .id))
        case .log:
            try allow(.level, .message)
            return .log(
                level: try required(try choice(.level, of: Words.logLevels, in: text), .level),
                message: try required(
                    try string(.message, bytes: StrategyProtocol.logBytes, in: text), .message))
        case .oco: return try oco(in: text)
        case .cancel:
            try allow(.request, .bracket)
            let request = try required(try id(.request, in: text), .request)
            return try bool(.bracket) ?? false ? .cancelBracket(request: request) : .cancel(request: request)
        case .amend: return try amend(in: text)
        case .signal: return try signal(in: text)
        case .metric: return try metric(in: text)
        case .state: return try state(in: text)
        case .subscribe: return try subscribe(in: text)
        case .timer: return try timer(in: text)
        case .ready:
            try allow(.sdk, .batches)
            return .ready(
                sdk: try required(try string(.sdk, bytes: StrategyProtocol.reasonBytes, in: text), .sdk),
                batches: try bool(.batches) ?? false)
        case .done:
            try allow(.id)
            return .done(id: try required(try integer(.id, in: 0...Int.max, of: text), .id))
        case .bye:
            try allow(.reason)
            return .bye(reason: try string(.reason, bytes: StrategyProtocol.reasonBytes, in: text))
        }
    }

    private func messageType(in text: Span<UInt8>) throws(LineFailure) -> StrategyMessageType {
        if case .string(let raw) = values[LineField.type.rawValue], !raw.hasEscapes,
            let type = Words.lineTypes.find(text.extracting(raw.range))
        {
            return type
        }
        let name = try required(try string(.type, bytes: 64, in: text), .type)
        guard let type = StrategyMessageType(rawValue: name) else {
            let allowed = StrategyMessageType.allCases.map(\.rawValue).sorted().joined(separator: ", ")
            throw LineFailure(
                code: .unknownType, field: "type",
                reason: "\"\(name)\" is not a line that a strategy can say; it can say \(allowed)")
        }
        return type
    }

    private func order(in text: Span<UInt8>) throws(LineFailure) -> StrategyMessage {
        try allow(
            .request, .symbol, .side, .orderType, .quantity, .price, .stopPrice, .timeInForce, .postOnly,
            .reduceOnly, .stopLoss, .takeProfit)
        let request = try required(try id(.request, in: text), .request)
        let terms = OrderTerms(
            symbol: try required(try symbol(in: text), .symbol),
            side: try required(try choice(.side, of: Words.sides, in: text), .side),
            type: try required(try choice(.orderType, of: Words.orderTypes, in: text), .orderType),
            quantity: try required(try decimal(.quantity, in: text), .quantity),
            price: try decimal(.price, in: text),
            stopPrice: try decimal(.stopPrice, in: text),
            timeInForce: try choice(.timeInForce, of: Words.timesInForce, in: text) ?? .gtc,
            postOnly: try bool(.postOnly) ?? false,
            reduceOnly: try bool(.reduceOnly) ?? false)
        let prices = try bracketPrices(in: text)
        return .order(request: request, terms: terms, bracket: prices.isEmpty ? nil : prices)
    }

    private func oco(in text: Span<UInt8>) throws(LineFailure) -> StrategyMessage {
        try allow(.request, .symbol, .side, .quantity, .stopLoss, .takeProfit)
        let request = try required(try id(.request, in: text), .request)
        let symbol = try required(try symbol(in: text), .symbol)
        let side = try required(try choice(.side, of: Words.sides, in: text), .side)
        let quantity = try required(try decimal(.quantity, in: text), .quantity)
        let prices = try bracketPrices(in: text)
        guard !prices.isEmpty else {
            throw failure(.missingField, .stopLoss, "or take_profit is needed: say where to close")
        }
        return .oco(request: request, symbol: symbol, side: side, quantity: quantity, prices: prices)
    }

    private func bracketPrices(in text: Span<UInt8>) throws(LineFailure) -> BracketPrices {
        BracketPrices(
            stopLoss: try decimal(.stopLoss, in: text), takeProfit: try decimal(.takeProfit, in: text))
    }

    private func amend(in text: Span<UInt8>) throws(LineFailure) -> StrategyMessage {
        try allow(.request, .quantity, .price, .stopLoss, .takeProfit)
        let request = try required(try id(.request, in: text), .request)
        let quantity = try decimal(.quantity, in: text)
        let price = try decimal(.price, in: text)
        let prices = try bracketPrices(in: text)
        guard quantity != nil || price != nil else {
            guard !prices.isEmpty else {
                throw failure(
                    .missingField, .quantity,
                    "or price, or stop_loss or take_profit, is needed: say what to change")
            }
            return .amendBracket(request: request, prices: prices)
        }
        guard prices.isEmpty else {
            throw failure(
                .wrongValue, prices.stopLoss == nil ? .takeProfit : .stopLoss,
                "changes the legs, quantity and price change the order: say them in two lines")
        }
        return .amend(request: request, quantity: quantity, price: price)
    }

    private func signal(in text: Span<UInt8>) throws(LineFailure) -> StrategyMessage {
        try allow(.action, .symbol, .data)
        let action = try required(
            try string(.action, bytes: StrategyProtocol.actionBytes, in: text), .action)
        guard !action.isEmpty else { throw failure(.wrongValue, .action, "must not be empty") }
        return .signal(action: action, symbol: try symbol(in: text), data: try data())
    }

    private func data() throws(LineFailure) -> JSONValue? {
        switch values[LineField.data.rawValue] {
        case .absent, .null: return nil
        case .tree(let number, let bytes):
            guard case .object = trees[number] else {
                throw failure(.wrongValue, .data, "must be an object, not \(trees[number].kind)")
            }
            guard bytes <= StrategyProtocol.signalDataBytes else {
                throw failure(
                    .wrongValue, .data,
                    "has \(bytes) bytes, at most \(StrategyProtocol.signalDataBytes) are taken")
            }
            return trees[number]
        case let other: throw failure(.wrongValue, .data, "must be an object, not \(kind(of: other))")
        }
    }

    private func metric(in text: Span<UInt8>) throws(LineFailure) -> StrategyMessage {
        try allow(.name, .value)
        let name = try required(
            try string(.name, bytes: StrategyProtocol.metricNameBytes, in: text), .name)
        guard !name.isEmpty, name.utf8.allSatisfy(StrategyProtocol.isIDByte) else {
            throw failure(
                .wrongValue, .name, "\"\(name)\" must be made of letters, digits, '.', '_' and '-'")
        }
        return .metric(name: name, value: try required(try decimal(.value, in: text), .value))
    }

    private func state(in text: Span<UInt8>) throws(LineFailure) -> StrategyMessage {
        try allow(.state)
        let value: JSONValue
        let bytes: Int
        switch values[LineField.state.rawValue] {
        case .absent: throw failure(.missingField, .state, "is missing")
        case .null: (value, bytes) = (.null, 4)
        case .bool(let flag): (value, bytes) = (.bool(flag), 5)
        case .number(let range):
            let raw = JSONCursor.RawString(range: range, hasEscapes: false)
            (value, bytes) = (.number(try decoded(raw, .state, in: text)), range.count)
        case .string(let raw): (value, bytes) = (.string(try decoded(raw, .state, in: text)), raw.range.count)
        case .tree(let number, let count): (value, bytes) = (trees[number], count)
        }
        guard bytes <= StrategyProtocol.stateBytes else {
            throw failure(
                .wrongValue, .state,
                "has \(bytes) bytes, at most \(StrategyProtocol.stateBytes) are kept")
        }
        return .state(value)
    }

    private func subscribe(in text: Span<UInt8>) throws(LineFailure) -> StrategyMessage {
        try allow(.symbol, .resolution, .trades, .quotes)
        let symbol = try required(try symbol(in: text), .symbol)
        var resolution: Resolution?
        if let written = try string(.resolution, bytes: 8, in: text) {
            resolution = Resolution(written)
            if resolution == nil {
                throw failure(
                    .wrongValue, .resolution, "\"\(written)\" is not a length such as 1m, 15m, 4h or 1d")
            }
        }
        let trades = try bool(.trades) ?? false
        let quotes = try bool(.quotes) ?? false
        guard resolution != nil || trades || quotes else {
            throw failure(
                .missingField, .resolution, "is missing: ask for candles of a resolution, trades or quotes")
        }
        return .subscribe(symbol: symbol, resolution: resolution, trades: trades, quotes: quotes)
    }

    private func timer(in text: Span<UInt8>) throws(LineFailure) -> StrategyMessage {
        try allow(.id, .afterMilliseconds, .repeats)
        let id = try required(try id(.id, in: text), .id)
        let after = try required(
            try integer(
                .afterMilliseconds, in: 0...StrategyProtocol.longestTimerMilliseconds, of: text),
            .afterMilliseconds)
        let repeats = try bool(.repeats) ?? false
        guard !repeats || after == 0 || after >= StrategyProtocol.shortestRepeatMilliseconds else {
            throw failure(
                .wrongValue, .afterMilliseconds,
                "is \(after); a repeating timer needs at least \(StrategyProtocol.shortestRepeatMilliseconds)"
            )
        }
        return .timer(id: id, afterMilliseconds: after, repeats: repeats)
    }

    // MARK: - Single members

    private func failure(_ code: LineFailure.Code, _ field: LineField, _ reason: String) -> LineFailure {
        LineFailure(code: code, field: field.name, reason: reason)
    }

    private func kind(of value: Value) -> String {
        switch value {
        case .absent: "absent"
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .tree(let number, _): trees[number].kind
        }
    }

    /// Refuses every name but `type` and `fields`.
    private func allow(_ fields: LineField...) throws(LineFailure) {
        let allowed = fields.reduce(LineField.type.bit) { $0 | $1.bit }
        let extra = seen & ~allowed
        if unknownName == nil, extra == 0 { return }
        let name = unknownName ?? LineField(rawValue: extra.trailingZeroBitCount)?.name
        let names = fields.map(\.name).joined(separator: ", ")
        throw LineFailure(
            code: .unknownField, field: name, reason: "is not a known field; this line takes \(names)")
    }

    private func required<Wanted>(_ value: Wanted?, _ field: LineField) throws(LineFailure) -> Wanted {
        guard let value else { throw failure(.missingField, field, "is missing") }
        return value
    }

    private func decoded(
        _ raw: JSONCursor.RawString, _ field: LineField, in text: Span<UInt8>
    ) throws(LineFailure) -> String {
        do {
            return try cursor.decoded(raw, in: text)
        } catch {
            throw failure(.notJSON, field, error.description)
        }
    }

    private func string(
        _ field: LineField, bytes: Int, in text: Span<UInt8>
    ) throws(LineFailure) -> String? {
        switch values[field.rawValue] {
        case .absent, .null: return nil
        case .string(let raw):
            let string = try decoded(raw, field, in: text)
            guard string.utf8.count <= bytes else {
                throw failure(
                    .wrongValue, field, "has \(string.utf8.count) bytes, at most \(bytes) are taken")
            }
            return string
        case let other: throw failure(.wrongValue, field, "must be a string, not \(kind(of: other))")
        }
    }

    private func id(_ field: LineField, in text: Span<UInt8>) throws(LineFailure) -> String? {
        guard let id = try string(field, bytes: 4096, in: text) else { return nil }
        guard StrategyProtocol.isID(id) else {
            throw failure(
                .wrongValue, field,
                "\"\(id.prefix(48))\" must be 1 to \(StrategyProtocol.idBytes) letters, digits, '.', '_' or '-'"
            )
        }
        return id
    }

    /// The request id of a line that is refused, when it can be one.
    private func readableRequest(in text: Span<UInt8>) -> String? {
        guard case .string(let raw) = values[LineField.request.rawValue] else { return nil }
        let bytes = text.extracting(raw.range)
        guard (1...StrategyProtocol.idBytes).contains(bytes.count) else { return nil }
        var id = ""
        for index in bytes.indices {
            guard StrategyProtocol.isIDByte(bytes[index]) else { return nil }
            id.unicodeScalars.append(UnicodeScalar(bytes[index]))
        }
        return id
    }

    private func symbol(in text: Span<UInt8>) throws(LineFailure) -> String? {
        guard let symbol = try string(.symbol, bytes: 4096, in: text) else { return nil }
        guard StrategyProtocol.isSymbol(symbol) else {
            throw failure(
                .wrongValue, .symbol,
                "\"\(symbol.prefix(48))\" is not a symbol such as BTCUSDT; hello lists the instruments")
        }
        return symbol
    }

    private func choice<Word>(
        _ field: LineField, of table: WordTable<Word>, in text: Span<UInt8>
    ) throws(LineFailure) -> Word? {
        if case .string(let raw) = values[field.rawValue], !raw.hasEscapes,
            let word = table.find(text.extracting(raw.range))
        {
            return word
        }
        guard let written = try string(field, bytes: 4096, in: text) else { return nil }
        // With an escape in it the word may be right all the same.
        guard let word = Word(rawValue: written) else {
            throw failure(.wrongValue, field, "\"\(written.prefix(64))\" is not one of \(table.list)")
        }
        return word
    }

    private func bool(_ field: LineField) throws(LineFailure) -> Bool? {
        switch values[field.rawValue] {
        case .absent, .null: return nil
        case .bool(let value): return value
        case let other: throw failure(.wrongValue, field, "must be true or false, not \(kind(of: other))")
        }
    }

    private func integer(
        _ field: LineField, in allowed: ClosedRange<Int>, of text: Span<UInt8>
    ) throws(LineFailure) -> Int? {
        switch values[field.rawValue] {
        case .absent, .null: return nil
        case .number(let range):
            let raw = JSONCursor.RawString(range: range, hasEscapes: false)
            let written = try decoded(raw, field, in: text)
            guard let number = Int(written) else {
                throw failure(.wrongValue, field, "must be a whole number, not \(written)")
            }
            guard allowed.contains(number) else {
                throw failure(
                    .wrongValue, field,
                    "is \(number), allowed are \(allowed.lowerBound) to \(allowed.upperBound)")
            }
            return number
        case let other: throw failure(.wrongValue, field, "must be a whole number, not \(kind(of: other))")
        }
    }

    private func decimal(_ field: LineField, in text: Span<UInt8>) throws(LineFailure) -> FixedDecimal? {
        let raw: JSONCursor.RawString
        switch values[field.rawValue] {
        case .absent, .null: return nil
        case .number(let range): raw = JSONCursor.RawString(range: range, hasEscapes: false)
        case .string(let string): raw = string
        case let other:
            throw failure(.wrongValue, field, "must be a decimal such as \"0.01\", not \(kind(of: other))")
        }
        if !raw.hasEscapes, let decimal = FixedDecimal(utf8: text.extracting(raw.range)) { return decimal }
        let written = try decoded(raw, field, in: text)
        guard let decimal = FixedDecimal(written) else {
            throw failure(
                .wrongValue, field,
                "\"\(written.prefix(64))\" is not a decimal such as \"0.01\" with at most 18 places")
        }
        return decimal
    }
}
