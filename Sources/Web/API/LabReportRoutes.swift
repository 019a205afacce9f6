import HTTPMessages
import Host
import Identity
import Lab
import Wire

/// What is told of backtests that have run: the report, as JSON, page and tables, and runs side by side.
enum LabReportRoutes {
    static let all: [Route] = [
        Route("GET", "/lab/backtests/:id/report", .decidedByHandler) { call in
            .json(.ok, try await report(call) { $0.json })
        },
        Route("GET", "/lab/backtests/:id/report.html", .decidedByHandler) { call in
            page(try await report(call) { $0.html })
        },
        Route("GET", "/lab/backtests/:id/trades.csv", .decidedByHandler) { call in
            try table(call, "trades") { RunTables.trades($0.trades) }
        },
        Route("GET", "/lab/backtests/:id/fills.csv", .decidedByHandler) { call in
            try table(call, "fills") { RunTables.fills($0.fills) }
        },
        Route("GET", "/lab/backtests/:id/equity.csv", .decidedByHandler) { call in
            try table(call, "equity") { RunTables.equity($0.equity) }
        },
        Route("GET", "/lab/compare", .decidedByHandler) { call in
            .json(.ok, try await comparison(call) { $0.json })
        },
        Route("GET", "/lab/compare.html", .decidedByHandler) { call in
            page(try await comparison(call) { $0.html })
        },
    ]

    private static func report<Form: Sendable>(
        _ call: APICall, as form: @escaping @Sendable (RunReport) -> Form
    ) async throws -> Form {
        try call.noQuery()
        let run = try LabRunRoutes.run(call, .viewStrategy)
        return try await call.lab.report(run.number, as: form)
    }

    /// `?ids=1,2,3`, each of which the asker may see.
    private static func comparison<Form: Sendable>(
        _ call: APICall, as form: @escaping @Sendable (RunComparison) -> Form
    ) async throws -> Form {
        var query = try call.query()
        let text = try query.word("ids", bytes: 256)
        try query.finish()
        guard let text else {
            throw FieldFailure(field: "ids", reason: "is missing; it is a list such as 1,2")
        }
        let ids = text.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
        let limit = RunComparison.runLimit
        guard limit.contains(ids.count), Set(ids).count == ids.count else {
            throw FieldFailure(
                field: "ids", reason: "must name \(limit.lowerBound) to \(limit.upperBound) different runs")
        }
        let runs = try ids.map { try LabRunRoutes.run($0, call, .viewStrategy) }
        return try await call.lab.comparison(runs.map(\.number), as: form)
    }

    private static func table(
        _ call: APICall, _ name: String, _ rows: (BacktestResult) -> [UInt8]
    ) throws -> HTTPResponse {
        try call.noQuery()
        let run = try LabRunRoutes.run(call, .viewStrategy)
        return HTTPResponse(
            .ok,
            headers: [
                "content-type": "text/csv; charset=utf-8", "cache-control": "no-store",
                "content-disposition": "attachment; filename=\"bullpen-\(name)-\(run.number).csv\"",
            ],
            body: .bytes(rows(try call.lab.result(run.number))))
    }

    /// A page of its own: it bears its styles in itself, and nothing in it may run or fetch.
    private static func page(_ bytes: [UInt8]) -> HTTPResponse {
        HTTPResponse(
            .ok,
            headers: [
                "content-type": "text/html; charset=utf-8", "cache-control": "no-store",
                "content-security-policy":
                    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
                    + "frame-ancestors 'none'; sandbox",
            ],
            body: .bytes(bytes))
    }
}
