import Testing

@testable import Net

@Suite("Server-sent events")
struct ServerSentEventTests {
    @Test func `events are put together from pieces of any size`() {
        let text =
            ": hello\r\nid: 7\r\nevent: log\r\ndata: {\"a\":1}\r\ndata: b\r\n\r\nretry: 5\ndata:x\n\nid: 9\n\n"
        let expected = [
            ServerSentEvent(name: "log", data: "{\"a\":1}\nb", id: "7"),
            ServerSentEvent(name: "message", data: "x", id: "7"),
        ]
        for size in 1...text.utf8.count {
            var parser = ServerSentEventParser()
            var events: [ServerSentEvent] = []
            let bytes = Array(text.utf8)
            for start in stride(from: 0, to: bytes.count, by: size) {
                events += parser.take(bytes[start..<min(start + size, bytes.count)])
            }
            #expect(events == expected)
        }
    }

    @Test func `an event without end stays within the limit`() {
        var parser = ServerSentEventParser(limit: 10)
        #expect(parser.take("data: 0123456789012345\n\n".utf8).first?.data.utf8.count ?? 99 <= 10)
    }
}
