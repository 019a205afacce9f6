internal import Analytics
internal import Trading
public import Wire

/// What a study is to find out about a strategy.
public enum StudyPlan: Hashable, Sendable {
    case optimisation(SearchPlan)
    case walkForward(SearchPlan, WalkForwardSetup)
    /// See ``LookaheadCheck``.
    case lookahead(cuts: Int)
    /// See ``StartUpCheck``.
    case startUp

    /// Its kind.
    public var kind: LabStudy.Kind {
        switch self {
        case .optimisation: .optimisation
        case .walkForward: .walkForward
        case .lookahead: .lookahead
        case .startUp: .startUp
        }
    }
}

/// A search as it was asked for.
public struct SearchPlan: Hashable, Sendable {
    public var space: SearchSpace
    public var objective: Objective
    public var method: SearchMethod
    /// How many points Optuna may name without having heard of the first of them: what it names depends on it, so it is
    /// part of the plan and not of the machine.
    public var window: Int

    /// The most points of one search.
    public static let maximumPoints = SearchSpace.maximumGrid
    /// The most points that Optuna names; each takes it longer than the one before.
    public static let maximumReasonedPoints = 2000
    /// How many points Optuna may name ahead.
    public static let usualWindow = 4

    /// Describes a search.
    public init(space: SearchSpace, objective: Objective, method: SearchMethod, window: Int = usualWindow) {
        self.space = space
        self.objective = objective
        self.method = method
        self.window = window
    }

    /// How many points there are at most.
    public var points: Int {
        switch method {
        case .grid: min(space.gridCount ?? Self.maximumPoints, Self.maximumPoints)
        case .random(let points, _), .optuna(let points, _): points
        }
    }

    /// What ``SearchBook`` has for a window.
    var bookWindow: Int {
        if case .optuna = method { window } else { points }
    }

    private enum MethodName: String, CaseIterable { case grid, random, optuna }

    /// Takes `space`, `objective`, `method`, `points` and `search_seed` from an object.
    ///
    /// - Parameter ranges: What `parameter_ranges` of strategy.json says, for a space that is a list of names, or absent.
    public init(
        _ reader: inout ObjectReader, ranges: [SearchParameter], figures: Set<String>
    ) throws(FieldFailure) {
        space = try Self.space(&reader, ranges)
        objective = try Objective(
            reading: reader.optional("objective") ?? .string("sharpe"), path: reader.fullName("objective"),
            known: figures)
        let name = try reader.optionalChoice("method", as: MethodName.self) ?? .grid
        let most = name == .optuna ? Self.maximumReasonedPoints : Self.maximumPoints
        let points = try reader.optionalInteger("points", in: 1...most)
        let seed = UInt64(try reader.optionalInteger("search_seed", in: 0...Int(Int32.max)) ?? 1)
        switch name {
        case .grid:
            guard points == nil else { throw reader.failure("points", "does not go with method grid") }
            guard let count = space.gridCount, count <= Self.maximumPoints else {
                throw reader.failure(
                    "space",
                    "makes a grid of more than \(Self.maximumPoints) points: widen the steps, or use random or optuna"
                )
            }
            method = .grid
        case .random: method = .random(points: points ?? 100, seed: seed)
        case .optuna: method = .optuna(points: points ?? 100, seed: seed)
        }
        window = try reader.optionalInteger("window", in: 1...64) ?? Self.usualWindow
    }

    private static func space(
        _ reader: inout ObjectReader, _ ranges: [SearchParameter]
    ) throws(FieldFailure) -> SearchSpace {
        let path = reader.fullName("space")
        guard let value = reader.optional("space") else {
            guard (1...16).contains(ranges.count) else {
                throw reader.failure(
                    "space",
                    ranges.isEmpty
                        ? "is missing, and strategy.json has no parameter_ranges"
                        : "is missing, and strategy.json has more than 16 parameter_ranges: name some")
            }
            return SearchSpace(ranges)
        }
        guard let names = value.arrayValue else { return try SearchSpace(reading: value, path: path) }
        var chosen: [SearchParameter] = []
        for name in names {
            guard let range = ranges.first(where: { $0.name == name.stringValue }),
                !chosen.contains(where: { $0.name == range.name })
            else {
                throw reader.failure(
                    "space",
                    "\(name.text.prefix(66)) is not one of the parameter_ranges of strategy.json, once")
            }
            chosen.append(range)
        }
        guard (1...16).contains(chosen.count) else {
            throw reader.failure("space", "names \(chosen.count) parameters, allowed are 1 to 16")
        }
        return SearchSpace(chosen)
    }

    /// The members that ``init(_:ranges:figures:)`` takes.
    var members: [JSONValue.Member] {
        var members = [
            JSONValue.Member("space", space.json), JSONValue.Member("objective", objective.json),
        ]
        switch method {
        case .grid: members.append(.init("method", .string("grid")))
        case .random(let points, let seed):
            members += [
                .init("method", .string("random")), .init("points", .integer(points)),
                .init("search_seed", .integer(seed)),
            ]
        case .optuna(let points, let seed):
            members += [
                .init("method", .string("optuna")), .init("points", .integer(points)),
                .init("search_seed", .integer(seed)), .init("window", .integer(window)),
            ]
        }
        return members
    }
}

/// How a walk forward cuts its span.
public enum WalkForwardSetup: Hashable, Sendable {
    /// Windows, see ``WalkForwardPlan``.
    case windows(inMilliseconds: Int64, outMilliseconds: Int64, WalkForwardPlan.Anchoring)
    /// One split behind this part of the span.
    case split(part: Double)

    /// Takes `in_sample`, `out_of_sample` and `anchoring`, or `split`, from an object. Spans are as in `30d` or `12h`.
    public init(_ reader: inout ObjectReader) throws(FieldFailure) {
        if let part = try reader.optionalDecimal("split") {
            guard part.isPositive, part < .one else {
                throw reader.failure("split", "must be above 0 and below 1")
            }
            self = .split(part: part.approximate)
            return
        }
        self = .windows(
            inMilliseconds: try Self.span("in_sample", &reader),
            outMilliseconds: try Self.span("out_of_sample", &reader),
            try reader.optionalChoice("anchoring") ?? .rolling)
    }

    private static func span(_ name: String, _ reader: inout ObjectReader) throws(FieldFailure) -> Int64 {
        let text = try reader.string(name, bytes: 16)
        guard let span = Resolution(text) else {
            throw reader.failure(name, "\"\(text)\" is not a span such as \"30d\" or \"12h\"")
        }
        return span.milliseconds
    }

    /// The windows of a job's span.
    func plan(for job: BacktestJob) throws(SearchFailure) -> WalkForwardPlan {
        switch self {
        case .windows(let inside, let outside, let anchoring):
            try WalkForwardPlan(
                start: job.start, end: job.end, inMilliseconds: inside, outMilliseconds: outside,
                anchoring: anchoring)
        case .split(let part): try WalkForwardPlan(start: job.start, end: job.end, part: part)
        }
    }

    var members: [JSONValue.Member] {
        switch self {
        case .windows(let inside, let outside, let anchoring):
            [
                .init("in_sample", .string(Resolution(milliseconds: inside).description)),
                .init("out_of_sample", .string(Resolution(milliseconds: outside).description)),
                .init("anchoring", .string(anchoring.rawValue)),
            ]
        case .split(let part): [.init("split", .number(part.description))]
        }
    }
}

extension StudyPlan {
    /// Takes the members of a plan of `kind` from an object.
    public init(
        _ kind: LabStudy.Kind, _ reader: inout ObjectReader, ranges: [SearchParameter], figures: Set<String>
    ) throws(FieldFailure) {
        switch kind {
        case .optimisation:
            self = .optimisation(try SearchPlan(&reader, ranges: ranges, figures: figures))
        case .walkForward:
            let search = try SearchPlan(&reader, ranges: ranges, figures: figures)
            self = .walkForward(search, try WalkForwardSetup(&reader))
        case .lookahead: self = .lookahead(cuts: try reader.optionalInteger("cuts", in: 1...100) ?? 12)
        case .startUp: self = .startUp
        }
    }

    /// The members that ``init(_:_:ranges:figures:)`` takes.
    public var json: JSONValue {
        switch self {
        case .optimisation(let search): .object(search.members)
        case .walkForward(let search, let setup): .object(search.members + setup.members)
        case .lookahead(let cuts): .members(["cuts": .integer(cuts)])
        case .startUp: .object([])
        }
    }
}
