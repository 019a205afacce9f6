internal import CConfine
internal import Glibc
internal import Posix

/// A process that has an interpreter and its packages loaded, and of which strategies are made.
///
/// It lives on the spawner's thread. Its strategies are the host's children, not its own: they live on when it ends.
final class Nursery {
    /// How far it has come.
    enum State {
        /// It loads its packages.
        case loading
        /// It takes requests. It has modules of these names.
        case ready(modules: Set<String>)
    }

    private(set) var state = State.loading
    /// The memory that it has written to, which its strategies begin with and share until they write to it, as resource
    /// limits count it, and as far as it is there. Known once it is ready.
    private(set) var shared = SharedMemory()
    /// How many strategies were made of it.
    var starts = 0
    /// The process for its next strategy.
    var ready: ReadyStrategy?
    /// False once such a process could not be made.
    var keepsReady = true
    var isWatchedForMemory = false
    /// When it was started, on the monotonic clock.
    let born = MonotonicClock.nanoseconds
    let pid: Int32
    /// Its user id, of those that the host gives out; nil when it has the host's own.
    let user: UInt32?
    /// Readable when it has ended. For watching.
    let process: FileDescriptor
    /// Where it is asked, and where it tells that it is ready. For watching.
    let control: FileDescriptor
    private let log: FileDescriptor
    let group: ChildGroup
    private let spawner: Spawner

    /// The longest word of readiness.
    private static let readyBytes = 64 << 10

    fileprivate init(
        pid: Int32, process: consuming FileDescriptor, control: consuming FileDescriptor,
        log: consuming FileDescriptor, group: ChildGroup, user: UInt32?, spawner: Spawner
    ) {
        self.user = user
        self.spawner = spawner
        spawner.takeOn(pid)
        self.pid = pid
        self.process = process
        self.control = control
        self.log = log
        self.group = group
    }

    /// Starts one, which is loading then. Costs what starting a program costs.
    ///
    /// - Parameters:
    ///   - user: Its user id; nil for the host's own.
    ///   - lentUsers: Those whose namespace it joins, the descriptor of which comes after the groups.
    static func start(
        launcher: String, watcher: String, plan: [UInt8], group: ChildGroup, deadline: Duration,
        user: UInt32?, lentUsers: LentUsers?, spawner: Spawner
    ) throws(LaunchFailure) -> Nursery {
        let ends: Ends
        do throws(SystemCallError) {
            ends = try Ends(
                launcher: launcher, watcher: watcher, plan: plan, group: group,
                users: lentUsers?.namespace.number)
        } catch {
            throw LaunchFailure("start nursery", error)
        }
        var handshake = LauncherHandshake(
            launcher: ends.launcher, status: ends.status.number, socket: -1, command: launcher,
            hasListener: false, spawner: spawner)
        let failure = handshake.run(for: deadline)
        guard failure == nil, let pid = handshake.strategy else {
            handshake.abandon()
            throw failure
                ?? LaunchFailure(code: .stepFailed, step: "launcher", reason: "it ended without a word")
        }
        do throws(SystemCallError) {
            try handshake.reapLauncher()
            return try ends.nursery(pid, group, user, spawner)
        } catch {
            handshake.abandon()
            throw LaunchFailure("start nursery", error)
        }
    }

    /// Takes its word that it is ready, if it has come. Call it when ``control`` is readable.
    func readWord() {
        var word = [UInt8](repeating: 0, count: Self.readyBytes)
        let count = unsafe confine_receive_packet(control.number, &word, word.count)
        guard count > 0, case .loading = state else { return }
        let names = word.prefix(Int(count)).split(separator: UInt8(ascii: "\n"))
        state = .ready(modules: Set(names.map { String(decoding: $0, as: UTF8.self) }))
        shared = SharedMemory(of: pid)
    }

    /// Ends it and reaps it. Returns the last that it said.
    @discardableResult
    func end() -> String {
        ready.take()?.end()
        _ = kill(pid, SIGKILL)
        // Only a child that somebody else has reaped is none of ours to wait for.
        _ = try? ChildProcess.wait(for: pid)
        spawner.letGo(pid)
        var words = [UInt8](repeating: 0, count: 4096)
        // What it said is for a message alone.
        let count = (try? log.read(into: &words)) ?? 0
        return String(decoding: words.prefix(count), as: UTF8.self).split(separator: "\n").last.map {
            String($0)
        } ?? ""
    }
}

/// What a process has in memory that a copy of it shares at first.
struct SharedMemory: Hashable, Sendable {
    /// Private memory that it may write to, reserved or used.
    var dataBytes = 0
    /// What of that is there.
    var residentBytes = 0

    /// None.
    init() {}

    /// What a process has now; none for one that has ended.
    init(of pid: Int32) {
        for line in (Files.text("/proc/\(pid)/status") ?? "").split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 2, let kibibytes = Int(words[1]) else { continue }
            if words[0] == "VmData:" { dataBytes = kibibytes << 10 }
            if words[0] == "RssAnon:" { residentBytes = kibibytes << 10 }
        }
    }
}

/// The host's ends of a nursery that is being started.
private struct Ends: ~Copyable {
    let launcher: Int32
    let status: FileDescriptor
    private let control: FileDescriptor
    private let log: FileDescriptor

    init(
        launcher path: String, watcher: String, plan bytes: [UInt8], group: ChildGroup, users: Int32?
    ) throws(SystemCallError) {
        // All that can fail comes first: a value that owns is made whole or not at all.
        let reports = try Pipe()
        // What it says beyond the pipe's room is lost; it must not wait for anybody to read it.
        let errors = try Pipe(readsWithoutWaiting: true, writesWithoutWaiting: true)
        let plan = FileDescriptor(
            owning: try SystemCallError.check(
                unsafe confine_sealed_file(bytes, bytes.count), "memfd_create"))
        let null = try FileDescriptor.open("/dev/null", O_RDONLY)
        let proc = FileDescriptor(
            owning: try SystemCallError.check(unsafe confine_open_path("/proc"), "open", "/proc"))
        let program = FileDescriptor(
            owning: try SystemCallError.check(unsafe confine_open_path(watcher), "open", watcher))
        var sockets: [Int32] = [-1, -1]
        try SystemCallError.check(unsafe confine_packet_pair(&sockets), "socketpair")
        let control = FileDescriptor(owning: sockets[0])
        let childControl = FileDescriptor(owning: sockets[1])
        let groups = try group.openForJoining()
        defer { for number in groups { Glibc.close(number) } }
        launcher = try ChildProcess.spawn(
            path, arguments: ["confine"],
            descriptors: [
                null.number, errors.writeEnd.number, errors.writeEnd.number, reports.writeEnd.number,
                plan.number, childControl.number, proc.number, program.number,
            ] + groups + (users.map { [$0] } ?? []))
        self.control = control
        let (log, status) = (errors.release(), reports.release())
        for end in [log.writeEnd, status.writeEnd] { Glibc.close(end) }
        self.log = FileDescriptor(owning: log.readEnd)
        self.status = FileDescriptor(owning: status.readEnd)
    }

    consuming func nursery(
        _ pid: Int32, _ group: ChildGroup, _ user: UInt32?, _ spawner: Spawner
    ) throws(SystemCallError) -> Nursery {
        Nursery(
            pid: pid, process: try ChildProcess.open(pid), control: control, log: log, group: group,
            user: user, spawner: spawner)
    }
}
