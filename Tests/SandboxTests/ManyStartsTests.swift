import Glibc
import Posix
import Testing

@testable import Sandbox

/// How often to start and stop; 0 for not at all.
enum ManyStarts {
    static let wanted = getenv("BULLPEN_EXAM_STARTS").flatMap { Int(String(cString: $0)) } ?? 0
}

/// Starting and stopping as often as `BULLPEN_EXAM_STARTS` says. `scripts/exam` runs it; LifeTests has the short form.
@Suite(
    "Many starts and stops",
    .enabled(if: ManyStarts.wanted > 0, "scripts/exam runs it, with BULLPEN_EXAM_STARTS"))
struct ManyStartsTests {
    @Test("no process, mount, control group, descriptor, file, user or memory is left behind")
    func leavesNothing() async throws {
        try #require(Fixture.hasRuntimes)
        // In a process of its own, which has nothing else to do.
        await #expect(processExitsWith: .success) { try await Self.startAndStop() }
    }

    @Test("nor by the nursery, which is renewed meanwhile")
    func leavesNothingWarm() async throws {
        try #require(Fixture.hasRuntimes)
        await #expect(processExitsWith: .success) { try await Self.startAndStopWarm() }
    }

    @Test("nor does one who is killed, for memory or otherwise, before anybody was told of it")
    func leavesNoStrangers() async throws {
        try #require(Fixture.hasRuntimes)
        await #expect(processExitsWith: .success) {
            let wanted = ManyStarts.wanted / 5
            try await Strangers.byKilledLaunchers(wanted)
            let ran = try await Strangers.byMemory(wanted)
            Figure.line(
                #"{"what":"killed before anybody was told of what they had made","before":0,"after":\#(wanted)}"#
            )
            Figure.line(
                #"{"what":"launches with too little memory for the walls","before":0,"after":\#(wanted - ran)}"#
            )
            Figure.line(
                #"{"what":"processes left of both","before":0,"after":\#(Leftovers.now().children)}"#)
        }
    }

    private static func startAndStopWarm() async throws {
        let fixture = try Fixture("warm", door: .warm)
        let profile = try Fixture.profile("python")
        let wanted = ManyStarts.wanted / 5
        try TemporaryFolder.write("pass", to: fixture.folder + "/ends/strategy.py")
        try TemporaryFolder.write("import sys; sys.stdin.read()", to: fixture.folder + "/waits/strategy.py")
        /// Every second one ends by itself, the others are killed.
        func once(_ index: Int) async throws {
            let ends = index % 2 == 0
            let child = try await fixture.start(
                LaunchRequest(
                    strategy: "s", run: "run\(index)", profile: profile,
                    bundle: fixture.folder + (ends ? "/ends" : "/waits")))
            if !ends { child.kill() }
            let status = try await fixture.finish(child).death.status
            #expect(status == (ends ? .exited(code: 0) : .killed(signal: SIGKILL)))
        }
        func count() -> [(what: String, number: Int)] {
            let own = Leftovers.now()
            return [
                ("processes", own.children), ("mounts", own.mounts), ("descriptors", own.descriptors),
                (
                    "control groups of runs",
                    Leftovers.groups(named: fixture.groupName).count { $0.contains("/run") }
                ),
                ("files", Files.names(in: fixture.folder).count),
            ]
        }
        for index in 0..<100 { try await once(index) }
        // A nursery that is being replaced is a process more for a moment.
        let before = try await settled(count)
        let began = MonotonicClock.nanoseconds
        for index in 0..<wanted { try await once(index) }
        let seconds = Double(MonotonicClock.nanoseconds - began) / 1e9
        let after = try await settled(count)
        for (old, new) in zip(before, after) {
            #expect(old.number == new.number, "\(old.what): \(old.number) before, \(new.number) after")
            Figure.line(
                #"{"what":"\#(old.what), by the nursery","before":\#(old.number),"after":\#(new.number)}"#)
        }
        Figure.line(#"{"what":"starts and stops by the nursery","before":0,"after":\#(wanted)}"#)
        Figure.line(
            #"{"what":"seconds they took, one at a time","before":0,"after":\#(Int(seconds.rounded()))}"#)
        fixture.close()
        #expect(Leftovers.groups(named: fixture.groupName) == [])
    }

    /// Counts until two looks a second apart are alike.
    private static func settled(
        _ count: () -> [(what: String, number: Int)]
    ) async throws -> [(what: String, number: Int)] {
        var last = count()
        for _ in 0..<10 {
            try await Task.sleep(for: .seconds(1))
            let now = count()
            if zip(last, now).allSatisfy({ $0.number == $1.number }) { break }
            last = now
        }
        return last
    }

    private static func startAndStop() async throws {
        let fixture = try Fixture("exam")
        // One user id more than there are strategies at a time: were one lost, the next would be missing.
        let lanes = 4
        let groupName = "starts-\(getpid())"
        let launcher = ConfinedLauncher(
            configuration: .init(
                launcher: Fixture.packageRoot + "/.build/stage-debug/libexec/bullpen/confine",
                runtimes: Fixture.runtimes,
                sdk: nil, groupName: groupName, userIDs: 50_000...UInt32(50_000 + lanes)),
            spawner: try Spawner())
        let profile = try Fixture.profile("native")
        let bundle = fixture.folder + "/bundle"
        try TemporaryFolder.write(Files.read("/bin/true"), to: bundle + "/true", mode: 0o755)
        try TemporaryFolder.write(Files.read("/bin/cat"), to: bundle + "/cat", mode: 0o755)

        /// Every second one ends by itself, the others are killed: while they start, or while they wait for input.
        @Sendable func once(_ index: Int) async throws {
            // Neighbours in time are of different kinds.
            let kind = (index + index / lanes) % 4
            let entry = kind % 2 == 0 ? "true" : "cat"
            let result = await withCheckedContinuation { continuation in
                launcher.launch(
                    LaunchRequest(
                        strategy: "s", run: "run\(index)", profile: profile, bundle: bundle, entry: entry)
                ) { continuation.resume(returning: $0) }
            }
            let child = try result.get()
            if kind == 1 { child.kill() }
            if kind == 3 {
                _ = try child.standardInput.write(Array("word\n".utf8)[...])
                var entry = pollfd(fd: child.standardOutput.number, events: Int16(POLLIN), revents: 0)
                poll(&entry, 1, 10_000)
                child.kill()
            }
            let status = try await fixture.finish(child).death.status
            #expect(status == (kind % 2 == 0 ? .exited(code: 0) : .killed(signal: SIGKILL)))
        }
        func all(_ range: Range<Int>) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<lanes {
                    group.addTask {
                        for index in stride(from: range.lowerBound + lane, to: range.upperBound, by: lanes) {
                            try await once(index)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        func count() -> [(what: String, number: Int)] {
            let own = Leftovers.now()
            return [
                ("processes", own.children), ("mounts", own.mounts), ("descriptors", own.descriptors),
                (
                    "control groups of runs",
                    Leftovers.groups(named: groupName).count { $0.contains("/run") }
                ),
                ("files", Files.names(in: fixture.folder).count + Files.names(in: bundle).count),
                ("files of strategies' users in /tmp", owned(by: 50_000...59_999, in: "/tmp")),
            ]
        }
        // The first ones make what is made once: filters, threads, buffers.
        try await all(0..<200)
        let (before, memory) = (count(), residentKibibytes())
        let began = MonotonicClock.nanoseconds
        try await all(200..<200 + ManyStarts.wanted)
        let seconds = Double(MonotonicClock.nanoseconds - began) / 1e9
        let (after, memoryAfter) = (count(), residentKibibytes())
        for (old, new) in zip(before, after) {
            #expect(old.number == new.number, "\(old.what): \(old.number) before, \(new.number) after")
            Figure.line(#"{"what":"\#(old.what)","before":\#(old.number),"after":\#(new.number)}"#)
        }
        // A leak of 100 bytes a start would show.
        #expect(
            memoryAfter < memory + 4096 + ManyStarts.wanted / 10,
            "\(memory) KiB before, \(memoryAfter) KiB after")
        Figure.line(
            #"{"what":"memory of the launching process, KiB","before":\#(memory),"after":\#(memoryAfter)}"#)
        Figure.line(
            #"{"what":"starts and stops","before":0,"after":\#(ManyStarts.wanted)}"#)
        Figure.line(
            #"{"what":"seconds they took, \#(lanes) at a time","before":0,"after":\#(Int(seconds.rounded()))}"#
        )
        launcher.close()
        #expect(Leftovers.groups(named: groupName) == [])
        fixture.close()
    }

    private static func residentKibibytes() -> Int {
        let line = (Files.text("/proc/self/status") ?? "").split(separator: "\n").first {
            $0.hasPrefix("VmRSS:")
        }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }

    private static func owned(by users: ClosedRange<UInt32>, in folder: String) -> Int {
        Files.names(in: folder).count { name in
            // What has gone meanwhile is nobody's.
            (try? Files.status(folder + "/" + name)).map { users.contains($0.st_uid) } ?? false
        }
    }
}
