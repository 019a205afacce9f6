/// Another way of confining a program on Linux, to stand beside ours in the score.
public enum OtherSandbox: String, CaseIterable, Hashable, Sendable {
    case bwrap
    case nsjail
    case minijail
    case isolate
    case docker

    /// What it was that was looked at.
    public var words: String {
        switch self {
        case .bwrap: "bubblewrap 0.11"
        case .nsjail: "nsjail"
        case .minijail: "minijail0"
        case .isolate: "isolate 2.6"
        case .docker: "crun and runc with Docker's seccomp profile"
        }
    }

    /// Whether it gives a layer.
    public enum Standing: String, Hashable, Sendable {
        /// Without being asked.
        case given = "yes"
        /// When an option, or the container's specification, asks for it.
        case asked
        /// Not at all, or not as a wall.
        case none = "no"
    }
}

extension SandboxScore.Wall {
    /// What the others give, in the order of ``OtherSandbox/allCases``.
    ///
    /// Read in their sources and, for what can be tried, run and tried from inside by the authors of Bullpen in November
    /// 2026, on Debian 12 with Linux 6.18, started as root. docs/OPERATING.md has the notes.
    var others: [OtherSandbox.Standing] {
        switch self {
        case .userNamespace: [.asked, .given, .asked, .none, .asked]
        case .noOuterRoot: [.none, .asked, .asked, .given, .asked]
        case .mountNamespace: [.given, .given, .asked, .given, .given]
        case .pidNamespace, .networkNamespace, .ipcNamespace: [.asked, .given, .asked, .given, .given]
        case .utsNamespace: [.asked, .given, .asked, .none, .given]
        case .cgroupNamespace: [.asked, .given, .asked, .none, .asked]
        case .readOnlyRoot: [.asked, .given, .asked, .none, .asked]
        case .noSpecialFiles: [.asked, .asked, .none, .none, .none]
        case .boundedFolders: [.asked, .asked, .asked, .asked, .asked]
        case .noCapabilities: [.asked, .given, .asked, .given, .asked]
        case .emptyBoundingSet: [.asked, .given, .asked, .none, .asked]
        case .noNewPrivileges: [.given, .given, .asked, .given, .asked]
        case .callsByList: [.asked, .asked, .asked, .none, .given]
        case .refusalsNamed: [.none, .none, .none, .none, .asked]
        case .neverBothWritableAndExecutable: [.none, .none, .none, .none, .none]
        case .noProgramsOrProcesses: [.none, .none, .none, .none, .none]
        case .noHarmfulCalls: [.none, .none, .none, .none, .none]
        case .landlock: [.none, .none, .given, .none, .none]
        case .resourceLimits: [.none, .given, .asked, .given, .asked]
        case .noCoreDumps: [.none, .given, .asked, .given, .asked]
        case .controlGroups: [.none, .asked, .asked, .asked, .asked]
        case .threeDescriptors: [.none, .given, .none, .given, .given]
        case .ownSession: [.asked, .given, .asked, .none, .given]
        case .cleanEnvironment: [.asked, .given, .asked, .given, .asked]
        }
    }
}
