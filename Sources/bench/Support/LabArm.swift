import Catalogue
import Glibc
import Lab
import MarketData
import Posix
import Sandbox
import Trading
import Wire

/// The lab job once, in a process of its own: its memory is then nobody else's, and its processor too.
///
/// `bullpen-bench lab-arm` runs it; it prints one line of JSON.
enum LabArm {
    /// What a run came to.
    struct Outcome: Sendable {
        var bars: Int
        var milliseconds: Int
        var fills: Int
        var finalEquity: String
        var end: String
        /// The highest resident memory of this process and of the strategy's, in bytes.
        var hostBytes: Int
        var childBytes: Int

        /// The line that the process prints.
        var json: JSONValue {
            .members([
                "bars": .integer(bars), "milliseconds": .integer(milliseconds), "fills": .integer(fills),
                "final_equity": .string(finalEquity), "end": .string(end), "host_bytes": .integer(hostBytes),
                "child_bytes": .integer(childBytes),
            ])
        }
    }

    /// Where things are, by name: confine, runtimes, sdk, profile, bundle, entry, bars, mode, processor, count.
    static func run(_ words: [String]) async throws -> Outcome {
        var given: [String: String] = [:]
        for word in words {
            guard let equals = word.firstIndex(of: "=") else {
                throw MeasurementFailure("\(word) is no option")
            }
            given[String(word[..<equals])] = String(word[word.index(after: equals)...])
        }
        func option(_ name: String) throws -> String {
            guard let value = given[name] else { throw MeasurementFailure("\(name)= is missing") }
            return value
        }
        let source = try LabBars(
            file: try option("bars"), count: Int(given["count"] ?? "") ?? .max)
        if try option("mode") == "bare" {
            return try await Thread.run { [given] in
                try bare(source, entry: given["entry"] ?? "", processor: Int32(given["processor"] ?? ""))
            }
        }
        let launcher = ConfinedLauncher(
            configuration: .init(
                launcher: try option("confine"), runtimes: try option("runtimes"), sdk: try option("sdk"),
                groupName: "bench-lab-\(getpid())"), spawner: try Spawner())
        defer { launcher.close() }
        let profile = try Profile(contentsOf: try option("profile"))
        let (bundle, entry) = (try option("bundle"), try option("entry"))
        let peak = PeakMemory()
        let tester = try SandboxedBacktester(
            .init(
                source: source,
                config: { job throws(BacktestFailure) in
                    var config = StrategyConfig()
                    config.entry = entry
                    do throws(FieldFailure) { return try config.merging(parameters: job.parameters) } catch {
                        throw BacktestFailure(field: error.field, reason: error.reason)
                    }
                },
                launch: { job, _, run, answer in
                    let request = LaunchRequest(
                        strategy: job.strategy, run: run, profile: profile, bundle: bundle, entry: entry,
                        cpuShare: 1)
                    launcher.launch(request) { result in
                        if case .success(let child) = result { peak.pid = child.pid }
                        answer(result)
                    }
                }),
            settings: .init(
                processors: try option("processor").split(separator: ",").compactMap { Int32($0) }))
        let job = BacktestJob(
            strategy: "lab", version: "1", series: [source.key], start: source.start, end: source.end,
            capital: FixedDecimal(1_000_000),
            mode: try option("mode") == "strict" ? .strict : .batched,
            costs: CostModel(
                makerFee: FixedDecimal("0.001")!, takerFee: FixedDecimal("0.001")!))
        if let points = given["points"].flatMap({ Int($0) }) {
            return try await sweep(
                job, tester, points: points, parallel: Int(given["parallel"] ?? "") ?? 1,
                bars: source.columns.count)
        }
        let count = source.columns.count
        let result = try await tester.run(job) { progress in
            // Near the end: reading it costs a little, and memory only grows.
            if progress.bars >= count - 4_096 { peak.read() }
            return true
        }
        return Outcome(
            bars: result.bars, milliseconds: result.milliseconds, fills: result.fills.count,
            finalEquity: "\(result.finalEquity)", end: "\(result.end)",
            hostBytes: PeakMemory.peak(of: getpid()), childBytes: peak.bytes)
    }

    /// A search over a grid: so many points, so many at once.
    private static func sweep(
        _ job: BacktestJob, _ tester: SandboxedBacktester, points: Int, parallel: Int, bars: Int
    ) async throws -> Outcome {
        let space = SearchSpace([
            SearchParameter(name: "fast", range: .integer(low: 5, high: 24, step: 1)),
            SearchParameter(name: "slow", range: .integer(low: 30, high: 120, step: 10)),
        ])
        let search = SearchRunner(
            job: job, objective: Objective([.init("sharpe")]), budget: points, parallel: parallel,
            window: points, backtester: tester, figures: StudyFigures.of)
        let begin = MonotonicClock.nanoseconds
        let report = try await search.run(try GridMethod(space))
        let milliseconds = Int((MonotonicClock.nanoseconds - begin) / 1_000_000)
        let failures = report.points.compactMap(\.outcome.failure)
        guard report.points.count == points, failures.isEmpty, let best = report.best else {
            throw MeasurementFailure(
                "a sweep came to \(report.points.count) of \(points) points: \(failures.first ?? "no score")")
        }
        return Outcome(
            bars: bars * points, milliseconds: milliseconds, fills: best.outcome.trades * 2,
            finalEquity: "\(best.outcome.finalEquity)", end: best.point.json.text,
            hostBytes: PeakMemory.peak(of: getpid()), childBytes: 0)
    }

    /// The floor of a strict run: the same lines over a bare pipe to a program without SDK, walls or books.
    private static func bare(_ source: LabBars, entry: String, processor: Int32?) throws -> Outcome {
        let (toChild, fromChild) = (try Pipe().release(), try Pipe().release())
        let pid = try ChildProcess.spawn(
            "/usr/bin/python3", arguments: ["python3", "-I", "-B", entry],
            descriptors: [toChild.readEnd, fromChild.writeEnd, 2])
        close(toChild.readEnd)
        close(fromChild.writeEnd)
        let input = FileDescriptor(owning: toChild.writeEnd)
        let output = FileDescriptor(owning: fromChild.readEnd)
        try Thread.keep(on: processor)
        try Thread.keep(pid, on: processor)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var line: [UInt8] = []
        var orders = 0
        var begin: UInt64 = 0
        for row in 0..<source.columns.count {
            // The first answer comes when the program has started.
            if row == 1 { begin = MonotonicClock.nanoseconds }
            line.removeAll(keepingCapacity: true)
            HostMessage.candle(source.columns[row], isHistory: false).write(to: &line)
            try input.writeAll(line[...])
            var count = 0
            repeat {
                let more = try output.read(into: &buffer, from: count)
                guard more > 0 else { throw MeasurementFailure("the program behind the pipe has ended") }
                count += more
            } while buffer[count - 1] != 0x0A
            if count > 20 { orders += 1 }
        }
        let milliseconds = Int((MonotonicClock.nanoseconds - begin) / 1_000_000)
        kill(pid, SIGKILL)
        try ChildProcess.wait(for: pid)
        return Outcome(
            bars: source.columns.count, milliseconds: milliseconds, fills: orders, finalEquity: "", end: "",
            hostBytes: 0, childBytes: 0)
    }
}

/// The bars of the lab job, in memory.
final class LabBars: CandleSource {
    let columns: CandleColumns

    let key = SeriesKey(venue: "bench", symbol: "BTCUSDT", resolution: Resolution(milliseconds: 60_000))

    var start: Timestamp { Timestamp(milliseconds: columns.openTimes[0]) }
    /// When the last candle has closed.
    var end: Timestamp {
        Timestamp(milliseconds: columns.openTimes[columns.count - 1] + key.resolution.milliseconds)
    }

    /// Reads the file that `lab_bars.py` makes.
    init(file: String, count: Int) throws {
        var columns = CandleColumns(
            symbol: key.symbol, resolution: key.resolution, priceDigits: 3, volumeDigits: 3)
        let input = try FileDescriptor.open(file, O_RDONLY)
        let size = try input.size()
        var rest: [UInt8] = []
        var offset = 0
        while offset < size, columns.count < count {
            rest += try input.read(at: offset, count: 1 << 20)
            offset = min(size, offset + 1 << 20)
            let end = (rest.lastIndex(of: 0x0A) ?? -1) + 1
            for line in rest[..<end].split(separator: 0x0A) where line.first != UInt8(ascii: "t") {
                guard columns.count < count else { break }
                let fields = line.split(separator: UInt8(ascii: ",")).compactMap { FixedDecimal(utf8: $0) }
                guard fields.count == 6,
                    columns.append(
                        Candle(
                            symbol: key.symbol, resolution: key.resolution,
                            openTime: Timestamp(
                                milliseconds: Int64(fields[0].units / FixedDecimal.unitsPerOne) * 1_000),
                            open: fields[1], high: fields[2], low: fields[3], close: fields[4],
                            volume: fields[5]))
                else { throw MeasurementFailure("\(file) has a line that is no bar") }
            }
            rest.removeFirst(end)
        }
        self.columns = columns
    }

    func candles(
        of series: SeriesKey, from start: Timestamp, to end: Timestamp, limit: Int
    ) throws(MarketFileFailure) -> CandleColumns {
        // One a minute, without gaps.
        let first = max(0, Int((start.milliseconds - columns.openTimes[0] + 59_999) / 60_000))
        let last = min(
            columns.count, first + limit, Int((end.milliseconds - columns.openTimes[0] + 59_999) / 60_000))
        return columns.part(first..<max(first, last))
    }

    func contentHash(of series: SeriesKey, from start: Timestamp, to end: Timestamp)
        throws(MarketFileFailure) -> String
    { "" }
}

/// The highest resident memory of a strategy's process.
private final class PeakMemory: @unchecked Sendable {
    // @unchecked: written on the launcher's thread before the run, then on the run's alone.
    var pid: Int32 = 0
    private(set) var bytes = 0

    func read() { bytes = max(bytes, Self.peak(of: pid)) }

    /// As `VmHWM` of man 5 proc tells.
    static func peak(of pid: Int32) -> Int {
        guard let file = try? FileDescriptor.open("/proc/\(pid)/status", O_RDONLY) else { return 0 }
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        // A process that has ended has no memory.
        guard let count = try? file.read(into: &buffer) else { return 0 }
        let text = String(decoding: buffer.prefix(count), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(separator: " ").dropLast().last.flatMap { Int($0) } ?? 0) << 10
    }
}
