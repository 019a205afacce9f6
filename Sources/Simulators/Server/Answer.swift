import HTTPMessages
import Wire

/// What goes back to a client.
struct Answer {
    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: [UInt8]

    init(_ status: Int, type: String, _ body: [UInt8]) {
        self.status = status
        self.body = body
        headers = [("Content-Type", type)]
    }

    static func json(_ value: JSONValue, status: Int = 200) -> Answer {
        Answer(status, type: "application/json;charset=UTF-8", value.bytes)
    }

    static func html(_ status: Int) -> Answer {
        let words = Self.words(status)
        return Answer(
            status, type: "text/html",
            Array(
                "<html><head><title>\(status) \(words)</title></head><body><h1>\(status) \(words)</h1></body></html>\n"
                    .utf8))
    }

    /// The whole message; `second` is the time for its `Date`, since the epoch.
    func bytes(second: Int64, closes: Bool, hasBody: Bool = true) -> [UInt8] {
        var text = "HTTP/1.1 \(status) \(Self.words(status))\r\nDate: \(HTTPDate.text(max(0, second)))\r\n"
        for header in headers {
            // A line break would let whoever wrote the value add headers of his own.
            let value = header.value.utf8.contains { $0 < 0x20 } ? "" : header.value
            text += "\(header.name): \(value)\r\n"
        }
        text += "Content-Length: \(body.count)\r\n\(closes ? "Connection: close\r\n" : "")\r\n"
        return Array(text.utf8) + (hasBody ? body : [])
    }

    private static func words(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 418: "I'm a teapot"
        case 422: "Unprocessable Entity"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 500: "Internal Server Error"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: status < 400 ? "OK" : "Error"
        }
    }
}
