import Glibc
import Posix
import Testing

@testable import Sandbox

/// The same walls, put up by a host that is an ordinary user.
@Suite("As an ordinary user", .enabled(if: geteuid() == 0, "needs root to become an ordinary user"))
struct UserTests {
    /// Becomes user 65534, with control groups handed over as `systemd-run -p Delegate=yes` would.
    private static func becomeNobody(delegating name: String) throws -> [ControlGroupMount] {
        let mounts = try handOver(name)
        try becomeNobody()
        return mounts
    }

    private static func becomeNobody() throws {
        try #require(setgroups(0, nil) == 0 && setgid(65534) == 0 && setuid(65534) == 0)
    }

    /// Control groups of that name which belong to user 65534.
    private static func handOver(_ name: String) throws -> [ControlGroupMount] {
        try ControlGroupMount.all().map { mount in
            var parent = mount.ownFolder
            if mount.version == 2 {
                let group = DelegatedGroup(mount)
                _ = try group.handOn(mount.controllers)
                parent = group.folder
            }
            let folder = parent + "/" + name
            try Files.makeFolder(folder)
            for path in [folder, folder + "/cgroup.procs", folder + "/cgroup.subtree_control"] {
                chown(path, 65534, 65534)
            }
            // In version 2 nobody moves processes in from outside what is theirs.
            if mount.version == 2 { try Files.write("0", to: folder + "/cgroup.procs") }
            return ControlGroupMount(
                version: mount.version, controllers: mount.controllers, ownFolder: folder)
        }
    }

    private static func removeGroups(_ name: String) {
        for mount in ControlGroupMount.all() {
            let own = mount.version == 2 ? DelegatedGroup(mount).folder : mount.ownFolder
            rmdir(own + "/" + name + "/bullpen-host")
            rmdir(own + "/" + name)
        }
    }

    @Test("all walls stand", arguments: ["cold", "warm"])
    func allWalls(_ door: String) async throws {
        try #require(Fixture.hasRuntimes)
        let name = "bullpen-user-\(getpid())"
        defer { Self.removeGroups(name) }
        await #expect(processExitsWith: .success) { [name = name as String, door = door as String] in
            let mounts = try Self.becomeNobody(delegating: name)
            let fixture = try Fixture(
                "user", mounts: mounts, door: #require(ConfinedChild.Door(rawValue: door)))
            for row in fixture.launcher.report.rows where row.layer != Fixture.absentLayer {
                #expect(row.isPresent, "\(row.layer): \(row.finding)")
            }
            let outcome = try await fixture.run(
                """
                import os, socket
                print(os.getuid(), os.getpid(), os.path.exists('/proc'), os.path.exists('/etc/passwd'))
                try: socket.socket()
                except OSError as error: print(error.errno)
                try: open('/bundle/x', 'w')
                except OSError as error: print(error.errno in (13, 30))
                open('/work/x', 'w').write('x')
                """)
            #expect(outcome.output == "1000 2 False False\n1\nTrue\n", "\(outcome)")
            #expect(outcome.violations.map(\.systemCall) == ["socket", "openat"])
            #expect(outcome.death.status == .exited(code: 0))
            let greedy = try await fixture.run(
                "b = []\nwhile True: b.append(bytearray(1 << 20))", run: "greedy"
            ) {
                $0.memoryBytes = 64 << 20
            }
            #expect(greedy.death.cause == .memory)
            fixture.close()
        }
    }

    /// Becomes user 65534, called nobody, with this line in /etc/subuid and /etc/subgid; nobody else sees it.
    private static func becomeNobody(lending line: String) throws {
        // For this thread and those it makes. Not in Glibc's module map.
        let unshare = try #require(
            dlsym(nil, "unshare").map {
                unsafeBitCast($0, to: (@convention(c) (Int32) -> Int32).self)
            })
        let folder = try TemporaryFolder.make()
        defer { TemporaryFolder.remove(folder) }
        // Not every machine has an account of that number, and newuidmap wants one.
        let accounts = (Files.text("/etc/passwd") ?? "").split(separator: "\n").filter {
            !$0.hasPrefix("nobody:")
        }
        let nobody = "\nnobody:x:65534:65534:nobody:/:/bin/false\n"
        let files = [
            "subuid": line, "subgid": line, "passwd": accounts.joined(separator: "\n") + nobody,
        ]
        try #require(unshare(0x0002_0000) == 0)
        try #require(mount(nil, "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0)
        for (file, text) in files {
            try TemporaryFolder.write(text, to: folder + "/" + file)
            try #require(mount(folder + "/" + file, "/etc/" + file, nil, UInt(MS_BIND), nil) == 0)
        }
        try becomeNobody()
    }

    @Test(
        "ids lent in /etc/subuid give each strategy a user of its own",
        .enabled(if: access("/usr/bin/newuidmap", X_OK) == 0, "there is no newuidmap: apt-get install uidmap")
    )
    func hasLentUsers() async throws {
        try #require(Fixture.hasRuntimes)
        await #expect(processExitsWith: .success) {
            try Self.becomeNobody(lending: "nobody:700000:1000\n")
            let fixture = try Fixture("lent", mounts: [], withoutControlGroups: .rlimits)
            try #require(fixture.launcher.userIDs == .lent(700_000...700_999))
            let script = """
                import sys
                open('/work/x', 'w').write('x')
                sys.stdin.read()
                """
            var owners: Set<UInt32> = []
            var children: [ConfinedChild] = []
            for run in ["a", "b"] {
                let request = try fixture.request(script, profile: Fixture.profile("python"), run: run)
                // Nobody but the host may look into the folder above.
                chmod(fixture.folder, 0o711)
                let child = try await fixture.start(request)
                // The owner of its folder would do only once the kernel has gone through with its execution.
                let status = try #require(Files.text("/proc/\(child.pid)/status"))
                let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("Uid:") })
                owners.insert(try #require(UInt32(line.split(separator: "\t")[1])))
                children.append(child)
            }
            #expect(owners.count == 2 && owners.allSatisfy { (700_000...700_999).contains($0) }, "\(owners)")
            for child in children {
                child.kill()
                let outcome = try await fixture.finish(child)
                #expect(outcome.death.status == .killed(signal: SIGKILL), "\(outcome)")
            }
            let whole = try await fixture.run("import os\nprint(os.getuid(), os.getgid())", run: "c")
            #expect(whole.output == "1000 1000\n" && whole.death.status == .exited(code: 0), "\(whole)")
            fixture.close()
        }
    }

    @Test(
        "with lent ids, too, strategies are started warm, and their bundles are nobody else's to see",
        .enabled(
            if: access("/usr/bin/newuidmap", X_OK) == 0, "there is no newuidmap: apt-get install uidmap"),
        arguments: ["with groups", "without groups"])
    func startsLentUsersWarm(_ kind: String) async throws {
        try #require(Fixture.hasRuntimes)
        let name = "bullpen-lent-\(getpid())"
        defer { Self.removeGroups(name) }
        await #expect(processExitsWith: .success) { [name = name as String, kind = kind as String] in
            let mounts = kind == "with groups" ? try Self.handOver(name) : []
            try Self.becomeNobody(lending: "nobody:700000:1000\n")
            let fixture = try Fixture(
                "lent-warm", mounts: mounts, withoutControlGroups: mounts.isEmpty ? .rlimits : .refuse,
                door: .warm)
            try #require(fixture.launcher.userIDs == .lent(700_000...700_999))
            // Nobody but the host may look into the folder in which all bundles are.
            let folder = fixture.folder + "/bundles"
            mkdir(folder, 0o755)
            let script = """
                import os, sys
                print(os.getuid(), open('/bundle/strategy.py').read(6), os.access('/bundle/x', os.F_OK), flush=True)
                try: open('/bundle/x', 'w')
                except OSError as error: print(error.errno in (13, 30), flush=True)
                sys.stdin.read()
                """
            var children: [ConfinedChild] = []
            for run in ["a", "b"] {
                let bundle = folder + "/" + run
                try TemporaryFolder.write(script, to: bundle + "/strategy.py")
                chmod(folder, 0o711)
                children.append(
                    try await fixture.start(
                        LaunchRequest(
                            strategy: "s", run: run, profile: try Fixture.profile("python"), bundle: bundle)))
                chmod(folder, 0o755)
            }
            #expect(children.map(\.door) == [.warm, .warm], "\(fixture.reports.all)")
            let nursery = try #require(try fixture.launcher.nurseryProcesses().first)
            let owners = try ([nursery] + children.map(\.pid)).map {
                try Files.status("/proc/\($0)/task").st_uid
            }
            #expect(
                Set(owners).count == 3 && owners.allSatisfy { (700_000...700_999).contains($0) },
                "\(owners)")
            for child in children {
                try child.endInput()
                let outcome = try await fixture.finish(child)
                #expect(outcome.output == "1000 import False\nTrue\n", "\(outcome)")
                #expect(outcome.death.status == .exited(code: 0))
            }
            if !mounts.isEmpty {
                let greedy = try await fixture.run(
                    "b = []\nwhile True: b.append(bytearray(1 << 20))", run: "greedy"
                ) { $0.memoryBytes = 64 << 20 }
                #expect(greedy.death.cause == .memory)
            }
            fixture.close()
            #expect(Leftovers.now().children == 0)
        }
    }

    @Test("without lent ids strategies share the host's user, and that is said")
    func saysThatUsersAreShared() async throws {
        try #require(Fixture.hasRuntimes)
        await #expect(processExitsWith: .success) {
            try Self.becomeNobody(lending: "somebody:700000:1000\n")
            let fixture = try Fixture("shared", mounts: [], withoutControlGroups: .rlimits)
            #expect(
                fixture.launcher.userIDs == .shared(reason: "/etc/subuid lends no ids to user nobody"))
            let enforcement = fixture.launcher.enforcement(of: try Fixture.profile("python"))
            #expect(enforcement.notPromised.contains("a user id of its own"))
            #expect(enforcement.user == "that of the host, shared with other strategies")
            fixture.close()
        }
    }

    @Test("an ordinary user's private bundle can be shown")
    func showsPrivateBundle() async throws {
        try #require(Fixture.hasRuntimes)
        let name = "bullpen-user-b-\(getpid())"
        defer { Self.removeGroups(name) }
        await #expect(processExitsWith: .success) { [name = name as String] in
            let mounts = try Self.becomeNobody(delegating: name)
            let fixture = try Fixture("user-b", mounts: mounts)
            let request = try fixture.request("print('seen')", profile: Fixture.profile("python"))
            chmod(request.bundle, 0o700)
            chmod(fixture.folder, 0o700)
            #expect(try await fixture.finish(try await fixture.start(request)).output == "seen\n")
            fixture.close()
        }
    }
}
