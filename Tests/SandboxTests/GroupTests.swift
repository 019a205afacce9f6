import Glibc
import Posix
import Testing

@testable import Sandbox

/// What the machine that runs these tests has.
enum Machine {
    static let hasVersion2 = ControlGroupMount.all().contains {
        $0.version == 2 && $0.controllers.contains(.memory)
    }

    static let canBootAnother =
        Fixture.absentLayer == nil
        && (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":")
            .contains { access($0 + "/linux.uml", X_OK) == 0 }
}

/// Limits by version 2 of control groups. `scripts/exam-uml` boots a machine that has it.
@Suite(
    "Control groups of version 2",
    .enabled(
        if: Machine.hasVersion2, "this machine limits by version 1; scripts/exam-uml boots one with version 2"
    ))
struct GroupTests {
    @Test("each kind of limit is found, in a group beside the host's own leaf")
    func findsAll() throws {
        let name = "found-\(getpid())"
        let before = try #require(ControlGroupMount.all().first { $0.version == 2 })
        let groups = ControlGroups(name: name)
        for controller in ControlGroups.Controller.allCases {
            guard case .usable(2, let folder) = groups.survey.finding(of: controller) else {
                Issue.record("\(controller): \(groups.survey.finding(of: controller))")
                continue
            }
            #expect(folder == DelegatedGroup(before).folder + "/bullpen-" + name)
        }
        groups.remove()
        let after = try #require(ControlGroupMount.all().first { $0.version == 2 })
        #expect(after.ownFolder == before.ownFolder, "the host was not put back where it was")
        #expect(Leftovers.groups(named: name) == [])
    }

    @Test("a run's group has every limit written into it")
    func writesLimits() throws {
        let groups = ControlGroups(name: "limits-\(getpid())")
        defer { groups.remove() }
        let group = try groups.makeGroup(run: "run", memoryBytes: 64 << 20, cpuShare: 0.25, processes: 31)
        defer { group.killAndRemove() }
        let folder = try #require(group.folders.first)
        #expect(group.folders.count == 1)
        func value(_ file: String) -> String? { Files.text(folder + "/" + file)?.trimmed }
        #expect(value("memory.max") == "\(64 << 20)")
        #expect(value("memory.high") == "\(62 << 20)")
        #expect(value("memory.swap.max") ?? "0" == "0")
        #expect(value("memory.oom.group") == "1")
        #expect(value("cpu.max") == "5000 20000")
        #expect(value("pids.max") == "32")
    }

    @Test("pressure shows before the kill, and the kill names limit and peak")
    func killsForMemory() async throws {
        let fixture = try Fixture("v2-memory")
        defer { fixture.close() }
        let outcome = try await fixture.run("b = []\nwhile True: b.append(bytearray(1 << 20))") {
            $0.memoryBytes = 64 << 20
        }
        #expect(outcome.death.words == "killed for memory: limit 64 MiB, peak 64 MiB")
        #expect(outcome.death.usage.memoryPressure > 0)
        #expect(outcome.death.usage.memoryKills > 0)
    }

    @Test(
        "a run that stands at its limit and only reads its program again is ended for memory",
        .enabled(
            if: Fixture.absentLayer != nil,
            "only the machine of scripts/exam-uml forgets its files so quickly"))
    func endsStall() async throws {
        // That machine reads this one's files, and forgets them as soon as it wants memory.
        let fixture = try Fixture("v2-stall", runtimes: Fixture.packageRoot + "/.build/test-runtimes")
        defer { fixture.close() }
        let outcome = try await fixture.run("b = []\nwhile True: b.append(bytearray(1 << 20))") {
            $0.memoryBytes = 64 << 20
        }
        #expect(outcome.death.cause == .memory)
        #expect(outcome.death.words.hasPrefix("killed for memory: limit 64 MiB, "))
        #expect(outcome.death.words.hasSuffix("again and again"), "\(outcome.death)")
    }

    @Test("a share of the processor holds within five percent, and the waiting is counted")
    func holdsShare() async throws {
        let fixture = try Fixture("v2-cpu")
        defer { fixture.close() }
        let child = try await fixture.start(
            fixture.request("while True: pass", profile: try Fixture.profile("python")).with(cpuShare: 0.25))
        // Past its start, between two readings of the group's own account.
        usleep(500_000)
        let (first, before) = (child.group.usage(), MonotonicClock.nanoseconds)
        usleep(2_000_000)
        let (second, after) = (child.group.usage(), MonotonicClock.nanoseconds)
        child.kill()
        _ = try await fixture.finish(child)
        let share = (second.cpuSeconds - first.cpuSeconds) / (Double(after - before) / 1e9)
        #expect(share <= 0.25 * 1.05, "\(share)")
        #expect(second.throttledSeconds > first.throttledSeconds)
    }

    @Test("one word to the kernel ends a whole group and leaves nothing")
    func killsWhole() async throws {
        let fixture = try Fixture("v2-kill")
        defer { fixture.close() }
        let child = try await fixture.start(
            fixture.request(
                """
                import threading
                for _ in range(8): threading.Thread(target=threading.Event().wait, daemon=True).start()
                print('ready', flush=True)
                threading.Event().wait()
                """, profile: try Fixture.profile("python")))
        try await Self.wait { child.group.usage().processes == 10 }
        let folder = try #require(child.group.folders.first)
        #expect(Files.exists(folder + "/cgroup.kill"))
        child.group.kill()
        let outcome = try await fixture.finish(child)
        #expect(outcome.death.status == .killed(signal: SIGKILL))
        #expect(!Files.exists(folder))
    }

    @Test(
        "without Landlock a profile that requires it is refused, with what to do",
        .enabled(
            if: Fixture.absentLayer == .landlock,
            "this machine has Landlock; scripts/exam-uml boots one without"))
    func refusesWithoutLandlock() async throws {
        let fixture = try Fixture("v2-landlock")
        defer { fixture.close() }
        let request = try fixture.request("print('it ran')", profile: try Fixture.shippedProfile("python"))
        do {
            _ = try await fixture.start(request)
            Issue.record("it started")
        } catch let failure as LaunchFailure {
            #expect(failure.code == .layerMissing)
            #expect(failure.step == "landlock")
            #expect(failure.reason.contains("add landlock to the kernel's lsm= list"), "\(failure.reason)")
        }
        #expect(Leftovers.groups(named: fixture.groupName).filter { $0.hasSuffix("/run") } == [])
    }

    private static func wait(until isSo: () -> Bool) async throws {
        let deadline = MonotonicClock.nanoseconds + 10_000_000_000
        while !isSo() {
            try #require(MonotonicClock.nanoseconds < deadline, "it did not come to that")
            usleep(5000)
        }
    }
}

/// The same walls on a machine that differs from this one.
@Suite("On a machine with version 2 and without Landlock")
struct OtherMachineTests {
    @Test(
        "the walls stand there too, limits hold, and what is missing is refused",
        .enabled(
            if: Machine.canBootAnother,
            "there is no user-mode Linux here to boot one: apt-get install user-mode-linux"))
    func boots() throws {
        try #require(Fixture.hasRuntimes)
        let (status, output) = try ChildProcess.run(
            Fixture.packageRoot + "/scripts/exam-uml", [],
            environment: ["PATH=\(String(cString: getenv("PATH")))"])
        #expect(status == .exited(code: 0), "\(output)")
    }
}

extension LaunchRequest {
    fileprivate func with(cpuShare: Double) -> LaunchRequest {
        var request = self
        request.cpuShare = cpuShare
        return request
    }
}
