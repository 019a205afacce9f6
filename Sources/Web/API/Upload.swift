import HTTPMessages
import Host
import Wire

/// What a request brings: a bundle, and perhaps how to start it.
struct Upload {
    static let rawMediaTypes = [
        "application/zip", "text/x-python", "application/x-executable", "application/octet-stream",
    ]
    static let mediaTypes = ["multipart/form-data"] + rawMediaTypes

    let bundle: BundleUpload
    /// The form's `start`: the body of `POST /strategies/:id/start`.
    let start: JSONValue?

    /// Reads a form, or the file itself with `?name=`.
    ///
    /// - Parameter takesStart: Whether the form may have the field `start`.
    init(_ call: APICall, takesStart: Bool = false) throws {
        var query = try call.query()
        let name = try query.text("name", bytes: 128)
        try query.finish()
        guard !call.request.body.isEmpty else {
            throw FieldFailure(field: "file", reason: "is missing: send a form, or the file itself")
        }
        guard call.head.mediaType == "multipart/form-data" else {
            bundle = BundleUpload(content: call.request.body, fileName: nil, name: name)
            start = nil
            return
        }
        let form: MultipartForm
        do {
            form = try MultipartForm(call.request.body, contentType: call.head.headers["content-type"] ?? "")
        } catch {
            throw APIError(.badRequest, "invalid_form", error.reason)
        }
        var (bundle, begin) = try Self.read(form, takesStart: takesStart)
        bundle.name = bundle.name ?? name
        self.bundle = bundle
        start = begin
    }

    private static func read(
        _ form: MultipartForm, takesStart: Bool
    ) throws -> (BundleUpload, start: JSONValue?) {
        var bundle: BundleUpload?
        var name: String?
        var config: [UInt8]?
        var start: JSONValue?
        for part in form.parts {
            switch part.name {
            case "file": bundle = BundleUpload(content: Array(part.content), fileName: part.fileName)
            case "name": name = try text(part)
            case "config": config = part.content.isEmpty ? nil : Array(part.content)
            case "start" where takesStart:
                do {
                    start = try JSONParser.parse(part.content)
                } catch {
                    throw FieldFailure(field: "start", reason: "is not JSON: \(error)")
                }
            default:
                throw FieldFailure(field: String(part.name.prefix(64)), reason: "is not a known field")
            }
        }
        guard var bundle, !bundle.content.isEmpty else {
            throw FieldFailure(field: "file", reason: "is missing or empty")
        }
        bundle.name = name
        bundle.config = config
        return (bundle, start)
    }

    private static func text(_ part: MultipartForm.Part) throws(FieldFailure) -> String? {
        guard part.content.count <= 128, let text = String(validating: part.content, as: UTF8.self) else {
            throw FieldFailure(field: part.name, reason: "must be at most 128 bytes of UTF-8")
        }
        return text.isEmpty ? nil : text
    }
}
