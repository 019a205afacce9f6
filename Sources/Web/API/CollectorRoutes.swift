import HTTPMessages
import Host
import Identity
import Trading
import Wire

/// Collectors, downloads, prices that were collected, and what is asked of venues in public.
enum CollectorRoutes {
    static let all: [Route] = [
        Route("GET", "/data/collectors", .permitted(.viewMarketData)) { call in
            let page = try call.page(default: 1000)
            return try Lists.response(all: await call.host.collectors(), page, \.self)
        },
        Route("POST", "/data/collectors", .permitted(.changeMarketData), body: .json) { call in
            try call.noQuery()
            return .json(.created, try await call.host.addCollector(try settings(call), by: call.actor))
        },
        Route("GET", "/data/collectors/:id", .permitted(.viewMarketData)) { call in
            try call.noQuery()
            return .json(.ok, try await call.host.collector(call.parameter("id")))
        },
        Route("PATCH", "/data/collectors/:id", .permitted(.changeMarketData), body: .json) { call in
            try call.noQuery()
            let view = try await call.host.changeCollector(
                call.parameter("id"), try settings(call), by: call.actor)
            return .json(.ok, view)
        },
        Route("DELETE", "/data/collectors/:id", .permitted(.changeMarketData)) { call in
            try call.noQuery()
            try await call.host.removeCollector(call.parameter("id"), by: call.actor)
            return .json(.ok, .object([]))
        },
        Route("POST", "/data/collectors/:id/run", .permitted(.changeMarketData), body: .json) { call in
            try call.noQuery()
            try call.object().finish()
            return .json(.ok, try await call.host.runCollector(call.parameter("id"), by: call.actor))
        },
        Route("GET", "/data/downloads", .permitted(.viewMarketData)) { call in
            let page = try call.page(default: 1000)
            return try Lists.response(all: await call.host.downloads(), page, \.self)
        },
        Route("POST", "/data/downloads", .permitted(.changeMarketData), body: .json) { call in
            try call.noQuery()
            return .json(.created, try await call.host.addDownload(try settings(call), by: call.actor))
        },
        Route("GET", "/data/downloads/:id", .permitted(.viewMarketData)) { call in
            try call.noQuery()
            return .json(.ok, try await call.host.download(call.parameter("id")))
        },
        Route("DELETE", "/data/downloads/:id", .permitted(.changeMarketData)) { call in
            try call.noQuery()
            return .json(.ok, try await call.host.cancelDownload(call.parameter("id"), by: call.actor))
        },
        Route("GET", "/data/prices", .permitted(.viewMarketData), handler: prices),
        Route("GET", "/data/quote", .permitted(.viewMarketData)) { call in
            var query = try call.query()
            let (venue, symbol) = try instrument(&query)
            try query.finish()
            return .json(.ok, try await call.host.venueQuote(of: symbol, at: venue))
        },
        Route("GET", "/data/trades", .permitted(.viewMarketData)) { call in
            var query = try call.query()
            let (venue, symbol) = try instrument(&query)
            let limit = try query.integer("limit", in: 1...500) ?? 100
            try query.finish()
            return .json(.ok, try await call.host.venueTrades(of: symbol, at: venue, limit: limit))
        },
    ]

    private static func settings(_ call: APICall) throws -> JSONValue {
        let json = try call.json()
        guard case .object = json else {
            throw FieldFailure(field: "", reason: "the body must be an object, not \(json.kind)")
        }
        return json
    }

    private static func instrument(
        _ query: inout QueryReader
    ) throws(FieldFailure) -> (venue: String, symbol: String) {
        guard let venue = try query.word("venue", bytes: 40) else {
            throw FieldFailure(field: "venue", reason: "is missing")
        }
        guard let symbol = try query.word("symbol", bytes: 32) else {
            throw FieldFailure(field: "symbol", reason: "is missing")
        }
        return (venue, symbol)
    }

    private static func prices(_ call: APICall) async throws -> HTTPResponse {
        var query = try call.query()
        let coin = try query.word("coin", bytes: 32)?.lowercased()
        let latest = 253_402_300_799_999
        let from = try query.integer("from", in: 0...latest) ?? 0
        let to = try query.integer("to", in: 0...latest) ?? latest
        let limit = try query.integer("limit", in: 1...1000) ?? 100
        try query.finish()
        let rows = try await call.host.coinPrices(
            of: coin, from: Timestamp(milliseconds: Int64(from)), to: Timestamp(milliseconds: Int64(to)),
            limit: limit)
        return .json(.ok, .members(["items": .array(rows)]))
    }
}
