import HTTPMessages
import Host
import Identity
import Lab
import Wire

/// Backtests: asking for them, watching them, and what came of them.
enum LabRunRoutes {
    static let all: [Route] = [
        Route("GET", "/lab/backtests", .permitted(.list)) { call in
            try list(call, LabRunFilter(owner: call.visibleOwner))
        },
        Route("POST", "/lab/backtests", .decidedByHandler, body: .json) { call in
            try call.noQuery()
            var body = try call.object()
            let strategy = try body.string("strategy", bytes: 128)
            let missing = HostError.notFound(kind: "strategy", id: strategy)
            try call.check(.runStrategy, owner: try await call.host.owner(of: strategy), else: missing)
            return try await begin(&body, of: strategy, call)
        },
        Route("GET", "/lab/backtests/:id", .decidedByHandler) { call in
            try call.noQuery()
            return .json(.ok, try run(call, .viewStrategy).json)
        },
        Route("PUT", "/lab/backtests/:id", .decidedByHandler, body: .json) { call in
            try call.noQuery()
            let found = try run(call, .runStrategy)
            var body = try call.object()
            let isKept = try body.optionalBool("kept")
            try body.finish()
            guard let isKept else { throw FieldFailure(field: "kept", reason: "is missing") }
            return .json(.ok, try await call.lab.setKept(isKept, found.number).json)
        },
        Route("DELETE", "/lab/backtests/:id", .decidedByHandler) { call in
            try call.noQuery()
            let found = try run(call, .runStrategy)
            if found.state.isUnderWay {
                return .json(.ok, try await call.lab.cancel(found.number, by: call.actor).json)
            }
            try await call.lab.remove(found.number, by: call.actor)
            return .json(.ok, .object([]))
        },
        Route("POST", "/lab/backtests/:id/repeat", .decidedByHandler, body: .json) { call in
            try call.noQuery()
            try call.object().finish()
            let found = try run(call, .runStrategy)
            return .json(.accepted, try await call.lab.repeatRun(found.number, by: call.actor).json)
        },
        Route("GET", "/lab/backtests/:id/events", .decidedByHandler) { call in
            try call.noQuery()
            let found = try run(call, .viewStrategy)
            return try await EventRoutes.respond(call) { stream in
                try call.lab.follow(.run(found.number), sink: stream)
            }
        },
        Route("GET", "/lab/events", .permitted(.list)) { call in
            try call.noQuery()
            return try await EventRoutes.respond(call) { stream in
                try call.lab.follow(.runs(owner: call.visibleOwner), sink: stream)
            }
        },
        Route("GET", "/lab/backtests/:id/trades", .decidedByHandler) { call in
            try part(call) { $0.trades.map(\.json) }
        },
        Route("GET", "/lab/backtests/:id/fills", .decidedByHandler) { call in
            try part(call) { $0.fills.map(\.labJSON) }
        },
        Route("GET", "/lab/backtests/:id/decisions", .decidedByHandler) { call in
            try part(call) { $0.decisions.map(\.json) }
        },
        Route("GET", "/lab/backtests/:id/equity", .decidedByHandler) { call in
            try part(call, most: 20_000) { $0.equity.map(\.json) }
        },
        Route("GET", "/lab/backtests/:id/log", .decidedByHandler) { call in
            try part(call) { $0.log.map { .string($0) } }
        },
    ]

    /// The run in the path, for whoever may do `action` to its strategy; for others there is none.
    static func run(_ call: APICall, _ action: Action) throws -> LabRun {
        try run(call.parameter("id"), call, action)
    }

    /// The run called `id`, in the same way.
    static func run(_ id: String, _ call: APICall, _ action: Action) throws -> LabRun {
        let missing = HostError.notFound(kind: "backtest", id: id)
        guard let number = Int64(numberedID: id) else { throw missing }
        let run = try call.lab.run(number)
        try call.check(action, owner: run.owner, else: missing)
        return run
    }

    /// Reads the rest of a request and hands it in.
    static func begin(
        _ body: inout ObjectReader, of strategy: String, _ call: APICall
    ) async throws -> HTTPResponse {
        let version = try body.optionalString("version", bytes: 128)
        var request = try BacktestRequest(&body)
        try body.finish()
        request.version = version
        return .json(
            .accepted, try await call.lab.request(request, of: strategy, by: call.actor).json)
    }

    /// `?state=&algorithm=&study=&limit=&after=`; without a study the runs that belong to none.
    static func list(_ call: APICall, _ filter: LabRunFilter) throws -> HTTPResponse {
        var filter = filter
        var query = try call.query()
        if let word = try query.word("state", bytes: 16) {
            guard let state = LabRun.State(rawValue: word) else {
                let allowed = LabRun.State.allCases.map(\.rawValue).joined(separator: ", ")
                throw FieldFailure(field: "state", reason: "\"\(word)\" is not one of \(allowed)")
            }
            filter.state = state
        }
        if filter.algorithm == nil { filter.algorithm = try query.word("algorithm", bytes: 128) }
        if let text = try query.word("study", bytes: 20) {
            guard let study = Int64(text), study > 0 else {
                throw FieldFailure(field: "study", reason: "\"\(text)\" is not the number of a study")
            }
            filter.study = study
        }
        let page = try query.page(default: 50)
        try query.finish()
        var before: Int64?
        if let after = page.after {
            guard let number = Int64(after), number > 0 else {
                throw FieldFailure(field: "after", reason: "is not a cursor that this list has given")
            }
            before = number
        }
        let found = try call.lab.runs(filter, before: before, limit: page.limit)
        return Lists.response(Page(items: found.runs, next: found.next.map(String.init)), \.json)
    }

    /// A part of one of a result's lists, oldest first.
    private static func part(
        _ call: APICall, most: Int = PageRequest.maximum, _ items: (BacktestResult) -> [JSONValue]
    ) throws -> HTTPResponse {
        let found = try run(call, .viewStrategy)
        var query = try call.query()
        let limit = try query.integer("limit", in: 1...most) ?? most
        let after = try query.integer("after", in: 0...Int(Int32.max)) ?? 0
        try query.finish()
        let all = items(try call.lab.result(found.number))
        let part = all.dropFirst(after).prefix(limit)
        let end = after + part.count
        return Lists.response(
            Page(items: Array(part), next: end < all.count && !part.isEmpty ? String(end) : nil)
        ) { $0 }
    }
}
