import HTTPMessages
import Posix

/// What waits to be written on one connection: pieces of memory, then perhaps a file.
struct OutputQueue {
    private var bytes: [UInt8] = []
    private var position = 0
    private var file: PiecewiseFile?
    private var fileOffset = 0

    /// The most that one write is given.
    static let pieceSize = 64 << 10

    var isEmpty: Bool { position == bytes.count && file == nil }

    mutating func append(_ more: [UInt8]) {
        precondition(file == nil)
        if position == bytes.count {
            bytes = more
            position = 0
        } else {
            bytes += more
        }
    }

    mutating func append(_ file: PiecewiseFile) {
        precondition(self.file == nil)
        guard file.size > 0 else { return }
        self.file = file
        fileOffset = 0
    }

    /// The next piece, or nil when nothing waits.
    ///
    /// - Throws: ``SystemCallError`` when the file cannot be read or has become shorter.
    mutating func next() throws(SystemCallError) -> ArraySlice<UInt8>? {
        if position < bytes.count {
            let end = min(bytes.count, position + Self.pieceSize)
            defer { position = end }
            return bytes[position..<end]
        }
        guard let file else { return nil }
        bytes = try file.read(
            at: fileOffset, count: min(Self.pieceSize, file.size - fileOffset))
        position = bytes.count
        guard !bytes.isEmpty else { throw SystemCallError(call: "read", number: 5, subject: "file") }
        fileOffset += bytes.count
        if fileOffset == file.size { self.file = nil }
        return bytes[...]
    }
}

/// Writes the heads of responses.
enum ResponseHead {
    /// What follows a head.
    enum Framing {
        case length(Int)
        case chunks
        /// The body ends with the connection, for HTTP/1.0.
        case untilClose
        case none
    }

    /// Sent with every response. Scripts and styles come from us alone, and nobody may put our pages in a frame.
    static let security: [UInt8] = Array(
        """
        X-Content-Type-Options: nosniff\r
        Referrer-Policy: same-origin\r
        Cross-Origin-Opener-Policy: same-origin\r
        Cross-Origin-Resource-Policy: same-origin\r

        """.utf8)

    /// Sent with every response that does not bear a policy of its own.
    static let contentPolicy: [UInt8] = Array(
        """
        Content-Security-Policy: default-src 'self'; img-src 'self' data:; style-src 'self'; object-src 'none'; \
        base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r

        """.utf8)

    static func bytes(
        _ response: HTTPResponse, framing: Framing, closes: Bool, isSecure: Bool, date: [UInt8]
    ) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(768)
        output += "HTTP/1.1 ".utf8
        output += String(response.status.code).utf8
        output.append(0x20)
        output += response.status.reason.utf8
        output += "\r\nDate: ".utf8
        output += date
        switch framing {
        case .length(let length):
            output += "\r\nContent-Length: ".utf8
            output += String(length).utf8
        case .chunks: output += "\r\nTransfer-Encoding: chunked".utf8
        case .untilClose, .none: break
        }
        if closes { output += "\r\nConnection: close".utf8 }
        if isSecure { output += "\r\nStrict-Transport-Security: max-age=31536000".utf8 }
        output += "\r\n".utf8
        output += security
        if !response.headers.fields.contains(where: { $0.name == "content-security-policy" }) {
            output += contentPolicy
        }
        for field in response.headers.fields {
            // A line break in a value would let its writer add headers of his own.
            precondition(!field.value.utf8.contains { $0 == 0x0D || $0 == 0x0A })
            output += field.name.utf8
            output += ": ".utf8
            output += field.value.utf8
            output += "\r\n".utf8
        }
        output += "\r\n".utf8
        return output
    }

    /// One chunk of a body of unknown length.
    static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [0x0D, 0x0A]
    }
}
