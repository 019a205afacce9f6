import HTTPMessages
import Host
import Identity
import Wire

/// The audit trail: what it holds, and whether it is what was written.
enum AuditRoutes {
    static let all: [Route] = [
        Route("GET", "/audit", .permitted(.viewAudit), handler: list),
        Route("GET", "/audit/verify", .permitted(.viewAudit), handler: verify),
    ]

    private static func list(_ call: APICall) async throws -> HTTPResponse {
        let page = try call.page()
        let trail = call.services.identity.audit
        let entries = try await trail.entries(before: try number(page.after), limit: page.limit)
        let next = entries.count == page.limit ? entries.last.map { String($0.id) } : nil
        return .json(
            .ok,
            .members([
                "items": .array(entries.map(json)), "next": .optional(next),
                "head": json(try await trail.head()),
            ]))
    }

    /// Looks through at most so many records at a time, so that no request is long.
    private static let verifyLimit = 100_000

    private static func verify(_ call: APICall) async throws -> HTTPResponse {
        var query = try call.query()
        let limit = try query.integer("limit", in: 1...verifyLimit) ?? 10_000
        let after = try number(try query.word("after"))
        let wanted = try query.word("head")
        try query.finish()
        if let wanted, !AuditVerification.isHash(wanted) {
            throw FieldFailure(field: "head", reason: "must be 64 hexadecimal digits")
        }
        let found = try call.services.identity.audit.verify(after: after, limit: limit, wanted: wanted)
        return .json(.ok, json(found))
    }

    private static func number(_ cursor: String?) throws(FieldFailure) -> Int64? {
        guard let cursor else { return nil }
        guard let id = Int64(cursor), id > 0 else {
            throw FieldFailure(field: "after", reason: "is not a cursor that this list has given")
        }
        return id
    }

    private static func json(_ found: AuditVerification) -> JSONValue {
        .members([
            "whole": .bool(found.flaw == nil), "checked": .integer(found.checked),
            "next": .optional(found.next.map(String.init)),
            "flaw": found.flaw.map {
                JSONValue.members(["record": .string(String($0.record)), "reason": .string($0.reason)])
            } ?? .null,
            "head": json(found.head), "found": .optional(found.found.map(String.init)),
        ])
    }

    private static func json(_ head: AuditHead) -> JSONValue {
        .members(["record": .string(String(head.record)), "hash": .string(head.hash)])
    }

    private static func json(_ entry: AuditEntry) -> JSONValue {
        .members([
            "id": .string(String(entry.id)), "time": .integer(entry.time), "user": .string(entry.actor),
            "action": .string(entry.action), "subject": .string(entry.subject), "detail": detail(entry),
            "hash": .string(entry.hash),
        ])
    }

    /// What was kept as JSON text is given as JSON again; other words as a string, none as null.
    private static func detail(_ entry: AuditEntry) -> JSONValue {
        guard !entry.detail.isEmpty else { return .null }
        guard entry.detail.hasPrefix("{") else { return .string(entry.detail) }
        do {
            return try JSONParser.parse(entry.detail)
        } catch {
            // It was cut at the trail's limit.
            return .string(entry.detail)
        }
    }
}
