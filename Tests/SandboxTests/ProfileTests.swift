import Posix
import Testing
import Wire

@testable import Sandbox

/// What a profile may say.
@Suite("Profiles")
struct ProfileTests {
    private static let text = String(
        decoding: try! Files.read(Fixture.packageRoot + "/sandbox-profiles/python.json"), as: UTF8.self)

    private func failure(_ old: String, _ new: String) -> FieldFailure? {
        precondition(Self.text.contains(old))
        let changed = Self.text.split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
        do {
            _ = try Profile(json: JSONParser.parse(Array(changed.utf8)[...]))
            return nil
        } catch {
            return error as? FieldFailure
        }
    }

    @Test("the profiles that come with the host are taken, and require every layer")
    func shipped() throws {
        let profiles = try Profile.all(in: Fixture.packageRoot + "/sandbox-profiles")
        #expect(profiles.keys.sorted() == ["native", "python", "python-pandas", "python-scientific"])
        for profile in profiles.values {
            #expect(profile.required == Set(Layer.allCases))
            #expect(profile.limits.memoryBytes == 512 << 20)
            #expect(profile.limits.cpuShare == 0.5)
            #expect(Runtime(rawValue: profile.runtime) != nil)
            _ = try SystemCallFilter.compiled(for: profile.systemCalls)
        }
    }

    @Test(
        "what is unknown or out of bounds is refused by name",
        arguments: [
            ("\"runtime\"", "\"run_time\"", "runtime"),
            ("\"environment\"", "\"enviroment\"", "enviroment"),
            ("\"memory_mb\": 512", "\"memory_mb\": 1", "limits.memory_mb"),
            ("\"cpu_share\": 0.5", "\"cpu_share\": \"0.5\"", "limits.cpu_share"),
            ("\"cpu_share\": 0.5", "\"cpu_share\": 0", "limits.cpu_share"),
            ("\"processes\": 32", "\"processes\": 1", "limits.processes"),
            ("\"landlock\",", "\"landlok\",", "requires"),
            (
                "{\"source\": \"bundle\", \"at\": \"/bundle\"}",
                "{\"source\": \"host\", \"at\": \"/bundle\"}", "views[0].source"
            ),
            ("\"at\": \"/sdk\"", "\"at\": \"/sdk/../usr\"", "views[1].at"),
            ("\"mb\": 64, \"files\": 4096", "\"mb\": 64", "writable[0].files"),
            ("\"kill\": [", "\"kill\": [\"made_up\", ", "system_calls.kill"),
            ("\"kill\": [", "\"kill\": [\"read\", ", "system_calls.kill"),
            ("\"command\": [\"/usr", "\"command\": [\"usr", "command"),
        ])
    func refuses(_ old: String, _ new: String, _ field: String) throws {
        #expect(failure(old, new)?.field == field)
    }

    @Test(
        "a profile cannot lay hands on what the launcher needs", arguments: ["sendmsg", "execve", "clone3"])
    func refusesLauncherCalls(_ call: String) throws {
        let changed = Self.text.split(separator: "\"kill\": [", omittingEmptySubsequences: false)
            .joined(separator: "\"kill\": [\"\(call)\", ")
        let profile = try Profile(json: JSONParser.parse(Array(changed.utf8)[...]))
        #expect(throws: LaunchFailure.self) { try SystemCallFilter.compiled(for: profile.systemCalls) }
    }
}

/// Why a strategy ended, in words.
@Suite("Death report")
struct DeathReportTests {
    private func words(_ status: EndStatus, _ change: (inout GroupUsage) -> Void = { _ in }) -> String {
        var usage = GroupUsage()
        usage.memoryLimitBytes = 512 << 20
        usage.memoryPeakBytes = 512 << 20
        change(&usage)
        return DeathReport(status: status, usage: usage, violation: nil).words
    }

    @Test("every end has a cause in plain words")
    func causes() {
        #expect(words(.exited(code: 0)) == "it ended by itself")
        #expect(words(.exited(code: 3)) == "exit code 3")
        #expect(words(.killed(signal: 9)) == "killed by signal 9 (SIGKILL)")
        #expect(
            words(.killed(signal: 9)) { $0.memoryKills = 1 }
                == "killed for memory: limit 512 MiB, peak 512 MiB")
        #expect(words(.killed(signal: 15)) == "killed by signal 15 (SIGTERM)")
        #expect(words(.killed(signal: 34)) == "killed by signal 34")
        #expect(
            words(.exited(code: 1)) { $0.processDenials = 2 }
                == "exit code 1; it asked for more processes or threads than it may have")
        let violation = Violation(
            rule: .machine, systemCall: "mount", arguments: "\"none\", \"/work\"", isFatal: true)
        let report = DeathReport(status: .killed(signal: 9), usage: GroupUsage(), violation: violation)
        #expect(
            report.words
                == "forbidden system call: mount(\"none\", \"/work\"): only an attacker changes the machine: tell "
                + "the operator if it was a mistake")
        #expect(report.cause == .systemCall)
    }
}

/// Control groups of both versions.
@Suite("Control groups")
struct ControlGroupTests {
    @Test("the mounts of a machine with version 1, or 2, or both are understood")
    func mounts() {
        let hybrid = """
            30 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
            31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
            32 30 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            33 30 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
            """
        let groups = "4:memory:/host/a\n3:cpu,cpuacct:/\n0::/x\n"
        #expect(
            ControlGroupMount.parse(mounts: hybrid, groups: groups) { _ in "" } == [
                .init(
                    version: 1, controllers: [.cpu, .cpuacct], ownFolder: "/sys/fs/cgroup/cpu,cpuacct",
                    mountPoint: "/sys/fs/cgroup/cpu,cpuacct"),
                .init(
                    version: 1, controllers: [.memory], ownFolder: "/sys/fs/cgroup/memory/host/a",
                    mountPoint: "/sys/fs/cgroup/memory"),
            ])
        let unified = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
        #expect(
            ControlGroupMount.parse(mounts: unified, groups: "0::/user.slice/run-1.scope\n") {
                $0 == "/sys/fs/cgroup/user.slice/run-1.scope/cgroup.controllers"
                    ? "cpu io memory pids\n" : nil
            } == [
                .init(
                    version: 2, controllers: [.cpu, .memory, .pids],
                    ownFolder: "/sys/fs/cgroup/user.slice/run-1.scope", mountPoint: "/sys/fs/cgroup")
            ])
        // A container shows its part of the hierarchy as the whole.
        let container = "9 8 0:2 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n"
        #expect(
            ControlGroupMount.parse(mounts: container, groups: "2:pids:/docker/abc/inner\n") { _ in nil } == [
                .init(
                    version: 1, controllers: [.pids], ownFolder: "/sys/fs/cgroup/pids/inner",
                    mountPoint: "/sys/fs/cgroup/pids")
            ])
    }

    @Test("limits and figures of version 2 are written and read in its files")
    func versionTwo() throws {
        let folder = try TemporaryFolder.make()
        defer { TemporaryFolder.remove(folder) }
        let files = [
            "memory.max": "max\n", "memory.high": "max\n", "memory.swap.max": "max\n",
            "memory.oom.group": "0\n", "cpu.max": "max\n",
            "pids.max": "max\n", "memory.current": "1048576\n", "memory.peak": "2097152\n",
            "memory.events": "low 0\nhigh 5\noom 1\noom_kill 1\n", "pids.current": "3\n",
            "pids.events": "max 4\n",
            "cpu.stat": "usage_usec 1500000\nuser_usec 1\nnr_throttled 2\nthrottled_usec 250000\n",
        ]
        for (name, text) in files { try TemporaryFolder.write(text, to: folder + "/" + name) }
        let place = ChildGroup.Place(version: 2, folder: folder)
        let group = ChildGroup(
            places: [.memory: place, .cpu: place, .pids: place, .cpuacct: place], memoryLimit: 64 << 20)
        try group.limit(memoryBytes: 64 << 20, cpuShare: 0.5, processes: 33)
        #expect(Files.text(folder + "/memory.max")?.hasPrefix("67108864") == true)
        #expect(Files.text(folder + "/memory.high")?.hasPrefix("65011712") == true)
        #expect(Files.text(folder + "/memory.swap.max")?.hasPrefix("0") == true)
        #expect(Files.text(folder + "/memory.oom.group")?.hasPrefix("1") == true)
        #expect(Files.text(folder + "/cpu.max")?.hasPrefix("10000 20000") == true)
        #expect(Files.text(folder + "/pids.max")?.hasPrefix("33") == true)
        let usage = group.usage()
        #expect(usage.cpuSeconds == 1.5 && usage.throttledSeconds == 0.25)
        #expect(usage.memoryBytes == 1 << 20 && usage.memoryPeakBytes == 2 << 20)
        #expect(usage.memoryPressure == 5)
        #expect(usage.memoryKills == 1 && usage.processes == 3 && usage.processDenials == 4)
    }

    @Test("user ids go round, and none is given twice")
    func userIDs() {
        let users = UserAllocator(range: 10...12)
        #expect([users.take(), users.take(), users.take(), users.take()] == [10, 11, 12, nil])
        users.giveBack(11)
        #expect(users.take() == 11)
        #expect(users.take() == nil)
    }
}
