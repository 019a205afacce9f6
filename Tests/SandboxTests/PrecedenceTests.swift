import Glibc
import Posix
import Testing

@testable import Sandbox

/// What control groups for processor time can do here.
private enum ProcessorGroups {
    static let canYield: Bool = {
        let groups = ControlGroups(name: "can-yield-\(getpid())")
        defer { groups.remove() }
        guard case .usable(_, let folder) = groups.survey.finding(of: .cpu) else { return false }
        guard (try? Files.makeFolder(folder + "/probe")) != nil else { return false }
        defer { rmdir(folder + "/probe") }
        return Files.exists(folder + "/probe/cpu.idle")
    }()
}

/// Who goes first on the processors: the host before its strategies, and those that answer quickly before those that
/// compute.
@Suite(
    "Precedence",
    .enabled(if: ProcessorGroups.canYield, "no control group for processor time with cpu.idle (Linux 5.15)"))
struct PrecedenceTests {
    private static func weight(_ folder: String) -> String? {
        (Files.text(folder + "/cpu.shares") ?? Files.text(folder + "/cpu.weight"))?.trimmed
    }

    private static let most = ["262144", "10000"]
    private static let usual = ["1024", "100"]

    @Test func `a run gives way from its start, and no longer once it is said to be quiet`() throws {
        let groups = ControlGroups(name: "yielding-\(getpid())")
        defer { groups.remove() }
        let group = try groups.makeGroup(run: "run", memoryBytes: 64 << 20, cpuShare: 0.25, processes: 31)
        defer { group.killAndRemove() }
        let folder = try #require(group.folders.first { Files.exists($0 + "/cpu.idle") })
        func isIdle() -> Bool { Files.text(folder + "/cpu.idle")?.trimmed == "1" }
        #expect(isIdle())
        group.setYielding(false)
        #expect(!isIdle())
        #expect(Self.most.contains(try #require(Self.weight(folder))))
        group.setYielding(true)
        #expect(isIdle())
    }

    @Test
    func `the host goes first from a group of its own, as an equal while it does heavy work, and goes back`()
        async
    {
        await #expect(processExitsWith: .success) {
            func own() -> String? { Files.text("/proc/self/cgroup") }
            let before = own()
            let groups = ControlGroups(name: "first-\(getpid())")
            guard case .usable(_, let folder) = groups.survey.finding(of: .cpu) else {
                Issue.record("no group for processor time")
                return
            }
            try groups.putHostFirst()
            let host = folder + "/host"
            #expect(Files.text(host + "/cgroup.procs")?.trimmed == "\(getpid())")
            #expect(Self.most.contains(try #require(Self.weight(host))))
            groups.heavyWork(1)
            groups.heavyWork(1)
            groups.heavyWork(-1)
            #expect(Self.usual.contains(try #require(Self.weight(host))))
            groups.heavyWork(-1)
            #expect(Self.most.contains(try #require(Self.weight(host))))

            let other = ControlGroups(name: "other-\(getpid())")
            guard case .usable(_, let beside) = other.survey.finding(of: .cpu) else {
                Issue.record("no group for processor time in the second")
                return
            }
            #expect(Files.parent(of: beside) == Files.parent(of: folder), "it was made within the first's")
            other.remove()
            groups.remove()
            #expect(own() == before)
            #expect(!Files.isFolder(folder))
        }
    }

    @Test func `who was left in the group of a crashed host is moved out of it and lives`() throws {
        let name = "crashed-\(getpid())"
        let crashed = ControlGroups(name: name)
        guard case .usable(_, let folder) = crashed.survey.finding(of: .cpu) else {
            Issue.record("no group for processor time")
            return
        }
        let host = folder + "/host"
        try Files.makeFolder(host)
        let sleeper = try ChildProcess.spawn(
            "/bin/sleep", arguments: ["sleep", "60"], descriptors: [])
        defer {
            kill(sleeper, SIGKILL)
            // It was killed just now.
            _ = try? ChildProcess.wait(for: sleeper)
        }
        try Files.write("\(sleeper)", to: host + "/cgroup.procs")
        let next = ControlGroups(name: name)
        defer { next.remove() }
        #expect(!Files.isFolder(host))
        #expect(kill(sleeper, 0) == 0)
    }
}
