import HTTPMessages

/// Where and how the server listens.
public struct HTTPServerConfiguration: Sendable {
    /// A certificate chain and its key, in PEM files.
    public struct TLS: Hashable, Sendable {
        public var certificate: String
        public var key: String

        /// Names the files.
        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// The numeric address to listen on.
    public var address: String
    /// The port; 0 takes a free one.
    public var port: Int
    public var tls: TLS?
    /// Whether a proxy that speaks TLS stands before us: `X-Forwarded-For` and `-Proto` are believed then.
    public var isBehindProxy: Bool
    /// The names that `Host` may carry besides the address itself and, on loopback, `localhost`.
    public var allowedHosts: [String]

    /// Connections at once; one more is told to come back later.
    public var connectionLimit = 512
    /// Bytes of unfinished bodies at once, over all connections.
    public var bodyMemoryLimit = 256 << 20
    /// From the first byte of a request to the end of its head.
    public var headTimeout = Duration.seconds(10)
    /// Between two pieces of a body; the whole may take this long and one second more for every 16 KiB.
    public var bodyTimeout = Duration.seconds(15)
    /// How long a connection may be silent between requests.
    public var idleTimeout = Duration.seconds(60)
    /// How long the other side may take nothing of a response.
    public var writeTimeout = Duration.seconds(30)
    /// How often a silent event stream says that it is alive.
    public var heartbeat = Duration.seconds(15)

    /// Describes a server.
    public init(
        address: String = "127.0.0.1", port: Int = 8080, tls: TLS? = nil, isBehindProxy: Bool = false,
        allowedHosts: [String] = []
    ) {
        self.address = address
        self.port = port
        self.tls = tls
        self.isBehindProxy = isBehindProxy
        self.allowedHosts = allowedHosts
    }

    /// Whether only this machine can reach the address.
    public var isLoopback: Bool { address == "::1" || address.hasPrefix("127.") }

    /// Refuses what would send passwords and tokens over a network in the clear.
    func check() throws(HTTPServerError) {
        guard isLoopback || tls != nil || isBehindProxy else {
            throw HTTPServerError(
                code: .exposed,
                message: "listening on \(address) would send passwords over the network in the clear: give a "
                    + "certificate and key, or say --behind-proxy when a proxy with TLS stands before it")
        }
        guard !isBehindProxy || isLoopback || !allowedHosts.isEmpty || tls != nil else {
            throw HTTPServerError(
                code: .exposed,
                message: "behind a proxy the public host name must be in allowed_hosts")
        }
        guard (0...65_535).contains(port) else {
            throw HTTPServerError(code: .address, message: "port \(port) is not from 0 to 65535")
        }
    }

    /// Whether a request may carry this `Host`. A page elsewhere that had its own name point at us must not.
    ///
    /// A number as the host needs no list where everybody can reach the address anyway: no name was pointed at us then.
    func accepts(host: String) -> Bool {
        let whole = host.lowercased()
        let name = Self.withoutPort(whole)
        if ["localhost", "127.0.0.1", "[::1]", address, "[\(address)]"].contains(name) { return true }
        if !isLoopback, Self.isNumeric(name) { return true }
        return allowedHosts.contains { $0.lowercased() == name || $0.lowercased() == whole }
    }

    private static func isNumeric(_ name: String) -> Bool {
        if name.hasPrefix("["), name.hasSuffix("]") {
            return name.dropFirst().dropLast().utf8.allSatisfy {
                hexDigit($0) != nil || $0 == UInt8(ascii: ":")
            }
        }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0).map { String($0) } == String($0) }
    }

    private static func withoutPort(_ host: String) -> String {
        guard let colon = host.lastIndex(of: ":"), !host[colon...].contains("]"),
            host[host.index(after: colon)...].allSatisfy(\.isNumber)
        else { return host }
        return String(host[..<colon])
    }
}

/// Why the server does not listen.
public struct HTTPServerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of reason it is.
    public enum Code: String, Hashable, Sendable {
        /// It would be reachable from elsewhere without protection.
        case exposed
        /// The address or port cannot be had.
        case address
        /// The certificate or key cannot be used.
        case certificate
        /// The system gives no thread or descriptor.
        case system
    }

    public let code: Code
    /// What is wrong and what to do, in words.
    public let message: String

    /// The message.
    public var description: String { message }
}
