import Glibc
import Host
import Posix
import Sandbox
import Trading
import Wire

extension Posix.Thread {
    /// Runs blocking work on a thread of its own: it pins itself and waits.
    static func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await run(name: "driver", refused: { $0 as any Error }, body)
    }
}

/// The same program in the same walls, spoken to without a host.
final class BarePipe: Sendable {
    private let child: ConfinedChild
    private let launcher: ConfinedLauncher
    private let folder: BenchFolder

    init(_ surroundings: Surroundings, processor: Int32?) async throws {
        folder = try BenchFolder()
        try folder.make("bundle")
        try folder.write(try Programs.read("answer.py"), to: "bundle/answer.py")
        var profile = try Profile(contentsOf: surroundings.layout.profiles + "/python.json")
        profile.command = ["/usr/bin/python3", "-I", "-B", "/bundle/{entry}"]
        launcher = ConfinedLauncher(
            configuration: .init(
                launcher: surroundings.layout.confine, runtimes: try BenchHost.runtimes(surroundings.layout),
                sdk: surroundings.layout.sdk, groupName: "bench-pipe-\(getpid())"), spawner: try Spawner())
        let request = LaunchRequest(
            strategy: "answer", run: "bare", profile: profile, bundle: folder.path + "/bundle",
            entry: "answer.py", cpuShare: 2)
        child = try await withCheckedContinuation { [launcher] continuation in
            launcher.launch(request) { continuation.resume(returning: $0) }
        }.get()
        for end in [child.standardInput.number, child.standardOutput.number] {
            guard fcntl(end, F_SETFL, 0) == 0 else { throw SystemCallError(call: "fcntl", number: errno) }
        }
        try Posix.Thread.keep(child.pid, on: processor)
        var greeting: [UInt8] = []
        while greeting.count(where: { $0 == 0x0A }) < 2 { greeting += try read() }
    }

    /// Microseconds from writing a trade to having read the whole order.
    func roundTrip(_ number: Int) throws -> Double {
        guard case .trade(let trade) = MarketEvent.benchTrade(number) else { return 0 }
        let line = HostMessage.trade(trade).line
        let begin = MonotonicClock.nanoseconds
        try child.standardInput.writeAll(line[...])
        var answer = try read()
        while answer.last != 0x0A { answer += try read() }
        return Double(MonotonicClock.nanoseconds - begin) / 1_000
    }

    private func read() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = try child.standardOutput.read(into: &buffer)
        guard count > 0 else { throw MeasurementFailure("the program behind the pipe has ended") }
        return Array(buffer.prefix(count))
    }

    func end() {
        child.kill()
        child.finish()
        launcher.close()
    }
}

/// A file in which one page after the other is made durable.
final class SyncedFile {
    private let folder: BenchFolder
    private let file: FileDescriptor
    private let page = [UInt8](repeating: 0x2A, count: 4096)
    private var next = 0
    private static let pages = 1_000

    init() throws {
        folder = try BenchFolder()
        file = try FileDescriptor.open(folder.path + "/synced", O_RDWR | O_CREAT)
        for _ in 0..<Self.pages { try file.writeAll(page[...]) }
        try file.synchronizeData()
    }

    /// Microseconds for one page. The file does not grow, as the journal's does not once it has its size.
    func write() throws -> Double {
        next = (next + 1) % Self.pages
        let begin = MonotonicClock.nanoseconds
        guard unsafe pwrite(file.number, page, page.count, off_t(next * page.count)) == page.count else {
            throw SystemCallError(call: "pwrite", number: errno)
        }
        try file.synchronizeData()
        return Double(MonotonicClock.nanoseconds - begin) / 1_000
    }
}
