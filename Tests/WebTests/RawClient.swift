import TestSupport

/// A client of the server that can be as odd as a test wants it.
final class RawClient: LocalConnection {
    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends one request and reads its response.
    func exchange(_ method: String, _ path: String, headers: [String] = [], body: [UInt8]? = nil) throws
        -> Response
    {
        try ask(method, path, headers: ["Host: localhost"] + headers, body: body)
        return try response(
            hasBody: method != "HEAD", untilClosed: headers.contains("Accept: text/event-stream"))
    }
}
