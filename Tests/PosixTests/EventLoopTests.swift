import Posix
import Synchronization
import Testing

@Suite("Event loop")
struct EventLoopTests {
    /// An actor that lives on a loop, as the host's floor does.
    actor Counter {
        nonisolated let loop: EventLoop
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
        private var received: [UInt8] = []
        private var fired: [Int] = []

        init(loop: EventLoop) { self.loop = loop }

        func isOnLoop() -> Bool { loop.isCurrent }

        func collect(from pipe: consuming FileDescriptor) async throws -> [UInt8] {
            let number = pipe.release()
            let descriptor = Box(FileDescriptor(owning: number))
            let loop = loop
            return await withCheckedContinuation { continuation in
                var watch: EventLoop.Watch?
                do {
                    watch = try loop.watch(descriptor.value, for: .read) { _ in
                        do {
                            var buffer = [UInt8](repeating: 0, count: 16)
                            let count = try descriptor.value.read(into: &buffer)
                            self.received += buffer.prefix(count)
                            guard count == 0 else { return }
                        } catch {
                            Issue.record(error)
                        }
                        if let watch { loop.unwatch(watch) }
                        continuation.resume(returning: self.received)
                    }
                } catch {
                    Issue.record(error)
                    continuation.resume(returning: [])
                }
            }
        }

        func leisure() async -> [Int] {
            let loop = loop
            return await withCheckedContinuation { continuation in
                loop.atLeisure {
                    self.fired.append(3)
                    loop.atLeisure {
                        self.fired.append(4)
                        continuation.resume(returning: self.fired)
                    }
                }
                loop.perform { self.assumeIsolated { $0.fired.append(2) } }
                loop.atEndOfTurn { self.fired.append(1) }
            }
        }

        func timers() async -> [Int] {
            let loop = loop
            return await withCheckedContinuation { continuation in
                loop.schedule(after: .milliseconds(6)) {
                    self.fired.append(3)
                    continuation.resume(returning: self.fired)
                }
                let cancelled = loop.schedule(after: .milliseconds(2)) { self.fired.append(2) }
                loop.schedule(after: .milliseconds(1)) {
                    self.fired.append(1)
                    loop.cancel(cancelled)
                    loop.schedule(after: .zero) { self.fired.append(11) }
                }
            }
        }

        /// Whether what a timer holds is gone: before it is cancelled, after, and the same of one among many.
        func cancelled() -> [Bool] {
            func isGone(amid others: Int) -> [Bool] {
                let rest = (0..<others).map { _ in loop.schedule(after: .seconds(3600)) {} }
                var held: Parting? = Parting(loop: loop)
                weak let seen = held
                let timer = loop.schedule(after: .seconds(3600)) { [held] in _ = held }
                held = nil
                let before = seen == nil
                for other in rest { loop.cancel(other) }
                loop.cancel(timer)
                return [before, seen == nil]
            }
            return isGone(amid: 0) + isGone(amid: 200)
        }
    }

    /// Sets and cancels a timer when the last that holds it lets go.
    final class Parting {
        let loop: EventLoop

        init(loop: EventLoop) { self.loop = loop }

        deinit { loop.cancel(loop.schedule(after: .seconds(3600)) {}) }
    }

    final class Box: Sendable {
        let value: FileDescriptor
        init(_ value: consuming FileDescriptor) { self.value = value }
    }

    @Test func `what can wait is done after what comes next, and soon also when nothing comes`() async throws
    {
        let loop = try EventLoop(name: "test")
        defer { loop.stop() }
        #expect(await Counter(loop: loop).leisure() == [1, 2, 3, 4])
    }

    @Test func `an actor on a loop runs on the loop's thread`() async throws {
        let loop = try EventLoop(name: "test-floor")
        defer { loop.stop() }
        #expect(!loop.isCurrent)
        #expect(await Counter(loop: loop).isOnLoop())
    }

    @Test func `a watched pipe is read until its end`() async throws {
        let loop = try EventLoop(name: "test-floor")
        defer { loop.stop() }
        let pipe = try Posix.Pipe(readsWithoutWaiting: true)
        try pipe.writeEnd.writeAll(Array("abc".utf8)[...])
        var numbers: (Int32, Int32) = (0, 0)
        pipe.split { numbers = ($0.release(), $1.release()) }
        do { _ = FileDescriptor(owning: numbers.1) }
        let bytes = try await Counter(loop: loop).collect(from: FileDescriptor(owning: numbers.0))
        #expect(bytes == Array("abc".utf8))
    }

    @Test func `timers fire by deadline, cancelled ones never, and may set others`() async throws {
        let loop = try EventLoop(name: "test-floor")
        defer { loop.stop() }
        #expect(await Counter(loop: loop).timers() == [1, 11, 3])
    }

    @Test func `a cancelled timer lets go at once of what it held`() async throws {
        let loop = try EventLoop(name: "test-floor")
        defer { loop.stop() }
        #expect(await Counter(loop: loop).cancelled() == [false, true, false, true])
    }

    final class Tally: Sendable {
        let count = Atomic(0)
    }

    @Test func `work from many threads is done once each`() async throws {
        let loop = try EventLoop(name: "test-floor")
        defer { loop.stop() }
        let tally = Tally()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 { loop.perform { tally.count.add(1, ordering: .relaxed) } }
                }
            }
        }
        await withCheckedContinuation { continuation in loop.perform { continuation.resume() } }
        #expect(tally.count.load(ordering: .relaxed) == 8000)
    }
}
