internal import Glibc

/// What the kernel tells of a confined process to whoever looks from outside.
struct ProcessView: Sendable {
    /// One mount that it sees.
    struct Mount: Sendable {
        let point: String
        let kind: String
        /// Of the mount.
        let options: Set<String>
        /// Of the file system, which may be mounted elsewhere with other options.
        let fileSystem: Set<String>
    }

    /// The lines of its status, by name.
    var status: [String: String] = [:]
    /// Its namespaces, and ours, by name.
    var namespaces: [String: String] = [:]
    var ownNamespaces: [String: String] = [:]
    var mounts: [Mount] = []
    /// Hard limits by name, such as `Max open files`.
    var limits: [String: String] = [:]
    /// First number inside, first outside, how many.
    var userMap: [[UInt64]] = []
    /// What its descriptors are, by number.
    var descriptors: [Int: String] = [:]
    /// Session and terminal, from its `stat`.
    var session = 0
    var terminal = 0

    init() {}

    /// Looks at a process now.
    init(of pid: Int32) {
        let folder = "/proc/\(pid)"
        status = Self.lines(folder + "/status", separator: ":")
        for name in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"] {
            namespaces[name] = Files.linkTarget("\(folder)/ns/\(name)")
            ownNamespaces[name] = Files.linkTarget("/proc/self/ns/\(name)")
        }
        mounts = Self.mounts(Files.text(folder + "/mountinfo") ?? "")
        for line in (Files.text(folder + "/limits") ?? "").split(separator: "\n").dropFirst() {
            // Name, soft and hard limit and unit stand in columns of fixed width.
            let words = String(line.dropFirst(26)).split(separator: " ")
            if words.count >= 2 { limits[String(line.prefix(26)).trimmed] = String(words[1]) }
        }
        userMap = (Files.text(folder + "/uid_map") ?? "").split(separator: "\n").map { line in
            line.split(separator: " ").compactMap { UInt64($0) }
        }
        for name in Files.names(in: folder + "/fd") {
            if let number = Int(name) { descriptors[number] = Files.linkTarget("\(folder)/fd/\(name)") ?? "" }
        }
        // Behind the name in brackets, which may hold anything: state, parent, group, session, terminal.
        let stat = (Files.text(folder + "/stat") ?? "").split(separator: ")").last ?? ""
        let words = stat.split(separator: " ").map { Int($0) ?? 0 }
        if words.count > 4 { (session, terminal) = (words[3], words[4]) }
    }

    private static func lines(_ path: String, separator: Character) -> [String: String] {
        var lines: [String: String] = [:]
        for line in (Files.text(path) ?? "").split(separator: "\n") {
            let parts = line.split(separator: separator, maxSplits: 1)
            if parts.count == 2 { lines[String(parts[0])] = String(parts[1]).trimmed }
        }
        return lines
    }

    /// Reads /proc/…/mountinfo (man 5 proc): number, parent, device, root, point, options, …, -, kind, source, options.
    static func mounts(_ text: String) -> [Mount] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard words.count > 9, let dash = words.firstIndex(of: "-"), dash + 3 < words.count else {
                return nil
            }
            func set(_ word: String) -> Set<String> { Set(word.split(separator: ",").map(String.init)) }
            return Mount(
                point: words[4], kind: words[dash + 1], options: set(words[5]),
                fileSystem: set(words[dash + 3]))
        }
    }

    /// Whether a namespace is another than ours.
    func hasOwn(_ namespace: String) -> Bool {
        guard let its = namespaces[namespace], let ours = ownNamespaces[namespace] else { return false }
        return its != ours
    }
}
