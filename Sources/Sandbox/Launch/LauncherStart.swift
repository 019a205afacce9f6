internal import CConfine
internal import Glibc
internal import Posix

/// The pipes of one strategy that is being started, and what its launcher needs beside them.
///
/// The host's ends are handed on; the strategy's close here, once its launcher has them.
private struct StartEnds: ~Copyable {
    let input: FileDescriptor
    let output: FileDescriptor
    let error: FileDescriptor
    let status: FileDescriptor
    let socket: FileDescriptor
    private let childInput: FileDescriptor
    private let childOutput: FileDescriptor
    private let childError: FileDescriptor
    private let childStatus: FileDescriptor
    private let childSocket: FileDescriptor
    private let plan: FileDescriptor

    init(plan bytes: [UInt8]) throws(SystemCallError) {
        // All that can fail comes first: a value that owns is made whole or not at all.
        let inputs = try Pipe(writesWithoutWaiting: true)
        let outputs = try Pipe(readsWithoutWaiting: true)
        let errors = try Pipe(readsWithoutWaiting: true)
        let reports = try Pipe()
        let plan = FileDescriptor(
            owning: try SystemCallError.check(
                unsafe confine_sealed_file(bytes, bytes.count), "memfd_create"))
        var sockets: [Int32] = [-1, -1]
        try SystemCallError.check(unsafe confine_socket_pair(&sockets), "socketpair")
        let (input, output) = (inputs.release(), outputs.release())
        let (error, report) = (errors.release(), reports.release())
        childInput = FileDescriptor(owning: input.readEnd)
        self.input = FileDescriptor(owning: input.writeEnd)
        self.output = FileDescriptor(owning: output.readEnd)
        childOutput = FileDescriptor(owning: output.writeEnd)
        self.error = FileDescriptor(owning: error.readEnd)
        childError = FileDescriptor(owning: error.writeEnd)
        status = FileDescriptor(owning: report.readEnd)
        childStatus = FileDescriptor(owning: report.writeEnd)
        socket = FileDescriptor(owning: sockets[0])
        childSocket = FileDescriptor(owning: sockets[1])
        self.plan = plan
    }

    /// What the launcher has as 0, 1, 2 and so on (confine.h), before the control groups.
    var numbers: [Int32] {
        [
            childInput.number, childOutput.number, childError.number, childStatus.number, plan.number,
            childSocket.number,
        ]
    }

    consuming func start(launcher: Int32?) -> LauncherStart {
        LauncherStart(
            launcher: launcher, status: status, socket: socket, input: input, output: output, error: error)
    }
}

/// A launcher process that has just been started, until the strategy runs or a step has failed.
struct LauncherStart: ~Copyable {
    /// The launcher program; nil when a nursery makes one.
    private let launcher: Int32?
    private let status: FileDescriptor
    private let socket: FileDescriptor
    private let input: FileDescriptor
    private let output: FileDescriptor
    private let error: FileDescriptor

    fileprivate init(
        launcher: Int32?, status: consuming FileDescriptor, socket: consuming FileDescriptor,
        input: consuming FileDescriptor, output: consuming FileDescriptor, error: consuming FileDescriptor
    ) {
        self.launcher = launcher
        self.status = status
        self.socket = socket
        self.input = input
        self.output = output
        self.error = error
    }

    /// Starts the launcher program with its descriptors (confine.h) and the plan.
    ///
    /// - Parameter namespaces: The namespace of lent ids or a network's, which come after the groups.
    static func cold(
        launcher path: String, plan: [UInt8], group: ChildGroup, namespaces: [Int32] = []
    ) throws(SystemCallError) -> LauncherStart {
        let ends = try StartEnds(plan: plan)
        let groups = try group.openForJoining()
        defer { for number in groups { Glibc.close(number) } }
        let launcher = try ChildProcess.spawn(
            path, arguments: ["confine"], descriptors: ends.numbers + groups + namespaces)
        return ends.start(launcher: launcher)
    }

    /// Asks a nursery for the strategy of a plan.
    ///
    /// - Parameters:
    ///   - bundle: The folder to hand over; nil when the nursery sees it.
    ///   - lentUsers: Who opens it, for a host that is not root itself.
    static func warm(
        nursery: Nursery, plan: [UInt8], group: ChildGroup,
        bundle: (path: String, attributes: UInt64)? = nil, lentUsers: LentUsers? = nil
    ) throws(SystemCallError) -> LauncherStart {
        let ends = try StartEnds(plan: plan)
        let rest = try openRest(nursery, group, bundle, lentUsers)
        defer { for number in rest { Glibc.close(number) } }
        let numbers = ends.numbers + rest
        try SystemCallError.check(
            unsafe confine_request_strategy(nursery.control.number, numbers, UInt32(numbers.count)), "sendmsg"
        )
        return ends.start(launcher: nil)
    }

    /// The descriptors that come after those of every start: control groups, and a bundle that is handed over.
    private static func openRest(
        _ nursery: Nursery, _ group: ChildGroup, _ bundle: (path: String, attributes: UInt64)?,
        _ lentUsers: LentUsers?
    ) throws(SystemCallError) -> [Int32] {
        if let bundle, let lentUsers, let user = nursery.user {
            return try lentUsers.open(
                bundle: bundle, groups: group.joiningFiles, for: user)
        }
        var rest = try group.openForJoining()
        guard let bundle else { return rest }
        do throws(SystemCallError) {
            rest.append(
                try SystemCallError.check(
                    unsafe confine_open_tree(bundle.path, bundle.attributes), "open_tree", bundle.path))
        } catch {
            for number in rest { Glibc.close(number) }
            throw error
        }
        return rest
    }

    /// A strategy that runs.
    struct Started: ~Copyable {
        let strategy: Int32
        let watcher: Int32
        fileprivate let process: FileDescriptor
        fileprivate let listener: FileDescriptor
        fileprivate let socket: FileDescriptor
        fileprivate let input: FileDescriptor
        fileprivate let output: FileDescriptor
        fileprivate let error: FileDescriptor

        consuming func child(
            profile: Profile, door: ConfinedChild.Door, remains: Remains, spawner: Spawner
        ) -> ConfinedChild {
            ConfinedChild(
                pid: strategy, door: door, process: process, standardInput: input, standardOutput: output,
                standardError: error, lifeline: socket,
                violations: ViolationReader(listener: listener, profile: profile), recorder: nil,
                profile: profile, remains: remains, spawner: spawner)
        }

        /// The strategy as one whose every call is heard, and decided as `filter` would.
        consuming func recordedChild(
            filter: SystemCallFilter, profile: Profile, remains: Remains, spawner: Spawner
        ) -> ConfinedChild {
            ConfinedChild(
                pid: strategy, door: .cold, process: process, standardInput: input, standardOutput: output,
                standardError: error, lifeline: socket, violations: nil,
                recorder: CallRecorder(
                    listener: listener, filter: filter, fatal: profile.systemCalls.fatal),
                profile: profile, remains: remains, spawner: spawner)
        }
    }

    /// Waits until the strategy runs. When it does not, every process made for it is killed and reaped.
    ///
    /// - Parameter hearsAll: Whether the plan's first filter lets every call wait.
    consuming func await(
        deadline: Duration, command: String, hearsAll: Bool = false, spawner: Spawner
    ) throws(LaunchFailure) -> Started {
        let handshake = LauncherHandshake(
            launcher: launcher, status: status.number, socket: socket.number, command: command,
            hearsAll: hearsAll, spawner: spawner)
        return try awaitEnd(of: handshake, deadline)
    }

    private consuming func awaitEnd(
        of begun: LauncherHandshake, _ deadline: Duration
    ) throws(LaunchFailure) -> Started {
        var handshake = begun
        let failure = handshake.run(for: deadline)
        guard failure == nil, let strategy = handshake.strategy, let watcher = handshake.watcher,
            let listener = handshake.takeListener()
        else {
            handshake.abandon()
            throw failure
                ?? LaunchFailure(
                    code: .stepFailed, step: "launcher", reason: "it ended without a word")
        }
        return Started(
            strategy: strategy, watcher: watcher, process: try Self.openStrategy(strategy, &handshake),
            listener: listener, socket: socket, input: input, output: output, error: error)
    }

    /// A strategy's process that has been made ahead and waits for its bundle. Let it go on or ``abandon()`` it.
    struct Waiting: ~Copyable {
        private let start: LauncherStart
        private var handshake: LauncherHandshake
        let strategy: Int32
        let watcher: Int32

        fileprivate init(
            _ start: consuming LauncherStart, _ handshake: LauncherHandshake, strategy: Int32, watcher: Int32
        ) {
            self.start = start
            self.handshake = handshake
            self.strategy = strategy
            self.watcher = watcher
        }

        /// Hands it the bundle, and waits until the strategy runs. When it does not, every process made for it is killed
        /// and reaped.
        consuming func goOn(
            with bundle: (path: String, attributes: UInt64), deadline: Duration
        ) throws(LaunchFailure) -> Started {
            do throws(SystemCallError) {
                let tree = FileDescriptor(
                    owning: try SystemCallError.check(
                        unsafe confine_open_tree(bundle.path, bundle.attributes), "open_tree", bundle.path))
                try SystemCallError.check(
                    confine_hand_over(start.socket.number, tree.number), "sendmsg", "the bundle")
            } catch {
                handshake.abandon()
                throw LaunchFailure("hand over bundle", error)
            }
            return try start.awaitEnd(of: handshake, deadline)
        }

        /// Kills and reaps every process made for it.
        consuming func abandon() { handshake.abandon() }
    }

    /// Waits until the strategy's process waits. When it does not, every process made for it is killed and reaped.
    consuming func awaitWaiting(
        deadline: Duration, command: String, spawner: Spawner
    ) throws(LaunchFailure) -> Waiting {
        var handshake = LauncherHandshake(
            launcher: launcher, status: status.number, socket: socket.number, command: command,
            spawner: spawner)
        let failure = handshake.run(for: deadline, untilItWaits: true)
        guard failure == nil, handshake.isWaiting, let strategy = handshake.strategy,
            let watcher = handshake.watcher
        else {
            handshake.abandon()
            throw failure
                ?? LaunchFailure(
                    code: .stepFailed, step: "launcher", reason: "it ended without a word")
        }
        do throws(SystemCallError) { try handshake.reapLauncher() } catch {
            handshake.abandon()
            throw LaunchFailure("start launcher", error)
        }
        return Waiting(self, handshake, strategy: strategy, watcher: watcher)
    }

    private static func openStrategy(
        _ strategy: Int32, _ handshake: inout LauncherHandshake
    ) throws(LaunchFailure) -> FileDescriptor {
        do throws(SystemCallError) {
            try handshake.reapLauncher()
            return try ChildProcess.open(strategy)
        } catch {
            handshake.abandon()
            throw LaunchFailure("start launcher", error)
        }
    }
}

extension SystemCallError {
    /// Throws when `result` is a negative error number, as `CConfine` returns them.
    @discardableResult
    static func check(
        _ result: Int32, _ call: String, _ subject: String = ""
    ) throws(SystemCallError) -> Int32 {
        guard result >= 0 else { throw SystemCallError(call: call, number: -result, subject: subject) }
        return result
    }
}
