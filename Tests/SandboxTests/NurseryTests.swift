import Glibc
import Posix
import Testing

@testable import Sandbox

/// Strategies that are made of a nursery: what they share, what they do not, and what becomes of the nursery.
@Suite("Nursery", .serialized)
struct NurseryTests {
    private static let waiting = "import sys\nprint('ready', flush=True)\nsys.stdin.read()"

    @Test("an interpreter looks the same to a strategy, whichever way it was started")
    func looksTheSame() async throws {
        let script = """
            import gc, os, signal, sys, threading
            print(__name__, sys.argv, sys.orig_argv, sys.path, sys.flags, sys.executable)
            print(sorted(os.environ.items()), os.getcwd(), os.getpid(), os.getppid())
            for stream in (sys.stdin, sys.stdout, sys.stderr):
                print(stream.name, stream.mode, stream.encoding, stream.errors, stream.line_buffering, stream.fileno())
            print(sys.stdin is sys.__stdin__, sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__)
            print([signal.getsignal(number) for number in range(1, 32)], signal.pthread_sigmask(0, []))
            print(gc.isenabled(), gc.get_threshold(), threading.active_count(), sys.getrecursionlimit())
            print(threading.main_thread() is threading.current_thread(), os.get_inheritable(0))
            print(sys.modules['__main__'].__file__)
            def fail(): raise ValueError('on purpose')
            fail()
            """
        var outcomes: [Fixture.Outcome] = []
        for door in Fixture.doors {
            let fixture = try Fixture("looks", door: door)
            defer { fixture.close() }
            outcomes.append(
                try await fixture.run(script) {
                    $0.arguments = ["one", "two"]
                })
        }
        #expect(outcomes[0].output == outcomes[1].output)
        #expect(outcomes[0].log == outcomes[1].log)
        #expect(outcomes[0].death.status == outcomes[1].death.status)
        #expect(outcomes[1].output.contains("'one', 'two'") && outcomes[1].log.contains("on purpose"))
    }

    @Test("from outside too a strategy looks the same: limits, rights, mounts, filters")
    func looksTheSameFromOutside() async throws {
        var views: [[String]] = []
        for door in Fixture.doors {
            let fixture = try Fixture("outside", door: door)
            defer { fixture.close() }
            let child = try await fixture.start(
                fixture.request(Self.waiting, profile: Fixture.profile("python")))
            #expect(child.door == door)
            try await Self.awaitWord(of: child)
            views.append(try Self.view(of: child.pid))
            child.kill()
            _ = try await fixture.finish(child)
        }
        // Trees that the host has opened stand in another order.
        #expect(views[0].sorted() == views[1].sorted())
    }

    @Test(
        "a strategy that was made ahead looks the same, within and from outside, under its own limits and name",
        .enabled(if: geteuid() == 0, "an ordinary user's host makes none ahead"))
    func looksTheSameMadeAhead() async throws {
        let script = """
            import os, sys
            print(sys.argv, sorted(os.environ.items()), os.getcwd(), os.getpid(), os.listdir('/bundle'), flush=True)
            print(open('/bundle/strategy.py').read()[:9], os.access('/bundle', os.W_OK), os.listdir('/work'), flush=True)
            sys.stdin.read()
            """
        let fixture = try Fixture("ahead", door: .warm)
        defer { fixture.close() }
        let profile = try Fixture.profile("python")
        var views: [[String]] = []
        var children: [ConfinedChild] = []
        for run in ["cold", "first", "ready"] {
            try fixture.launcher.prepare()
            let ready = try fixture.launcher.readyProcesses()
            #expect(ready.count == (run == "ready" ? 1 : 0))
            var request = try fixture.request(script, profile: profile, run: run)
            request.isColdStart = run == "cold"
            request.memoryBytes = 96 << 20
            request.cpuShare = 0.25
            let child = try await fixture.start(request)
            if run == "ready" { #expect(child.pid == ready[0]) }
            try await Self.awaitWord(of: child)
            views.append(try Self.view(of: child.pid).sorted() + Self.limits(of: child))
            children.append(child)
        }
        #expect(views[0] == views[1] && views[0] == views[2])
        // In version 2 groups cannot be renamed.
        let places = try children.map { try #require($0.group.folders.first) }
        let isRenamed = ControlGroupMount.all().contains { $0.version == 1 && !$0.controllers.isEmpty }
        #expect(places[1].hasSuffix("/first"))
        #expect(!isRenamed || places[2].hasSuffix("/ready"), "\(places)")
        var outputs: [String] = []
        for child in children {
            try child.endInput()
            outputs.append(try await fixture.finish(child).output)
        }
        #expect(outputs[0] == outputs[1] && outputs[0] == outputs[2])
        #expect(outputs[2].contains("['strategy.py']"), "\(outputs)")
    }

    /// What bounds a child's groups, and which of the host's hierarchies it stands in with them.
    private static func limits(of child: ConfinedChild) -> [String] {
        var lines: [String] = []
        for folder in child.group.folders {
            let own = (Files.text(folder + "/cgroup.procs") ?? "").split(separator: "\n").contains(
                "\(child.pid)")
            lines.append("\(Files.parent(of: folder)): \(own)")
            for file in [
                "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max", "cpu.cfs_quota_us",
                "cpu.cfs_period_us", "cpu.max", "pids.max",
            ] { lines.append(file + ": " + (Files.text(folder + "/" + file) ?? "none")) }
        }
        return lines
    }

    @Test(
        "what was made ahead serves once, for requests of its kind alone, and its death keeps nobody from starting warm",
        .enabled(if: geteuid() == 0, "an ordinary user's host makes none ahead"))
    func servesOnce() async throws {
        let fixture = try Fixture("once", door: .warm)
        defer { fixture.close() }
        func start(_ run: String, _ change: (inout LaunchRequest) -> Void = { _ in }) async throws -> Int32 {
            var request = try fixture.request("print('x')", profile: Fixture.profile("python"), run: run)
            change(&request)
            let child = try await fixture.start(request)
            #expect(child.door == .warm)
            let outcome = try await fixture.finish(child)
            #expect(outcome.output == "x\n" && outcome.death.status == .exited(code: 0), "\(outcome)")
            return child.pid
        }
        _ = try await start("first")
        try fixture.launcher.prepare()
        let first = try #require(try fixture.launcher.readyProcesses().first)
        #expect(try await start("arguments") { $0.arguments = ["one"] } != first)
        #expect(try await start("taken") == first)
        try fixture.launcher.prepare()
        let second = try #require(try fixture.launcher.readyProcesses().first)
        #expect(second != first)
        #expect(kill(second, SIGKILL) == 0)
        #expect(try await start("after") != second)
        #expect(fixture.reports.all.contains { $0.contains("made ahead") }, "\(fixture.reports.all)")
        // It goes with its nursery, and with the host.
        try fixture.launcher.prepare()
        let third = try #require(try fixture.launcher.readyProcesses().first)
        let nursery = try #require(try fixture.launcher.nurseryProcesses().first)
        #expect(kill(nursery, SIGKILL) == 0)
        let deadline = MonotonicClock.nanoseconds + 10_000_000_000
        while kill(third, 0) == 0, MonotonicClock.nanoseconds < deadline { usleep(1000) }
        #expect(kill(third, 0) != 0, "it outlives its nursery")
    }

    @Test("nothing is made ahead, and what waits is let go, when memory is scarce")
    func looksAtMemory() {
        #expect(MachineMemory.isPlentiful("MemTotal: 1600 kB\nMemFree: 3 kB\nMemAvailable: 101 kB\n"))
        #expect(!MachineMemory.isPlentiful("MemTotal: 1600 kB\nMemFree: 300 kB\nMemAvailable: 100 kB\n"))
        #expect(MachineMemory.isPlentiful(""))
    }

    /// What the kernel tells of a process, without what differs between any two.
    private static func view(of pid: Int32) throws -> [String] {
        let folder = "/proc/\(pid)/"
        let wanted = [
            "Umask", "Cap", "NoNewPrivs", "Seccomp:", "Threads", "Groups", "SigBlk", "SigIgn", "SigCgt",
        ]
        var lines = try #require(Files.text(folder + "status")).split(separator: "\n").map(String.init)
            .filter { line in wanted.contains { line.hasPrefix($0) } }
        lines += try #require(Files.text(folder + "limits")).split(separator: "\n").map(String.init)
        for line in try #require(Files.text(folder + "mountinfo")).split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            // Where it is and how it is mounted; then the file system and its options.
            let rest = fields[(try #require(fields.firstIndex(of: "-")))...]
            lines.append((fields[4...5] + [rest[rest.startIndex + 1]]).joined(separator: " "))
        }
        lines += Files.names(in: folder + "fd")
        lines.append(Files.text(folder + "timerslack_ns") ?? "")
        lines.append(Files.text(folder + "oom_score_adj") ?? "")
        return lines
    }

    /// Waits until a child has said its first word.
    private static func awaitWord(of child: ConfinedChild) async throws {
        var entry = pollfd(fd: child.standardOutput.number, events: Int16(POLLIN), revents: 0)
        try #require(poll(&entry, 1, 20_000) == 1)
    }

    @Test("the strategies of one nursery share no namespace, with each other or with it")
    func keepsApart() async throws {
        let fixture = try Fixture("apart", door: .warm)
        defer { fixture.close() }
        var children: [ConfinedChild] = []
        for run in ["a", "b", "c"] {
            let child = try await fixture.start(
                fixture.request(Self.waiting, profile: Fixture.profile("python"), run: run))
            #expect(child.door == .warm)
            children.append(child)
        }
        let nursery = try #require(try fixture.launcher.nurseryProcesses().first)
        for name in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"] {
            let all = [nursery, getpid()] + children.map(\.pid)
            let links = all.compactMap { Files.linkTarget("/proc/\($0)/ns/\(name)") }
            // The nursery has no pid and cgroup namespaces of its own.
            let shared = ["pid", "cgroup"].contains(name) ? 1 : 0
            #expect(Set(links).count == 5 - shared && links.count == 5, "\(name): \(links)")
        }
        // Outer user 0 is nowhere in there.
        for pid in [nursery] + children.map(\.pid) {
            let map = try #require(Files.text("/proc/\(pid)/uid_map")).split(separator: " ")
            #expect(map.count == 3 && Int(map[1]) != 0, "\(map)")
        }
        for child in children {
            child.kill()
            _ = try await fixture.finish(child)
        }
    }

    @Test("a killed nursery takes no strategy along, and is replaced")
    func isReplaced() async throws {
        let fixture = try Fixture("killed", door: .warm)
        defer { fixture.close() }
        let profile = try Fixture.profile("python")
        let child = try await fixture.start(fixture.request(Self.waiting, profile: profile, run: "lives"))
        try await Self.awaitWord(of: child)
        let first = try #require(try fixture.launcher.nurseryProcesses().first)
        #expect(kill(first, SIGKILL) == 0)
        // Until the next is there, strategies are started cold, and none fails.
        var doors: [ConfinedChild.Door] = []
        for index in 0..<200 where doors.last != .warm || doors.count < 2 {
            let next = try await fixture.start(fixture.request("", profile: profile, run: "next\(index)"))
            doors.append(next.door)
            #expect(try await fixture.finish(next).death.status == .exited(code: 0))
        }
        #expect(doors.last == .warm, "\(fixture.reports.all)")
        let second = try fixture.launcher.nurseryProcesses()
        #expect(second.count == 1 && second != [first])
        #expect(try child.reap() == nil, "it has ended with its nursery")
        child.kill()
        _ = try await fixture.finish(child)
    }

    @Test("after its number of starts a nursery is renewed, and with it what its strategies share")
    func isRenewed() async throws {
        let fixture = try Fixture(
            "renewed", door: .warm, nurseries: NurserySettings(startsBeforeRenewal: 2))
        defer { fixture.close() }
        let script = "import random\nprint(hash('bullpen'), random.random())"
        var lines: [[Substring]] = []
        for index in 0..<200 where Set(lines.map { $0[0] }).count < 3 {
            lines.append(
                try await fixture.run(script, run: "run\(index)").output.split { " \n".contains($0) })
        }
        // The hash seed is the nursery's; random numbers are each strategy's own.
        #expect(lines[0][0] == lines[1][0])
        #expect(Set(lines.map { $0[0] }).count == 3)
        #expect(Set(lines.map { $0[1] }).count == lines.count)
        #expect(try fixture.launcher.nurseryProcesses().count == 1)
    }

    @Test("numpy's random numbers differ between strategies, and pandas is loaded before they start")
    func hasPackages() async throws {
        if let fault = Fixture.scientificFault {
            try Test.cancel("the scientific runtime cannot be made here: \(fault)")
        }
        let fixture = try Fixture("packages", door: .warm)
        defer { fixture.close() }
        var lines: [String] = []
        for run in ["a", "b"] {
            let outcome = try await fixture.run(
                """
                import sys
                print('pandas' in sys.modules)
                import numpy, pandas
                print(numpy.random.random(), numpy.random.default_rng().random())
                print(pandas.Series([1.0, 2.0, 3.0]).rolling(2).mean().tolist()[1:])
                """, profile: "python-pandas", run: run)
            let words = outcome.output.split(separator: "\n").map(String.init)
            try #require(words.count == 3, "\(outcome)")
            #expect(words[0] == "True" && words[2] == "[1.5, 2.5]")
            lines.append(words[1])
        }
        #expect(lines[0] != lines[1])
    }

    @Test("without control groups what a strategy shares with its nursery does not count as its own memory")
    func hasItsMemoryBesideWhatIsShared() async throws {
        if let fault = Fixture.scientificFault {
            try Test.cancel("the scientific runtime cannot be made here: \(fault)")
        }
        let fixture = try Fixture("beside", mounts: [], withoutControlGroups: .rlimits, door: .warm)
        defer { fixture.close() }
        let script = """
            import sys, time
            kept = bytearray(40 << 20)
            print('pandas' in sys.modules, flush=True)
            # Longer than the host takes to look.
            time.sleep(1.2)
            try:
                more = bytearray(40 << 20)
            except MemoryError:
                print('no more')
            """
        let outcome = try await fixture.run(script, profile: "python-pandas") { $0.memoryBytes = 64 << 20 }
        #expect(outcome.output == "True\nno more\n", "\(outcome)")
        #expect(outcome.death.status == .exited(code: 0))
        let peak = outcome.death.usage.memoryPeakBytes
        #expect(peak >= 40 << 20 && peak < 64 << 20, "\(peak >> 20) MiB")
    }

    @Test("with the heap's gaps filled a fork has less memory of its own, by more than half")
    func fillsGaps() async throws {
        // A heap full of gaps, as packages leave one, and a copy of it that asks for small pieces, as strategies do.
        let script = """
            import ctypes, os, sys
            library, libc = ctypes.PyDLL(sys.argv[1]), ctypes.CDLL(None)
            libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
            libc.free.argtypes = [ctypes.c_void_p]
            pieces = [libc.malloc(1500) for _ in range(6000)]
            for piece in pieces[::2]:
                libc.free(piece)
            if sys.argv[2] == "filled":
                library.nursery_fill_gaps()
            reading, writing = os.pipe()
            if os.fork() == 0:
                for _ in range(1500):
                    ctypes.memset(libc.malloc(1000), 1, 1000)
                with open("/proc/self/smaps_rollup") as file:
                    own = sum(int(line.split()[1]) for line in file if line.startswith("Private_Dirty"))
                os.write(writing, b"%d" % own)
                os._exit(0)
            os.wait()
            print(os.read(reading, 100).decode())
            """
        var kibibytes: [Int] = []
        for kind in ["filled", "as it is"] {
            let (status, output) = try ChildProcess.run(
                "/usr/bin/python3",
                [
                    "-I", "-c", script,
                    Fixture.packageRoot + "/.build/stage-debug/libexec/bullpen/nursery.so", kind,
                ], environment: [])
            try #require(status == .exited(code: 0), "\(output)")
            kibibytes.append(try #require(Int(output.filter(\.isNumber)), "\(output)"))
        }
        #expect(kibibytes[0] * 2 < kibibytes[1], "\(kibibytes)")
    }

    @Test("who asks for a cold start gets one; so does who needs it for its environment or a module's name")
    func startsCold() async throws {
        let fixture = try Fixture("asks", door: .warm)
        defer { fixture.close() }
        let profile = try Fixture.profile("python")
        var request = try fixture.request("print('x')", profile: profile, run: "asks")
        request.isColdStart = true
        var child = try await fixture.start(request)
        #expect(child.door == .cold)
        _ = try await fixture.finish(child)
        // Much of an environment is read when an interpreter starts.
        request = try fixture.request("import os; print(os.environ['LANG'])", profile: profile, run: "words")
        request.environment = ["LANG": "C"]
        child = try await fixture.start(request)
        #expect(child.door == .cold)
        #expect(try await fixture.finish(child).output == "C\n")
        let source = "import sys\nsys.path.insert(0, '/bundle')\nimport ctypes\nprint(ctypes.mine)"
        request = try fixture.request(source, profile: profile, run: "module")
        try TemporaryFolder.write("mine = 'own'", to: request.bundle + "/ctypes.py")
        child = try await fixture.start(request)
        #expect(child.door == .cold)
        #expect(try await fixture.finish(child).output == "own\n")
    }

    @Test("a nursery that cannot load says why, and strategies start cold")
    func saysWhyItFails() async throws {
        let fixture = try Fixture("fails", door: .warm)
        defer { fixture.close() }
        var profile = try Fixture.profile("python")
        profile.nursery = Profile.Nursery(preloaded: ["no_such_module"])
        let child = try await fixture.start(fixture.request("print('x')", profile: profile))
        #expect(child.door == .cold)
        #expect(try await fixture.finish(child).output == "x\n")
        #expect(fixture.reports.all.contains { $0.contains("No module named 'no_such_module'") })
    }

    @Test("100 warm starts and stops leave nothing behind, nor does the nursery")
    func leavesNothing() async throws {
        try #require(Fixture.hasRuntimes)
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture("warm-many", door: .warm)
            let profile = try Fixture.profile("python")
            func once(_ index: Int) async throws {
                let child = try await fixture.start(
                    fixture.request("import sys; sys.stdin.read(1)", profile: profile, run: "run\(index)"))
                #expect(child.door == .warm)
                if index % 2 == 0 { child.kill() } else { try child.standardInput.writeAll([120]) }
                _ = try await fixture.finish(child)
            }
            let start = Leftovers.now()
            try await once(-1)
            // What is kept ready for the next start is part of both.
            try fixture.launcher.prepare()
            let before = Leftovers.now()
            for index in 0..<100 {
                try await once(index)
                // Some find a process that was made ahead, some do not.
                if index % 3 == 0 { try fixture.launcher.prepare() }
            }
            try fixture.launcher.prepare()
            #expect(Leftovers.now() == before)
            fixture.close()
            #expect(Leftovers.now().children == start.children)
            #expect(Leftovers.groups(named: fixture.groupName) == [])
        }
    }
}
