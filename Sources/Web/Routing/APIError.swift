import HTTPMessages
import Host
import Identity
import Lab
import Wire

/// Why a request was not carried out, as the API says it.
struct APIError: Error, Hashable, Sendable {
    let status: HTTPStatus
    /// A word for programs.
    let code: String
    /// Words for a person.
    let message: String
    /// The field it is about.
    var field: String?
    /// What is wrong with an uploaded bundle.
    var problems: [ValidationReport.Problem] = []
    /// In how many seconds it may be tried again.
    var retryAfter: Int?

    init(_ status: HTTPStatus, _ code: String, _ message: String, field: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.field = field
    }

    /// What any error means to the asker. Nil for one that is our own fault, of which he learns nothing.
    init?(_ error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let error as HostError: self.init(host: error)
        case let error as IdentityError: self.init(identity: error)
        case let error as LabFailure: self.init(lab: error)
        case let failure as FieldFailure: self.init(field: failure)
        case let failure as JSONParser.Failure:
            self.init(.badRequest, "invalid_json", "the body is not JSON: \(failure)")
        default: return nil
        }
    }

    init(field failure: FieldFailure) {
        self.init(
            .badRequest, "invalid_field", failure.description,
            field: failure.field.isEmpty ? nil : failure.field)
    }

    private init(host error: HostError) {
        switch error {
        case .notFound: self.init(.notFound, "not_found", error.description)
        case .notRunning: self.init(.conflict, "not_running", error.description)
        case .conflict: self.init(.conflict, "conflict", error.description)
        case .invalid(let failure): self.init(field: failure)
        case .refused(let report):
            self.init(.badRequest, "bundle_refused", error.description)
            problems = report.problems
            field = report.problems.first?.field
        case .denied: self.init(.forbidden, "denied", error.description)
        case .tooLarge: self.init(.contentTooLarge, "too_large", error.description)
        case .unavailable:
            self.init(.unavailable, "unavailable", error.description)
            retryAfter = 5
        }
    }

    private init(lab error: LabFailure) {
        switch error {
        case .notFound: self.init(.notFound, "not_found", error.description)
        case .invalid(let failure): self.init(field: failure)
        case .conflict: self.init(.conflict, "conflict", error.description)
        case .tooManyWaiting:
            self.init(.tooManyRequests, "too_many_waiting", error.description)
            retryAfter = 60
        case .unavailable:
            self.init(.unavailable, "unavailable", error.description)
            retryAfter = 5
        }
    }

    private init(identity error: IdentityError) {
        switch error {
        case .wrongCredentials: self.init(.unauthorized, "wrong_credentials", error.description)
        case .throttled(let milliseconds):
            self.init(.tooManyRequests, "too_many_attempts", error.description)
            retryAfter = Int((milliseconds + 999) / 1000)
        case .busy:
            self.init(.unavailable, "unavailable", error.description)
            retryAfter = 1
        case .invalid(let field, _):
            self.init(.badRequest, "invalid_field", error.description, field: field)
        case .notFound: self.init(.notFound, "not_found", error.description)
        case .conflict: self.init(.conflict, "conflict", error.description)
        case .storage: self.init(.unavailable, "unavailable", error.description)
        }
    }

    /// The code for a refusal by the server itself.
    static func code(for status: HTTPStatus) -> String {
        switch status {
        case .contentTooLarge: "too_large"
        case .requestTimeout: "timeout"
        case .misdirectedRequest: "foreign_host"
        case .unavailable: "unavailable"
        case .uriTooLong, .headersTooLarge: "head_too_large"
        case .expectationFailed: "expectation_failed"
        case .notImplemented, .versionNotSupported: "not_supported"
        default: "malformed_request"
        }
    }

    var response: HTTPResponse {
        var error: [JSONValue.Member] = [
            .init("code", .string(code)), .init("message", .string(message)),
            .init("field", .optional(field)),
        ]
        if !problems.isEmpty { error.append(.init("problems", .array(problems.map(\.json)))) }
        var response = HTTPResponse.json(status, .object([.init("error", .object(error))]))
        if let retryAfter { response.headers.add("Retry-After", String(retryAfter)) }
        if status == .unauthorized { response.headers.add("WWW-Authenticate", "Bearer realm=\"bullpen\"") }
        return response
    }
}

extension HTTPResponse {
    /// A JSON answer, which no cache keeps.
    static func json(_ status: HTTPStatus = .ok, _ value: JSONValue) -> HTTPResponse {
        HTTPResponse(
            status, headers: ["content-type": "application/json", "cache-control": "no-store"],
            body: .bytes(value.bytes))
    }
}
