public import HTTPMessages

/// What answers requests. The server knows sockets and HTTP, this knows what is asked.
public protocol HTTPApplication: Sendable {
    /// Decides about a request when its head has arrived and none of its body, on the server's own thread: at once.
    func admit(_ head: HTTPRequestHead) -> Admission
    /// Words a refusal by the server itself, such as for a malformed request or an over-long body.
    ///
    /// - Parameter head: The request's head, when it got that far.
    func refuse(_ status: HTTPStatus, _ message: String, head: HTTPRequestHead?) -> HTTPResponse
}

/// What becomes of a request.
public enum Admission: Sendable {
    /// It is answered now; its body, if any, is not read.
    case answer(HTTPResponse)
    /// Its body is read up to a limit in bytes, then it is handed over.
    case read(bodyLimit: Int, handler: @Sendable (HTTPRequest) async -> HTTPResponse)
}
