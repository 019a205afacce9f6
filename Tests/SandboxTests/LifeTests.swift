import Glibc
import Posix
import Testing

@testable import Sandbox

/// Starting, failing, ending, and what is left of it.
@Suite("Life of a confined strategy", .serialized)
struct LifeTests {
    @Test("200 starts and stops leave no process, mount, control group, descriptor or user behind")
    func leavesNothing() async throws {
        try #require(Fixture.hasRuntimes)
        // In a process of its own: other tests start strategies meanwhile.
        await #expect(processExitsWith: .success) { try await Self.startsAndStops() }
    }

    private static func startsAndStops() async throws {
        let fixture = try Fixture("many")
        let profile = try Fixture.profile("native")
        let bundle = fixture.folder + "/bundle-many"
        try TemporaryFolder.write(Files.read("/bin/true"), to: bundle + "/true", mode: 0o755)
        func once(_ index: Int) async throws {
            let child = try await fixture.start(
                LaunchRequest(
                    strategy: "s", run: "run\(index)", profile: profile, bundle: bundle, entry: "true"))
            // Every second one is stopped instead of ending.
            if index % 2 == 0 { child.kill() }
            _ = try await fixture.finish(child)
        }
        try await once(-1)
        // What is kept ready for the next start is part of both.
        try fixture.launcher.prepare()
        let before = Leftovers.now()
        for index in 0..<200 { try await once(index) }
        try fixture.launcher.prepare()
        #expect(Leftovers.now() == before)
        fixture.close()
        #expect(Leftovers.groups(named: "many-\(getpid())") == [])
    }

    @Test("each strategy has a network of its own, whether one was kept ready for it or not")
    func hasOwnNetwork() async throws {
        let fixture = try Fixture("networks")
        defer { fixture.close() }
        let request = try fixture.request("import sys; sys.stdin.read()", profile: Fixture.profile("python"))
        var children: [ConfinedChild] = []
        try fixture.launcher.prepare()
        // The first takes what is ready. Those at its heels find nothing.
        async let first = fixture.start(request)
        async let second = fixture.start(request)
        async let third = fixture.start(request)
        children += try await [first, second, third]
        try fixture.launcher.prepare()
        children.append(try await fixture.start(request))
        var links = try children.map { try #require(Files.linkTarget("/proc/\($0.pid)/ns/net")) }
        links.append(try #require(Files.linkTarget("/proc/self/ns/net")))
        #expect(Set(links).count == 5, "\(links)")
        for child in children {
            child.kill()
            _ = try await fixture.finish(child)
        }
    }

    @Test("a child that is let go of is cleared away")
    func clearsWhatIsForgotten() async throws {
        let fixture = try Fixture("forgotten")
        defer { fixture.close() }
        let request = try fixture.request("import sys; sys.stdin.read()", profile: Fixture.profile("python"))
        let pid: Int32
        do {
            let child = try await fixture.start(request)
            pid = child.pid
        }
        // What follows on the spawner's thread comes after the clearing.
        _ = try await fixture.finish(
            try await fixture.start(
                try fixture.request(
                    "", profile: Fixture.profile("python"), run: "next")))
        #expect(kill(pid, 0) == -1)
    }

    @Test("a strategy dies with the host, even when the host is killed", arguments: ["cold", "warm"])
    func diesWithParent(_ door: String) async throws {
        let place = try TemporaryFolder.make()
        defer { TemporaryFolder.remove(place) }
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [place = place as String, door = door as String] in
            let fixture = try Fixture("parent", door: #require(ConfinedChild.Door(rawValue: door)))
            let child = try await fixture.start(
                fixture.request(
                    "import select; select.select([], [], [])", profile: Fixture.profile("python")))
            #expect(child.door.rawValue == door)
            try TemporaryFolder.write(
                "\(child.pid) \(fixture.folder) \(fixture.groupName)", to: place + "/pid")
            kill(getpid(), SIGKILL)
        }
        let words = try #require(Files.text(place + "/pid")).split(separator: " ").map(String.init)
        TemporaryFolder.remove(words[1])
        let pid = try #require(Int32(words[0]))
        if let process = try? ChildProcess.open(pid) {
            var entry = pollfd(fd: process.number, events: Int16(POLLIN), revents: 0)
            #expect(poll(&entry, 1, 1000) == 1, "the strategy lives on")
        }
        // The next host of that name takes away what is left, wherever in the hierarchies it ran.
        #expect(Leftovers.groups(named: words[2]) != [])
        ControlGroups(name: words[2]).remove()
        #expect(Leftovers.groups(named: words[2]) == [])
    }

    @Test("what a crashed host has left is cleared away at the next start")
    func clearsStaleGroups() throws {
        try #require(Fixture.hasRuntimes)
        let name = "stale-\(getpid())"
        let first = ControlGroups(name: name)
        _ = try first.makeGroup(run: "left", memoryBytes: 64 << 20, cpuShare: 0.5, processes: 8)
        #expect(Leftovers.groups(named: name).count > 1)
        ControlGroups(name: name).remove()
        #expect(Leftovers.groups(named: name) == [])
    }

    @Test("a program that is not there is refused by name, and nothing is left")
    func namesMissingProgram() async throws {
        let fixture = try Fixture("missing")
        defer { fixture.close() }
        let request = LaunchRequest(
            strategy: "s", run: "run", profile: try Fixture.profile("native"), bundle: fixture.folder,
            entry: "nothing")
        do {
            _ = try await fixture.start(request)
            Issue.record("it started")
        } catch let failure as LaunchFailure {
            #expect(failure.code == .stepFailed)
            #expect(failure.step == "execute")
            #expect(failure.reason.hasPrefix("/bundle/nothing: No such file or directory"))
        }
    }

    @Test("failing again and again leaves nothing, however the failure and its report cross")
    func failsWithoutTraces() async throws {
        try #require(Fixture.hasRuntimes)
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture("failing")
            func fail(_ index: Int) async throws {
                let request = LaunchRequest(
                    strategy: "s", run: "run\(index)", profile: try Fixture.profile("native"),
                    bundle: fixture.folder, entry: "nothing")
                await #expect(throws: LaunchFailure.self) { try await fixture.start(request) }
            }
            try await fail(-1)
            try fixture.launcher.prepare()
            let before = Leftovers.now()
            for index in 0..<50 { try await fail(index) }
            try fixture.launcher.prepare()
            #expect(Leftovers.now() == before)
            fixture.close()
            #expect(Leftovers.groups(named: "failing-\(getpid())") == [])
        }
    }

    @Test("who is killed before anybody was told of it is no zombie of the host's afterwards")
    func reapsStrangers() async throws {
        try #require(Fixture.hasRuntimes)
        await #expect(processExitsWith: .success) {
            try await Strangers.byKilledLaunchers(100)
            try await Strangers.byMemory(200)
        }
    }

    @Test("an entry that leaves its bundle is refused", arguments: ["../x", "/bin/sh", "a//b", ""])
    func refusesEscapingEntry(_ entry: String) async throws {
        let fixture = try Fixture("entry")
        defer { fixture.close() }
        let request = LaunchRequest(
            strategy: "s", run: "run", profile: try Fixture.profile("native"), bundle: fixture.folder,
            entry: entry)
        await #expect(throws: LaunchFailure.self) { try await fixture.start(request) }
    }

    @Test("a failing step is named with its reason")
    func namesFailingStep() async throws {
        let fixture = try Fixture("step")
        defer { fixture.close() }
        let profile = try Fixture.profile("python").with(writable: "/nowhere")
        do {
            _ = try await fixture.run("") { $0.profile = profile }
            Issue.record("it started")
        } catch let failure as LaunchFailure {
            #expect(failure.step == "mount tmpfs")
            #expect(failure.reason == "/nowhere: No such file or directory")
        }
    }

    @Test("a bundle below a folder that only its owner may enter is no obstacle", arguments: Fixture.doors)
    func showsPrivateFolders(_ door: ConfinedChild.Door) async throws {
        let fixture = try Fixture("private", door: door)
        defer { fixture.close() }
        let closed = fixture.folder + "/closed"
        mkdir(closed, 0o755)
        try TemporaryFolder.write("print('seen')", to: closed + "/bundle/strategy.py")
        chmod(closed, 0o700)
        let outcome = try await fixture.run("") { $0.bundle = closed + "/bundle" }
        #expect(outcome.output == "seen\n")
    }

    @Test("a layer that the machine lacks is named, with what to do")
    func namesMissingLayer() async throws {
        let fixture = try Fixture("layer", mounts: [])
        defer { fixture.close() }
        do {
            _ = try await fixture.run("")
            Issue.record("it started without limits")
        } catch let failure as LaunchFailure {
            #expect(failure.code == .layerMissing)
            #expect(failure.step == "memory_limit")
            #expect(failure.reason.contains("bounded memory") && failure.reason.contains("Delegate=yes"))
        }
    }
}

extension Profile {
    /// The same profile with one more tmpfs, where there is no folder for it.
    func with(writable path: String) -> Profile {
        Profile(
            name: name, version: version, description: description, runtime: runtime, required: required,
            landlockAtLeast: landlockAtLeast, withoutControlGroups: withoutControlGroups, limits: limits,
            writable: writable + [Writable(path: path, bytes: 1 << 20, inodes: 16)], views: views,
            command: command, environment: environment, systemCalls: systemCalls)
    }
}

/// What this process has that a strategy may have left.
struct Leftovers: Equatable {
    var children: Int
    var descriptors: Int
    var mounts: Int

    static func now() -> Leftovers {
        Leftovers(
            children: (Files.text("/proc/self/task/\(getpid())/children") ?? "").split(separator: " ").count
                + Files.names(in: "/proc/self/task").reduce(0) { sum, task in
                    sum + (Files.text("/proc/self/task/\(task)/children") ?? "").split(separator: " ").count
                },
            descriptors: Files.names(in: "/proc/self/fd").count,
            mounts: (Files.text("/proc/self/mountinfo") ?? "").split(separator: "\n").count)
    }

    /// Folders of control groups whose name begins with `bullpen-<name>`, and what is in them.
    static func groups(named name: String) -> [String] {
        var found: [String] = []
        for mount in ControlGroupMount.all() {
            let own = mount.version == 2 ? DelegatedGroup(mount).folder : mount.ownFolder
            for group in Files.names(in: own) where group.hasPrefix("bullpen-" + name) {
                found.append(own + "/" + group)
                found += Files.names(in: own + "/" + group)
            }
        }
        return found
    }
}
