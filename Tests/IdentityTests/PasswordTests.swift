import Dispatch
import Synchronization
import Testing

@testable import Identity

@Suite("Passwords")
struct PasswordTests {
    @Test func `a hash is that of its password only, and two are never alike`() throws {
        let hash = PasswordHash("correct horse", cost: .trivial)
        #expect(hash.matches("correct horse") && !hash.matches("correct horsf") && !hash.matches(""))
        #expect(PasswordHash("correct horse", cost: .trivial) != hash)
        let read = try #require(PasswordHash(hash.description))
        #expect(read == hash && read.matches("correct horse"))
    }

    @Test func `scrypt gives what RFC 7914 says`() throws {
        // Section 12: "pleaseletmein", "SodiumChloride", N=16384, r=8, p=1, its first 32 bytes.
        let text =
            "scrypt$14$8$1$536f6469756d43686c6f72696465"
            + "$7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        #expect(try #require(PasswordHash(text)).matches("pleaseletmein"))
    }

    @Test(
        "what is not a stored hash is not read",
        arguments: [
            "", "scrypt$15$8$1$00", "bcrypt$15$8$1$00$00",
            "scrypt$15$8$1$0$" + String(repeating: "0", count: 64),
            "scrypt$40$8$1$00$" + String(repeating: "0", count: 64),
            "scrypt$15$8$1$zz$" + String(repeating: "0", count: 64),
            "scrypt$15$8$1$00$" + String(repeating: "0", count: 62),
        ])
    func malformed(_ text: String) {
        #expect(PasswordHash(text) == nil)
    }

    @Test func `generated passwords have four groups and differ`() {
        let passwords = (0..<100).map { _ in GeneratedPassword.make() }
        #expect(Set(passwords).count == 100)
        #expect(passwords.allSatisfy { $0.split(separator: "-").map(\.count) == [5, 5, 5, 5] })
    }

    @Test func `so many are hashed at once and so many wait, one more is refused`() async throws {
        let workers = PasswordWorkers(parallelism: 1, queueLimit: 1)
        let hold = Hold()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await workers.run { hold.stay() } }
            while !hold.isTaken { await Task.yield() }
            group.addTask { try await workers.run { hold.passed() } }
            while workers.waiting == 0 { await Task.yield() }
            await #expect(throws: IdentityError.busy) { try await workers.run { hold.passed() } }
            hold.release()
            try await group.waitForAll()
        }
        #expect(hold.count == 1)
    }

    /// Keeps a worker's thread until it is let go.
    private final class Hold: Sendable {
        private let taken = Atomic<Bool>(false)
        private let released = DispatchSemaphore(value: 0)
        private let passes = Atomic<Int>(0)

        var count: Int { passes.load(ordering: .relaxed) }

        func stay() {
            taken.store(true, ordering: .relaxed)
            released.wait()
        }

        var isTaken: Bool { taken.load(ordering: .relaxed) }

        func release() { released.signal() }

        func passed() { _ = passes.wrappingAdd(1, ordering: .relaxed) }
    }

    @Test func `base 64 is that of RFC 4648 without padding`() {
        #expect(
            ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map { Base64URL.text(Array($0.utf8)) }
                == ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"])
        #expect(Base64URL.text([0xFB, 0xFF]) == "-_8")
    }
}

@Suite("Login throttle")
struct LoginThrottleTests {
    private var throttle = LoginThrottle(attempts: 10, capacity: 100)

    @Test mutating func `the first five are free, then each wait doubles, and the tenth locks out`() {
        var waits: [Int64] = []
        var now: Int64 = 1_000_000
        var attempts = 0
        while attempts < 10 {
            if let wait = throttle.attempt(name: "a", peer: "p", now: now) {
                waits.append(wait)
                now += wait
                if attempts == 6 { #expect(throttle.attempt(name: "a", peer: "p", now: now - 1) == 1) }
            } else {
                attempts += 1
            }
        }
        #expect(waits == [1000, 2000, 4000, 8000])
        #expect(throttle.attempt(name: "a", peer: "p", now: now) == LoginThrottle.longestWait)
    }

    @Test mutating func `many names from one address are slowed down too`() {
        let isStopped = (0..<100).contains { index in
            throttle.attempt(name: "user\(index)", peer: "p", now: 0) != nil
        }
        #expect(isStopped)
        #expect(throttle.attempt(name: "user0", peer: "elsewhere", now: 0) == nil)
    }

    @Test mutating func `old attempts are forgotten`() {
        for _ in 0..<5 { _ = throttle.attempt(name: "a", peer: "p", now: 0) }
        let later = LoginThrottle.longestWait + 1
        for _ in 0..<5 { #expect(throttle.attempt(name: "a", peer: "p", now: later) == nil) }
    }

    @Test mutating func `however many try, what is remembered stays bounded`() {
        for index in 0..<1000 { _ = throttle.attempt(name: "a", peer: "p\(index)", now: Int64(index)) }
        // The newest are still known.
        for _ in 0..<9 { _ = throttle.attempt(name: "a", peer: "p999", now: 1000) }
        #expect(throttle.attempt(name: "a", peer: "p999", now: 1000) != nil)
    }
}
