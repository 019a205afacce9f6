import Glibc
import Wire

@testable import Sandbox

/// A profile that is taken must give a plan that the launcher takes, or a refusal with a reason.
func fuzzProfile(_ bytes: [UInt8]) {
    let profile: Profile
    do {
        profile = try Profile(json: try JSONParser.parse(bytes))
    } catch let failure as FieldFailure {
        precondition(!failure.reason.isEmpty)
        return
    } catch {
        return
    }
    for isRoot in [true, false] {
        let compiler = PlanCompiler(
            profile: profile, user: .init(uid: 50_000, gid: 50_000, isMappedByRoot: isRoot),
            landlockVersion: 7,
            root: "/srv/root", sources: [.bundle: "/srv/bundle", .sdk: "/srv/sdk"], filter: filter,
            command: profile.command, environment: profile.environment.map { "\($0.key)=\($0.value)" },
            groupCount: 3)
        do throws(LaunchFailure) {
            let plan = try compiler.compile()
            precondition(Plan.fault(in: plan) == nil)
        } catch {
            precondition(!error.reason.isEmpty)
        }
    }
}

/// Compiled once: libseccomp takes a millisecond, and what it reads are names that the profile reader has looked up.
private let filter = try! SystemCallFilter.compiled(
    for: .init(
        allowed: [.init(name: "all", reason: "all", calls: ["read", "write"], kept: [:])], named: [],
        fatal: []))

/// What comes out of the status pipe, whoever wrote it. Nothing is killed here: only the reading is tried.
func fuzzHandshake(_ bytes: [UInt8]) {
    var ends: [Int32] = [-1, -1]
    var sockets: [Int32] = [-1, -1]
    guard pipe(&ends) == 0, socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &sockets) == 0 else {
        abort()
    }
    defer { for number in [ends[0]] + sockets { close(number) } }
    let count = write(ends[1], bytes, min(bytes.count, 32 << 10))
    precondition(count >= 0)
    close(ends[1])
    var handshake = LauncherHandshake(
        launcher: nil, status: ends[0], socket: sockets[0], command: "/bundle/strategy", spawner: nil)
    let failure = handshake.run(for: .seconds(1))
    precondition(failure?.reason.isEmpty != true)
    // These numbers are killed when a launch is abandoned. 0, 1 and below would mean others than a child.
    for pid in [handshake.launcher, handshake.watcher, handshake.strategy] {
        precondition(pid ?? 2 > 1, "no child has that number")
    }
}

/// A refused call: its number, its six arguments, and what they point at.
func fuzzViolation(_ bytes: [UInt8]) {
    guard bytes.count >= 2 + 6 * 8 else { return }
    let call = SystemCallFilter.name(of: Int32(bytes[0]) | Int32(bytes[1] & 3) << 8)
    let values = (0..<6).map { index in
        bytes[(2 + index * 8)..<(10 + index * 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    // As StrategyMemory gives it: at most 255 bytes that can be printed.
    let printable = bytes[50...].prefix(255).map { (0x20...0x7e).contains($0) ? $0 : 0x3f }
    let text = String(decoding: printable, as: UTF8.self)
    let memory = StrategyMemory(text: { _ in text }, pair: { ($0, ~$0) })
    let words = CallWords(writable: ["/work", "/tmp"])
    let described = words.describe(call, values, memory)
    precondition(described.text.utf8.count < 2048, "a refused call fills the log")
    precondition(described.text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "a log line can be forged")
    _ = words.mayWrite(call, values, path: described.path)
    precondition(!SandboxRule.ofCall.isEmpty)
}
