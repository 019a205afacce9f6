import HTTPMessages
import Host
import Identity
import Lab
import Wire

/// Strategies as the Lab sees them: notes, tags, versions and what changed between them.
enum LabRoutes {
    static let all: [Route] = [
        Route("GET", "/lab/algorithms", .permitted(.list), handler: list),
        Route("POST", "/lab/algorithms", .permitted(.uploadStrategy), body: .upload) { call in
            let upload = try Upload(call)
            let lab = try call.lab
            let taken = try await call.host.takeIn(upload.bundle, by: call.actor)
            guard case .object(let members) = try lab.algorithm(taken.strategy).fullJSON else {
                preconditionFailure("an algorithm is an object")
            }
            return .json(
                taken.isNew ? .created : .ok,
                .object(members + [.init("uploaded_version", .string(taken.version))]))
        },
        Route("GET", "/lab/algorithms/:id", .strategy(.viewStrategy)) { call in
            try call.noQuery()
            return .json(.ok, try call.lab.algorithm(call.strategy).fullJSON)
        },
        Route("PUT", "/lab/algorithms/:id", .strategy(.changeStrategy), body: .json) { call in
            try call.noQuery()
            let view = try await call.lab.change(call.strategy, try call.json(), by: call.actor)
            return .json(.ok, view.fullJSON)
        },
        Route("DELETE", "/lab/algorithms/:id", .strategy(.deleteStrategy)) { call in
            try call.noQuery()
            let lab = try call.lab
            try lab.checkDeletable(call.strategy)
            try await call.host.delete(call.strategy, by: call.actor)
            try await lab.store.forget(algorithm: call.strategy)
            return .json(.ok, .object([]))
        },
        Route("GET", "/lab/algorithms/:id/versions", .strategy(.viewStrategy)) { call in
            let versions = try call.lab.algorithm(call.strategy).versions
            return try Lists.response(all: versions, call.page()) { $0 }
        },
        Route(
            "POST", "/lab/algorithms/:id/versions", .strategy(.changeStrategy), body: .upload
        ) { call in
            let upload = try Upload(call)
            _ = try await call.host.uploadVersion(upload.bundle, of: call.strategy, by: call.actor)
            return .json(.created, try call.lab.algorithm(call.strategy).fullJSON)
        },
        Route("GET", "/lab/algorithms/:id/versions/diff", .strategy(.viewStrategy), handler: diff),
        Route("GET", "/lab/algorithms/:id/backtests", .strategy(.viewStrategy)) { call in
            try LabRunRoutes.list(call, LabRunFilter(algorithm: call.strategy))
        },
        Route("POST", "/lab/algorithms/:id/backtests", .strategy(.runStrategy), body: .json) { call in
            try call.noQuery()
            var body = try call.object()
            return try await LabRunRoutes.begin(&body, of: call.strategy, call)
        },
    ]

    private static func list(_ call: APICall) async throws -> HTTPResponse {
        var query = try call.query()
        let tag = try query.text("tag", bytes: 40)
        let word = try query.word("status", bytes: 16)
        let page = try query.page(default: 100)
        try query.finish()
        let status = word.flatMap(VersionStatus.init(rawValue:))
        if let word, status == nil {
            let allowed = VersionStatus.allCases.map(\.rawValue).joined(separator: ", ")
            throw FieldFailure(field: "status", reason: "\"\(word)\" is not one of \(allowed)")
        }
        let found = try call.lab.algorithms(owner: call.visibleOwner).filter { one in
            (tag == nil || one.lab.notes.tags.contains { $0 == tag })
                && (status == nil || one.status == status)
        }
        return try Lists.response(all: found, page, \.json)
    }

    private static func diff(_ call: APICall) async throws -> HTTPResponse {
        var query = try call.query()
        let from = try query.word("from", bytes: 128)
        let to = try query.word("to", bytes: 128)
        try query.finish()
        return .json(.ok, try call.lab.diff(of: call.strategy, from: from, to: to).json)
    }
}
