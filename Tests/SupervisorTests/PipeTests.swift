import Testing

@testable import Supervisor

@Suite("Line splitter")
struct LineSplitterTests {
    @Test("lines come out the same however the stream is cut", arguments: 1...9)
    func anyCut(_ size: Int) {
        let stream = Array("one\n\ntwo two\nthree\n".utf8)
        var splitter = LineSplitter(limit: 16)
        var lines: [String] = []
        for start in stride(from: 0, to: stream.count, by: size) {
            splitter.feed(stream[start..<min(start + size, stream.count)]) { piece in
                if case .line(let bytes) = piece { lines.append(String(decoding: bytes, as: UTF8.self)) }
            }
        }
        #expect(lines == ["one", "", "two two", "three"])
        #expect(!splitter.hasPartialLine)
    }

    @Test("a line of the limit is taken, one byte more is reported once and passed over", arguments: 1...9)
    func limit(_ size: Int) {
        let stream = Array("12345678\n123456789\nok\n".utf8)
        var splitter = LineSplitter(limit: 8)
        var pieces: [LineSplitter.Piece] = []
        for start in stride(from: 0, to: stream.count, by: size) {
            splitter.feed(stream[start..<min(start + size, stream.count)]) { piece in
                if case .line(let bytes) = piece {
                    pieces.append(.line(Array(bytes)[...]))
                } else {
                    pieces.append(piece)
                }
            }
        }
        #expect(
            pieces == [.line(Array("12345678".utf8)[...]), .tooLong, .line(Array("ok".utf8)[...])])
    }
}

@Suite("Outgoing queue")
struct OutgoingQueueTests {
    private func drain(_ queue: inout OutgoingQueue, step: Int = 1000) -> [String] {
        var lines: [String] = []
        var current: [UInt8] = []
        while let front = queue.front() {
            let taken = front.prefix(step)
            current += taken
            if queue.sent(taken.count) {
                lines.append(String(decoding: current, as: UTF8.self))
                current = []
            }
        }
        return lines
    }

    @Test("quotes give way to later ones, everything else keeps its order", arguments: [1, 3, 1000])
    func conflation(_ step: Int) {
        var queue = OutgoingQueue()
        _ = queue.push(Array("q1".utf8), .latest(key: "a"))
        _ = queue.push(Array("order".utf8), .must)
        #expect(queue.push(Array("q2".utf8), .latest(key: "a")) == .conflated)
        _ = queue.push(Array("other".utf8), .latest(key: "b"))
        #expect(drain(&queue, step: step) == ["q2", "order", "other"])
        #expect(queue.push(Array("q3".utf8), .latest(key: "a")) == .queued)
    }

    @Test func `a line of which a part has left is finished`() {
        var queue = OutgoingQueue()
        _ = queue.push(Array("first".utf8), .latest(key: "a"))
        let (front, isComplete) = (queue.front(), queue.sent(2))
        #expect(front?.count == 5 && !isComplete)
        #expect(queue.push(Array("second".utf8), .latest(key: "a")) == .queued)
        #expect(queue.push(Array("third".utf8), .latest(key: "a")) == .conflated)
        let isCompleteNow = queue.sent(3)
        #expect(isCompleteNow)
        #expect(queue.push(Array("fourth".utf8), .latest(key: "a")) == .conflated)
        #expect(drain(&queue) == ["fourth"])
    }

    @Test func `candles beyond the depth drop the oldest, orders beyond the bound are refused`() {
        var queue = OutgoingQueue(mustBytesLimit: 10, candleDepth: 2)
        #expect(queue.push(Array("c1".utf8), .candle) == .queued)
        #expect(queue.push(Array("c2".utf8), .candle) == .queued)
        #expect(queue.push(Array("12345".utf8), .must) == .queued)
        #expect(queue.push(Array("c3".utf8), .candle) == .droppedOldest)
        #expect(queue.push(Array("123456".utf8), .must) == .full)
        #expect(drain(&queue) == ["c2", "12345", "c3"])
        #expect(queue.isEmpty)
    }
}

@Suite("Token bucket")
struct TokenBucketTests {
    @Test func `a burst is allowed, then the rate holds`() {
        var bucket = TokenBucket(rate: 10, burst: 3, now: 0)
        let burst = (0..<4).map { _ in bucket.take(now: 0) }
        #expect(burst == [true, true, true, false])
        let wait = bucket.wait(now: 0)
        #expect(wait > 99_000_000)
        let (early, onTime) = (bucket.take(now: 99_000_000), bucket.take(now: 100_000_000))
        #expect(!early && onTime)
    }
}
