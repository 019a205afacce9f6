import HTTPMessages
import Testing
import Trading

@testable import Web

/// Right input with a few bytes changed, many times: nothing traps, and the pieces never matter.
@Suite("Hostile input")
struct HostileInputTests {
    private static let requests = [
        "GET /strategies/a%20b/logs?limit=5&after=x HTTP/1.1\r\nHost: localhost\r\nCookie: a=b; c=d\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ]

    /// What is read of some bytes that come in pieces of one size.
    private func read(_ bytes: [UInt8], pieceSize: Int) -> [String] {
        var parser = RequestParser { _ in RequestOrigin(peer: "", isSecure: false) }
        var seen: [String] = []
        var body: [UInt8] = []
        var rest = bytes[...]
        while true {
            let piece = rest.prefix(pieceSize)
            rest = rest.dropFirst(piece.count)
            parser.append(piece)
            steps: while true {
                switch parser.next() {
                case .needsMore: break steps
                case .head(let head, let persists, _, _):
                    seen.append("\(head.method) \(head.target) \(head.headers) \(persists)")
                case .body(let piece): body += piece
                case .end:
                    seen.append("\(body)")
                    body = []
                    parser.startNext()
                case .failure(let failure): return seen + ["\(failure.status.code)"]
                }
            }
            if rest.isEmpty { return seen }
        }
    }

    @Test("changed requests are read alike in one piece and byte by byte", arguments: 1...8)
    func requests(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for round in 0..<500 {
            let bytes = mutated(Array(Self.requests[round % Self.requests.count].utf8), &random)
            let whole = read(bytes, pieceSize: .max)
            #expect(whole == read(bytes, pieceSize: 1), "seed \(seed), round \(round)")
        }
    }

    @Test("changed forms are read or refused", arguments: 1...4)
    func forms(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let form = Array(
            """
            --b\r\nContent-Disposition: form-data; name="file"; filename="a.py"\r\n\r\npass\r\n--b\r\n\
            Content-Disposition: form-data; name="config"\r\n\r\n{}\r\n--b--\r\n
            """.utf8)
        var taken = 0
        for _ in 0..<1000 {
            let changed = mutated(form, &random)
            guard let form = try? MultipartForm(changed, contentType: "multipart/form-data; boundary=b")
            else {
                continue
            }
            taken += 1
            #expect(form.parts.allSatisfy { !$0.name.isEmpty && $0.fileName?.contains("/") != true })
        }
        #expect(taken > 0)
    }

    @Test func `targets of any bytes are read or refused, and never leave their folder`() {
        var random = SplitMix64(seed: 3)
        let letters = Array("/.%2e5cfF0a?&=+".utf8)
        for _ in 0..<5000 {
            let text =
                "/"
                + (0..<12).map { _ in String(UnicodeScalar(letters.randomElement(using: &random) ?? 0x61)) }
                .joined()
            guard let target = RequestTarget(text) else { continue }
            #expect(!target.segments.contains("..") && !target.segments.contains("."), "\(text)")
        }
    }

    private func mutated(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var bytes = bytes
        let interesting: [UInt8] = [
            0, 0x0A, 0x0D, 0x20, 0x3A, 0x3B, 0x25, 0x22, 0x2D, 0x30, 0x7F, 0x80, 0xFF,
        ]
        for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: bytes.indices, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[index] = interesting.randomElement(using: &random) ?? 0
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(interesting.randomElement(using: &random) ?? 0, at: index)
            default: bytes.removeSubrange(index...)
            }
        }
        return bytes
    }
}
