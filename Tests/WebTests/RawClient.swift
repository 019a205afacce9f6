import Glibc
import Posix

/// A plain TCP client that sends exactly what it is told. It blocks, so use it inside ``onThread(_:)``.
final class RawClient {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    struct Response {
        let status: Int
        let headers: [String: String]
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    private let socket: Int32
    private var buffer: [UInt8] = []

    /// - Parameter receiveBuffer: The size of the kernel's buffer for what we do not read, to be a slow reader.
    init(port: Int, receiveBuffer: Int32? = nil) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw Failure(description: "socket") }
        if var size = receiveBuffer {
            setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(description: "connect: \(errno)") }
    }

    deinit { close(socket) }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(description: "send: \(errno)") }
            rest = rest.dropFirst(count)
        }
    }

    /// More bytes, or nil when the other side has closed.
    func receive() throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(socket, &bytes, bytes.count, 0)
        if count == 0 || count < 0 && errno == ECONNRESET { return nil }
        guard count > 0 else { throw Failure(description: "receive: \(errno)") }
        return Array(bytes.prefix(count))
    }

    /// Everything until `text` has come, with it.
    func read(until text: String) throws -> String {
        let wanted = Array(text.utf8)
        while true {
            if let end = buffer.indices.first(where: { buffer[$0...].starts(with: wanted) }) {
                defer { buffer.removeFirst(end + wanted.count) }
                return String(decoding: buffer[..<(end + wanted.count)], as: UTF8.self)
            }
            guard let more = try receive() else {
                throw Failure(
                    description: "closed before \(text): \(String(decoding: buffer, as: UTF8.self))")
            }
            buffer += more
        }
    }

    /// Whether the other side closes without saying anything more.
    func isClosed() throws -> Bool {
        guard buffer.isEmpty else { return false }
        guard let more = try receive() else { return true }
        buffer += more
        return false
    }

    /// One response; `hasBody` is false for the answer to HEAD, `untilClosed` true for a stream of events that ends.
    func response(hasBody: Bool = true, untilClosed: Bool = false) throws -> Response {
        let head = try read(until: "\r\n\r\n").split(separator: "\r\n")
        let status = Int(head[0].split(separator: " ")[1]) ?? 0
        var headers: [String: String] = [:]
        for line in head.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        if untilClosed, headers["content-length"] == nil {
            while let more = try receive() { buffer += more }
            defer { buffer = [] }
            return Response(status: status, headers: headers, body: buffer)
        }
        let length = hasBody ? Int(headers["content-length"] ?? "0") ?? 0 : 0
        while buffer.count < length {
            guard let more = try receive() else { throw Failure(description: "closed inside a body") }
            buffer += more
        }
        defer { buffer.removeFirst(length) }
        return Response(status: status, headers: headers, body: Array(buffer.prefix(length)))
    }

    /// Sends one request and reads its response.
    func exchange(_ method: String, _ path: String, headers: [String] = [], body: [UInt8]? = nil) throws
        -> Response
    {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: localhost"] + headers
        if let body { lines.append("Content-Length: \(body.count)") }
        try send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (body ?? []))
        return try response(
            hasBody: method != "HEAD", untilClosed: headers.contains("Accept: text/event-stream"))
    }
}

/// Runs blocking work on a thread of its own, so that it takes none of the test runner's.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        do {
            try Thread.start(name: "test") { continuation.resume(with: Result(catching: body)) }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}
