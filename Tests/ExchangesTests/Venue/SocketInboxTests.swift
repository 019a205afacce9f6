import Dispatch
import Net
import Posix
import Synchronization
import Testing

@testable import Exchanges

@Suite("What waits for the event loop")
struct SocketInboxTests {
    /// Holds a loop up until it is let go, as a slow disk or a long list would.
    private func held(_ loop: EventLoop) -> DispatchSemaphore {
        let gate = DispatchSemaphore(value: 0)
        loop.perform { gate.wait() }
        return gate
    }

    private final class Heard: @unchecked Sendable {
        // @unchecked: touched on the loop's thread alone.
        var events: [WebSocketEvent] = []
    }

    private func inbox(_ limits: SocketInboxLimits, _ loop: EventLoop) async -> (SocketInbox, Heard) {
        await withCheckedContinuation { continuation in
            loop.perform {
                let heard = Heard()
                let inbox = SocketInbox(limits, on: loop) { heard.events.append($0) }
                continuation.resume(returning: (inbox, heard))
            }
        }
    }

    private func events(_ heard: Heard, _ loop: EventLoop) async -> [WebSocketEvent] {
        await withCheckedContinuation { continuation in
            loop.perform { continuation.resume(returning: heard.events) }
        }
    }

    @Test(arguments: [SocketInboxLimits(messages: 100), SocketInboxLimits(bytes: 100 * 74)])
    func `while the loop is held up no more gathers than may, and then it is over, once`(
        _ limits: SocketInboxLimits
    ) async throws {
        let loop = try EventLoop(name: "floor")
        let (inbox, heard) = await inbox(limits, loop)
        let gate = held(loop)
        for number in 0..<1_000_000 {
            inbox.take(.text(Array("\(1_000_000_000 + number)".utf8)))
            if number % 1_000 == 0 {
                let load = inbox.load
                try #require(load.messages <= 101 && load.bytes <= 101 * 74)
            }
        }
        inbox.take(.closed(code: 1000, reason: "the real end"))
        gate.signal()
        let all = await events(heard, loop)
        #expect(all.count == 101)
        // What waited comes first, in order; then nothing but the end.
        for (number, event) in all.dropLast().enumerated() {
            #expect(event == .text(Array("\(1_000_000_000 + number)".utf8)))
        }
        guard case .closed(nil, let reason) = all.last else {
            Issue.record("it ends with \(String(describing: all.last))")
            return
        }
        #expect(reason.contains("100 messages waited"))
        #expect(inbox.load == (0, 0))
        loop.stop()
    }

    @Test func `what comes within the limits is handed on in order, and the end with it`() async throws {
        let loop = try EventLoop(name: "floor")
        let (inbox, heard) = await inbox(SocketInboxLimits(), loop)
        let told: [WebSocketEvent] =
            [.opened] + (0..<500).map { .text([UInt8($0 % 256)]) } + [.pong, .closed(code: 1000, reason: "")]
        for event in told { inbox.take(event) }
        inbox.take(.text([1]))
        #expect(await events(heard, loop) == told)
        loop.stop()
    }
}
