import Testing

@testable import Net

@Suite("Watch over a WebSocket")
struct WebSocketWatchTests {
    private let limits = WebSocketLimits(pingAfter: .nanoseconds(100), pongWithin: .nanoseconds(50))

    @Test func `silence brings a ping, and more silence the end`() {
        var watch = WebSocketWatch(limits, openedAt: 1_000)
        #expect(watch.look(at: 1_000) == .wait(until: 1_100))
        #expect(watch.look(at: 1_099) == .wait(until: 1_100))
        #expect(watch.look(at: 1_100) == .ping(until: 1_150))
        #expect(watch.look(at: 1_149) == .wait(until: 1_150))
        guard case .giveUp = watch.look(at: 1_150) else { return #expect(Bool(false)) }
    }

    @Test func `a message or a pong starts the count anew`() {
        var watch = WebSocketWatch(limits, openedAt: 0)
        #expect(watch.look(at: 100) == .ping(until: 150))
        watch.heardPong(at: 140)
        #expect(watch.look(at: 150) == .wait(until: 240))
        watch.heardMessage(at: 200)
        #expect(watch.look(at: 240) == .wait(until: 300))
        #expect(watch.look(at: 300) == .ping(until: 350))
    }

    @Test func `pongs do not help where messages are due`() {
        var limits = limits
        limits.messageWithin = .nanoseconds(220)
        var watch = WebSocketWatch(limits, openedAt: 0)
        #expect(watch.look(at: 100) == .ping(until: 150))
        watch.heardPong(at: 110)
        #expect(watch.look(at: 150) == .wait(until: 210))
        #expect(watch.look(at: 210) == .ping(until: 220))
        watch.heardPong(at: 215)
        guard case .giveUp = watch.look(at: 220) else { return #expect(Bool(false)) }
    }

    @Test func `it always names a later time to look, or has something to do`() {
        var state: UInt64 = 42
        func dice(_ count: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % count
        }
        for _ in 0..<200 {
            var limits = limits
            if dice(2) == 0 { limits.messageWithin = .nanoseconds(Int64(120 + dice(300))) }
            var watch = WebSocketWatch(limits, openedAt: 0)
            var now: UInt64 = 0
            var pings = 0
            life: for _ in 0..<200 {
                now += dice(60)
                switch dice(4) {
                case 0: watch.heardMessage(at: now)
                case 1: watch.heardPong(at: now)
                default:
                    switch watch.look(at: now) {
                    case .wait(let until), .ping(let until): #expect(until > now)
                    case .giveUp: break life
                    }
                    pings += 1
                }
            }
        }
    }
}

@Suite("Joining of fragments")
struct WebSocketAssemblerTests {
    @Test func `however a message is cut, it comes out whole or not at all`() {
        var state: UInt64 = 7
        func dice(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        for _ in 0..<500 {
            let limit = 1 + dice(200)
            var assembler = WebSocketAssembler(limit: limit)
            for _ in 0..<5 {
                let size = dice(2 * limit)
                let message = (0..<size).map { _ in UInt8(dice(256)) }
                var result: WebSocketAssembler.Result?
                var place = 0
                var frames: [Range<Int>] = []
                repeat {
                    let end = min(size, place + 1 + dice(80))
                    frames.append(place..<end)
                    place = end
                } while place < size
                for (index, frame) in frames.enumerated() where result == nil {
                    var at = frame.lowerBound
                    repeat {
                        let end = min(frame.upperBound, at + 1 + dice(30))
                        let piece = assembler.take(
                            message[at..<end], left: UInt64(frame.upperBound - end), isBinary: true,
                            isFirst: index == 0 && at == 0, isFinal: index == frames.count - 1)
                        if piece != .incomplete { result = piece }
                        at = end
                    } while at < frame.upperBound && result == nil
                }
                #expect(result == (size <= limit ? .message(message, isBinary: true) : .tooLarge))
                guard size <= limit else { break }
                #expect(!assembler.isInside)
            }
        }
    }

    @Test func `a length that cannot be is refused at once`() {
        var assembler = WebSocketAssembler(limit: 100)
        #expect(
            assembler.take([1], left: .max, isBinary: true, isFirst: true, isFinal: true) == .tooLarge)
    }
}

@Suite("WebSocket addresses")
struct WebSocketAddressTests {
    @Test func `an address is taken apart`() {
        let plain = WebSocketAddress("ws://example.com", headers: [])
        #expect(plain.fault == nil)
        #expect(
            (plain.host, plain.port, plain.hostHeader, plain.path) == ("example.com", 80, "example.com", "/"))
        let full = WebSocketAddress("wss://example.com:9443/ws?streams=a/b#part", headers: [("A", "b")])
        #expect(full.fault == nil && full.isTLS && full.port == 9443)
        #expect((full.hostHeader, full.path) == ("example.com:9443", "/ws?streams=a/b"))
        #expect(full.headers == "A: b\r\n" && full.server == "wss://example.com:9443")
        #expect(WebSocketAddress("wss://example.com:443/x", headers: []).hostHeader == "example.com")
        #expect(WebSocketAddress("ws://example.com?a=b", headers: []).path == "/?a=b")
    }

    @Test(arguments: [
        "", "ws://", "http://a", "ws://a:0", "ws://a:65536", "ws://a:b", "ws://a:1:2", "ws://[::1]/",
        "ws://a b/", "ws://a/ü", "ws://a/\r\nX: y", "ws://u:p@a/",
    ])
    func `what cannot be an address has a fault`(_ url: String) {
        #expect(WebSocketAddress(url, headers: []).fault != nil)
    }
}
