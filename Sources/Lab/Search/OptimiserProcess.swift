internal import Glibc
internal import Posix
public import Sandbox
internal import Synchronization

/// The optimiser's program behind its walls: Python with Optuna, no network, no files but its own, no strategy's code.
///
/// It belongs to one search, which talks to it in turns. Each turn has a thread of its own, that waits for the answer.
public final class OptimiserProcess: LineDialogue {
    private let child: ConfinedChild
    private let rest = Mutex<[UInt8]>([])
    private let errors = Mutex<[UInt8]>([])
    private let milliseconds: Int

    /// The longest line that it may answer, in bytes.
    private static let lineLimit = 64 << 10

    private init(_ child: ConfinedChild, milliseconds: Int) {
        self.child = child
        self.milliseconds = milliseconds
    }

    /// The walls of scientific strategies with another runtime and another program, and no bundle.
    public static func profile(from scientific: Profile) -> Profile {
        var profile = scientific
        profile.runtime = Runtime.optimiser.rawValue
        profile.nursery = nil
        profile.views.removeAll { $0.source == .bundle }
        profile.command = scientific.command.dropLast() + ["/sdk/operator/optimiser.py"]
        return profile
    }

    /// Starts one.
    ///
    /// - Parameters:
    ///   - profile: See ``profile(from:)``.
    ///   - bundle: An empty folder, which it is not shown.
    ///   - run: A name for its control groups. Letters, digits, `-` and `_`.
    ///   - milliseconds: How long an answer may take before it is killed.
    public static func start(
        _ profile: Profile, launcher: ConfinedLauncher, bundle: String, run: String,
        milliseconds: Int = 60_000
    ) async throws(SearchFailure) -> OptimiserProcess {
        let request = LaunchRequest(
            strategy: "optimiser", run: run, profile: profile, bundle: bundle, cpuShare: 1,
            isColdStart: true)
        let result: Result<ConfinedChild, LaunchFailure> = await withCheckedContinuation { continuation in
            launcher.launch(request) { continuation.resume(returning: $0) }
        }
        do {
            let child = try result.get()
            // What it is refused interests nobody, so nothing must wait for an answer.
            child.stopListening()
            return OptimiserProcess(child, milliseconds: milliseconds)
        } catch {
            throw SearchFailure(
                reason:
                    "the optimiser could not be started: \(error). What to do: bullpen runtime install optimiser"
            )
        }
    }

    /// Says lines and waits for one.
    public func exchange(_ lines: [UInt8]) async throws(SearchFailure) -> [UInt8] {
        try await Thread.run(name: "optimiser", refused: { SearchFailure(reason: "no thread: \($0)") }) {
            [self] () throws(SearchFailure) in try turn(lines).get()
        }
    }

    /// Kills it and takes away what is left.
    public func close() async {
        await withCheckedContinuation { continuation in
            child.kill()
            child.finish { continuation.resume() }
        }
    }

    private func turn(_ lines: [UInt8]) -> Result<[UInt8], SearchFailure> {
        let deadline = MonotonicClock.nanoseconds + UInt64(milliseconds) * 1_000_000
        var unsaid = lines[...]
        while true {
            if unsaid.isEmpty, let line = takeLine() { return .success(line) }
            if rest.withLock({ $0.count }) > Self.lineLimit { return ended("it wrote too long a line") }
            let now = MonotonicClock.nanoseconds
            guard now < deadline else { return ended("it did not answer in \(milliseconds / 1000) s") }
            var entries = [
                pollfd(fd: child.standardOutput.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: child.standardError.number, events: Int16(POLLIN), revents: 0),
            ]
            if !unsaid.isEmpty {
                entries.append(pollfd(fd: child.standardInput.number, events: Int16(POLLOUT), revents: 0))
            }
            _ = unsafe poll(
                &entries, nfds_t(entries.count), Int32(min(deadline - now, 1_000_000_000) / 1_000_000))
            if entries[1].revents != 0 { _ = read(child.standardError, into: errors, limit: 8 << 10) }
            if !unsaid.isEmpty, entries[2].revents != 0 {
                do { unsaid = unsaid.dropFirst(try child.standardInput.write(unsaid)) } catch {
                    if !error.wouldBlock { return ended("it has ended") }
                }
            }
            if entries[0].revents != 0, !read(child.standardOutput, into: rest, limit: .max) {
                return ended("it has ended")
            }
        }
    }

    /// False at the end.
    private func read(
        _ descriptor: borrowing FileDescriptor, into kept: borrowing Mutex<[UInt8]>, limit: Int
    ) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        do {
            let count = try descriptor.read(into: &buffer)
            kept.withLock { kept in
                kept += buffer.prefix(count)
                if kept.count > limit { kept.removeFirst(kept.count - limit) }
            }
            return count > 0
        } catch {
            return error.wouldBlock
        }
    }

    private func takeLine() -> [UInt8]? {
        rest.withLock { rest in
            guard let end = rest.firstIndex(of: 0x0A) else { return nil }
            let line = Array(rest[..<end])
            rest.removeSubrange(...end)
            return line
        }
    }

    private func ended(_ reason: String) -> Result<[UInt8], SearchFailure> {
        child.kill()
        // What it said last is in the pipe still.
        while read(child.standardError, into: errors, limit: 8 << 10), errors.withLock({ $0.count }) < 8 << 10
        {
            var entry = pollfd(fd: child.standardError.number, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&entry, 1, 100) == 1 else { break }
        }
        let words = errors.withLock { String(decoding: $0, as: UTF8.self) }
        let last = words.split(separator: "\n").last.map { ": \($0)" } ?? ""
        return .failure(SearchFailure(reason: "the optimiser cannot be asked: \(reason)\(last)"))
    }
}
