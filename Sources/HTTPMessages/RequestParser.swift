/// Takes a connection's bytes and gives requests, piece by piece. A value: no socket, no clock.
///
/// Strict where leniency has let attackers smuggle requests past a proxy (RFC 9112): no bare line feeds, no folded
/// headers, no space before a colon, no second `Content-Length` or `Host`, no `Content-Length` beside
/// `Transfer-Encoding`, no coding but `chunked`.
public struct RequestParser {
    /// How much one request may hold before its body.
    public struct Limits: Sendable {
        public var headBytes = 16 << 10
        public var headers = 100
        public var targetBytes = 8 << 10

        /// The usual limits.
        public init() {}
    }

    /// What came next.
    public enum Step {
        case needsMore
        /// A request's head; its body follows unless ``isComplete``.
        case head(HTTPRequestHead, persists: Bool, expectsContinue: Bool, isComplete: Bool)
        case body(ArraySlice<UInt8>)
        /// The request is complete. What follows belongs to the next one, which ``startNext()`` admits.
        case end
        /// The connection cannot be read any further.
        case failure(HTTPFailure)
    }

    private enum State {
        case head
        case fixedBody(remaining: Int)
        case chunkSize
        case chunk(remaining: Int)
        case chunkEnd
        case trailers(read: Int)
        case complete
        case failed(HTTPFailure)
    }

    private let limits: Limits
    private let origin: @Sendable (HTTPHeaders) -> RequestOrigin
    private var state = State.head
    private var input: [UInt8] = []
    private var position = 0
    /// Where the search for the end of a head goes on.
    private var searched = 0

    /// - Parameter origin: Says who sent a request, which behind a proxy stands in its headers.
    public init(limits: Limits = Limits(), origin: @escaping @Sendable (HTTPHeaders) -> RequestOrigin) {
        self.limits = limits
        self.origin = origin
    }

    /// How many bytes wait to be read.
    public var waiting: Int { input.count - position }

    /// Whether a request has begun to arrive.
    public var isInsideRequest: Bool {
        if case .head = state { return waiting > 0 }
        return true
    }

    /// Takes more bytes as they come.
    public mutating func append(_ bytes: some Sequence<UInt8>) {
        if position > 0, position == input.count || position > 64 << 10 {
            input.removeFirst(position)
            searched -= position
            position = 0
        }
        input.append(contentsOf: bytes)
    }

    /// Everything that came behind the request, for a connection that goes on in another protocol.
    public mutating func takeRest() -> [UInt8] {
        defer { position = input.count }
        return Array(input[position...])
    }

    /// Goes on to the next request, after ``Step/end``.
    public mutating func startNext() {
        switch state {
        case .complete, .fixedBody(remaining: 0): break
        case .head, .fixedBody, .chunkSize, .chunk, .chunkEnd, .trailers, .failed:
            preconditionFailure("the request before is not complete")
        }
        state = .head
        searched = position
    }

    /// The next piece.
    public mutating func next() -> Step {
        do {
            return try step()
        } catch {
            state = .failed(error)
            return .failure(error)
        }
    }

    private mutating func step() throws(HTTPFailure) -> Step {
        while true {
            switch state {
            case .head:
                return try head()
            case .fixedBody(let remaining):
                guard remaining > 0 else {
                    state = .complete
                    return .end
                }
                guard waiting > 0 else { return .needsMore }
                let piece = take(min(remaining, waiting))
                state = .fixedBody(remaining: remaining - piece.count)
                return .body(piece)
            case .chunkSize:
                guard let line = try line(limit: 256) else { return .needsMore }
                state = try chunkSize(line)
            case .chunk(let remaining):
                guard remaining > 0 else {
                    state = .chunkEnd
                    continue
                }
                guard waiting > 0 else { return .needsMore }
                let piece = take(min(remaining, waiting))
                state = .chunk(remaining: remaining - piece.count)
                return .body(piece)
            case .chunkEnd:
                guard let line = try line(limit: 2) else { return .needsMore }
                guard line.isEmpty else { throw HTTPFailure(.badRequest, "a chunk is longer than it says") }
                state = .chunkSize
            case .trailers(let read):
                guard let line = try line(limit: limits.headBytes - read) else { return .needsMore }
                // Trailers are read past: nothing here has a use for them.
                state = line.isEmpty ? .complete : .trailers(read: read + line.count + 2)
                if line.isEmpty { return .end }
            case .complete:
                return .needsMore
            case .failed(let failure):
                throw failure
            }
        }
    }

    private mutating func take(_ count: Int) -> ArraySlice<UInt8> {
        defer { position += count }
        return input[position..<position + count]
    }

    /// A line without its end, or nil while it is not all there.
    private mutating func line(limit: Int) throws(HTTPFailure) -> ArraySlice<UInt8>? {
        guard let feed = input[position...].firstIndex(of: 0x0A) else {
            guard waiting < limit else { throw HTTPFailure(.badRequest, "a line of the body is too long") }
            return nil
        }
        guard feed > position, input[feed - 1] == 0x0D, feed - 1 - position <= limit else {
            throw HTTPFailure(.badRequest, "a line of the body is malformed")
        }
        defer { position = feed + 1 }
        return input[position..<feed - 1]
    }

    private func chunkSize(_ line: ArraySlice<UInt8>) throws(HTTPFailure) -> State {
        let digits = line.prefix { hexDigit($0) != nil }
        let rest = line[digits.endIndex...]
        guard (1...8).contains(digits.count), rest.isEmpty || rest.first == UInt8(ascii: ";"),
            !rest.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F })
        else { throw HTTPFailure(.badRequest, "a chunk's size is malformed") }
        let size = digits.reduce(0) { $0 << 4 | Int(hexDigit($1) ?? 0) }
        return size == 0 ? .trailers(read: 0) : .chunk(remaining: size)
    }
}

// MARK: - The head

extension RequestParser {
    private mutating func head() throws(HTTPFailure) -> Step {
        // Empty lines before a request are allowed (RFC 9112, section 2.2), and however they arrive.
        while searched <= position + 1, waiting >= 2, input[position] == 0x0D, input[position + 1] == 0x0A {
            position += 2
            searched = position
        }
        guard let end = try headEnd() else { return .needsMore }
        let lines = input[position..<end].split(separator: 0x0D, omittingEmptySubsequences: false)
        let requestLine = lines[0]
        var headers = HTTPHeaders()
        guard lines.count - 1 <= limits.headers else {
            throw HTTPFailure(.headersTooLarge, "more than \(limits.headers) header fields")
        }
        for line in lines.dropFirst() { try Self.addField(line.dropFirst(), to: &headers) }
        position = end + 4
        return try begin(requestLine, headers)
    }

    /// Where the blank line after the head begins, or nil while it is not there.
    private mutating func headEnd() throws(HTTPFailure) -> Int? {
        if waiting > 0, !Self.isTokenByte(input[position]), input[position] != 0x0D {
            throw HTTPFailure(.badRequest, "this is not an HTTP request")
        }
        var index = searched
        while index < input.count {
            let byte = input[index]
            if byte == 0x0A {
                guard index > position, input[index - 1] == 0x0D else {
                    throw HTTPFailure(.badRequest, "a line ends without a carriage return")
                }
                if index >= position + 3, input[index - 2] == 0x0A {
                    searched = index + 1
                    return index - 3
                }
            } else if byte == 0 || index > position && input[index - 1] == 0x0D {
                throw HTTPFailure(.badRequest, "a control character in the head")
            }
            index += 1
            guard index - position <= limits.headBytes else {
                let isInTarget = !input[position..<index].contains(0x0A)
                throw HTTPFailure(
                    isInTarget ? .uriTooLong : .headersTooLarge,
                    "the head has more than \(limits.headBytes) bytes")
            }
        }
        searched = index
        return nil
    }

    private static func addField(_ line: ArraySlice<UInt8>, to headers: inout HTTPHeaders) throws(HTTPFailure)
    {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy(isTokenByte)
        else { throw HTTPFailure(.badRequest, "a header field is malformed") }
        let value = line[(colon + 1)...]
        guard !value.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
            throw HTTPFailure(.badRequest, "a control character in a header field")
        }
        headers.add(
            String(decoding: line[..<colon], as: UTF8.self),
            String(String(decoding: value, as: UTF8.self).trimmed))
    }

    private mutating func begin(_ line: ArraySlice<UInt8>, _ headers: HTTPHeaders) throws(HTTPFailure) -> Step
    {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3, (1...16).contains(parts[0].count), parts[0].allSatisfy(Self.isTokenByte),
            parts[2].count == 8, parts[2].starts(with: Array("HTTP/".utf8))
        else { throw HTTPFailure(.badRequest, "the request line is malformed") }
        guard parts[2].elementsEqual("HTTP/1.1".utf8) || parts[2].elementsEqual("HTTP/1.0".utf8) else {
            throw HTTPFailure(.versionNotSupported, "only HTTP/1.1 and HTTP/1.0 are spoken here")
        }
        let isOld = parts[2].last == UInt8(ascii: "0")
        guard parts[1].count <= limits.targetBytes else {
            throw HTTPFailure(.uriTooLong, "the path and query have more than \(limits.targetBytes) bytes")
        }
        let target = try Self.target(parts[1])
        guard headers.count("host") == 1 || isOld && headers.count("host") == 0 else {
            throw HTTPFailure(.badRequest, "a request has exactly one Host")
        }
        let framing = try Self.framing(headers, isOld: isOld)
        let expectsContinue = try Self.expectation(headers, isOld: isOld)
        let persists = !isOld && !headers.lists("close", in: "connection")
        let head = HTTPRequestHead(
            method: String(decoding: parts[0], as: UTF8.self), target: target, headers: headers,
            origin: origin(headers), contentLength: framing, isOld: isOld)
        switch framing {
        case .some(let length): state = .fixedBody(remaining: length)
        case .none: state = .chunkSize
        }
        return .head(
            head, persists: persists, expectsContinue: expectsContinue && framing != 0 && waiting == 0,
            isComplete: framing == 0)
    }

    private static func target(_ bytes: ArraySlice<UInt8>) throws(HTTPFailure) -> RequestTarget {
        let malformed = HTTPFailure(.badRequest, "the path or query is malformed")
        guard bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw malformed }
        var text = String(decoding: bytes, as: UTF8.self)[...]
        // A client that takes us for a proxy writes the whole address (RFC 9112, section 3.2.2).
        for scheme in ["http://", "https://"] where text.lowercased().hasPrefix(scheme) {
            let rest = text.dropFirst(scheme.count)
            text = rest.firstIndex { $0 == "/" || $0 == "?" }.map { rest[$0...] } ?? ""
            if !text.hasPrefix("/") { text = "/" + text }
        }
        guard let target = RequestTarget(text) else { throw malformed }
        return target
    }

    /// The body's length, or nil for chunks.
    private static func framing(_ headers: HTTPHeaders, isOld: Bool) throws(HTTPFailure) -> Int? {
        let lengths = headers.count("content-length")
        guard headers.count("transfer-encoding") == 0 else {
            guard lengths == 0, !isOld else {
                throw HTTPFailure(.badRequest, "Transfer-Encoding does not go with the rest of the head")
            }
            guard headers["transfer-encoding"]?.lowercased() == "chunked" else {
                throw HTTPFailure(.notImplemented, "the only transfer coding taken is chunked")
            }
            return nil
        }
        guard lengths > 0 else { return 0 }
        guard lengths == 1, let text = headers["content-length"], (1...15).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(text)
        else { throw HTTPFailure(.badRequest, "Content-Length is malformed") }
        return length
    }

    private static func expectation(_ headers: HTTPHeaders, isOld: Bool) throws(HTTPFailure) -> Bool {
        guard headers.count("expect") > 0, !isOld else { return false }
        guard headers["expect"]?.lowercased() == "100-continue" else {
            throw HTTPFailure(.expectationFailed, "the only expectation met is 100-continue")
        }
        return true
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
