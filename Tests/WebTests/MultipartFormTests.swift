import Testing
import Trading

@testable import Web

@Suite("Multipart form")
struct MultipartFormTests {
    private func form(_ disposition: String) throws -> MultipartForm {
        try MultipartForm(
            Array("--b\r\nContent-Disposition: \(disposition)\r\n\r\nx\r\n--b--".utf8),
            contentType: "multipart/form-data; boundary=b")
    }

    @Test(
        "names and file names are read as senders write them",
        arguments: [
            (#"form-data; name="file"; filename="a.py""#, "a.py"),
            (#"form-data; name=file; filename=a.py"#, "a.py"),
            (#"FORM-DATA;NAME="file";FILENAME="a.py""#, "a.py"),
            (#"form-data; name="file"; filename="/etc/a.py""#, "a.py"),
            (#"form-data; name="file"; filename="C:\tmp\a.py""#, "a.py"),
            (#"form-data; name="file"; filename="a\"b.py""#, "a\"b.py"),
            (#"form-data; name="file"; filename="a;b.py""#, "a;b.py"),
            (#"form-data; name="file"; filename*=UTF-8''na%C3%AFve.py"#, "naïve.py"),
            (#"form-data; name="file"; filename="plain.py"; filename*=utf-8''other.py"#, "plain.py"),
            (#"form-data; name="file"; filename="""#, ""),
        ])
    func names(_ disposition: String, _ fileName: String) throws {
        let part = try #require(try form(disposition).parts.first)
        #expect(part.name == "file" && part.fileName == fileName && part.content.elementsEqual("x".utf8))
    }

    @Test(
        "a part that is no field is refused",
        arguments: [
            "attachment; name=\"file\"", "form-data", "form-data; name=\"\"", "form-data; name=\"a",
            "form-data; name=\"a\"; name=\"b\"", "form-data; name", "form-data; name=\"a\"x",
        ])
    func refused(_ disposition: String) {
        #expect(throws: MultipartForm.Failure.self) { try form(disposition) }
    }

    @Test(
        "a boundary is one that RFC 2046 allows",
        arguments: [
            ("multipart/form-data; boundary=b", true),
            ("multipart/form-data; charset=utf-8; boundary=\"b\"", true),
            ("multipart/form-data", false), ("multipart/mixed; boundary=b", false),
            ("multipart/form-data; boundary=", false), ("multipart/form-data; boundary=\"b \"", false),
            ("multipart/form-data; boundary=\"b\u{7f}\"", false),
            ("multipart/form-data; boundary=\(String(repeating: "b", count: 71))", false),
        ])
    func boundaries(_ type: String, _ isTaken: Bool) {
        let body = Array("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--b--".utf8)
        #expect(((try? MultipartForm(body, contentType: type)) != nil) == isTaken)
    }

    @Test func `content may look like a boundary, and be empty, and the last line may end`() throws {
        let body =
            "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--a\r\n-b--b\r\n\r\n--\r\n--b"
            + "\r\nContent-Disposition: form-data; name=c\r\nContent-Type: text/plain\r\n\r\n\r\n--b--\r\n"
        let form = try MultipartForm(Array(body.utf8), contentType: "multipart/form-data; boundary=b")
        #expect(form.parts.map(\.name) == ["a", "c"])
        #expect(form.parts.first?.content.elementsEqual("--a\r\n-b--b\r\n\r\n--".utf8) == true)
        #expect(form.parts.last?.content.isEmpty == true)
    }

    @Test func `too many parts, a part twice and coded content are refused`() {
        func read(_ parts: [String]) throws -> MultipartForm {
            try MultipartForm(
                Array(parts.map { "--b\r\n\($0)\r\n\r\nx\r\n" }.joined().utf8) + Array("--b--".utf8),
                contentType: "multipart/form-data; boundary=b")
        }
        let fields = (0..<17).map { "Content-Disposition: form-data; name=f\($0)" }
        #expect(throws: Never.self) { try read(Array(fields.prefix(16))) }
        #expect(throws: MultipartForm.Failure.self) { try read(fields) }
        #expect(throws: MultipartForm.Failure.self) { try read([fields[0], fields[0]]) }
        #expect(throws: MultipartForm.Failure.self) {
            try read([fields[0] + "\r\nContent-Transfer-Encoding: base64"])
        }
        #expect(throws: MultipartForm.Failure.self) {
            try read([fields[0] + "\r\nX: " + String(repeating: "x", count: 5000)])
        }
    }

    @Test func `searching finds what a plain search finds`() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...2, using: &random)
            }
            let pattern = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                UInt8.random(in: 0...2, using: &random)
            }
            let plain = bytes.indices.first { bytes[$0...].starts(with: pattern) }
            #expect(MultipartForm.find(pattern, in: bytes[...]) == plain)
        }
    }
}
