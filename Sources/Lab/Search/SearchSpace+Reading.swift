internal import Trading
public import Wire

extension SearchSpace {
    /// The most points a grid may have, and so the most values of one parameter.
    public static let maximumGrid = 20_000

    /// Reads a space such as `{"fast": {"type": "int", "min": 5, "max": 50, "step": 5}, "shorts": {"type": "bool"}}`, in
    /// the words of `parameter_ranges` in strategy.json. Beside them a range with `log` takes `count`, how many values a
    /// grid has of it, and one with `text` writes its numbers as strings.
    ///
    /// - Throws: ``FieldFailure`` naming the member at fault.
    public init(reading value: JSONValue, path: String) throws(FieldFailure) {
        guard case .object(let members) = value else {
            throw FieldFailure(field: path, reason: "must be an object, not \(value.kind)")
        }
        guard (1...16).contains(members.count) else {
            throw FieldFailure(field: path, reason: "names \(members.count) parameters, allowed are 1 to 16")
        }
        var parameters: [SearchParameter] = []
        for member in members {
            guard !member.name.isEmpty, member.name.utf8.count <= 64 else {
                throw FieldFailure(field: path, reason: "a parameter's name has 1 to 64 bytes")
            }
            parameters.append(try SearchParameter(reading: member, path: "\(path).\(member.name)"))
        }
        self.init(parameters)
    }

    /// The form that ``init(reading:path:)`` reads.
    public var json: JSONValue {
        .object(parameters.map { JSONValue.Member($0.name, $0.json) })
    }
}

extension SearchParameter {
    private enum Kind: String, CaseIterable { case int, decimal, choice, bool }

    init(reading member: JSONValue.Member, path: String) throws(FieldFailure) {
        var reader = try ObjectReader(member.value, path: path)
        let kind = try reader.choice("type", as: Kind.self)
        let range: Range
        switch kind {
        case .int: range = try Self.numbers(&reader, areWhole: true)
        case .decimal: range = try Self.numbers(&reader, areWhole: false)
        case .choice: range = .choice(try Self.choices(&reader))
        case .bool: range = .choice([.bool(false), .bool(true)])
        }
        let isText = try reader.optionalBool("text") ?? false
        try reader.finish()
        self.init(name: member.name, range: range)
        self.isText = isText
    }

    /// The form that ``init(reading:path:)`` reads.
    var json: JSONValue {
        guard isText, case .object(let members) = range.json else { return range.json }
        return .object(members + [JSONValue.Member("text", .bool(true))])
    }

    private static func choices(_ reader: inout ObjectReader) throws(FieldFailure) -> [JSONValue] {
        guard let choices = try reader.optionalArray("choices", count: 100), !choices.isEmpty,
            Set(choices).count == choices.count
        else { throw reader.failure("choices", "must be at least one value, all different") }
        for choice in choices {
            switch choice {
            case .string(let text) where text.utf8.count <= 1024: break
            case .number: break
            default: throw reader.failure("choices", "must be texts or numbers")
            }
        }
        return choices
    }

    /// Numbers beyond this are taken by no range.
    private static let bound = FixedDecimal(1_000_000_000_000)

    private static func numbers(_ reader: inout ObjectReader, areWhole: Bool) throws(FieldFailure) -> Range {
        let low = try reader.decimal("min")
        let high = try reader.decimal("max")
        for (name, value) in [("min", low), ("max", high)] {
            guard value <= bound, value.units >= -bound.units else {
                throw reader.failure(name, "is beyond \(bound)")
            }
            guard !areWhole || value.isMultiple(of: .one) else {
                throw reader.failure(name, "must be a whole number, not \(value)")
            }
        }
        guard low <= high else { throw reader.failure("max", "is \(high), less than min, \(low)") }
        let step = try reader.optionalDecimal("step")
        guard try reader.optionalBool("log") ?? false else {
            return try steps(low, high, step, areWhole: areWhole, reader)
        }
        guard step == nil else { throw reader.failure("step", "does not go with log, which has count") }
        guard low.isPositive, low < high else {
            throw reader.failure("min", "must be above 0 and below max where log is true")
        }
        let count = try reader.optionalInteger("count", in: 2...1000) ?? 10
        return .logarithmic(low: low, high: high, count: count, isWhole: areWhole)
    }

    private static func steps(
        _ low: FixedDecimal, _ high: FixedDecimal, _ step: FixedDecimal?, areWhole: Bool,
        _ reader: ObjectReader
    ) throws(FieldFailure) -> Range {
        guard areWhole || step != nil || low == high else {
            // Nobody said how fine: a hundredth of the way.
            return .decimal(
                low: low, high: high, step: FixedDecimal(units: max(1, (high.units - low.units) / 100)))
        }
        let step = step ?? .one
        guard step.isPositive, step <= bound else { throw reader.failure("step", "must be above 0") }
        guard (high.units - low.units) / step.units < Int128(SearchSpace.maximumGrid) else {
            throw reader.failure("step", "makes more than \(SearchSpace.maximumGrid) values")
        }
        guard areWhole else { return .decimal(low: low, high: high, step: step) }
        let one = FixedDecimal.unitsPerOne
        guard step.isMultiple(of: .one) else {
            throw reader.failure("step", "must be a whole number, not \(step)")
        }
        return .integer(low: Int(low.units / one), high: Int(high.units / one), step: Int(step.units / one))
    }
}

extension SearchParameter.Range {
    fileprivate var json: JSONValue {
        switch self {
        case .integer(let low, let high, let step):
            .members([
                "type": .string("int"), "min": .integer(low), "max": .integer(high), "step": .integer(step),
            ])
        case .decimal(let low, let high, let step):
            .members([
                "type": .string("decimal"), "min": .decimal(low), "max": .decimal(high),
                "step": .decimal(step),
            ])
        case .logarithmic(let low, let high, let count, let isWhole):
            .members([
                "type": .string(isWhole ? "int" : "decimal"), "min": .decimal(low), "max": .decimal(high),
                "log": .bool(true), "count": .integer(count),
            ])
        case .choice([.bool(false), .bool(true)]): .members(["type": .string("bool")])
        case .choice(let values): .members(["type": .string("choice"), "choices": .array(values)])
        }
    }
}
