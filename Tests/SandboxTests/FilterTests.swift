import Testing
import Trading

@testable import Sandbox

/// What the compiled filters say, asked of the programs themselves.
@Suite("Filters")
struct FilterTests {
    private static let names = ["python", "python-pandas", "python-scientific", "native"]

    /// A profile's two programs, as the kernel would run them: the stricter verdict counts.
    private struct Filters {
        let programs: [FilterProgram]
        let profile: Profile

        init(_ name: String) throws {
            profile = try Fixture.profile(name)
            let filter = try SystemCallFilter.compiled(for: profile.systemCalls)
            programs = try [filter.listening, filter.allowing].map { try #require(FilterProgram($0)) }
        }

        func verdict(_ number: Int32, _ arguments: [UInt64] = []) -> FilterProgram.Verdict {
            verdict(
                .init(
                    number: number, arguments: arguments + [UInt64](repeating: 0, count: 6 - arguments.count))
            )
        }

        func verdict(_ call: FilterProgram.Call) -> FilterProgram.Verdict {
            programs.reduce(.allow) { $0.stricter($1.verdict(on: call)) }
        }

        func verdict(_ name: String, _ arguments: UInt64...) throws -> FilterProgram.Verdict {
            verdict(try #require(SystemCallFilter.number(of: name)), arguments)
        }
    }

    /// Whether a call is carried out. A file opened for writing is heard of, and left to the walls.
    private static func isCarriedOut(_ call: String, _ verdict: FilterProgram.Verdict) -> Bool {
        verdict == .allow || verdict == .notify && ["open", "openat", "truncate"].contains(call)
    }

    /// Which uses of narrowed calls are harmless, said a second time and in another way than the filter says it.
    private static func isHarmless(_ call: String, _ a: [UInt64]) -> Bool {
        func int(_ index: Int) -> UInt32 { UInt32(truncatingIfNeeded: a[index]) }
        switch call {
        case "clone":
            let needed: UInt64 = 0x100 | 0x800 | 0x10000
            let usual: UInt64 = 0x200 | 0x400 | 0x40000 | 0x80000 | 0x10_0000 | 0x20_0000 | 0x40_0000
            return a[0] & needed == needed && a[0] & ~(needed | usual) == 0
        case "ioctl": return [0x5421, 0x5450, 0x5451].contains(int(1))
        case "fcntl":
            return [0, 1, 2, 3, 1030].contains(int(1))
                || int(1) == 4 && a[2] & (0o20000 | 0o40000 | 0o1000000) == 0
        case "prlimit64": return a[0] == 0 && a[2] == 0
        // The whole register: what differs in it is named, and no C library leaves rubbish in its upper half.
        case "socketpair": return a[0] == 1
        case "sendto": return a[4] == 0
        case "tgkill": return a[2] == 6
        case "tkill": return a[1] == 6
        case "mmap": return a[2] & 6 != 6 && a[3] & 0x40000 == 0
        case "mprotect": return a[2] & 4 == 0
        case "madvise": return [0, 1, 2, 3, 4, 8, 14, 15].contains(int(2))
        case "futex": return [0, 9].contains(int(1) % 128) || [0x81, 0x8A].contains(int(1) % 256)
        case "prctl": return int(0) == 15 || int(0) == 16
        case "arch_prctl": return [0x1002, 0x1003, 0x1021, 0x1022, 0x1023].contains(int(0))
        default: return true
        }
    }

    @Test("every call of this machine is decided as the profile's lists say", arguments: names)
    func decidesByLists(_ name: String) throws {
        let filters = try Filters(name)
        let calls = filters.profile.systemCalls
        let allowed = Set(calls.allowed.flatMap(\.calls))
        let waiting = Set(calls.named + calls.fatal)
        for number in Int32(0)..<512 {
            let call = SystemCallFilter.name(of: number)
            // With arguments that no narrowed call allows.
            let verdict = filters.verdict(number, [UInt64](repeating: .max, count: 6))
            switch call {
            case "clone3": #expect(verdict == .fail(38), "\(call)")
            case "execve": #expect(verdict == .notify, "\(call)")
            case _ where waiting.contains(call): #expect(verdict == .notify, "\(call)")
            default:
                let isAllowed = allowed.contains(call) && ArgumentRules.uses[call] == nil
                #expect(Self.isCarriedOut(call, verdict) == isAllowed, "\(call)")
                #expect(allowed.contains(call) || verdict == .fail(1), "\(call)")
            }
        }
    }

    @Test("narrowed calls are decided by their arguments, whatever else the registers hold", arguments: names)
    func decidesByArguments(_ name: String) throws {
        let filters = try Filters(name)
        let allowed = Set(filters.profile.systemCalls.allowed.flatMap(\.calls))
        var random = SplitMix64(seed: 20_261_120)
        for call in ArgumentRules.uses.keys.sorted() {
            let number = try #require(SystemCallFilter.number(of: call))
            var seen: Set<Bool> = []
            for _ in 0..<20_000 {
                let arguments = (0..<6).map { _ in random.register() }
                let verdict = filters.verdict(number, arguments)
                // A clone that makes a process is named, in every profile.
                if call == "clone", arguments[0] & 0x10000 == 0 {
                    #expect(verdict == .notify)
                    continue
                }
                let isHarmless = allowed.contains(call) && Self.isHarmless(call, arguments)
                seen.insert(isHarmless)
                guard isHarmless ? verdict == .allow : [.fail(1), .notify].contains(verdict) else {
                    Issue.record("\(call) \(arguments.map { String($0, radix: 16) }): \(verdict)")
                    break
                }
            }
            #expect(
                seen.count == (allowed.contains(call) ? 2 : 1),
                "\(call): the registers were not varied enough")
        }
    }

    @Test(
        "tricks that went past other filters do not pass",
        arguments: [
            ("ioctl", [0, 0x1_0000_5412]),  // TIOCSTI with a high bit, CVE-2019-10063
            ("ioctl", [0, 0x5412]), ("ioctl", [0, 0x541C]),  // TIOCSTI, TIOCLINUX
            ("clone", [0x1000_0000 | 0x10900]), ("clone", [0x2_0001_0900]), ("clone", [0x8000 | 0x10900]),
            ("mmap", [0, 4096, 7, 0x22]), ("mmap", [0, 4096, 0xFFFF_FFFF_0000_0006, 0x22]),
            ("mmap", [0, 4096, 3, 0x40022]), ("mprotect", [0, 4096, 5]), ("mprotect", [0, 4096, 4]),
            ("socketpair", [2]), ("socketpair", [16]), ("socketpair", [0x1_0000_0010]),
            ("prlimit64", [0, 7, 1]), ("prlimit64", [1, 7, 0]), ("tgkill", [1, 1, 9]), ("tgkill", [2, 2, 0]),
            ("fcntl", [3, 6]), ("fcntl", [3, 37]), ("fcntl", [3, 1024]), ("fcntl", [3, 1026]),
            ("fcntl", [3, 8]),
            ("fcntl", [3, 0x1_0000_0006]), ("fcntl", [1, 4, 0x2000]), ("prctl", [22]), ("prctl", [38]),
            ("madvise", [0, 4096, 12]), ("madvise", [0, 4096, 100]), ("futex", [0, 6]), ("futex", [0, 0x86]),
            ("futex", [0, 12]), ("futex", [0, 1]), ("futex", [0, 0x10A]), ("sendto", [3, 0, 1, 0, 0x1000]),
            ("arch_prctl", [0x1001]),
        ] as [(String, [UInt64])])
    func refusesTricks(_ call: String, _ arguments: [UInt64]) throws {
        for name in Self.names {
            let filters = try Filters(name)
            let verdict = filters.verdict(try #require(SystemCallFilter.number(of: call)), arguments)
            #expect([.fail(1), .notify].contains(verdict), "\(name)")
        }
    }

    @Test("a call made as another machine makes it ends the process", arguments: names)
    func killsForeignCalls(_ name: String) throws {
        let filters = try Filters(name)
        for number in Int32(0)..<512 {
            // int 0x80, and x32.
            #expect(filters.verdict(.init(number: number, architecture: 0x4000_0003)) == .kill)
            #expect(filters.verdict(number | 0x4000_0000) == .kill)
        }
    }

    @Test("a filter that hears all lets nothing through but the handing over of the listener")
    func hearsAll() throws {
        let filter = try SystemCallFilter.hearingAll()
        let listening = try #require(FilterProgram(filter.listening))
        let sendmsg = try #require(SystemCallFilter.number(of: "sendmsg"))
        for number in Int32(0)..<512 { #expect(listening.verdict(on: .init(number: number)) == .notify) }
        #expect(listening.verdict(on: .init(number: sendmsg, arguments: [5, 0, 0, 0, 0, 0])) == .allow)
        #expect(listening.verdict(on: .init(number: 0, architecture: 0x4000_0003)) == .kill)
    }

    @Test("a program that is not sound is not taken")
    func refusesUnsound() throws {
        let end: [UInt8] = [0x06, 0, 0, 0, 0, 0, 0xFF, 0x7F]
        #expect(FilterProgram(end)?.verdict(on: .init(number: 0)) == .allow)
        #expect(FilterProgram([]) == nil)
        #expect(FilterProgram(Array(end.dropLast())) == nil)
        #expect(FilterProgram([0x20, 0, 0, 0, 0, 0, 0, 0]) == nil)  // nothing behind a load
        #expect(FilterProgram([0x05, 0, 0, 0, 1, 0, 0, 0] + end) == nil)  // a jump past the end
        #expect(FilterProgram([0x15, 0, 0, 1, 1, 0, 0, 0] + end) == nil)
        #expect(FilterProgram([0x20, 0, 0, 0, 64, 0, 0, 0] + end) == nil)  // a load past the call
        #expect(FilterProgram([0x28, 0, 0, 0, 0, 0, 0, 0] + end) == nil)  // half a word
    }
}

extension SplitMix64 {
    /// A register: often a value that some rule names, alone, with a bit flipped, or with rubbish in its upper half.
    fileprivate mutating func register() -> UInt64 {
        let known: [UInt64] = [
            0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 1030, 0x5421, 0x5450, 0x5451, 0x5412,
            0x10900,
            0x3D0F00, 0x7D0F00, 0x1002, 0x1003, 0x1023, 0x40000, 0x22, 128, 137,
        ]
        let value = known[Int(next() % UInt64(known.count))]
        switch next() % 5 {
        case 0: return value ^ (1 << (next() % 64))
        case 1: return value | next() << 32
        case 2: return next()
        default: return value
        }
    }
}
