import Testing

@testable import Web

@Suite struct `What waits for a reader of a WebSocket` {
    private func texts(_ frames: [UInt8]) -> String { String(decoding: frames, as: UTF8.self) }

    @Test func `is the latest under each name, in the order of the first`() {
        let session = SocketSession { _, _ in }
        session.send(Array("a1".utf8), name: "a")
        session.send(Array("x".utf8))
        session.send(Array("b1".utf8), name: "b")
        session.send(Array("a2".utf8), name: "a")
        let (frames, hasEnded) = session.take()
        #expect(!hasEnded)
        #expect(
            frames == [0x81, 2] + Array("a2".utf8) + [0x81, 1] + Array("x".utf8) + [0x81, 2]
                + Array("b1".utf8))
        #expect(session.take().frames.isEmpty)
    }

    @Test func `is bounded: too much of it ends the connection, and he is told`() {
        let session = SocketSession(limit: 100) { _, _ in }
        #expect(session.send([UInt8](repeating: 0x61, count: 98)))
        #expect(!session.send(Array("b".utf8)))
        #expect(!session.isOpen)
        #expect(!session.send(Array("c".utf8)))
        let (frames, hasEnded) = session.take()
        #expect(hasEnded)
        #expect(texts(frames).contains(#""type":"dropped""#))
        // The close frame with 1013.
        #expect(frames.contains([0x03, 0xF5]))
    }

    @Test func `never grows by prices alone`() {
        let session = SocketSession(limit: 100) { _, _ in }
        for _ in 0..<1_000 { #expect(session.send([UInt8](repeating: 0x61, count: 90), name: "price")) }
        #expect(session.take().frames.count == 92)
    }
}
