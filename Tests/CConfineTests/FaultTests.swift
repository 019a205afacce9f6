import Glibc
import Posix
import TestSupport
import Testing

@testable import Sandbox

/// The C part under sanitizers, with each of its system calls made to fail once. See `Harness/harness.c`.
@Suite("Faults in the launcher", .serialized)
struct FaultTests {
    /// What is launched.
    enum Launch: String, CaseIterable, CustomTestStringConvertible {
        case cold = "a strategy by the launcher"
        case warm = "a strategy of a nursery"
        case ready = "a strategy that a nursery has made ahead"
        case settling = "a nursery"

        var testDescription: String { rawValue }
    }

    @Test(
        "whichever call fails, as root: it is reported, ends with 125 and leaves nothing behind",
        .enabled(if: geteuid() == 0, "this needs root"), arguments: Launch.allCases)
    func asRoot(_ launch: Launch) async throws {
        try await holds(launch, as: nil)
    }

    @Test(
        "whichever call fails, as an ordinary user: it is reported, ends with 125 and leaves nothing behind",
        // Nothing is made ahead there.
        arguments: Launch.allCases.filter { $0 != .ready })
    func asOrdinaryUser(_ launch: Launch) async throws {
        try await holds(launch, as: geteuid() == 0 ? 65534 : nil)
    }

    @Test(
        "whichever call fails when files are opened for a nursery of lent ids: the error is told, and none handed over",
        .enabled(if: geteuid() == 0, "this needs root"))
    func opening() async throws {
        let tools = try await Self.build()
        let scene = try Scene(witness: tools + "/witness")
        defer { scene.remove() }
        let groups = ControlGroups(name: "faults-open-\(getpid())")
        defer { groups.remove() }
        let group = try groups.makeGroup(run: "run", memoryBytes: 64 << 20, cpuShare: 2, processes: 16)
        let files = group.joiningFiles
        try #require(!files.isEmpty, "this machine has no control groups")
        let result = try await TestSupport.ChildProcess.run(
            tools + "/harness", ["--open", scene.bundle] + files)
        #expect(result.code == 0, "\(result.output)\(result.errors)")
        let summary = result.output.split(separator: "\n").last ?? ""
        // Each file of a group is one more.
        #expect(Int(summary.prefix { $0.isNumber }) ?? 0 >= 12 + files.count, "\(result.output)")
        #expect(group.tryToRemove(), "control groups are still in use")
    }

    /// Builds the C part. Returns the folder that it is in.
    private static func build() async throws -> String {
        let build = try await TestSupport.ChildProcess.run(
            Places.package + "/Tests/CConfineTests/Harness/build", [],
            environment: ["PATH": String(cString: getenv("PATH"))])
        try #require(build.code == 0, "\(build.errors)")
        return Places.package + "/.build/confine-tests"
    }

    /// - Parameter user: Whom to become first; nil stays who we are.
    private func holds(_ launch: Launch, as user: UInt32?) async throws {
        let tools = try await Self.build()
        let scene = try Scene(witness: tools + "/witness")
        defer { scene.remove() }
        let groups = ControlGroups(name: "faults-\(getpid())-\(user ?? 0)")
        defer { groups.remove() }
        // Only root may join groups that root made.
        let isRoot = user == nil && geteuid() == 0
        let group =
            isRoot ? try groups.makeGroup(run: "run", memoryBytes: 64 << 20, cpuShare: 2, processes: 16) : nil
        let files = group?.joiningFiles ?? []
        let plan = try scene.plan(
            launch,
            user: isRoot
                ? .init(uid: 54_321, gid: 54_321, isMappedByRoot: true)
                : .init(uid: user ?? geteuid(), gid: user ?? getegid(), isMappedByRoot: false),
            groups: files.count)
        var options = user.map { ["--user", "\($0)"] } ?? []
        switch launch {
        case .cold: break
        case .warm: options += ["--nursery", scene.root, scene.bundle, tools + "/watcher"]
        case .ready: options += ["--ready", scene.root, scene.bundle, tools + "/watcher"]
        case .settling: options += ["--settle", tools + "/watcher"]
        }
        let result = try await TestSupport.ChildProcess.run(tools + "/harness", options + [plan] + files)
        #expect(result.code == 0, "\(result.output)\(result.errors)")
        let summary = result.output.split(separator: "\n").last ?? ""
        #expect(
            Int(summary.prefix { $0.isNumber }) ?? 0 > (launch == .settling ? 60 : 150), "\(result.output)")
        if let group { #expect(group.tryToRemove(), "control groups are still in use") }
    }
}

/// A root, a bundle and a plan for a strategy that only looks around.
struct Scene {
    private let folder: String
    let root: String
    let bundle: String

    init(witness: String) throws {
        folder = Places.makeTemporaryFolder()
        root = folder + "/root"
        bundle = folder + "/bundle"
        chmod(folder, 0o755)
        for path in [root, bundle] + ["usr", "work", "tmp", "bundle"].map({ root + "/" + $0 }) {
            try #require(mkdir(path, 0o755) == 0)
        }
        try write([1], to: root + "/unlisted", mode: 0o644)
        try write(Files.read(witness), to: bundle + "/strategy", mode: 0o755)
    }

    func plan(_ launch: FaultTests.Launch, user: PlanCompiler.User, groups: Int) throws -> String {
        let profile = try Profile(contentsOf: Places.package + "/sandbox-profiles/native.json")
        var compiler = PlanCompiler(
            profile: profile, user: user,
            landlockVersion: KernelReport.probe(groups: .none("")).landlockVersion,
            root: root, sources: [.bundle: bundle],
            filter: try SystemCallFilter.compiled(for: profile.systemCalls), command: ["/bundle/strategy"],
            environment: ["LANG=C.UTF-8"], groupCount: groups)
        let plan: [UInt8]
        switch launch {
        case .cold:
            plan = try compiler.compile()
        case .warm:
            // The nursery of an ordinary user sees the bundle where its strategies will.
            compiler.door = .warm(bundle: user.isMappedByRoot ? .handedOver : .seen(path: "/bundle"))
            plan = try compiler.compile()
        case .ready:
            compiler.door = .warm(bundle: .awaited)
            plan = try compiler.compile()
        case .settling:
            // Where a nursery has its library lies the program that looks around here.
            let settled = PlanCompiler(
                profile: profile, user: user, landlockVersion: 0, root: root, sources: [.bundle: bundle],
                filter: compiler.filter,
                command: [PlanCompiler.libraryFolder(of: profile) + "/strategy"],
                environment: compiler.environment, groupCount: groups)
            plan = try settled.compileNursery(
                .init(library: bundle, bundles: nil),
                ids: user.isMappedByRoot ? (50_000, 10_000) : (user.uid, 1),
                filter: try NurseryFilter.program(for: profile.systemCalls))
        }
        try write(plan, to: folder + "/plan", mode: 0o644)
        return folder + "/plan"
    }

    private func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws {
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try file.writeAll(bytes[...])
        chmod(path, mode)
    }

    func remove() { _ = try? Posix.ChildProcess.run("/bin/rm", ["-rf", "--", folder], environment: []) }
}
