import Glibc
import Testing
import Wire

@testable import Sandbox

/// The score of a sandbox: from what is seen, not from what the profile says.
@Suite("Sandbox score")
struct ScoreTests {
    /// What is seen of a process with every wall around it.
    private static func sound() -> ProcessView {
        var view = ProcessView()
        view.status = [
            "CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000",
            "CapBnd": "0000000000000000", "CapAmb": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2",
            "Seccomp_filters": "2", "Uid": "50000\t50000\t50000\t50000",
        ]
        for name in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"] {
            view.namespaces[name] = "\(name):[2]"
            view.ownNamespaces[name] = "\(name):[1]"
        }
        view.mounts = ProcessView.mounts(
            """
            10 1 8:1 /srv/root / ro,nosuid,nodev - ext4 /dev/sda rw
            11 10 0:5 / /work rw,nosuid,nodev,noexec - tmpfs tmpfs rw,size=65536k,nr_inodes=4096,mode=700
            12 10 0:6 / /tmp rw,nosuid,nodev,noexec - tmpfs tmpfs rw,size=32768k,nr_inodes=1024,mode=700
            """)
        view.limits = [
            "Max open files": "128", "Max file size": "67108864", "Max stack size": "8388608",
            "Max locked memory": "65536", "Max msgqueue size": "0", "Max realtime priority": "0",
            "Max core file size": "0",
        ]
        view.userMap = [[1000, 50000, 1]]
        view.descriptors = [0: "pipe:[1]", 1: "pipe:[2]", 2: "pipe:[3]"]
        view.session = 7
        return view
    }

    private static let report = """
        {"user":1000,"group":1000,"process":2,"host":"bullpen","root":["usr"],"special":[],
        "writes":{"":30,"/usr":30,"/bundle":30,"/work":0,"/tmp":0},"variables":["HOME"],
        "tries":{"network":1,"netlink":1,"process":1,"program":1,"trace":1,"signal":1,"namespace":1,"keys":1,"bpf":1,
        "rings":1,"terminal":1,"executable_memory":1,"lock":1}}
        """

    private func score(
        _ outside: ProcessView = sound(), report: String = report,
        groups: [String: String] = ["memory": "1", "cpu": "1", "pids": "1"], landlock: Int = 7
    ) throws -> SandboxScore {
        SandboxScore(
            outside: outside, inside: try InsideView(json: try JSONParser.parse(Array(report.utf8)[...])),
            profile: try Fixture.profile("python"), groups: groups, heard: ["socket", "clone"],
            landlockVersion: landlock)
    }

    private func missing(_ score: SandboxScore) -> [SandboxScore.Wall] {
        score.rows.filter { !$0.holds }.map(\.wall)
    }

    @Test("with every wall in place all stand")
    func allStand() throws {
        let score = try score()
        #expect(missing(score) == [])
        #expect(score.points == SandboxScore.Wall.allCases.count)
    }

    @Test("each namespace that is the host's is missed")
    func namespaces() throws {
        for (name, wall) in [
            ("user", SandboxScore.Wall.userNamespace), ("mnt", .mountNamespace), ("pid", .pidNamespace),
            ("net", .networkNamespace), ("ipc", .ipcNamespace), ("uts", .utsNamespace),
            ("cgroup", .cgroupNamespace),
        ] {
            var view = Self.sound()
            view.namespaces[name] = view.ownNamespaces[name]
            #expect(missing(try score(view)) == [wall])
            view.namespaces[name] = nil
            #expect(missing(try score(view)) == [wall], "one that cannot be seen does not count")
        }
    }

    @Test("each hole that can be seen from outside costs its wall")
    func outside() throws {
        let holes: [(SandboxScore.Wall, (inout ProcessView) -> Void)] = [
            (.noOuterRoot, { $0.userMap = [[1000, 0, 1]] }),
            (.noOuterRoot, { $0.status["Uid"] = "0\t0\t0\t0" }),
            (.noCapabilities, { $0.status["CapEff"] = "0000000000200000" }),
            (.noCapabilities, { $0.status["CapAmb"] = nil }),
            (.emptyBoundingSet, { $0.status["CapBnd"] = "000001ffffffffff" }),
            (.noNewPrivileges, { $0.status["NoNewPrivs"] = "0" }),
            (.callsByList, { $0.status["Seccomp"] = "0" }),
            (.callsByList, { $0.status["Seccomp_filters"] = "1" }),
            (
                .readOnlyRoot,
                { $0.mounts[0] = .init(point: "/", kind: "ext4", options: ["rw"], fileSystem: []) }
            ),
            (
                .boundedFolders,
                { $0.mounts[1] = .init(point: "/work", kind: "tmpfs", options: ["rw"], fileSystem: []) }
            ),
            (.boundedFolders, { $0.mounts.removeLast() }),
            (
                .noSpecialFiles,
                { $0.mounts.append(.init(point: "/p", kind: "proc", options: ["ro"], fileSystem: [])) }
            ),
            (.resourceLimits, { $0.limits["Max open files"] = "1048576" }),
            (.resourceLimits, { $0.limits["Max stack size"] = "unlimited" }),
            (.noCoreDumps, { $0.limits["Max core file size"] = "unlimited" }),
            (.threeDescriptors, { $0.descriptors[7] = "/etc/passwd" }),
            (.threeDescriptors, { $0.descriptors[2] = "/dev/pts/0" }), (.ownSession, { $0.terminal = 34816 }),
        ]
        for (wall, hole) in holes {
            var view = Self.sound()
            hole(&view)
            let missing = missing(try score(view))
            #expect(missing.contains(wall), "\(missing)")
            #expect(missing.count <= 2)
        }
    }

    @Test("each try that worked inside costs its wall")
    func inside() throws {
        for (old, new, wall) in [
            ("\"network\":1", "\"network\":0", SandboxScore.Wall.networkNamespace),
            ("\"process\":1,", "\"process\":0,", .noProgramsOrProcesses),
            ("\"program\":1", "\"program\":0", .noProgramsOrProcesses),
            ("\"bpf\":1", "\"bpf\":0", .noHarmfulCalls),
            ("\"terminal\":1", "\"terminal\":0", .noHarmfulCalls),
            ("\"executable_memory\":1", "\"executable_memory\":0", .neverBothWritableAndExecutable),
            ("\"/usr\":30", "\"/usr\":0", .readOnlyRoot),
            ("\"special\":[]", "\"special\":[\"/proc\"]", .noSpecialFiles),
            ("[\"HOME\"]", "[\"HOME\",\"SECRET\"]", .cleanEnvironment),
        ] {
            let changed = Self.report.split(separator: old, omittingEmptySubsequences: false).joined(
                separator: new)
            #expect(changed != Self.report)
            #expect(missing(try score(report: changed)) == [wall])
        }
        #expect(missing(try score(groups: ["memory": "1"])) == [.controlGroups])
        #expect(missing(try score(landlock: 0)) == [.landlock])
    }

    @Test("a process without walls, this one, has next to no points")
    func withoutWalls() throws {
        let own = ProcessView(of: getpid())
        let found = missing(try score(own))
        #expect(found.count >= 14, "\(found)")
    }

    @Test("a report that says too little or too much is not taken")
    func refusesReports() {
        for text in ["{}", "{\"user\":1}", Self.report.dropLast() + ",\"more\":1}"] {
            #expect(throws: FieldFailure.self) {
                try InsideView(json: JSONParser.parse(Array(text.utf8)[...]))
            }
        }
    }

    @Test("every wall says what each of the others gives")
    func others() {
        for wall in SandboxScore.Wall.allCases {
            #expect(wall.others.count == OtherSandbox.allCases.count, "\(wall)")
        }
    }
}
