import Posix
import Synchronization
import Testing

@Suite("Threads for blocking work")
struct WorkThreadsTests {
    private struct Refusal: Error, Equatable {
        let reason: String
    }

    @Test func `what the work gives or throws comes back, from a thread of its own`() async throws {
        let threads = WorkThreads(name: "work-test", limit: 2, full: "are at work")
        let seven = try await threads.run(refused: Refusal.init) { () throws(Refusal) in 7 }
        #expect(seven == 7)
        await #expect(throws: Refusal(reason: "no")) {
            try await threads.run(refused: Refusal.init) { () throws(Refusal) in
                throw Refusal(reason: "no")
            }
        }
    }

    @Test func `beyond the limit work is refused, and taken again once there is room`() async throws {
        let threads = WorkThreads(name: "work-test", limit: 1, full: "is at work")
        let isIn = Atomic(false)
        let mayGo = Atomic(false)
        async let first = threads.run(refused: Refusal.init) { () throws(Refusal) in
            isIn.store(true, ordering: .releasing)
            while !mayGo.load(ordering: .acquiring) {}
            return 1
        }
        while !isIn.load(ordering: .acquiring) { await Task.yield() }
        await #expect(throws: Refusal(reason: "1 is at work")) {
            try await threads.run(refused: Refusal.init) { () throws(Refusal) in 2 }
        }
        mayGo.store(true, ordering: .releasing)
        let one = try await first
        #expect(one == 1)
        let three = try await threads.run(refused: Refusal.init) { () throws(Refusal) in 3 }
        #expect(three == 3)
    }
}
