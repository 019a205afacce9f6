internal import Analytics
public import Trading
public import Wire

/// One parameter that a search varies, and the values that it may take.
///
/// Numbers of steps are whole and finite, so that every value has an index, except between the ends of a logarithmic
/// range: there a search may take any number of six digits.
public struct SearchParameter: Hashable, Sendable {
    /// The values that a parameter may take.
    public enum Range: Hashable, Sendable {
        /// `low`, `low + step` and so on, up to `high` at most. The step is above 0.
        case integer(low: Int, high: Int, step: Int)
        /// As above, exactly.
        case decimal(low: FixedDecimal, high: FixedDecimal, step: FixedDecimal)
        /// Anything from `low` to `high`, both above 0, evenly by its logarithm; a grid takes `count` of them, at least 2.
        /// Of whole numbers the nearest, so that a grid may have one twice.
        case logarithmic(low: FixedDecimal, high: FixedDecimal, count: Int, isWhole: Bool)
        /// One of these: strings, numbers or truth values, all different.
        case choice([JSONValue])
    }

    /// What the strategy's code asks for it by.
    public let name: String
    public let range: Range
    /// Whether numbers are written as strings, as strategy.json has them.
    public var isText = false

    /// Names a parameter and what it may be.
    public init(name: String, range: Range) {
        self.name = name
        self.range = range
    }

    /// Whether its values are numbers of a range.
    public var isNumeric: Bool { if case .choice = range { false } else { true } }

    private func written(_ value: FixedDecimal) -> JSONValue {
        isText ? .string(value.description) : .number(value.description)
    }

    /// How many values a grid takes of it. At least 1.
    public var count: Int {
        switch range {
        case .integer(let low, let high, let step): (high - low) / step + 1
        case .decimal(let low, let high, let step): Int((high.units - low.units) / step.units) + 1
        case .logarithmic(_, _, let count, _): count
        case .choice(let values): values.count
        }
    }

    /// Value number `index` of ``count``, from the lowest on.
    public func value(at index: Int) -> JSONValue {
        precondition((0..<count).contains(index), "an index of this range")
        switch range {
        case .integer(let low, _, let step): return written(FixedDecimal(low + index * step))
        case .decimal(let low, _, let step):
            return written(FixedDecimal(units: low.units + Int128(index) * step.units))
        case .logarithmic: return value(atPart: Double(index) / Double(count - 1))
        case .choice(let values): return values[index]
        }
    }

    /// The value at `part` of the way, by its logarithm where the range is logarithmic, else by its index.
    ///
    /// - Parameter part: 0 to 1.
    public func value(atPart part: Double) -> JSONValue {
        guard case .logarithmic(let low, let high, _, _) = range else {
            return value(at: min(count - 1, Int(part * Double(count))))
        }
        return value(proposed: Logarithm.between(low.approximate, high.approximate, part: part))
    }

    /// The value that stands for a number which an optimiser gave: itself on a logarithmic range, else an index.
    /// A number beyond the range is its nearest end.
    public func value(proposed number: Double) -> JSONValue {
        guard case .logarithmic(let low, let high, _, let isWhole) = range else {
            return value(at: Int(min(Double(count - 1), max(0, number.rounded()))))
        }
        let inside = min(high.approximate, max(low.approximate, number))
        let rounded = isWhole ? FixedDecimal(Int(inside.rounded())) : FixedDecimal(sixDigits: inside)
        return written(min(high, max(low, rounded)))
    }
}

/// The parameters that a search varies. At least one, at most 16; names are all different.
public struct SearchSpace: Hashable, Sendable {
    /// In the order given, which is the order of a grid: the last changes first.
    public let parameters: [SearchParameter]

    /// Gathers parameters.
    public init(_ parameters: [SearchParameter]) {
        precondition((1...16).contains(parameters.count), "1 to 16 parameters")
        precondition(Set(parameters.map(\.name)).count == parameters.count, "names are all different")
        self.parameters = parameters
    }

    /// How many points a grid has; nil when they are more than `Int` holds.
    public var gridCount: Int? {
        var count = 1
        for parameter in parameters {
            let (product, overflow) = count.multipliedReportingOverflow(by: parameter.count)
            if overflow { return nil }
            count = product
        }
        return count
    }

    /// Point number `index` of a grid.
    public func gridPoint(_ index: Int) -> SearchPoint {
        var rest = index
        var values: [JSONValue] = []
        for parameter in parameters.reversed() {
            values.append(parameter.value(at: rest % parameter.count))
            rest /= parameter.count
        }
        precondition(rest == 0, "an index of this grid")
        return point(values.reversed())
    }

    /// The point of these values, one for each parameter in order.
    public func point(_ values: [JSONValue]) -> SearchPoint {
        SearchPoint(zip(parameters, values).map { JSONValue.Member($0.name, $1) })
    }

    /// Whether every parameter is a range of steps or choices, so that the points can be counted.
    public var isCountable: Bool {
        parameters.allSatisfy { if case .logarithmic = $0.range { false } else { true } }
    }
}

/// A value for each parameter of a search.
public struct SearchPoint: Hashable, Sendable {
    /// In the order of the space.
    public let members: [JSONValue.Member]

    /// Gathers values by name.
    public init(_ members: [JSONValue.Member]) { self.members = members }

    /// As an object, as ``BacktestJob/parameters`` has it.
    public var json: JSONValue { .object(members) }

    /// The value of a parameter.
    public subscript(name: String) -> JSONValue? { members.first { $0.name == name }?.value }

    /// `job` with these values over its own parameters.
    public func applied(to job: BacktestJob) -> BacktestJob {
        var job = job
        var merged: [JSONValue.Member] = []
        if case .object(let own) = job.parameters {
            merged = own.filter { member in !members.contains { $0.name == member.name } }
        }
        job.parameters = .object(merged + members)
        return job
    }
}
