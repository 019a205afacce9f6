import Glibc
import Posix
import Synchronization
import Sandbox
import Testing
import Wire

/// A launcher with real profiles and runtimes, and a way to run a script behind its walls.
struct Fixture: Sendable {
    static let packageRoot = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    /// Where test runtimes are made, once for all suites.
    static var runtimes: String {
        if let path = getenv("BULLPEN_TEST_RUNTIMES") { return String(cString: path) }
        return packageRoot + "/.build/test-runtimes"
    }

    static func installer() -> RuntimeInstaller {
        RuntimeInstaller(runtimes: runtimes, requirements: packageRoot + "/sandbox-profiles/runtimes")
    }

    /// Makes the runtimes that need no network, once for this process.
    static let hasRuntimes: Bool = {
        do {
            try installer().install(.bare)
            try installer().install(.native)
            return true
        } catch {
            Issue.record("the runtimes could not be made: \(error)")
            return false
        }
    }()

    /// Why the scientific runtime cannot be had, or nil.
    static let scientificFault: String? = {
        do {
            try installer().install(.scientific)
            return nil
        } catch {
            return "\(error)"
        }
    }()

    /// A layer that the machine of these tests is known to lack, so that the others can be tried on it.
    static let absentLayer = getenv("BULLPEN_TEST_WITHOUT").flatMap { Layer(rawValue: String(cString: $0)) }

    /// A profile as it is shipped, except that it does not require what this machine is known to lack.
    static func profile(_ name: String) throws -> Profile {
        var profile = try shippedProfile(name)
        if let absentLayer { profile.required.remove(absentLayer) }
        return profile
    }

    static func shippedProfile(_ name: String) throws -> Profile {
        try Profile(contentsOf: packageRoot + "/sandbox-profiles/\(name).json")
    }

    /// Whether these tests have control groups. `scripts/exam` runs some of them as an ordinary user without.
    static let hasGroups = getenv("BULLPEN_TEST_GROUPS").map { String(cString: $0) } != "none"

    /// Fixtures live at the same time, each with control groups of its own.
    private static let count = Atomic<Int>(0)

    /// How strategies are started; what holds of one must hold of the other.
    static let doors: [ConfinedChild.Door] = [.cold, .warm]

    /// What nurseries have told of themselves.
    final class Reports: Sendable {
        private let words = Mutex<[String]>([])
        var all: [String] { words.withLock { $0 } }
        func add(_ report: String) { words.withLock { $0.append(report) } }
    }

    let launcher: ConfinedLauncher
    let folder: String
    let groupName: String
    let door: ConfinedChild.Door
    let reports = Reports()

    /// - Parameter door: How ``run(_:profile:run:_:)`` starts strategies, which is checked.
    init(
        _ name: String = "test", mounts: [ControlGroupMount]? = nil,
        withoutControlGroups: WithoutGroups = .refuse,
        door: ConfinedChild.Door = .cold, nurseries: NurserySettings = NurserySettings(),
        runtimes: String = Fixture.runtimes
    ) throws {
        try #require(Self.hasRuntimes)
        self.door = door
        folder = try TemporaryFolder.make()
        if door == .warm {
            try TemporaryFolder.copy(Self.packageRoot + "/Sources/PythonSDK/.", to: folder + "/sdk")
        }
        try TemporaryFolder.write(
            "import runpy\nrunpy.run_path('/bundle/strategy.py', run_name='__main__')\n",
            to: folder + "/sdk/start.py")
        // As the host does: a child that has gone must not take us with it.
        signal(SIGPIPE, SIG_IGN)
        groupName = "\(name)-\(getpid())-\(Self.count.add(1, ordering: .relaxed).newValue)"
        launcher = ConfinedLauncher(
            configuration: .init(
                launcher: Self.packageRoot + "/.build/stage-debug/libexec/bullpen/confine",
                runtimes: runtimes,
                sdk: folder + "/sdk",
                groupName: groupName,
                withoutControlGroups: Self.hasGroups ? withoutControlGroups : .rlimits,
                nurseryLibrary: door == .cold
                    ? nil : Self.packageRoot + "/.build/stage-debug/libexec/bullpen/nursery.so",
                bundles: folder, nurseries: nurseries,
                report: { [reports] _, words in reports.add(words) }),
            spawner: try Spawner(), mounts: mounts)
    }

    /// Removes what the fixture has made.
    func close() {
        launcher.close()
        TemporaryFolder.remove(folder)
    }

    /// What came of a run.
    struct Outcome {
        var output = ""
        var log = ""
        var violations: [Violation] = []
        var death: DeathReport
    }

    func request(_ script: String, profile: Profile, run: String = "run") throws -> LaunchRequest {
        let bundle = folder + "/bundle-" + run
        try TemporaryFolder.write(script, to: bundle + "/strategy.py")
        return LaunchRequest(strategy: "test", run: run, profile: profile, bundle: bundle)
    }

    /// Starts without waiting for the end.
    func start(_ request: LaunchRequest) async throws -> ConfinedChild {
        let result = await withCheckedContinuation { continuation in
            launcher.launch(request) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Runs a Python script to its end.
    func run(
        _ script: String, profile name: String = "python", run: String = "run",
        _ change: (inout LaunchRequest) -> Void = { _ in }
    ) async throws -> Outcome {
        var request = try request(script, profile: try Self.profile(name), run: run)
        change(&request)
        let child = try await start(request)
        #expect(child.door == door, "\(reports.all)")
        return try await finish(child)
    }

    /// Reads a child to its end, answering its refused calls, and takes it away.
    func finish(_ child: ConfinedChild) async throws -> Outcome {
        var outcome = Outcome(
            death: DeathReport(status: .exited(code: 0), usage: GroupUsage(), violation: nil))
        var (output, log): ([UInt8], [UInt8]) = ([], [])
        let deadline = MonotonicClock.nanoseconds + 60_000_000_000
        while true {
            try #require(MonotonicClock.nanoseconds < deadline, "the strategy did not end")
            var entries = [
                pollfd(fd: child.process.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: child.standardOutput.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: child.standardError.number, events: Int16(POLLIN), revents: 0),
            ]
            if let violations = child.violations {
                entries.append(pollfd(fd: violations.listener.number, events: Int16(POLLIN), revents: 0))
            }
            if let recorder = child.recorder {
                entries.append(pollfd(fd: recorder.listener.number, events: Int16(POLLIN), revents: 0))
            }
            poll(&entries, nfds_t(entries.count), 1000)
            Self.drain(child.standardOutput.number, &output)
            Self.drain(child.standardError.number, &log)
            outcome.violations += child.readViolations()
            child.readCalls()
            guard entries[0].revents != 0, try child.reap() != nil else { continue }
            Self.drain(child.standardOutput.number, &output)
            Self.drain(child.standardError.number, &log)
            break
        }
        outcome.death = try #require(child.deathReport())
        outcome.output = String(decoding: output, as: UTF8.self)
        outcome.log = String(decoding: log, as: UTF8.self)
        await withCheckedContinuation { done in child.finish { done.resume() } }
        return outcome
    }

    private static func drain(_ descriptor: Int32, _ into: inout [UInt8]) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return }
            into += buffer.prefix(count)
        }
    }
}

/// Folders under /tmp that everybody may read.
enum TemporaryFolder {
    static func make() throws -> String {
        var template = Array("/tmp/bullpen-test-XXXXXX".utf8CString)
        let path = try #require(mkdtemp(&template).map { String(cString: $0) })
        chmod(path, 0o755)
        return path
    }

    static func write(_ text: String, to path: String, mode: mode_t = 0o644) throws {
        try write(Array(text.utf8), to: path, mode: mode)
    }

    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws {
        let folder = String(path[..<path.lastIndex(of: "/")!])
        if access(folder, F_OK) != 0 { mkdir(folder, 0o755) }
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try file.writeAll(bytes[...])
        chmod(path, mode)
    }

    static func copy(_ from: String, to: String) throws {
        if access(to, F_OK) != 0 { mkdir(to, 0o755) }
        let (status, output) = try ChildProcess.run("/bin/cp", ["-r", from, to], environment: [])
        try #require(status == .exited(code: 0), "\(output)")
    }

    static func remove(_ path: String) {
        _ = try? ChildProcess.run("/bin/rm", ["-rf", "--", path], environment: [])
    }
}
