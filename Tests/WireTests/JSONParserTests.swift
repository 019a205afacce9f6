import Testing
import Wire

@Suite("JSON parser")
struct JSONParserTests {
    @Test func `a duplicate name is refused by name`() {
        #expect(throws: JSONParser.Failure(reason: "\"a\" stands twice", offset: 7)) {
            try JSONParser.parse(#"{"a":1,"a":2}"#)
        }
    }

    @Test func `what was read is written again`() throws {
        let text = #"{"b":[1,2.50,-3e5,true,null],"a":"BTC/USDT \"é\" 😀"}"#
        #expect(try JSONParser.parse(text).text == text)
    }
}
