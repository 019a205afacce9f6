import Synchronization
import Testing

@testable import Lab

@Suite
struct `Turns on the Lab's cores` {
    /// Work that notes its name and waits until it may end.
    private final class Gate: Sendable {
        let begun = Mutex<[String]>([])
        let isOpen = Mutex(false)

        func work(_ name: String) -> @Sendable (Int) async -> Void {
            { [self] _ in
                begun.withLock { $0.append(name) }
                while !isOpen.withLock({ $0 }) { await Task.yield() }
            }
        }

        func wait(for count: Int) async {
            while begun.withLock({ $0.count }) < count { await Task.yield() }
        }
    }

    /// The cores that work was given.
    private final class Seen: Sendable {
        struct State {
            var now: Set<Int> = []
            var most = 0
            var all: [Int] = []
        }

        let state = Mutex(State())
    }

    @Test func `no more are under way than there are cores, each on its own`() async {
        let queue = LabQueue(cores: 2)
        let seen = Seen()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    _ = await queue.run(for: "user\(number % 3)") { core in
                        let isFree = seen.state.withLock { seen in
                            seen.all.append(core)
                            defer { seen.most = max(seen.most, seen.now.count) }
                            return seen.now.insert(core).inserted
                        }
                        #expect(isFree)
                        await Task.yield()
                        seen.state.withLock { _ = $0.now.remove(core) }
                    }
                }
            }
        }
        seen.state.withLock { seen in
            #expect(seen.most <= 2)
            #expect(seen.all.count == 20 && Set(seen.all).isSubset(of: [0, 1]))
        }
    }

    @Test func `one who asks for much does not keep another waiting`() async {
        let queue = LabQueue(cores: 1)
        let gate = Gate()
        for number in 0..<5 { queue.submit(for: "ann", gate.work("ann\(number)")) }
        queue.submit(for: "bob", gate.work("bob"))
        await gate.wait(for: 1)
        gate.isOpen.withLock { $0 = true }
        await gate.wait(for: 6)
        let order = gate.begun.withLock { $0 }
        #expect(order == ["ann0", "bob", "ann1", "ann2", "ann3", "ann4"])
    }

    @Test func `what has not begun can be taken back, once`() async {
        let queue = LabQueue(cores: 1)
        let gate = Gate()
        queue.submit(for: "ann", gate.work("first"))
        let second = queue.submit(for: "ann", gate.work("second"))
        await gate.wait(for: 1)
        #expect(queue.load(of: "ann") == (1, 1))
        #expect(queue.withdraw(second))
        #expect(!queue.withdraw(second))
        gate.isOpen.withLock { $0 = true }
        while queue.load().running > 0 { await Task.yield() }
        #expect(gate.begun.withLock { $0 } == ["first"])
    }

    @Test func `a task that is cancelled while it waits gets nothing`() async {
        let queue = LabQueue(cores: 1)
        let gate = Gate()
        queue.submit(for: "ann", gate.work("first"))
        await gate.wait(for: 1)
        let waiting = Task { await queue.run(for: "ann") { _ in 1 } }
        while queue.load().waiting == 0 { await Task.yield() }
        waiting.cancel()
        #expect(await waiting.value == nil)
        gate.isOpen.withLock { $0 = true }
    }
}
