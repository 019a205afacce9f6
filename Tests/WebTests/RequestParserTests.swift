import HTTPMessages
import Testing

@testable import Web

@Suite("Request parser")
struct RequestParserTests {
    /// What a text gives: heads, bodies, ends and a failure, in words.
    private func read(_ text: String, pieceSize: Int = .max) -> [String] {
        var parser = RequestParser { _ in RequestOrigin(peer: "test", isSecure: false) }
        var seen: [String] = []
        var body = ""
        var rest = Array(text.utf8)[...]
        while true {
            let piece = rest.prefix(pieceSize)
            rest = rest.dropFirst(piece.count)
            parser.append(piece)
            steps: while true {
                switch parser.next() {
                case .needsMore: break steps
                case .head(let head, let persists, _, _):
                    seen.append("\(head.method) \(head.target.path)\(persists ? "" : " close")")
                case .body(let piece): body += String(decoding: piece, as: UTF8.self)
                case .end:
                    seen.append("end \(body)")
                    body = ""
                    parser.startNext()
                case .failure(let failure): return seen + ["\(failure.status.code)"]
                }
            }
            if rest.isEmpty { return seen }
        }
    }

    @Test("requests are the same however their bytes are cut", arguments: [1, 2, 3, 7, 1000])
    func pieces(_ size: Int) {
        let text =
            "\r\nGET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n"
            + "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
            + "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            + "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
            + "GET http://x/d HTTP/1.0\r\n\r\n"
        #expect(
            read(text, pieceSize: size) == [
                "GET /a", "end ", "POST /b", "end hello", "POST /c close", "end abc0123456789",
                "GET /d close",
                "end ",
            ])
    }

    @Test("empty lines before a request are passed over, however they are cut", arguments: [1, 2, 3, 1000])
    func emptyLines(_ size: Int) {
        let text = "\r\n\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n\r\n\r\nGET /b HTTP/1.0\r\n\r\n"
        #expect(read(text, pieceSize: size) == ["GET /a", "end ", "GET /b close", "end "])
    }

    @Test(
        "what is malformed is refused",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", 400),  // no Host
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            ("GET / HTTP/1.1\nHost: a\n\n", 400),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{0}\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{7}\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400),
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
            ("GET /\r\nHost: a\r\n\r\n", 400),
            ("GET example HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /a/%2e%2e/b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("AVERYVERYLONGMETHOD / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("\u{16}\u{3}\u{1}", 400),  // the beginning of TLS
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
            ("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417),
            ("GET /" + String(repeating: "a", count: 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
            ("GET /" + String(repeating: "a", count: 20_000), 414),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 17_000), 431),
            (
                "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 100) + "\r\n", 431
            ),
        ])
    func refuses(_ text: String, _ status: Int) {
        #expect(read(text).last == "\(status)")
        #expect(read(text, pieceSize: 1).last == "\(status)")
    }

    @Test(
        "a malformed chunk is refused after its head",
        arguments: [
            "x\r\n", "\r\n", "-1\r\n", "0x5\r\n", "5 \r\nhello\r\n", "5\nhello\r\n", "5\r\nhelloX\r\n",
            "123456789\r\n", "5;\u{1}\r\nhello\r\n", "5;" + String(repeating: "e", count: 300),
        ])
    func refusesChunks(_ body: String) {
        let text = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body
        #expect(read(text).first == "POST /")
        #expect(read(text).last == "400")
        #expect(read(text, pieceSize: 1).last == "400")
    }

    @Test func `as many headers and as long a target as the limit says are taken`() {
        let path = "/" + String(repeating: "a", count: 8191)
        #expect(read("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n") == ["GET \(path)", "end "])
        let headers = String(repeating: "X: y\r\n", count: 99)
        #expect(read("GET / HTTP/1.1\r\nHost: a\r\n\(headers)\r\n") == ["GET /", "end "])
    }

    @Test func `a target is decoded part by part`() throws {
        let target = try #require(RequestTarget("/a%2Fb//c%20d/?x=1+2&y&x=%C3%A9%26"))
        #expect(target.segments == ["a/b", "", "c d", ""])
        #expect(
            target.query.map { [$0.name, $0.value] } == [["x", "1 2"], ["y", ""], ["x", "é&"]])
        #expect(RequestTarget("/")?.segments == [])
    }

    @Test func `a cookie is found, and one that stands twice is not`() throws {
        let target = try #require(RequestTarget("/"))
        func cookie(_ values: [String]) -> String? {
            var headers = HTTPHeaders()
            for value in values { headers.add("Cookie", value) }
            return HTTPRequestHead(
                method: "GET", target: target, headers: headers,
                origin: RequestOrigin(peer: "", isSecure: false)
            ).cookie("s")
        }
        #expect(cookie(["a=b; s=abc=d; c=d"]) == "abc=d")
        #expect(cookie(["a=b"]) == nil)
        #expect(cookie(["s=1; s=2"]) == nil)
        #expect(cookie(["s=1", "s=2"]) == nil)
    }

    @Test(
        "dates are written as HTTP has them",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_709_208_000, "Thu, 29 Feb 2024 12:00:00 GMT"),
            (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
        ])
    func dates(_ seconds: Int64, _ text: String) {
        #expect(HTTPDate.text(seconds) == text && HTTPDate.seconds(text) == seconds)
    }
}
