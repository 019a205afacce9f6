import HTTPMessages
import Host
import Identity
import Wire

/// One request on its way through a handler.
struct APICall: Sendable {
    let request: HTTPRequest
    /// Who asks; nil only on open routes.
    let user: Principal?
    /// The cookie's value, when it is a session that asks.
    let session: String?
    let parameters: [String: String]
    let services: APIServices

    var head: HTTPRequestHead { request.head }
    var host: any HostService { services.host }

    /// Who asks, on a route that is not open.
    var principal: Principal {
        guard let user else { preconditionFailure("an open route has no principal") }
        return user
    }

    /// Under whose name things are done.
    var actor: String { principal.name }

    /// The path's part that the route calls `name`.
    func parameter(_ name: String) -> String {
        guard let value = parameters[name] else { preconditionFailure("the route has no \(name)") }
        return value
    }

    /// The strategy in the path.
    var strategy: String { parameter("id") }

    /// Whose things a list may hold.
    var visibleOwner: String? { AccessPolicy.visibleOwner(for: principal) }

    // MARK: - Body and query

    /// The body as a JSON object; empty counts as `{}`.
    func object() throws -> ObjectReader {
        let json = try json()
        guard case .object = json else {
            throw FieldFailure(field: "", reason: "the body must be an object, not \(json.kind)")
        }
        return try ObjectReader(json)
    }

    /// The body as JSON; empty counts as `{}`.
    func json() throws -> JSONValue {
        guard !request.body.isEmpty else { return .object([]) }
        return try JSONParser.parse(request.body)
    }

    /// A reader of the query, which refuses what nobody asks for.
    func query() throws(FieldFailure) -> QueryReader { try QueryReader(head.target.query) }

    /// The page that `?limit=&after=` ask for.
    func page(default limit: Int = 100) throws(FieldFailure) -> PageRequest {
        var query = try query()
        let page = try query.page(default: limit)
        try query.finish()
        return page
    }

    /// Refuses a query where none is taken.
    func noQuery() throws(FieldFailure) { try query().finish() }

    /// Whether the asker wants a stream of events.
    var wantsEvents: Bool { head.headers.lists("text/event-stream", in: "accept") }

    /// Asks the access policy about something of `owner`'s; what somebody may not know of, there is not.
    func check(_ action: Action, owner: String, else failure: HostError) throws {
        guard AccessPolicy.permits(principal, action, owner: owner) else { throw failure }
    }
}

/// Takes a query's parameters one by one and refuses whatever nobody asked for.
struct QueryReader {
    private var values: [String: String] = [:]

    init(_ parameters: [RequestTarget.Parameter]) throws(FieldFailure) {
        for parameter in parameters {
            guard values.updateValue(parameter.value, forKey: parameter.name) == nil else {
                throw FieldFailure(
                    field: String(parameter.name.prefix(64)), reason: "stands twice in the query")
            }
        }
    }

    /// Free text; an empty one counts as absent.
    mutating func text(_ name: String, bytes: Int) throws(FieldFailure) -> String? {
        guard let value = values.removeValue(forKey: name) else { return nil }
        guard value.utf8.count <= bytes else {
            throw FieldFailure(
                field: name, reason: "has \(value.utf8.count) bytes, at most \(bytes) are taken")
        }
        return value.isEmpty ? nil : value
    }

    /// A word of visible ASCII, such as a cursor, an id or a symbol.
    mutating func word(_ name: String, bytes: Int = 256) throws(FieldFailure) -> String? {
        guard let value = values.removeValue(forKey: name) else { return nil }
        guard (1...bytes).contains(value.utf8.count), value.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw FieldFailure(field: name, reason: "must have 1 to \(bytes) letters, digits or signs")
        }
        return value
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(FieldFailure) -> Int? {
        guard let text = try word(name) else { return nil }
        guard text.utf8.first.map({ $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) }) ?? false,
            let number = Int(text), range.contains(number)
        else {
            throw FieldFailure(
                field: name,
                reason:
                    "\"\(text.prefix(32))\" is not a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    mutating func page(default limit: Int) throws(FieldFailure) -> PageRequest {
        PageRequest(
            limit: try integer("limit", in: 1...PageRequest.maximum) ?? limit, after: try word("after"))
    }

    func finish() throws(FieldFailure) {
        guard let name = values.keys.min() else { return }
        let field = name.isEmpty ? "\"\"" : String(name.prefix(64))
        throw FieldFailure(field: field, reason: "is not a known query parameter")
    }
}
