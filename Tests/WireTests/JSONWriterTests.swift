import Testing
import Wire

@Suite("JSON writer")
struct JSONWriterTests {
    @Test(
        "strings are escaped where they must be and copied where they need not",
        arguments: [
            ("", "\"\""), ("plain", "\"plain\""), ("\"", "\"\\\"\""), ("a\\b", "\"a\\\\b\""),
            ("\n\r\t", "\"\\n\\r\\t\""), ("\u{0}\u{1f}", "\"\\u0000\\u001f\""), ("BTC/USDT", "\"BTC/USDT\""),
            ("naïve 🦊\n", "\"naïve 🦊\\n\""), ("\"x", "\"\\\"x\""), ("x\"", "\"x\\\"\""),
            ("\u{7f}", "\"\u{7f}\""),
        ])
    func strings(_ text: String, _ written: String) throws {
        #expect(JSONValue.string(text).text == written)
        #expect(try JSONParser.parse(written) == .string(text))
    }

    @Test func `every character below 128 comes back as it was`() throws {
        let text = String(String.UnicodeScalarView((0..<128).map { UnicodeScalar(UInt8($0)) }))
        #expect(try JSONParser.parse(JSONValue.string(text).bytes) == .string(text))
    }
}
