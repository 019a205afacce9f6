import HTTPMessages
import Host
import Identity
import MarketData
import Trading
import Wire

/// Stored market data: what there is, candles, gaps, imports.
enum DataRoutes {
    static let all: [Route] = [
        Route("GET", "/data/series", .permitted(.viewMarketData)) { call in
            let page = try call.page(default: 1000)
            return try Lists.response(all: await call.host.dataSeries(), page, \.json)
        },
        Route("GET", "/data/candles", .permitted(.viewMarketData), handler: candles),
        Route("GET", "/data/candles.csv.gz", .permitted(.viewMarketData), handler: export),
        Route("GET", "/data/latest", .permitted(.viewMarketData)) { call in
            var query = try call.query()
            let (venue, symbol) = (try name("venue", &query), try name("symbol", &query))
            let page = try query.page(default: 1000)
            try query.finish()
            return try Lists.response(
                all: await call.host.latestCandles(venue: venue, symbol: symbol), page, \.json)
        },
        Route("GET", "/data/gaps", .permitted(.viewMarketData)) { call in
            var query = try call.query()
            let series = try series(&query)
            let (start, end) = (try time("from", &query), try time("to", &query))
            let limit = try query.integer("limit", in: 1...10_000) ?? 1000
            try query.finish()
            let gaps = try await call.host.dataGaps(of: series, from: start, to: end, limit: limit)
            return .json(.ok, gaps.json)
        },
        Route(
            "POST", "/data/import", .permitted(.changeMarketData), body: .upload, handler: importFile),
        Route(
            "PATCH", "/data/series/:venue/:symbol/:resolution", .permitted(.changeMarketData), body: .json,
            handler: keep),
        Route("DELETE", "/data/series/:venue/:symbol/:resolution", .permitted(.changeMarketData)) { call in
            try call.noQuery()
            try await call.host.deleteCandles(of: try series(call), by: call.actor)
            return .json(.ok, .object([]))
        },
    ]

    private static func candles(_ call: APICall) async throws -> HTTPResponse {
        var query = try call.query()
        let request = CandleRequest(
            series: try series(&query), start: try time("from", &query), end: try time("to", &query),
            after: try time("after", &query),
            limit: try query.integer("limit", in: 1...CandleRequest.maximum) ?? 1000)
        try query.finish()
        return .json(.ok, try await call.host.dataCandles(request).json)
    }

    /// Read from disk piece by piece while the other side takes it.
    private static func export(_ call: APICall) async throws -> HTTPResponse {
        var query = try call.query()
        let series = try series(&query)
        let (start, end) = (try time("from", &query), try time("to", &query))
        try query.finish()
        let file = try await call.host.exportCandles(of: series, from: start, to: end)
        // A series' names have nothing in them that a header or a file's name may not have.
        let name = "\(series.venue)-\(series.symbol)-\(series.resolution).csv.gz"
        return HTTPResponse(
            .ok,
            headers: [
                "content-type": "application/gzip", "cache-control": "no-store",
                "content-disposition": "attachment; filename=\"\(name)\"",
            ],
            body: .file(file))
    }

    private static func keep(_ call: APICall) async throws -> HTTPResponse {
        try call.noQuery()
        var body = try call.object()
        let days: Int?
        // Null keeps everything; leaving it out must not.
        switch try call.json()["keep_days"] {
        case .some(.null):
            _ = body.optional("keep_days")
            days = nil
        default: days = try body.integer("keep_days", in: 1...36_500)
        }
        try body.finish()
        let view = try await call.host.keepCandles(of: try series(call), days: days, by: call.actor)
        return .json(.ok, view.json)
    }

    // MARK: - Import

    private static func importFile(_ call: APICall) async throws -> HTTPResponse {
        var query = try call.query()
        var fields: [String: String] = [:]
        for name in ["venue", "symbol", "resolution"] { fields[name] = try query.text(name, bytes: 64) }
        try query.finish()
        var content = call.request.body
        if call.head.mediaType == "multipart/form-data" {
            content = try form(call, &fields)
        } else {
            guard call.head.mediaType == "application/octet-stream" else {
                throw APIError(
                    .unsupportedMediaType, "unsupported_media_type",
                    "send a form (multipart/form-data), or the file itself as application/octet-stream")
            }
        }
        guard !content.isEmpty else { throw FieldFailure(field: "file", reason: "is missing or empty") }
        for name in ["venue", "symbol", "resolution"] where fields[name] == nil {
            throw FieldFailure(field: name, reason: "is missing")
        }
        let series = try key(fields["venue"] ?? "", fields["symbol"] ?? "", fields["resolution"] ?? "")
        let outcome = try await call.host.importCandles(
            CandleUpload(content: content, series: series), by: call.actor)
        return .json(.ok, outcome.json)
    }

    /// Takes a form apart; what its file's name says stands for what is said nowhere else.
    private static func form(_ call: APICall, _ fields: inout [String: String]) throws -> [UInt8] {
        let form: MultipartForm
        do {
            form = try MultipartForm(call.request.body, contentType: call.head.headers["content-type"] ?? "")
        } catch {
            throw APIError(.badRequest, "invalid_form", error.reason)
        }
        var content: [UInt8] = []
        var file: CandleFileName?
        for part in form.parts {
            switch part.name {
            case "file":
                content = Array(part.content)
                file = part.fileName.flatMap { CandleFileName(path: $0) }
            case "venue", "symbol", "resolution":
                guard part.content.count <= 64, let text = String(validating: part.content, as: UTF8.self)
                else {
                    throw FieldFailure(field: part.name, reason: "must be at most 64 bytes of UTF-8")
                }
                if !text.isEmpty { fields[part.name] = text }
            default: throw FieldFailure(field: String(part.name.prefix(64)), reason: "is not a known field")
            }
        }
        if let file {
            fields["venue"] = fields["venue"] ?? file.venue
            fields["symbol"] = fields["symbol"] ?? file.symbol
            fields["resolution"] = fields["resolution"] ?? file.resolution.description
        }
        return content
    }

    // MARK: - Naming a series

    private static func series(_ query: inout QueryReader) throws(FieldFailure) -> SeriesKey {
        var texts: [String] = []
        for name in ["venue", "symbol", "resolution"] {
            guard let text = try query.text(name, bytes: 64) else {
                throw FieldFailure(field: name, reason: "is missing")
            }
            texts.append(text)
        }
        return try key(texts[0], texts[1], texts[2])
    }

    private static func series(_ call: APICall) throws(FieldFailure) -> SeriesKey {
        try key(call.parameter("venue"), call.parameter("symbol"), call.parameter("resolution"))
    }

    private static func key(
        _ venue: String, _ symbol: String, _ resolution: String
    ) throws(FieldFailure) -> SeriesKey {
        for (name, text) in [("venue", venue), ("symbol", symbol)] where !SeriesKey.isName(text) {
            throw FieldFailure(
                field: name, reason: "must have 1 to 64 letters, digits, points, hyphens and underscores")
        }
        guard let length = Resolution(resolution) else {
            throw FieldFailure(
                field: "resolution",
                reason: "\"\(resolution.prefix(16))\" is not a length such as 1m, 4h or 1d")
        }
        return SeriesKey(venue: venue, symbol: symbol, resolution: length)
    }

    private static func name(_ name: String, _ query: inout QueryReader) throws(FieldFailure) -> String? {
        guard let text = try query.text(name, bytes: 64) else { return nil }
        guard SeriesKey.isName(text) else {
            throw FieldFailure(
                field: name, reason: "must have 1 to 64 letters, digits, points, hyphens and underscores")
        }
        return text
    }

    /// An instant in milliseconds, from 1970 to 9999.
    private static func time(_ name: String, _ query: inout QueryReader) throws(FieldFailure) -> Timestamp? {
        try query.integer(name, in: 0...253_402_300_799_999).map { Timestamp(milliseconds: Int64($0)) }
    }
}
