import HTTPMessages
import Testing

@testable import Simulators

@Suite("WebSocket frames")
struct WebSocketFramesTests {
    /// A masked frame as a client sends it.
    private func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        let length: [UInt8] =
            payload.count < 126
            ? [0x80 | UInt8(payload.count)] : [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        return [first] + length + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] }
    }

    private func read(_ bytes: [UInt8], pieceSize: Int = .max, limit: Int = 1000) throws -> [WebSocketReader
        .Event]
    {
        var reader = WebSocketReader(messageLimit: limit)
        var events: [WebSocketReader.Event] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            reader.append(rest.prefix(pieceSize))
            rest = rest.dropFirst(pieceSize)
            while let event = try reader.next() { events.append(event) }
        }
        return events
    }

    @Test(arguments: [1, 3, 7, Int.max])
    func `messages are the same however their bytes are cut`(pieceSize: Int) throws {
        let hello = Array("Hello".utf8)
        let long = [UInt8](repeating: 0x61, count: 300)
        let bytes =
            frame(0x81, hello) + frame(0x01, hello) + frame(0x89, [9]) + frame(0x80, hello)
            + frame(0x81, long)
            + frame(0x88, [0x03, 0xE8])
        #expect(
            try read(bytes, pieceSize: pieceSize) == [
                .text(hello), .ping([9]), .text(hello + hello), .text(long), .close(code: 1000),
            ])
    }

    @Test func `the example of the standard is read`() throws {
        // RFC 6455, section 5.7: a single-frame masked text message.
        let bytes: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        #expect(try read(bytes) == [.text(Array("Hello".utf8))])
    }

    @Test(
        arguments: [
            ("unmasked", [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F], 1002),
            ("reserved bit", [0xC1, 0x80, 0, 0, 0, 0], 1002),
            ("unknown opcode", [0x83, 0x80, 0, 0, 0, 0], 1002),
            ("continuation of nothing", [0x80, 0x80, 0, 0, 0, 0], 1002),
            ("ping in pieces", [0x09, 0x80, 0, 0, 0, 0], 1002),
            ("close with half a code", [0x88, 0x81, 0, 0, 0, 0, 3], 1002),
            ("close with a code that is not for the wire", [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xED], 1002),
            ("text that is not UTF-8", [0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),
            ("more than the limit", [0x82, 0xFE, 0x10, 0x00, 0, 0, 0, 0], 1009),
            (
                "a length wider than it needs to be", [0x82, 0xFE, 0x00, 0x05, 0, 0, 0, 0, 1, 2, 3, 4, 5],
                1002
            ),
        ] as [(String, [UInt8], Int)])
    func `what the standard forbids ends the connection`(name: String, bytes: [UInt8], code: Int) {
        do {
            _ = try read(bytes)
            Issue.record("\(name) was taken")
        } catch let failure as WebSocketReader.Failure {
            #expect(failure.code == code, "\(name): \(failure.reason)")
        } catch {
            Issue.record("\(error)")
        }
    }
}
