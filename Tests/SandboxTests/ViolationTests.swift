import Glibc
import Posix
import Testing

@testable import Sandbox

/// Saying why: rules, words and pace, without a child.
@Suite("Violations")
struct ViolationTests {
    private let words = CallWords(writable: ["/work", "/tmp"])

    /// Pretends that these texts and numbers lie at these addresses.
    private func describe(
        _ call: String, _ values: [UInt64], texts: [UInt64: String] = [:],
        pairs: [UInt64: (UInt64, UInt64)] = [:]
    ) -> String {
        let padded = values + [UInt64](repeating: 0, count: 6 - values.count)
        let memory = StrategyMemory(text: { texts[$0] }, pair: { pairs[$0] })
        return words.describe(call, padded, memory).text
    }

    @Test(
        "every call that a profile names, kills for or narrows falls under a rule",
        arguments: [
            "python", "python-scientific", "native",
        ])
    func everyCallHasAdvice(_ name: String) throws {
        let calls = try Fixture.profile(name).systemCalls
        for call in calls.named + calls.fatal + ["execve", "clone"] + ArgumentRules.worthNaming.keys {
            let rule = try #require(SandboxRule.ofCall[call], "\(call) has no rule")
            #expect(rule != .otherCalls)
        }
    }

    @Test(
        "what only an attacker does kills, and nothing else does",
        arguments: [
            "python", "python-scientific", "native",
        ])
    func killsForTheMachineAlone(_ name: String) throws {
        let calls = try Fixture.profile(name).systemCalls
        for call in calls.fatal { #expect(SandboxRule.ofCall[call] == .machine, "\(call)") }
        for call in calls.named { #expect(SandboxRule.ofCall[call] != .machine, "\(call)") }
    }

    @Test("every rule says what is not allowed, and what to do instead")
    func rulesHaveWords() {
        for rule in SandboxRule.allCases {
            #expect(!rule.words.isEmpty && !rule.advice.isEmpty && !rule.words.hasSuffix("."))
        }
        #expect(
            Violation(
                rule: .network, systemCall: "socket", arguments: "AF_INET, SOCK_STREAM", isFatal: false
            ).description
                == "socket(AF_INET, SOCK_STREAM): network is not available to strategies: use `subscribe`, or ask "
                + "the operator for a feed")
    }

    @Test(
        "arguments are put in words",
        arguments: [
            ("socket", [2, 1 | 0o2000000], "AF_INET, SOCK_STREAM"),
            ("socket", [99, 2], "99, SOCK_DGRAM"),
            ("clone", [17], "a new process"),
            ("clone", [0x4100 | 17], "CLONE_VFORK"),
            ("clone", [0x3000_0000], "CLONE_NEWUSER|CLONE_NEWPID"),
            ("unshare", [0x1000_0000], "CLONE_NEWUSER"),
            ("kill", [2, 15], "itself, SIGTERM"),
            ("kill", [UInt64(bitPattern: -1), 9], "every process, SIGKILL"),
            ("kill", [UInt64(bitPattern: -7), 9], "process group 7, SIGKILL"),
            ("kill", [1, 64], "process 1, signal 64"),
            ("tgkill", [2, 5, 10], "itself, thread 5, SIGUSR1"),
            ("ptrace", [0], "PTRACE_TRACEME"),
            ("ptrace", [16, 40], "PTRACE_ATTACH, process 40"),
            ("mmap", [0, 8192, 7], "8 KiB, PROT_READ|PROT_WRITE|PROT_EXEC"),
            ("mprotect", [4096, 3 << 20, 5], "3 MiB, PROT_READ|PROT_EXEC"),
            ("flock", [3, 6], "3, LOCK_EX|LOCK_NB"),
            ("fcntl", [3, 6], "3, F_SETLK"),
            ("ioctl", [0, 0x5412], "0, TIOCSTI"),
            ("mknod", [0, 0o010644], "nothing, a named pipe"),
            ("chmod", [0, 0o755], "nothing, 0755"),
            ("sched_setscheduler", [0, 1], "itself, SCHED_FIFO"),
            ("io_uring_setup", [8], "8 entries"),
            ("userfaultfd", [0], ""),
        ] as [(String, [UInt64], String)])
    func putsInWords(_ call: String, _ values: [UInt64], _ expected: String) {
        #expect(describe(call, values) == expected)
    }

    @Test("what arguments point at is read")
    func readsMemory() {
        let texts: [UInt64: String] = [8: "/usr/bin/curl", 16: "/work", 24: "tmpfs"]
        #expect(describe("execve", [8], texts: texts) == "\"/usr/bin/curl\"")
        #expect(
            describe("openat", [UInt64(bitPattern: -100), 8, 0o1101], texts: texts)
                == "\"/usr/bin/curl\", O_WRONLY|O_CREAT|O_TRUNC")
        #expect(
            describe("mount", [8, 16, 24], texts: texts) == "\"/usr/bin/curl\", \"/work\", type \"tmpfs\"")
        #expect(
            describe("symlink", [8, 99], texts: texts) == "\"/usr/bin/curl\", a path that could not be read")
        #expect(
            describe("prlimit64", [0, 7, 8], pairs: [8: (4096, .max)])
                == "itself, RLIMIT_NOFILE, 4096 of unlimited")
        #expect(describe("prlimit64", [0, 9, 8], pairs: [8: (.max, .max)]) == "itself, RLIMIT_AS, unlimited")
    }

    @Test(
        "only a file outside of the writable folders is worth a word",
        arguments: [
            ("/work/model.json", true), ("/tmp", true), ("model.json", true), ("a/../b", true),
            ("/dev/shm/sem.x", true), ("", true), ("/etc/passwd", false), ("../etc/passwd", false),
            ("/workshop", false), ("/work/../bundle/x", false), ("/", false),
        ])
    func judgesPaths(_ path: String, _ mayWrite: Bool) {
        let here = UInt64(bitPattern: -100)
        #expect(words.mayWrite("openat", [here, 0, 0, 0, 0, 0], path: path) == mayWrite)
        #expect(words.mayWrite("open", [0, 0, 0, 0, 0, 0], path: path) == mayWrite)
        // Below a folder that it has open, a name says nothing.
        let isAllowed = mayWrite || !path.hasPrefix("/")
        #expect(words.mayWrite("openat", [5, 0, 0, 0, 0, 0], path: path) == isAllowed)
    }

    @Test("who is refused without end is answered more and more slowly")
    func paces() {
        var (now, answered): (UInt64, Int) = (0, 0)
        var pace = RefusalPace(now: now)
        /// How many are answered within so many seconds by a host that takes no time for it.
        func answers(in seconds: UInt64, isRefused: Bool) -> Int {
            let end = now + seconds * 1_000_000_000
            answered = 0
            while now < end {
                let pause = pace.pause(now: now)
                now += UInt64(pause) * 1_000_000
                guard pause == 0 else { continue }
                pace.count(isRefused: isRefused)
                answered += 1
            }
            return answered
        }
        #expect((1_900...2_100).contains(answers(in: 10, isRefused: true)))
        #expect((1_500...1_700).contains(answers(in: 10, isRefused: true)))
        _ = answers(in: 10, isRefused: true)
        #expect((100...200).contains(answers(in: 10, isRefused: true)))
    }

    @Test("who opens files of its own, or is refused now and then, never waits")
    func isPatient() {
        var pace = RefusalPace(now: 0)
        for second in UInt64(1)...10_000 {
            // A file for each of a hundred prices a second, and something refused every second.
            for _ in 0..<100 { pace.count(isRefused: false) }
            pace.count(isRefused: true)
            #expect(pace.pause(now: second * 1_000_000_000) == 0)
            if second == 4_000 { break }
        }
    }
}
