import Glibc
import Posix
import Testing
import Wire

@testable import Sandbox

/// Profiles against what strategies were seen to do, and against the kernel.
@Suite("Recordings")
struct RecordingTests {
    private static let names = ["python", "python-pandas", "python-scientific", "native"]

    /// A recording that came with the sources.
    private func recorded(_ name: String) throws -> JSONValue {
        let path = Fixture.packageRoot + "/sandbox-profiles/recordings/\(name).json"
        return try JSONParser.parse(try Files.read(path)[...], limits: .init(bytes: 1 << 20))
    }

    @Test("what a profile allows was seen to be needed, or is excused", arguments: names)
    func isSmall(_ name: String) throws {
        let profile = try Fixture.profile(name)
        let recording = try recorded(name)
        #expect(
            recording["version"]?.intValue == profile.version,
            "the profile has changed since: scripts/profile-syscalls \(name) --save")
        let uses = try #require(recording["allowed"]?.arrayValue).compactMap(\.stringValue)
        let seen = Set(uses.map { String($0.prefix { $0 != " " }) })
        for group in profile.systemCalls.allowed {
            #expect(!group.reason.isEmpty)
            for call in group.calls {
                #expect(seen.contains(call) != (group.kept[call] != nil), "\(group.name): \(call)")
            }
        }
        #expect(recording["fatal"]?.arrayValue == [])
    }

    @Test("a recorded run shows each call once, and what became of it")
    func records() async throws {
        let fixture = try Fixture("records")
        defer { fixture.close() }
        let script = """
            import os, socket
            os.mkdir('/work/a')
            for attempt in [lambda: socket.socket(), os.fork, lambda: os.getpriority(0, 0)]:
                try: attempt(); print('it worked')
                except OSError as error: print(error.errno)
            """
        var request = try fixture.request(script, profile: try Fixture.profile("python"))
        request.isRecorded = true
        let child = try await fixture.start(request)
        let outcome = try await fixture.finish(child)
        #expect(outcome.output == "1\n1\n1\n", "\(outcome)")
        #expect(outcome.death.status == .exited(code: 0))
        #expect(outcome.violations == [])
        let recording = try #require(child.recorder?.recording)
        #expect(recording.count(of: "mkdir") == 1)
        #expect(recording.counts[.init(call: "socket", arguments: "AF_INET", outcome: .named)] == 1)
        #expect(recording.counts[.init(call: "clone", arguments: "new process", outcome: .named)] == 1)
        #expect(recording.counts[.init(call: "getpriority", arguments: "", outcome: .refused)] == 1)
        // Its own execution is the launcher's, and so is all before it.
        #expect(recording.count(of: "execve") == 0)
        #expect(recording.count(of: "seccomp") == 0)
        let proposal = ProfileProposal(request.profile, recording)
        #expect(proposal.unused.contains("sendto") && !proposal.unused.contains("mkdir"))
        #expect(proposal.refused.map(\.use.call).contains("getpriority"))
    }

    @Test("a recorded strategy that makes a fatal call is killed as any other")
    func recordsTheEnd() async throws {
        let fixture = try Fixture("records-end")
        defer { fixture.close() }
        let script = "import ctypes\nctypes.CDLL(None).syscall(165, 0, 0, 0, 0, 0)\nprint('alive')"
        var request = try fixture.request(script, profile: try Fixture.profile("python"))
        request.isRecorded = true
        let child = try await fixture.start(request)
        let outcome = try await fixture.finish(child)
        #expect(outcome.output == "")
        #expect(outcome.death.status == .killed(signal: SIGKILL))
        #expect(child.recorder?.recording.count(of: "mount", [.fatal]) == 1)
    }

    @Test("a program that cannot be executed is reported in a recorded run too")
    func recordsNoStart() async throws {
        let fixture = try Fixture("records-none")
        defer { fixture.close() }
        var request = try fixture.request("", profile: try Fixture.profile("python"))
        request.profile.command = ["/usr/bin/nothing"]
        request.isRecorded = true
        await #expect(throws: LaunchFailure.self) { try await fixture.start(request) }
    }

    // MARK: - The kernel's word

    @Test(
        "each workload goes through behind its profile's walls",
        arguments: [
            ("standard-library", "python"), ("standard-library", "python-scientific"),
            ("pandas", "python-scientific"), ("scikit-learn", "python-scientific"),
        ])
    func worksConfined(_ workload: String, _ name: String) async throws {
        if name == "python-scientific", let fault = Fixture.scientificFault {
            try Test.cancel("the scientific runtime cannot be made: \(fault)")
        }
        let fixture = try Fixture("workload-\(workload)")
        defer { fixture.close() }
        let folder = Fixture.packageRoot + "/Tests/workloads/" + workload
        let request = try fixture.request(
            String(decoding: try Files.read(folder + "/strategy.py"), as: UTF8.self)
                + "\nstrategy = Workload()\nstrategy.on_start()\nprint('went through')\n",
            profile: try Fixture.profile(name))
        for file in Files.names(in: folder) where file.hasSuffix(".py") && file != "strategy.py" {
            try TemporaryFolder.write(try Files.read(folder + "/" + file), to: request.bundle + "/" + file)
        }
        // The least that a strategy's file imports, in place of the SDK; and the SDK's stand-in.
        try TemporaryFolder.write(
            """
            class Candle: pass
            class Signal: pass
            class Strategy: pass
            """, to: request.bundle + "/bullpen.py")
        try TemporaryFolder.write(
            try Files.read(Fixture.packageRoot + "/Sources/PythonSDK/threadpoolctl.py"),
            to: request.bundle + "/threadpoolctl.py")
        try TemporaryFolder.write(
            "import runpy, sys\nsys.path.insert(0, '/bundle')\nrunpy.run_path('/bundle/strategy.py', run_name='x')\n",
            to: fixture.folder + "/sdk/start.py")
        let outcome = try await fixture.finish(try await fixture.start(request))
        #expect(outcome.output.hasSuffix("went through\n"), "\(outcome.log.suffix(2000))")
        #expect(outcome.death.status == .exited(code: 0))
        #expect(outcome.violations.filter(\.isFatal) == [])
    }

    /// Calls that the profile does not carry out, by number, without those that end the strategy.
    private func refusedCalls(of profile: Profile) -> [Int32] {
        let allowed = Set(profile.systemCalls.allowed.flatMap(\.calls) + profile.systemCalls.fatal)
        // uretprobe and uprobe, which Linux from 6.14 on lets past every filter: they are the ends of a tracer's probes,
        // and raise SIGILL where there is no probe.
        let past: Set<Int32> = [335, 336]
        return (Int32(0)..<470).filter {
            !past.contains($0) && !allowed.contains(SystemCallFilter.name(of: $0))
        }
    }

    @Test(
        "the kernel refuses each call that a profile does not allow",
        arguments: ["python", "python-scientific"])
    func kernelRefuses(_ name: String) async throws {
        if name == "python-scientific", let fault = Fixture.scientificFault {
            try Test.cancel("the scientific runtime cannot be made: \(fault)")
        }
        let fixture = try Fixture("refuses")
        defer { fixture.close() }
        let profile = try Fixture.profile(name)
        let calls = refusedCalls(of: profile)
        #expect(calls.count > 250)
        // 38 is ENOSYS, of clone3, and of what was asked after the supervisor had heard enough.
        let script = """
            import ctypes
            call = ctypes.CDLL(None, use_errno=True).syscall
            for number in \(calls):
                if call(number, -1, -1, -1, -1, -1, -1) != -1 or ctypes.get_errno() not in (1, 38): print(number)
            print('done')
            """
        let outcome = try await fixture.finish(
            try await fixture.start(fixture.request(script, profile: profile)))
        #expect(outcome.output == "done\n", "\(outcome)")
        #expect(outcome.death.status == .exited(code: 0))
    }

    @Test("the kernel refuses a program each call that its profile does not allow")
    func kernelRefusesPrograms() async throws {
        let fixture = try Fixture("refuses-native")
        defer { fixture.close() }
        let profile = try Fixture.profile("native")
        let calls = refusedCalls(of: profile).map { "\($0)" }.joined(separator: ", ")
        let request = try fixture.program(
            """
            #include <errno.h>
            #include <stdio.h>
            #include <unistd.h>
            int main(void) {
                long calls[] = {\(calls)};
                for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++)
                    if (syscall(calls[i], -1L, -1L, -1L, -1L, -1L, -1L) != -1 || (errno != EPERM && errno != ENOSYS))
                        printf("%ld\\n", calls[i]);
                puts("done");
            }
            """, profile: profile)
        let outcome = try await fixture.finish(try await fixture.start(request))
        #expect(outcome.output == "done\n", "\(outcome)")
    }

    @Test("each call that only an attacker makes ends the strategy, and is named")
    func kernelKills() async throws {
        let fixture = try Fixture("kills")
        defer { fixture.close() }
        let profile = try Fixture.profile("native")
        // One program that makes the call that its first argument numbers.
        var request = try fixture.program(
            """
            #include <stdlib.h>
            #include <stdio.h>
            #include <unistd.h>
            int main(int count, char **words) {
                if (count == 2) syscall(atol(words[1]), -1L, -1L, -1L, -1L, -1L, -1L);
                puts("alive");
            }
            """, profile: profile)
        for (index, call) in profile.systemCalls.fatal.enumerated() {
            let number = try #require(SystemCallFilter.number(of: call))
            request.arguments = ["\(number)"]
            request.run = "kills-\(index)"
            let outcome = try await fixture.finish(try await fixture.start(request))
            #expect(outcome.output == "", "\(call)")
            #expect(outcome.death.status == .killed(signal: SIGKILL), "\(call)")
            #expect(outcome.violations.map(\.systemCall) == [call])
        }
    }
}

extension Fixture {
    /// A request that runs a program in C, compiled here.
    func program(_ source: String, profile: Profile) throws -> LaunchRequest {
        let bundle = folder + "/program"
        try TemporaryFolder.write(source, to: bundle + "/main.c")
        let (status, output) = try ChildProcess.run(
            "/usr/bin/cc", ["-O1", "-o", bundle + "/main", bundle + "/main.c"],
            environment: ["PATH=/usr/bin:/bin"])
        try #require(status == .exited(code: 0), "\(output)")
        return LaunchRequest(strategy: "test", run: "run", profile: profile, bundle: bundle, entry: "main")
    }
}
