import Glibc
import Posix
import Testing

@testable import Sandbox

/// The same walls, put up by a host that is an ordinary user.
@Suite("As an ordinary user", .enabled(if: geteuid() == 0, "needs root to become an ordinary user"))
struct UserTests {
    /// Becomes user 65534, with control groups handed over as `systemd-run -p Delegate=yes` would.
    private static func becomeNobody(delegating name: String) throws -> [ControlGroupMount] {
        let mounts = try ControlGroupMount.all().map { mount in
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
        try #require(setgroups(0, nil) == 0 && setgid(65534) == 0 && setuid(65534) == 0)
        return mounts
    }

    private static func removeGroups(_ name: String) {
        for mount in ControlGroupMount.all() {
            let own = mount.version == 2 ? DelegatedGroup(mount).folder : mount.ownFolder
            rmdir(own + "/" + name + "/bullpen-host")
            rmdir(own + "/" + name)
        }
    }

    @Test("all walls stand")
    func allWalls() async throws {
        try #require(Fixture.hasRuntimes)
        let name = "bullpen-user-\(getpid())"
        defer { Self.removeGroups(name) }
        await #expect(processExitsWith: .success) { [name = name as String] in
            let mounts = try Self.becomeNobody(delegating: name)
            let fixture = try Fixture("user", mounts: mounts)
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
