public import Journal
import Posix
public import Sandbox
import Synchronization
public import Wire

/// Replays recordings in the sandbox, each on a thread of its own.
public final class SandboxedReplayer: Sendable {
    /// How long a strategy may take, in seconds.
    public struct Limits: Sendable {
        /// Until it says `ready`.
        public var start = 30
        /// For one line.
        public var answer = 30
        /// For all of it.
        public var total = 1_800

        /// The host's own, and half an hour.
        public init() {}
    }

    /// What is to be replayed, with which code.
    public struct Job: Sendable {
        /// The run's recording.
        public var recording: RunRecording
        /// How the strategy is started. Its run's id is replaced.
        public var request: LaunchRequest
        /// What another version is told first in place of what the run's was; nil for the same version.
        public var other: Other?

        /// What differs in the first line of another version.
        public struct Other: Sendable {
            public var entry: String
            public var parameters: JSONValue
            public var config: JSONValue

            /// Describes another version.
            public init(entry: String, parameters: JSONValue, config: JSONValue) {
                self.entry = entry
                self.parameters = parameters
                self.config = config
            }
        }

        /// Describes a replay.
        public init(recording: RunRecording, request: LaunchRequest, other: Other? = nil) {
            self.recording = recording
            self.request = request
            self.other = other
        }
    }

    private let launcher: ConfinedLauncher
    private let limits: Limits
    private let count = Atomic<Int>(0)

    /// Replays behind the walls of `launcher`.
    public init(launcher: ConfinedLauncher, limits: Limits = Limits()) {
        self.launcher = launcher
        self.limits = limits
    }

    /// Replays, suspended until it is over. The thread that works is the replay's own.
    ///
    /// - Throws: ``ReplayFailure`` when it could not begin.
    public func replay(_ job: Job) async throws(ReplayFailure) -> ReplayReport {
        var request = job.request
        request.run = "replay-\(count.wrappingAdd(1, ordering: .relaxed).newValue)"
        let named = request
        let result: Result<ReplayReport, ReplayFailure> = await withCheckedContinuation { continuation in
            do throws(SystemCallError) {
                try Thread.start(name: "replay") { [self] in
                    let script: ReplayScript
                    do throws(ReplayScript.Flaw) {
                        script = try ReplayScript(recording: job.recording)
                    } catch {
                        return continuation.resume(returning: .failure(ReplayFailure(reason: "\(error)")))
                    }
                    launcher.launch(named) { [limits] launched in
                        Self.begin(launched, script, job, limits) { continuation.resume(returning: $0) }
                    }
                }
            } catch {
                continuation.resume(returning: .failure(ReplayFailure(reason: "no thread: \(error)")))
            }
        }
        return try result.get()
    }

    /// On the spawner's thread, which must not wait.
    private static func begin(
        _ launched: Result<ConfinedChild, LaunchFailure>, _ script: ReplayScript, _ job: Job,
        _ limits: Limits,
        _ answer: @escaping @Sendable (Result<ReplayReport, ReplayFailure>) -> Void
    ) {
        switch launched {
        case .failure(let failure): answer(.failure(ReplayFailure(reason: failure.description)))
        case .success(let child):
            do throws(SystemCallError) {
                try Thread.start(name: "replay") {
                    answer(.success(Session(child, script, job, limits).run()))
                }
            } catch {
                child.kill()
                child.finish()
                answer(.failure(ReplayFailure(reason: "no thread: \(error)")))
            }
        }
    }

    /// One replay under way.
    private final class Session {
        private let child: ReplayChild
        private let script: ReplayScript
        private let job: Job
        private let limits: Limits
        private var conductor: ReplayConductor
        private var pings = 0
        private var wasStopped = false
        private let began = MonotonicClock.nanoseconds

        init(_ child: ConfinedChild, _ script: ReplayScript, _ job: Job, _ limits: Limits) {
            self.child = ReplayChild(child)
            self.script = script
            self.job = job
            self.limits = limits
            conductor = ReplayConductor(script)
        }

        func run() -> ReplayReport {
            var end = ReplayReport.End.completed
            do {
                try greet()
                try job.recording.forEach { entry in
                    guard case .line(let time, .toStrategy, let line) = entry else { return true }
                    guard ReplayScript.isTold(line) else { return true }
                    guard conductor.steps < script.steps else { return false }
                    guard let told = try conductor.tell(line, at: time) else { return true }
                    return try tell(told)
                }
            } catch let failure as ReplayChildFailure {
                end = .failed(failure.reason)
            } catch {
                end = .failed("\(error)")
            }
            // One that was not told to stop would wait for ever.
            child.end(by: deadline(end == .completed && wasStopped ? 10 : 0))
            let milliseconds = Int((MonotonicClock.nanoseconds - began) / 1_000_000)
            return ReplayReport(
                end: end, conductor: conductor, script: script, remarks: remarks, milliseconds: milliseconds)
        }

        private var remarks: [String] {
            var remarks: [String] = []
            if job.other != nil {
                remarks.append(
                    "another version was replayed: it was told what happened to the run, and timers went off "
                        + "when the run's did")
            }
            if child.refusedLines > 0 { remarks.append("\(child.refusedLines) of its lines were refused") }
            return remarks
        }

        private func greet() throws {
            var hello = script.hello
            if let other = job.other {
                hello.entry = other.entry
                hello.parameters = other.parameters
                hello.config = other.config
            }
            child.send(HostMessage.hello(hello).line)
            let deadline = deadline(limits.start)
            while true {
                if case .ready = try child.next(until: deadline) { break }
            }
            try catchUp()
        }

        /// Tells a line and hears all that it answers; false when it was the last.
        private func tell(_ line: [UInt8]) throws -> Bool {
            child.send(line)
            guard !line.starts(with: Self.stop) else {
                wasStopped = true
                try hearFarewell()
                return false
            }
            try catchUp()
            return true
        }

        private static let stop = Array(#"{"type":"stop""#.utf8)

        /// Hears everything up to the answer to a ping: it answers in order.
        private func catchUp() throws {
            while true {
                pings += 1
                child.send(HostMessage.ping(id: pings).line)
                let deadline = deadline(limits.answer)
                hearing: while true {
                    switch try child.next(until: deadline) {
                    case .pong(let id) where id == pings: break hearing
                    case let message: conductor.hear(message)
                    }
                }
                let answers = conductor.conclude()
                guard !answers.isEmpty else { return }
                for answer in answers { child.send(answer) }
            }
        }

        private func hearFarewell() throws {
            let deadline = deadline(limits.answer)
            while true {
                let message = try child.next(until: deadline)
                if case .bye = message { break }
                conductor.hear(message)
            }
            _ = conductor.conclude()
        }

        private func deadline(_ seconds: Int) -> UInt64 {
            let wanted = MonotonicClock.nanoseconds + UInt64(seconds) * 1_000_000_000
            return min(wanted, began + UInt64(limits.total) * 1_000_000_000)
        }
    }
}

/// Why a replay did not begin.
public struct ReplayFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// In words.
    public let reason: String

    /// Names a reason.
    public init(reason: String) { self.reason = reason }

    /// The reason.
    public var description: String { reason }
}
