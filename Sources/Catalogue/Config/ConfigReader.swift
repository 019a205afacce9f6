import Trading
public import Wire

/// Reads `strategy.json` strictly and tells everything that is wrong with it at once.
public struct ConfigReader {
    static let maximumParameters = 100

    private var reader: ObjectReader
    private var problems: [ValidationProblem] = []

    /// Reads the bytes of a strategy.json.
    ///
    /// - Returns: The configuration, and what is wrong; with problems the configuration is not to be used.
    public static func read(
        _ bytes: [UInt8], bounds: ConfigBounds
    ) -> (config: StrategyConfig, problems: [ValidationProblem]) {
        do {
            let limits = JSONParser.Limits(bytes: 64 << 10, depth: 8, numberBytes: 64)
            return read(try JSONParser.parse(bytes, limits: limits), bounds: bounds)
        } catch {
            let line = bytes.prefix(error.offset).filter { $0 == 0x0A }.count + 1
            let problem = ValidationProblem(
                .invalidConfig, "strategy.json is not JSON: \(error.reason)", field: "strategy.json",
                line: line)
            return (StrategyConfig(bounds: bounds), [problem])
        }
    }

    /// Reads a parsed strategy.json.
    public static func read(
        _ value: JSONValue, bounds: ConfigBounds
    ) -> (config: StrategyConfig, problems: [ValidationProblem]) {
        do {
            var reader = ConfigReader(reader: try ObjectReader(value))
            let config = reader.config(bounds)
            return (config, reader.problems + unknownFields(of: value))
        } catch {
            return (StrategyConfig(bounds: bounds), [problem(error)])
        }
    }

    private init(reader: ObjectReader) {
        self.reader = reader
    }

    private static func problem(_ failure: FieldFailure) -> ValidationProblem {
        ValidationProblem(
            .invalidConfig, failure.description,
            field: failure.field.isEmpty ? "strategy.json" : failure.field)
    }

    // MARK: - Fields

    private mutating func config(_ bounds: ConfigBounds) -> StrategyConfig {
        var config = StrategyConfig(bounds: bounds)
        config.name = text("name", 80)
        config.code = word("code", 32, "letters, digits, - and _") { Self.isWordByte($0) }
        config.author = text("author", 120)
        config.description = text("description", 4000, allowsLines: true)
        if let pair = word("pair", 32, "letters, digits, /, - and _", { Self.isWordByte($0) || $0 == 0x2F }) {
            config.pair = pair
            config.marginCurrency = Self.quoteCurrency(of: config.symbol) ?? config.marginCurrency
        }
        take { (reader) throws(FieldFailure) in
            guard let text = try reader.optionalString("resolution", bytes: 16) else { return }
            guard let resolution = Resolution(text) else {
                throw reader.failure(
                    "resolution", "\"\(text)\" is not a resolution such as \"1m\", \"15m\", \"4h\" or \"1d\"")
            }
            config.resolution = resolution
        }
        integer("lookback_period", 0...5000, &config.lookbackPeriod)
        decimal("leverage", "1", "125", &config.leverage)
        decimal("risk_per_trade", "0.000001", "1", &config.riskPerTrade)
        if let currency = word(
            "margin_currency", 10, "capital letters and digits",
            {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
            })
        {
            config.marginCurrency = currency
        }
        decimal("sl_atr_multiplier", "0.01", "100", &config.stopLossMultiplier)
        decimal("tp_atr_multiplier", "0.01", "100", &config.takeProfitMultiplier)
        integer("max_positions", 1...100, &config.maximumPositions)
        decimal("max_daily_loss", "0.0001", "1", &config.maximumDailyLoss)
        take { (reader) throws(FieldFailure) in
            if let value = reader.optional("custom_params") {
                config.customParameters = try Self.parameters(value, path: "custom_params")
            }
        }
        take { (reader) throws(FieldFailure) in
            if let value = reader.optional("parameter_ranges") {
                config.parameterRanges = try ParameterRange.read(value, of: config.customParameters)
            }
        }
        take { (reader) throws(FieldFailure) in
            guard let entry = try reader.optionalString("entry", bytes: BundleName.maximumBytes) else {
                return
            }
            if let flaw = BundleName.flaw(entry) { throw reader.failure("entry", flaw) }
            config.entry = entry
        }
        take { (reader) throws(FieldFailure) in config.kind = try reader.optionalChoice("kind") }
        take { (reader) throws(FieldFailure) in
            guard let profile = try reader.optionalString("profile", bytes: 64) else { return }
            guard bounds.profiles.contains(profile) else {
                throw reader.failure(
                    "profile",
                    "\"\(profile)\" is not one of \(bounds.profiles.map { "\"\($0)\"" }.joined(separator: ", "))"
                )
            }
            config.profile = profile
        }
        take { (reader) throws(FieldFailure) in
            guard var restart = try reader.optionalObject("restart") else { return }
            if let policy = try restart.optionalChoice("policy", as: RestartPolicy.self) {
                config.restart.policy = policy
            }
            if let intensity = try restart.optionalInteger("intensity", in: 0...1000) {
                config.restart.intensity = intensity
            }
            if let period = try restart.optionalInteger("period_seconds", in: 1...86_400) {
                config.restart.periodSeconds = period
            }
            try restart.finish()
        }
        take { (reader) throws(FieldFailure) in
            if let orders = try reader.optionalChoice("orders_at_death", as: OrdersAtDeath.self) {
                config.ordersAtDeath = orders
            }
        }
        take { (reader) throws(FieldFailure) in
            if let brackets = try reader.optionalChoice("brackets_at_death", as: BracketsAtDeath.self) {
                config.bracketsAtDeath = brackets
            }
        }
        integer("memory_mb", bounds.memoryMegabytes, &config.memoryMegabytes)
        decimal("cpu_share", bounds.cpuShare, &config.cpuShare)
        take { (reader) throws(FieldFailure) in
            if let start = try reader.optionalChoice("start", as: StartMode.self) { config.start = start }
        }
        return config
    }

    private mutating func take(_ body: (inout ObjectReader) throws(FieldFailure) -> Void) {
        do throws(FieldFailure) {
            try body(&reader)
        } catch {
            problems.append(Self.problem(error))
        }
    }

    private mutating func text(_ name: String, _ bytes: Int, allowsLines: Bool = false) -> String? {
        var result: String?
        take { (reader) throws(FieldFailure) in
            guard let text = try reader.optionalString(name, bytes: bytes) else { return }
            let isPlain = text.unicodeScalars.allSatisfy {
                $0.properties.generalCategory != .control || (allowsLines && ($0 == "\n" || $0 == "\t"))
            }
            guard isPlain else { throw reader.failure(name, "must not hold control characters") }
            guard text.contains(where: { !$0.isWhitespace }) else {
                throw reader.failure(name, "must not be empty")
            }
            result = text
        }
        return result
    }

    private mutating func word(
        _ name: String, _ bytes: Int, _ allowed: String, _ isAllowed: (UInt8) -> Bool
    ) -> String? {
        var result: String?
        take { (reader) throws(FieldFailure) in
            guard let text = try reader.optionalString(name, bytes: bytes) else { return }
            guard !text.isEmpty, text.utf8.allSatisfy(isAllowed) else {
                throw reader.failure(name, "\"\(text)\" may hold \(allowed) only")
            }
            result = text
        }
        return result
    }

    private mutating func integer(_ name: String, _ range: ClosedRange<Int>, _ field: inout Int) {
        var result = field
        take { (reader) throws(FieldFailure) in
            result = try reader.optionalInteger(name, in: range) ?? result
        }
        field = result
    }

    private mutating func decimal(
        _ name: String, _ least: String, _ most: String, _ field: inout FixedDecimal
    ) {
        decimal(name, FixedDecimal(least)!...FixedDecimal(most)!, &field)
    }

    private mutating func decimal(
        _ name: String, _ range: ClosedRange<FixedDecimal>, _ field: inout FixedDecimal
    ) {
        var result = field
        take { (reader) throws(FieldFailure) in
            guard let value = try reader.optionalDecimal(name) else { return }
            guard range.contains(value) else {
                throw reader.failure(
                    name, "is \(value), allowed are \(range.lowerBound) to \(range.upperBound)")
            }
            result = value
        }
        field = result
    }

    // MARK: - Parameters

    /// Reads an object of the author's own parameters.
    ///
    /// Objects inside it are refused: names stay flat, so that each can be set by name at the start.
    static func parameters(
        _ value: JSONValue, path: String
    ) throws(FieldFailure) -> [StrategyConfig.Parameter] {
        guard value != .null else { return [] }
        guard case .object(let members) = value else {
            throw FieldFailure(field: path, reason: "must be an object, not \(value.kind)")
        }
        guard members.count <= maximumParameters else {
            throw FieldFailure(
                field: path, reason: "has \(members.count) members, at most \(maximumParameters) are taken")
        }
        var parameters: [StrategyConfig.Parameter] = []
        for member in members {
            let field = "\(path).\(member.name.prefix(64))"
            guard !member.name.isEmpty, member.name.utf8.count <= 64,
                member.name.utf8.allSatisfy({ isWordByte($0) || $0 == UInt8(ascii: ".") })
            else {
                throw FieldFailure(
                    field: field, reason: "is not a name of at most 64 letters, digits, -, _ and .")
            }
            if case .array(let elements) = member.value {
                guard elements.count <= 100 else {
                    throw FieldFailure(
                        field: field, reason: "has \(elements.count) elements, at most 100 are taken")
                }
                for (index, element) in elements.enumerated() {
                    try checkScalar(element, field: "\(field)[\(index)]")
                }
            } else {
                try checkScalar(member.value, field: field)
            }
            parameters.append(StrategyConfig.Parameter(name: member.name, value: member.value))
        }
        return parameters
    }

    private static func checkScalar(_ value: JSONValue, field: String) throws(FieldFailure) {
        switch value {
        case .bool: return
        case .string(let text):
            guard text.utf8.count <= 1024 else {
                throw FieldFailure(
                    field: field, reason: "has \(text.utf8.count) bytes, at most 1024 are taken")
            }
        case .number(let text):
            guard let number = Double(text), number.isFinite else {
                throw FieldFailure(field: field, reason: "\(text) is out of range")
            }
        case .null, .array, .object:
            throw FieldFailure(
                field: field,
                reason: "must be a string, a number, a truth value or a list of them, not \(value.kind)")
        }
    }

    // MARK: - Names

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
        default: false
        }
    }

    private static func quoteCurrency(of symbol: String) -> String? {
        ["USDT", "USDC", "USD", "INR", "AUD", "EUR", "BTC"].first {
            symbol.hasSuffix($0) && symbol.utf8.count > $0.utf8.count
        }
    }

    private static func unknownFields(of value: JSONValue) -> [ValidationProblem] {
        guard case .object(let members) = value else { return [] }
        return members.filter { !StrategyConfig.fieldNames.contains($0.name) }.prefix(20).map { member in
            var words = "\(member.name.prefix(64)): is not a known field"
            if let near = nearest(to: member.name) { words += "; did you mean \"\(near)\"?" }
            return ValidationProblem(.invalidConfig, words, field: String(member.name.prefix(64)))
        }
    }

    /// The known name that `name` was probably meant to be: a few letters off, or one a part of the other.
    static func nearest(to name: String) -> String? {
        let plain = name.lowercased().prefix(64)
        let letters = plain.filter { $0.isLetter }
        let byDistance = StrategyConfig.fieldNames.map { known in
            (known, distance(Array(letters.utf8), Array(known.filter { $0.isLetter }.utf8)))
        }
        if let best = byDistance.min(by: { $0.1 < $1.1 }), best.1 <= max(1, letters.utf8.count / 4) {
            return best.0
        }
        guard letters.count >= 4 else { return nil }
        return StrategyConfig.fieldNames.first { $0.contains(plain) || plain.contains($0) }
    }

    /// How many letters must be added, removed or replaced (Levenshtein).
    private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var row = Array(0...other.count)
        for (i, letter) in one.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, against) in other.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (letter == against ? 0 : 1))
                diagonal = above
            }
        }
        return row[other.count]
    }
}
