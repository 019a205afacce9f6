internal import CConfine
internal import Glibc
internal import Posix

/// A launcher process that has just been started, until the strategy runs or a step has failed.
struct LauncherStart: ~Copyable {
    private let launcher: Int32
    private let status: FileDescriptor
    private let socket: FileDescriptor
    private let input: FileDescriptor
    private let output: FileDescriptor
    private let error: FileDescriptor

    /// Starts the launcher with its descriptors (confine.h) and the plan.
    ///
    /// - Parameter users: The namespace of lent ids, which comes after the groups.
    init(
        launcher path: String, plan: [UInt8], group: ChildGroup, users: Int32? = nil
    ) throws(SystemCallError) {
        let inputs = try Pipe(writesWithoutWaiting: true).release()
        let childInput = FileDescriptor(owning: inputs.readEnd)
        let input = FileDescriptor(owning: inputs.writeEnd)
        let outputs = try Pipe(readsWithoutWaiting: true).release()
        let output = FileDescriptor(owning: outputs.readEnd)
        let childOutput = FileDescriptor(owning: outputs.writeEnd)
        let errors = try Pipe(readsWithoutWaiting: true).release()
        let error = FileDescriptor(owning: errors.readEnd)
        let childError = FileDescriptor(owning: errors.writeEnd)
        let reports = try Pipe().release()
        let status = FileDescriptor(owning: reports.readEnd)
        let childStatus = FileDescriptor(owning: reports.writeEnd)
        var ends: [Int32] = [-1, -1]
        try Self.check(unsafe confine_socket_pair(&ends), "socketpair")
        let socket = FileDescriptor(owning: ends[0])
        let childSocket = FileDescriptor(owning: ends[1])
        let file = FileDescriptor(
            owning: try Self.check(unsafe confine_sealed_file(plan, plan.count), "memfd_create"))
        let groups = try group.openForJoining()
        defer { for number in groups { Glibc.close(number) } }
        launcher = try ChildProcess.spawn(
            path, arguments: ["confine"],
            descriptors: [
                childInput.number, childOutput.number, childError.number, childStatus.number, file.number,
                childSocket.number,
            ] + groups + (users.map { [$0] } ?? []))
        self.status = status
        self.socket = socket
        self.input = input
        self.output = output
        self.error = error
    }

    @discardableResult
    private static func check(_ result: Int32, _ call: String) throws(SystemCallError) -> Int32 {
        guard result >= 0 else { throw SystemCallError(call: call, number: -result) }
        return result
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

        consuming func child(profile: Profile, remains: Remains, spawner: Spawner) -> ConfinedChild {
            ConfinedChild(
                pid: strategy, process: process, standardInput: input, standardOutput: output,
                standardError: error, lifeline: socket,
                violations: ViolationReader(listener: listener, profile: profile), recorder: nil,
                profile: profile, remains: remains, spawner: spawner)
        }

        /// The strategy as one whose every call is heard, and decided as `filter` would.
        consuming func recordedChild(
            filter: SystemCallFilter, profile: Profile, remains: Remains, spawner: Spawner
        ) -> ConfinedChild {
            ConfinedChild(
                pid: strategy, process: process, standardInput: input, standardOutput: output,
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
        deadline: Duration, command: String, hearsAll: Bool = false
    ) throws(LaunchFailure) -> Started {
        var handshake = LauncherHandshake(
            status: status.number, socket: socket.number, command: command, hearsAll: hearsAll)
        let failure = handshake.run(for: deadline)
        guard failure == nil, let strategy = handshake.strategy, let watcher = handshake.watcher,
            let listener = handshake.takeListener()
        else {
            handshake.abandon(launcher: launcher)
            throw failure
                ?? LaunchFailure(
                    code: .stepFailed, step: "launcher", reason: "it ended without a word")
        }
        return Started(
            strategy: strategy, watcher: watcher,
            process: try Self.openStrategy(strategy, of: launcher, &handshake), listener: listener,
            socket: socket, input: input, output: output, error: error)
    }

    private static func openStrategy(
        _ strategy: Int32, of launcher: Int32, _ handshake: inout LauncherHandshake
    ) throws(LaunchFailure) -> FileDescriptor {
        do throws(SystemCallError) {
            try ChildProcess.wait(for: launcher)
            return try ChildProcess.open(strategy)
        } catch {
            handshake.abandon(launcher: nil)
            throw LaunchFailure("start launcher", error)
        }
    }
}
