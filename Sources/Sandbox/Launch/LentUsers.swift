internal import CConfine
internal import Glibc
internal import Posix

/// User ids that the machine's root has lent to the host's user in /etc/subuid and /etc/subgid.
///
/// They are mapped into one user namespace by newuidmap and newgidmap, once, at the start of the host. In it the host's own
/// id is 0 and the lent ones are 1, 2 and so on. Launchers enter it, and make the namespaces of strategies below it.
final class LentUsers: Sendable {
    /// Why there are none, in words.
    struct Refusal: Error {
        let words: String
    }

    private let launcher: String
    /// Keeps the namespace alive.
    let namespace: FileDescriptor
    /// The ids on this machine.
    let outer: ClosedRange<UInt32>
    /// The same ids in the namespace.
    var inner: ClosedRange<UInt32> { 1...UInt32(outer.count) }

    /// Makes the namespace. Takes some milliseconds.
    ///
    /// - Parameter launcher: The launcher program, which makes it.
    init(launcher: String) throws(Refusal) {
        let users = try Self.range(in: "/etc/subuid", id: getuid())
        let groups = try Self.range(in: "/etc/subgid", id: getuid())
        let count = UInt32(min(users.count, groups.count))
        outer = users.lowerBound...(users.lowerBound + count - 1)
        namespace = try Self.makeNamespace(launcher, users.lowerBound, groups.lowerBound, count)
        self.launcher = launcher
    }

    /// Opens what a nursery's strategy is to have and the nursery itself may not reach: first the files through which its
    /// control groups are joined, then its bundle. A process in the namespace does it, which costs a millisecond.
    ///
    /// - Parameter nursery: The nursery's user id, in the namespace.
    /// - Returns: Descriptors, which the caller closes.
    func open(
        bundle: (path: String, attributes: UInt64), groups: [String], for nursery: UInt32
    ) throws(SystemCallError) -> [Int32] {
        var sockets: [Int32] = [-1, -1]
        try SystemCallError.check(unsafe confine_socket_pair(&sockets), "socketpair")
        let socket = FileDescriptor(owning: sockets[0])
        let pid: Int32
        do {
            let childSocket = FileDescriptor(owning: sockets[1])
            pid = try ChildProcess.spawn(
                launcher,
                arguments: ["confine", "open", "\(nursery)", "\(bundle.attributes)", bundle.path] + groups,
                descriptors: [childSocket.number, namespace.number])
        }
        // It waits for nothing, so that this is its end, its descriptors, or a broken device.
        let isReady = Readiness.wait(for: [socket.number], milliseconds: 2000).contains(socket.number)
        if !isReady { _ = kill(pid, SIGKILL) }
        let end = try ChildProcess.wait(for: pid)
        if case .exited(code: let number) = end, number != 0 {
            throw SystemCallError(call: "open", number: number, subject: bundle.path)
        }
        var opened = [Int32](repeating: -1, count: groups.count + 1)
        try SystemCallError.check(
            unsafe confine_receive_descriptors(socket.number, &opened, opened.count), "recvmsg", bundle.path)
        return opened
    }

    // MARK: - Making

    private static func makeNamespace(
        _ launcher: String, _ firstUser: UInt32, _ firstGroup: UInt32, _ count: UInt32
    ) throws(Refusal) -> FileDescriptor {
        do throws(SystemCallError) {
            let holder = try Holder(launcher: launcher)
            guard try holder.isReady() else {
                throw SystemCallError(call: "make", number: EPERM, subject: "a user namespace")
            }
            // The host's own id as 0, since whoever makes a namespace must be somebody in the one around it.
            try map("newuidmap", holder.pid, [0, getuid(), 1, 1, firstUser, count])
            try map("newgidmap", holder.pid, [0, getgid(), 1, 1, firstGroup, count])
            return try FileDescriptor.open("/proc/\(holder.pid)/ns/user", O_RDONLY)
        } catch {
            throw Refusal(words: error.description)
        }
    }

    /// The process that makes the namespace, and keeps it until the host holds it.
    private final class Holder {
        let pid: Int32
        private let answer: FileDescriptor
        /// Its end is what the process waits for.
        private let lifeline: FileDescriptor

        init(launcher: String) throws(SystemCallError) {
            let lifelinePipe = try Pipe()
            let answerPipe = try Pipe()
            let lifelines = lifelinePipe.release()
            let answers = answerPipe.release()
            lifeline = FileDescriptor(owning: lifelines.writeEnd)
            answer = FileDescriptor(owning: answers.readEnd)
            let childInput = FileDescriptor(owning: lifelines.readEnd)
            let childOutput = FileDescriptor(owning: answers.writeEnd)
            pid = try ChildProcess.spawn(
                launcher, arguments: ["confine", "users"],
                descriptors: [childInput.number, childOutput.number])
        }

        func isReady() throws(SystemCallError) -> Bool {
            var word = [UInt8](repeating: 0, count: 1)
            return try answer.read(into: &word) == 1
        }

        deinit {
            // Nothing of it is wanted any more. Waiting can only fail for a child that somebody else has reaped.
            _ = kill(pid, SIGKILL)
            _ = try? ChildProcess.wait(for: pid)
        }
    }

    private static func map(_ program: String, _ pid: Int32, _ numbers: [UInt32]) throws(SystemCallError) {
        let path = "/usr/bin/" + program
        guard Files.exists(path) else {
            throw SystemCallError(call: "find", number: ENOENT, subject: path + " (apt-get install uidmap)")
        }
        let (status, output) = try ChildProcess.run(
            path, [String(pid)] + numbers.map { String($0) }, environment: [])
        guard status == .exited(code: 0) else {
            throw SystemCallError(call: program, number: EPERM, subject: output.trimmed)
        }
    }

    /// The first range of a user in /etc/subuid or /etc/subgid (man 5 subuid), whose lines are `user:first:count`.
    private static func range(in file: String, id: UInt32) throws(Refusal) -> ClosedRange<UInt32> {
        let names = [String(id)] + names(of: id)
        for line in (Files.text(file) ?? "").split(separator: "\n") {
            let parts = line.split(separator: ":")
            guard parts.count == 3, names.contains(String(parts[0])), let first = UInt32(parts[1]),
                let count = UInt32(parts[2]), first > 0, count > 0, first < UInt32.max - count
            else { continue }
            // More than that many strategies fit no machine.
            return first...(first + min(count, 65_536) - 1)
        }
        throw Refusal(words: "\(file) lends no ids to user \(names.last ?? String(id))")
    }

    /// What a user is called. Where the accounts cannot be read, what the login says: newuidmap does not take our word.
    private static func names(of id: UInt32) -> [String] {
        if let account = unsafe getpwuid(id) { return [unsafe String(cString: account.pointee.pw_name)] }
        guard let login = unsafe getenv("LOGNAME") ?? getenv("USER") else { return [] }
        return [unsafe String(cString: login)]
    }
}
