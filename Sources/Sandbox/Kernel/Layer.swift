/// One wall around a strategy that a kernel may lack. A profile names those it requires.
public enum Layer: String, CaseIterable, Hashable, Sendable {
    case userNamespace = "user_namespace"
    case mountNamespace = "mount_namespace"
    case pidNamespace = "pid_namespace"
    case networkNamespace = "network_namespace"
    case ipcNamespace = "ipc_namespace"
    case utsNamespace = "uts_namespace"
    case cgroupNamespace = "cgroup_namespace"
    case mountTrees = "mount_trees"
    case memoryLimit = "memory_limit"
    case cpuLimit = "cpu_limit"
    case processLimit = "process_limit"
    case landlock
    case systemCallFilter = "system_call_filter"
    case systemCallListener = "system_call_listener"

    /// What the wall is for, in words for an operator.
    public var purpose: String {
        switch self {
        case .userNamespace: "users of its own, none of them root outside"
        case .mountNamespace: "a file tree of its own"
        case .pidNamespace: "other processes are invisible, and its own die with it"
        case .networkNamespace: "no network, not even loopback"
        case .ipcNamespace: "no shared memory or message queues with others"
        case .utsNamespace: "a host name of its own"
        case .cgroupNamespace: "the machine's control groups are invisible"
        case .mountTrees: "read-only views of folders that nobody else may read"
        case .memoryLimit: "bounded memory, swap included"
        case .cpuLimit: "a bounded share of the processors"
        case .processLimit: "a bounded number of processes and threads"
        case .landlock: "file access by list, beside the file tree"
        case .systemCallFilter: "system calls by list"
        case .systemCallListener: "a refused system call is named to its author"
        }
    }

    /// The `CLONE_NEW…` bit (linux/sched.h) of a namespace, 0 for other layers.
    var namespaceFlag: Int32 {
        switch self {
        case .mountNamespace: 0x0002_0000
        case .cgroupNamespace: 0x0200_0000
        case .utsNamespace: 0x0400_0000
        case .ipcNamespace: 0x0800_0000
        case .userNamespace: 0x1000_0000
        case .pidNamespace: 0x2000_0000
        case .networkNamespace: 0x4000_0000
        case .mountTrees, .memoryLimit, .cpuLimit, .processLimit, .landlock, .systemCallFilter,
            .systemCallListener:
            0
        }
    }
}
