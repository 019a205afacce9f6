public import Posix
internal import CCurl
internal import CNet
internal import Synchronization

/// Sends HTTP requests: any number at once on one thread of its own, by libcurl.
///
/// It follows no redirects, speaks only http and https, checks certificates, and bounds every response.
public final class HTTPClient: Sendable {
    private let inbox = Mutex(Inbox())
    private let multi: MultiHandle

    private struct Inbox {
        var arriving: [Transfer] = []
        var isClosed = false
    }

    /// Starts the client's thread, which ends when the client is released.
    ///
    /// - Parameter authorities: A PEM file of certificate authorities to trust instead of the system's; nil is the
    ///   system's.
    public init(authorities: String? = nil) throws(SystemCallError) {
        guard let multi = MultiHandle() else {
            throw SystemCallError(call: "curl_multi_init", number: 12)
        }
        self.multi = multi
        let loop = TransferLoop(multi: multi, authorities: authorities) { [weak self] in
            guard let self else { return nil }
            return self.inbox.withLock { inbox in
                defer { inbox.arriving = [] }
                return inbox.arriving
            }
        }
        try Thread.start(name: "net") { loop.run() }
    }

    deinit {
        multi.wake()
    }

    /// Sends a request and waits for the whole response. Statuses such as 404 are responses, not failures.
    public func send(_ request: HTTPRequest) async throws(NetFailure) -> HTTPResponse {
        var request = request
        if request.timeouts.total == nil { request.timeouts.total = .seconds(60) }
        let transfer = try enqueue(request)
        var head = HTTPHead(status: 0, headers: [])
        var body: [UInt8] = []
        while true {
            switch try await transfer.next() {
            case .head(let arrived): head = arrived
            case .bytes(let bytes): body += bytes
            case .end: return HTTPResponse(head: head, body: body)
            }
        }
    }

    /// Sends a request without waiting for the response.
    ///
    /// `completion` is called once, on the client's thread as a rule, and must be quick: other transfers wait for it.
    /// The client lives until then.
    public func send(
        _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, NetFailure>) -> Void
    ) {
        var request = request
        if request.timeouts.total == nil { request.timeouts.total = .seconds(60) }
        do throws(NetFailure) {
            try enqueue(request) { [self] result in withExtendedLifetime(self) { completion(result) } }
        } catch {
            completion(.failure(error))
        }
    }

    /// Sends a request and waits for the response's head; its body is read piece by piece, without end if need be.
    public func stream(_ request: HTTPRequest) async throws(NetFailure) -> HTTPStream {
        var request = request
        request.timeouts.total = nil
        let transfer = try enqueue(request)
        guard case .head(let head) = try await transfer.next() else {
            throw NetFailure(.interrupted, server: transfer.server, mayHaveArrived: true)
        }
        return HTTPStream(head: head, transfer: transfer)
    }

    @discardableResult
    private func enqueue(
        _ request: HTTPRequest, completion: Transfer.Completion? = nil
    ) throws(NetFailure) -> Transfer {
        guard let server = Self.server(of: request.url) else {
            throw NetFailure(.badRequest, server: "that", mayHaveArrived: false)
        }
        let transfer = Transfer(request, server: server, completion: completion) { [multi] in multi.wake() }
        inbox.withLock { $0.arriving.append(transfer) }
        multi.wake()
        return transfer
    }

    /// Scheme, host and port of a URL, without a name and password that may stand before the host.
    private static func server(of url: String) -> String? {
        for scheme in ["http://", "https://"] where url.lowercased().hasPrefix(scheme) {
            let authority = url.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
            let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
            return host.isEmpty ? nil : scheme + host
        }
        return nil
    }
}

/// A response that is read while it arrives. Releasing it ends the request.
public final class HTTPStream: Sendable {
    /// Status and headers.
    public let head: HTTPHead
    private let transfer: Transfer

    init(head: HTTPHead, transfer: Transfer) {
        self.head = head
        self.transfer = transfer
    }

    deinit {
        transfer.cancel()
    }

    /// The next piece of the body, or nil at its end.
    public func next() async throws(NetFailure) -> [UInt8]? {
        switch try await transfer.next() {
        case .bytes(let bytes): bytes
        case .head, .end: nil
        }
    }
}
