import Glibc
import Posix
import Testing

@testable import Sandbox

/// Children of the host of which nobody could tell it, since their makers were killed. For processes of their own.
enum Strangers {
    /// Launchers that are killed when they have made two children that they never name: one that ends, and one that waits.
    static func byKilledLaunchers(_ count: Int) async throws {
        let fixture = try Fixture("strangers")
        let launcher = fixture.folder + "/launcher"
        try TemporaryFolder.write(source, to: launcher + ".c")
        let compiler = try ChildProcess.run(
            "/usr/bin/cc", ["-D_GNU_SOURCE", "-O1", "-static", "-o", launcher, launcher + ".c"],
            environment: ["PATH=/usr/bin"])
        try #require(compiler.status == .exited(code: 0), "\(compiler.output)")
        let confined = ConfinedLauncher(
            configuration: .init(
                launcher: launcher, runtimes: Fixture.runtimes, sdk: nil,
                groupName: fixture.groupName + "-killed", withoutControlGroups: .rlimits),
            spawner: try Spawner(), mounts: [])
        let profile = try Fixture.profile("native")
        for index in 0..<count {
            let request = LaunchRequest(
                strategy: "s", run: "run\(index)", profile: profile, bundle: fixture.folder, entry: "none")
            let result = await withCheckedContinuation { continuation in
                confined.launch(request) { continuation.resume(returning: $0) }
            }
            #expect(throws: LaunchFailure.self) { try result.get() }
        }
        #expect(Leftovers.now().children == 0)
        confined.close()
        fixture.close()
    }

    /// Launches with less memory than the walls take, ever more, so that the kernel kills at every point of the way, those
    /// that succeed and then want too much included. Returns how many of them ran.
    @discardableResult
    static func byMemory(_ count: Int) async throws -> Int {
        let fixture = try Fixture("no-memory")
        let profile = try Fixture.profile("native")
        let bundle = fixture.folder + "/bundle-cat"
        try TemporaryFolder.write(Files.read("/bin/cat"), to: bundle + "/cat", mode: 0o755)
        var ran = 0
        for index in 0..<count {
            let request = LaunchRequest(
                strategy: "s", run: "run\(index)", profile: profile, bundle: bundle, entry: "cat",
                memoryBytes: (20 + index * 977 % 1500) << 10)
            let result = await withCheckedContinuation { continuation in
                fixture.launcher.launch(request) { continuation.resume(returning: $0) }
            }
            guard case .success(let child) = result else { continue }
            ran += 1
            child.kill()
            _ = try await fixture.finish(child)
        }
        #expect(ran < count, "each had memory enough")
        #expect(Leftovers.now().children == 0)
        fixture.close()
        #expect(Leftovers.groups(named: fixture.groupName) == [])
        return ran
    }

    private static let source = #"""
        #include <sched.h>
        #include <signal.h>
        #include <sys/syscall.h>
        #include <unistd.h>

        int main(void) {
            if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == 0) _exit(0);
            if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == 0) {
                /* Not to keep the status pipe open: whoever waits for its end shall not wait for us. */
                syscall(SYS_close_range, 0, ~0u, 0);
                for (;;) pause();
            }
            kill(getpid(), SIGKILL);
        }
        """#
}
