import HTTPMessages
import Host
import Identity
import Lab
import Wire

/// Searches over parameters, walks forward, and checks for looking ahead and for history.
enum StudyRoutes {
    /// What one path is for.
    private struct Family {
        let path: String
        let kinds: [LabStudy.Kind]
        var canBegin = true
    }

    private static let families = [
        Family(path: "/lab/optimisations", kinds: [.optimisation]),
        Family(path: "/lab/walkforwards", kinds: [.walkForward]),
        Family(path: "/lab/checks", kinds: [.lookahead, .startUp]),
        Family(path: "/lab/studies", kinds: LabStudy.Kind.allCases, canBegin: false),
    ]

    static let all: [Route] =
        families.flatMap(routes) + [
            Route("GET", "/lab/optimisations/:id/points", .decidedByHandler, handler: points),
            Route("GET", "/lab/optimisations/:id/heatmap", .decidedByHandler, handler: heatMap),
        ]

    private static func routes(_ family: Family) -> [Route] {
        let beginning = Route("POST", family.path, .decidedByHandler, body: .json) { call in
            try await begin(call, family.kinds)
        }
        return (family.canBegin ? [beginning] : []) + [
            Route("GET", family.path, .permitted(.list)) { call in try list(call, family.kinds) },
            Route("GET", family.path + "/:id", .decidedByHandler) { call in
                try call.noQuery()
                return .json(.ok, try study(call, family.kinds, .viewStrategy).json)
            },
            Route("DELETE", family.path + "/:id", .decidedByHandler) { call in
                try call.noQuery()
                let found = try study(call, family.kinds, .runStrategy)
                if found.state == .running {
                    return .json(.ok, try await call.studies.cancel(found.number, by: call.actor).json)
                }
                try await call.studies.remove(found.number, by: call.actor)
                return .json(.ok, .object([]))
            },
            Route("GET", family.path + "/:id/events", .decidedByHandler) { call in
                try call.noQuery()
                let found = try study(call, family.kinds, .viewStrategy)
                return try await EventRoutes.respond(call) { stream in
                    try call.studies.follow(found.number, sink: stream)
                }
            },
        ]
    }

    /// The study in the path, for whoever may do `action` to its strategy; for others there is none.
    private static func study(
        _ call: APICall, _ kinds: [LabStudy.Kind], _ action: Action
    ) throws -> LabStudy {
        let id = call.parameter("id")
        let missing = HostError.notFound(kind: "study", id: id)
        guard let number = Int64(numberedID: id) else { throw missing }
        let study = try call.studies.study(number)
        guard kinds.contains(study.plan.kind) else { throw missing }
        try call.check(action, owner: study.owner, else: missing)
        return study
    }

    /// `?algorithm=&limit=&after=`
    private static func list(_ call: APICall, _ kinds: [LabStudy.Kind]) throws -> HTTPResponse {
        var query = try call.query()
        let algorithm = try query.word("algorithm", bytes: 128)
        let page = try query.page(default: 50)
        try query.finish()
        var before: Int64?
        if let after = page.after {
            guard let number = Int64(after), number > 0 else {
                throw FieldFailure(field: "after", reason: "is not a cursor that this list has given")
            }
            before = number
        }
        let filter = StudyFilter(kinds: kinds, owner: call.visibleOwner, algorithm: algorithm)
        let found = try call.studies.studies(filter, before: before, limit: page.limit)
        return Lists.response(Page(items: found.studies, next: found.next.map(String.init)), \.shortJSON)
    }

    /// A body has the members of a backtest's and those of the plan.
    private static func begin(_ call: APICall, _ kinds: [LabStudy.Kind]) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        let strategy = try body.string("strategy", bytes: 128)
        let missing = HostError.notFound(kind: "strategy", id: strategy)
        try call.check(.runStrategy, owner: try await call.host.owner(of: strategy), else: missing)
        var kind = kinds[0]
        if kinds.count > 1 {
            let word = try body.string("check", bytes: 16)
            guard let named = kinds.first(where: { $0.rawValue == word }) else {
                let allowed = kinds.map(\.rawValue).joined(separator: ", ")
                throw FieldFailure(field: "check", reason: "\"\(word)\" is not one of \(allowed)")
            }
            kind = named
        }
        let version = try body.optionalString("version", bytes: 128)
        var request = try BacktestRequest(&body)
        request.version = version
        let plan = try StudyPlan(
            kind, &body, ranges: try call.studies.ranges(of: strategy, version: version),
            figures: Set(StudyFigures.names))
        try body.finish()
        return .json(
            .accepted, try await call.studies.begin(plan, request, of: strategy, by: call.actor).json)
    }

    /// `?limit=&after=`, best first.
    private static func points(_ call: APICall) throws -> HTTPResponse {
        let found = try study(call, [.optimisation], .viewStrategy)
        var query = try call.query()
        let limit = try query.integer("limit", in: 1...PageRequest.maximum) ?? 100
        let after = try query.integer("after", in: 0...Int(Int32.max)) ?? 0
        try query.finish()
        let all = try call.studies.points(found.number)
        let part = Array(all.dropFirst(after).prefix(limit))
        let end = after + part.count
        return Lists.response(
            Page(items: part, next: end < all.count && !part.isEmpty ? String(end) : nil), \.json)
    }

    /// `?x=&y=&figure=&cell=`
    private static func heatMap(_ call: APICall) throws -> HTTPResponse {
        let found = try study(call, [.optimisation], .viewStrategy)
        guard case .optimisation(let plan) = found.plan else { return .json(.ok, .object([])) }
        let names = plan.space.parameters.map(\.name)
        var query = try call.query()
        let x = try parameter("x", &query, names) ?? names[0]
        let y = try parameter("y", &query, names) ?? names[names.count - 1]
        let figure = try query.word("figure", bytes: 64)
        if let figure, !StudyFigures.names.contains(figure) {
            throw FieldFailure(field: "figure", reason: "\"\(figure)\" is no figure")
        }
        let word = try query.word("cell", bytes: 16)
        try query.finish()
        guard let cell = word.map(HeatMap.Gathering.init(rawValue:)) ?? .best else {
            let allowed = HeatMap.Gathering.allCases.map(\.rawValue).joined(separator: ", ")
            throw FieldFailure(field: "cell", reason: "is not one of \(allowed)")
        }
        let map = HeatMap(
            try call.studies.points(found.number), x: x, y: y, figure: figure, gathering: cell)
        return .json(
            .ok,
            .members([
                "x_name": .string(x), "y_name": .string(y), "figure": .optional(figure),
                "cell": .string(cell.rawValue), "map": map.json,
            ]))
    }

    private static func parameter(
        _ name: String, _ query: inout QueryReader, _ known: [String]
    ) throws(FieldFailure) -> String? {
        guard let word = try query.word(name, bytes: 64) else { return nil }
        guard known.contains(word) else {
            throw FieldFailure(
                field: name, reason: "\"\(word)\" is not one of \(known.joined(separator: ", "))")
        }
        return word
    }
}

extension APICall {
    /// The studies, on a host that has a Lab.
    var studies: StudyService {
        get throws(LabFailure) {
            guard let studies = services.studies else { throw .unavailable("this host has no Lab") }
            return studies
        }
    }
}
