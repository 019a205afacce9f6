internal import Posix
internal import Sandbox

/// A program that runs once behind the walls and is read to its end, such as the check of a bundle.
///
/// It runs on an event loop of its own kind of chores, so that the floor never waits for it.
final class ConfinedTask {
    /// How it ended, and what it wrote.
    struct Outcome: Sendable {
        var report: DeathReport?
        var output: [UInt8]
        var errors: [UInt8]
        /// It was killed because it took too long or wrote too much; in words.
        var killedFor: String?
    }

    private let loop: EventLoop
    private let child: ConfinedChild
    private let outputLimit: Int
    private let completion: @Sendable (Outcome) -> Void
    private var outcome = Outcome(report: nil, output: [], errors: [], killedFor: nil)
    private var watches: [EventLoop.Watch] = []
    private var deadline: EventLoop.Timer?
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)

    private init(
        _ child: ConfinedChild, outputLimit: Int, loop: EventLoop,
        completion: @escaping @Sendable (Outcome) -> Void
    ) {
        self.child = child
        self.outputLimit = outputLimit
        self.loop = loop
        self.completion = completion
    }

    /// Runs a program to its end.
    ///
    /// - Parameters:
    ///   - timeout: It is killed after so many milliseconds.
    ///   - outputLimit: It is killed when it writes more bytes than so many.
    static func run(
        _ request: LaunchRequest, launcher: ConfinedLauncher, loop: EventLoop, timeout: Int, outputLimit: Int
    ) async throws(LaunchFailure) -> Outcome {
        let result: Result<Outcome, LaunchFailure> = await withCheckedContinuation { continuation in
            launcher.launch(request) { result in
                switch result {
                case .failure(let failure): continuation.resume(returning: .failure(failure))
                case .success(let child):
                    loop.perform {
                        let task = ConfinedTask(child, outputLimit: outputLimit, loop: loop) {
                            continuation.resume(returning: .success($0))
                        }
                        task.begin(timeout: timeout)
                    }
                }
            }
        }
        return try result.get()
    }

    private func begin(timeout: Int) {
        // Nobody is to be told what it is refused, so nothing must wait for an answer.
        child.stopListening()
        do {
            watches.append(try loop.watch(child.process, for: .read) { _ in self.ended() })
            watches.append(try loop.watch(child.standardOutput, for: .read) { _ in self.read(errors: false) })
            watches.append(try loop.watch(child.standardError, for: .read) { _ in self.read(errors: true) })
        } catch {
            return kill("it could not be watched: \(error)")
        }
        // A cancelled timer keeps its body until it falls due, and would keep the child's descriptors open with it.
        deadline = loop.schedule(after: .milliseconds(timeout)) { [weak self] in
            self?.kill("it took longer than \(timeout / 1000) s")
        }
    }

    private func kill(_ reason: String) {
        if outcome.killedFor == nil { outcome.killedFor = reason }
        child.kill()
        if watches.isEmpty { finish() }
    }

    private func read(errors: Bool) {
        do {
            let count =
                try errors
                ? child.standardError.read(into: &buffer) : child.standardOutput.read(into: &buffer)
            guard count > 0 else { return unwatch(errors ? 2 : 1) }
            if errors {
                outcome.errors += buffer.prefix(min(count, max(0, 64 << 10 - outcome.errors.count)))
            } else {
                outcome.output += buffer.prefix(count)
                if outcome.output.count > outputLimit { kill("it wrote more than \(outputLimit) bytes") }
            }
        } catch {
            if !error.wouldBlock { unwatch(errors ? 2 : 1) }
        }
    }

    private func unwatch(_ index: Int) {
        guard index < watches.count else { return }
        loop.unwatch(watches[index])
    }

    private func ended() {
        do {
            guard try child.reap() != nil else { return }
        } catch {
            if outcome.killedFor == nil { outcome.killedFor = "it could not be reaped: \(error)" }
        }
        for isErrors in [false, true] {
            for _ in 0..<64 {
                let before = outcome.output.count + outcome.errors.count
                read(errors: isErrors)
                guard outcome.output.count + outcome.errors.count > before else { break }
            }
        }
        outcome.report = child.deathReport()
        finish()
    }

    private func finish() {
        for watch in watches { loop.unwatch(watch) }
        watches = []
        if let deadline { loop.cancel(deadline) }
        deadline = nil
        child.finish()
        completion(outcome)
    }
}
