public import Trading
public import Wire

/// What one of a strategy's own parameters may be: what forms offer, and what a search goes through.
public struct ParameterRange: Hashable, Sendable {
    /// The values, by the parameter's type.
    public enum Values: Hashable, Sendable {
        /// Whole numbers; a search tries every `step`th.
        case integers(ClosedRange<Int>, step: Int)
        /// Decimals; a search tries every `step`th, or with nil any.
        case decimals(ClosedRange<FixedDecimal>, step: FixedDecimal?)
        /// One of a few texts or numbers. 1 to ``ParameterRange/maximumChoices``.
        case choices([JSONValue])
        /// True or false.
        case booleans
    }

    /// The most choices that one parameter may have.
    public static let maximumChoices = 100

    /// The name in `custom_params`.
    public let name: String
    public let values: Values
    /// Whether a search should try small values more densely than large ones.
    public let isLogarithmic: Bool
    /// What it is, in the author's words.
    public let about: String?

    /// Describes what a parameter may be.
    public init(name: String, values: Values, isLogarithmic: Bool = false, about: String? = nil) {
        self.name = name
        self.values = values
        self.isLogarithmic = isLogarithmic
        self.about = about
    }

    /// What is wrong with `value` for this parameter, in words, or nil.
    public func flaw(of value: JSONValue) -> String? {
        switch values {
        case .integers(let range, _):
            guard let number = value.intValue else { return "must be a whole number, not \(value.text)" }
            guard range.contains(number) else {
                return "is \(number), allowed are \(range.lowerBound) to \(range.upperBound)"
            }
        case .decimals(let range, _):
            guard let number = Self.decimal(value) else { return "must be a decimal, not \(value.text)" }
            guard range.contains(number) else {
                return "is \(number), allowed are \(range.lowerBound) to \(range.upperBound)"
            }
        case .choices(let choices):
            guard choices.contains(value) else {
                return "is \(value.text), allowed are \(choices.map(\.text).joined(separator: ", "))"
            }
        case .booleans:
            guard value.boolValue != nil else { return "must be true or false, not \(value.text)" }
        }
        return nil
    }

    /// A decimal as authors write them: a plain number or a string.
    private static func decimal(_ value: JSONValue) -> FixedDecimal? {
        switch value {
        case .number(let text), .string(let text): FixedDecimal(text)
        case .null, .bool, .array, .object: nil
        }
    }

    // MARK: - strategy.json

    /// As `parameter_ranges` of strategy.json has it.
    public var json: JSONValue {
        var members: [JSONValue.Member] = []
        func add(_ name: String, _ value: JSONValue?) {
            if let value { members.append(JSONValue.Member(name, value)) }
        }
        switch values {
        case .integers(let range, let step):
            add("type", .string("int"))
            add("min", .integer(range.lowerBound))
            add("max", .integer(range.upperBound))
            add("step", .integer(step))
        case .decimals(let range, let step):
            add("type", .string("decimal"))
            add("min", .decimal(range.lowerBound))
            add("max", .decimal(range.upperBound))
            add("step", step.map { .decimal($0) })
        case .choices(let choices):
            add("type", .string("choice"))
            add("choices", .array(choices))
        case .booleans: add("type", .string("bool"))
        }
        add("log", isLogarithmic ? .bool(true) : nil)
        add("about", about.map { .string($0) })
        return .object(members)
    }

    private enum Kind: String, CaseIterable { case int, decimal, choice, bool }

    /// Reads one member of `parameter_ranges`.
    init(name: String, _ value: JSONValue, path: String) throws(FieldFailure) {
        var reader = try ObjectReader(value, path: path)
        let kind = try reader.choice("type", as: Kind.self)
        switch kind {
        case .int:
            let bound = 1_000_000_000_000
            let least = try reader.integer("min", in: -bound...bound)
            let most = try reader.integer("max", in: -bound...bound)
            guard least <= most else { throw reader.failure("max", "is \(most), less than min, \(least)") }
            let step = try reader.optionalInteger("step", in: 1...bound) ?? 1
            values = .integers(least...most, step: step)
        case .decimal:
            let least = try reader.decimal("min")
            let most = try reader.decimal("max")
            guard least <= most else { throw reader.failure("max", "is \(most), less than min, \(least)") }
            let step = try reader.optionalDecimal("step")
            guard step?.isPositive ?? true else { throw reader.failure("step", "must be above 0") }
            values = .decimals(least...most, step: step)
        case .choice:
            guard let choices = try reader.optionalArray("choices", count: Self.maximumChoices),
                !choices.isEmpty
            else { throw reader.failure("choices", "is missing or empty") }
            for choice in choices {
                switch choice {
                case .string(let text) where text.utf8.count <= 1024: break
                case .number: break
                default: throw reader.failure("choices", "must be texts or numbers")
                }
            }
            guard Set(choices).count == choices.count else {
                throw reader.failure("choices", "has one value twice")
            }
            values = .choices(choices)
        case .bool: values = .booleans
        }
        let isLogarithmic = try reader.optionalBool("log") ?? false
        if isLogarithmic {
            let isAboveNought =
                switch values {
                case .integers(let range, _): range.lowerBound > 0
                case .decimals(let range, _): range.lowerBound.isPositive
                case .choices, .booleans: false
                }
            guard isAboveNought else { throw reader.failure("log", "needs numbers above 0") }
        }
        self.isLogarithmic = isLogarithmic
        about = try reader.optionalString("about", bytes: 400)
        self.name = name
        try reader.finish()
    }

    /// Reads `parameter_ranges` as a whole: each is about one of `parameters`, which must lie in it.
    static func read(
        _ value: JSONValue, of parameters: [StrategyConfig.Parameter]
    ) throws(FieldFailure) -> [ParameterRange] {
        guard case .object(let members) = value else {
            throw FieldFailure(field: "parameter_ranges", reason: "must be an object, not \(value.kind)")
        }
        guard members.count <= ConfigReader.maximumParameters else {
            throw FieldFailure(
                field: "parameter_ranges",
                reason: "has \(members.count) members, at most \(ConfigReader.maximumParameters) are taken")
        }
        var ranges: [ParameterRange] = []
        for member in members {
            let path = "parameter_ranges.\(member.name.prefix(64))"
            guard let parameter = parameters.first(where: { $0.name == member.name }) else {
                throw FieldFailure(
                    field: path, reason: "is not in custom_params, which gives its usual value")
            }
            let range = try ParameterRange(name: member.name, member.value, path: path)
            if let flaw = range.flaw(of: parameter.value) {
                throw FieldFailure(field: path, reason: "the value in custom_params \(flaw)")
            }
            ranges.append(range)
        }
        return ranges
    }
}
