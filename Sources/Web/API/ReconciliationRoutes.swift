import HTTPMessages
import Host
import Identity
import Trading
import Wire

/// What venues hold against what the books say.
enum ReconciliationRoutes {
    static let all: [Route] = [
        Route("GET", "/reconciliation", .permitted(.viewAccounts)) { call in
            let page = try call.page(default: 1000)
            return try Lists.response(all: await call.host.reconciliations(), page, \.json)
        },
        Route(
            "POST", "/accounts/:id/reconcile", .permitted(.changeAccounts), body: .json, handler: reconcile),
    ]

    private static func reconcile(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        var request = ReconcileRequest(accepts: try body.optionalBool("accept") ?? false)
        if let rows = try body.optionalArray("expected") {
            var expected: [ReconciliationView.Accepted] = []
            for row in rows {
                var reader = try ObjectReader(row)
                expected.append(
                    .init(
                        asset: try reader.string("asset", bytes: 64), amount: try reader.decimal("amount")))
                try reader.finish()
            }
            request.expected = expected
        }
        try body.finish()
        return .json(
            .ok, try await call.host.reconcile(call.parameter("id"), request, by: call.actor).json)
    }
}
