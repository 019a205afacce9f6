import Glibc

/// A connection to this machine that sends exactly what it is told and reads answers of HTTP. It blocks, so use it inside
/// ``onThread(_:)``.
open class LocalConnection {
    /// What went wrong.
    public struct Failure: Error, CustomStringConvertible {
        /// A word or two: `closed`, `silence`, or what the kernel said.
        public let reason: String
        /// What had come before.
        public let detail: String

        /// Names what went wrong.
        public init(_ reason: String, detail: String = "") {
            self.reason = reason
            self.detail = detail
        }

        public var description: String { detail.isEmpty ? reason : "\(reason), after \(detail)" }
    }

    /// An answer of HTTP; names of headers in small letters.
    public struct Response: Sendable {
        public let status: Int
        public let headers: [String: String]
        public let body: [UInt8]

        public var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// Whom it is connected to.
    public let port: Int
    private let socket: Int32
    private var buffer: [UInt8] = []

    /// Connects.
    ///
    /// - Parameters:
    ///   - seconds: How long one reading or sending may take.
    ///   - receiveBuffer: The size of the kernel's buffer for what we do not read, to be a slow reader.
    public init(port: Int, seconds: Int = 10, receiveBuffer: Int32? = nil) throws {
        self.port = port
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw Failure("socket: \(errno)") }
        if var size = receiveBuffer {
            setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        var timeout = timeval(tv_sec: seconds, tv_usec: 0)
        for side in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(socket, SOL_SOCKET, side, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure("connect: \(errno)") }
    }

    deinit { close(socket) }

    // MARK: - Bytes

    /// Sends all of it.
    public func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure("send: \(errno)") }
            rest = rest.dropFirst(count)
        }
    }

    /// More bytes, or nil when the other side has closed.
    public func receive() throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(socket, &bytes, bytes.count, 0)
        if count == 0 || count < 0 && errno == ECONNRESET { return nil }
        guard count > 0 else { throw Failure(errno == EAGAIN ? "silence" : "receive: \(errno)") }
        return Array(bytes.prefix(count))
    }

    private func receiveMore() throws {
        guard let more = try receive() else {
            throw Failure("closed", detail: String(decoding: buffer, as: UTF8.self))
        }
        buffer += more
    }

    /// The next so many bytes.
    public func take(_ count: Int) throws -> [UInt8] {
        while buffer.count < count { try receiveMore() }
        defer { buffer.removeFirst(count) }
        return Array(buffer.prefix(count))
    }

    /// Everything until the other side closes.
    public func takeAll() throws -> [UInt8] {
        while let more = try receive() { buffer += more }
        defer { buffer = [] }
        return buffer
    }

    /// Everything until `text` has come, with it.
    public func read(until text: String) throws -> String {
        let wanted = Array(text.utf8)
        while true {
            if let end = buffer.indices.first(where: { buffer[$0...].starts(with: wanted) }) {
                return String(decoding: try take(end + wanted.count), as: UTF8.self)
            }
            try receiveMore()
        }
    }

    /// Whether the other side closes without saying anything more.
    public func isClosed() throws -> Bool {
        guard buffer.isEmpty else { return false }
        guard let more = try receive() else { return true }
        buffer += more
        return false
    }

    // MARK: - HTTP

    /// Sends one request, with the length of what it carries.
    public func ask(_ method: String, _ target: String, headers: [String], body: [UInt8]?) throws {
        var lines = ["\(method) \(target) HTTP/1.1"] + headers
        if let body { lines.append("Content-Length: \(body.count)") }
        try send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (body ?? []))
    }

    /// One response; `hasBody` is false for the answer to HEAD, `untilClosed` true for a stream of events that ends.
    public func response(hasBody: Bool = true, untilClosed: Bool = false) throws -> Response {
        let head = try read(until: "\r\n\r\n").split(separator: "\r\n")
        let status = Int(head[0].split(separator: " ")[1]) ?? 0
        var headers: [String: String] = [:]
        for line in head.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        if untilClosed, headers["content-length"] == nil {
            return Response(status: status, headers: headers, body: try takeAll())
        }
        let length = hasBody ? Int(headers["content-length"] ?? "0") ?? 0 : 0
        return Response(status: status, headers: headers, body: try take(length))
    }
}
