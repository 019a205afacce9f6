/// One request, whole.
public struct HTTPRequest: Sendable {
    /// What the request carries.
    public enum Body: Sendable {
        case none
        case bytes([UInt8], contentType: String)
        case form([Part])
    }

    /// One part of a multipart form.
    public struct Part: Sendable {
        /// Where the content of a part is.
        public enum Content: Sendable {
            case bytes([UInt8])
            /// A file, which is read while it is sent.
            case file(path: String)
        }

        public let name: String
        public let fileName: String?
        public let contentType: String?
        public let content: Content

        /// Describes a part. One with a file name is a file to the server.
        public init(name: String, fileName: String? = nil, contentType: String? = nil, content: Content) {
            self.name = name
            self.fileName = fileName
            self.contentType = contentType
            self.content = content
        }
    }

    /// How long the steps of a request may take.
    public struct Timeouts: Sendable {
        /// Until the connection stands.
        public var connect: Duration
        /// Until the whole response has arrived; nil for a response without end.
        public var total: Duration?
        /// Without a single byte.
        public var silence: Duration

        /// Sets the time-outs.
        public init(
            connect: Duration = .seconds(10), total: Duration? = .seconds(60),
            silence: Duration = .seconds(60)
        ) {
            self.connect = connect
            self.total = total
            self.silence = silence
        }
    }

    public var method: String
    public var url: String
    public var headers: [(name: String, value: String)]
    public var body: Body
    public var timeouts: Timeouts
    /// The largest response taken, in bytes of its body. Of a stream, the most that waits to be read.
    public var responseLimit: Int
    /// Whether the request goes out once at most.
    ///
    /// Otherwise a request that meets a kept connection which the server closes at that moment without an answer is sent
    /// again by libcurl on another one, whatever its method: right for questions, wrong for orders, since the server may
    /// have carried out the first.
    public var isSentOnce: Bool
    /// Called on the client's thread once, when bytes of the request have been handed to the kernel: the monotonic clock
    /// in nanoseconds, read right after. For measurements.
    public var onSent: (@Sendable (UInt64) -> Void)?

    /// Describes a request.
    public init(
        _ method: String = "GET", _ url: String, headers: [(name: String, value: String)] = [],
        body: Body = .none, timeouts: Timeouts = Timeouts(), responseLimit: Int = 16 << 20,
        isSentOnce: Bool = false
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeouts = timeouts
        self.responseLimit = responseLimit
        self.isSentOnce = isSentOnce
    }
}

/// The status and headers of a response.
public struct HTTPHead: Sendable {
    public let status: Int
    public let headers: [(name: String, value: String)]

    /// The first header of that name, whatever its case.
    public subscript(name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }
}

/// A whole response.
public struct HTTPResponse: Sendable {
    public let head: HTTPHead
    public let body: [UInt8]

    /// The status code, such as 200.
    public var status: Int { head.status }
}
