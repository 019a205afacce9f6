/// Where a WebSocket goes, taken apart and checked.
struct WebSocketAddress: Hashable, Sendable {
    /// Scheme, host and port as given, for words: never the path, which may hold a secret.
    let server: String
    let isTLS: Bool
    /// A name or a numeric IPv4 address.
    let host: String
    let port: Int
    /// What the header `Host` says.
    let hostHeader: String
    let path: String
    /// Header lines with their ends.
    let headers: String
    /// What is wrong with it, nil when nothing is.
    let fault: String?

    static let headerLimit = 8 << 10

    init(_ url: String, headers: [(name: String, value: String)]) {
        let lower = url.lowercased()
        isTLS = lower.hasPrefix("wss://")
        let scheme = isTLS ? "wss://" : "ws://"
        let isWebSocket = lower.hasPrefix(scheme)
        let rest = isWebSocket ? url.dropFirst(scheme.utf8.count) : ""
        let authority = rest.prefix { !"/?#".contains($0) }
        let tail = rest.dropFirst(authority.count).prefix { $0 != "#" }
        path = tail.hasPrefix("/") ? String(tail) : "/" + tail

        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        let usual = isTLS ? 443 : 80
        host = parts.first.map(String.init) ?? ""
        let given = parts.count == 2 ? Int(parts[1]) : parts.count == 1 ? usual : nil
        port = given ?? 0
        hostHeader = port == usual ? host : "\(host):\(port)"
        // Behind an @ would stand the host, before it a name and password.
        server = authority.contains("@") ? "that" : scheme + authority
        let lines = headers.map { "\($0.name): \($0.value)\r\n" }
        self.headers = lines.joined()

        let hostBytes = host.utf8
        if !isWebSocket {
            fault = "the address is neither ws:// nor wss://"
        } else if hostBytes.isEmpty || hostBytes.count > 253 || !hostBytes.allSatisfy(Self.isHostByte)
            || !(1...65_535).contains(port)
        {
            fault = "the address has no host and port that can be used"
        } else if !path.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) || path.utf8.count > 4096 {
            fault = "the path of the address is not percent-encoded or too long"
        } else if headers.contains(where: { !Self.isHeader($0.name, $0.value) }) {
            fault = "a header has a line break or an impossible name"
        } else if self.headers.utf8.count > Self.headerLimit {
            fault = "the headers are longer than \(Self.headerLimit) bytes"
        } else {
            fault = nil
        }
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isHeader(_ name: String, _ value: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x3A }
            && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }
}
