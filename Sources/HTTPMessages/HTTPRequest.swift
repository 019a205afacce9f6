/// Who sent a request.
public struct RequestOrigin: Hashable, Sendable {
    /// The other side's address, without a port.
    public let peer: String
    /// Whether it came over TLS: ours, or that of the proxy before us.
    public let isSecure: Bool

    /// Describes a sender.
    public init(peer: String, isSecure: Bool) {
        self.peer = peer
        self.isSecure = isSecure
    }
}

/// The first part of a request: everything before its body.
public struct HTTPRequestHead: Sendable {
    /// The method as it came, such as `GET`; any token of at most 16 bytes.
    public let method: String
    public let target: RequestTarget
    public let headers: HTTPHeaders
    public let origin: RequestOrigin
    /// How long the body is: nil when it comes in chunks.
    public let contentLength: Int?
    /// Whether it speaks HTTP/1.0, which knows no chunks.
    public let isOld: Bool

    /// Puts a head together, for a test; otherwise the server does.
    public init(
        method: String, target: RequestTarget, headers: HTTPHeaders, origin: RequestOrigin,
        contentLength: Int? = 0, isOld: Bool = false
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.origin = origin
        self.contentLength = contentLength
        self.isOld = isOld
    }

    /// A cookie's value; nil when there is none or more than one of that name.
    public func cookie(_ name: String) -> String? {
        var found: String?
        for field in headers.fields where field.name == "cookie" {
            for pair in field.value.split(separator: ";") {
                let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard halves.count == 2, halves[0].trimmed == name else { continue }
                guard found == nil else { return nil }
                found = String(halves[1].trimmed)
            }
        }
        return found
    }

    /// The media type of the body in lower case, without parameters.
    public var mediaType: String? {
        headers["content-type"]?.split(separator: ";", maxSplits: 1).first.map { $0.trimmed.lowercased() }
    }
}

/// A whole request.
public struct HTTPRequest: Sendable {
    public let head: HTTPRequestHead
    public let body: [UInt8]

    /// Puts a request together.
    public init(head: HTTPRequestHead, body: [UInt8]) {
        self.head = head
        self.body = body
    }
}

/// Why a request was not read to its end. The message reaches the sender.
public struct HTTPFailure: Error, Hashable, Sendable {
    public let status: HTTPStatus
    public let message: String

    /// Words a failure.
    public init(_ status: HTTPStatus, _ message: String) {
        self.status = status
        self.message = message
    }
}
