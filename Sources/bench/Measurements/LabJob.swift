import FoundationEssentials
import Glibc
import Host
import Posix
import Sandbox
import Wire

extension Measurement {
    /// What a backtest costs: the same job in the Lab, behind a bare pipe, and in other people's engines.
    static let labJob = Measurement(
        name: "lab-job",
        summary:
            "500,000 bars through a crossover, sandboxed, on one processor, beside a bare pipe and engines from PyPI"
    ) { surroundings in
        let job = try LabJob(surroundings)
        return try job.figures()
    }
}

/// The lab job: 10 against 50 closes, one unit, filled at the next open, a fee of 0.1 %, 1,000,000 of cash.
private struct LabJob {
    /// What the job comes to, exactly.
    static let finalEquity = "979588.462353"
    static let fills = 13_578
    static let bars = 500_000

    private let surroundings: Surroundings
    private let folder: BenchFolder
    private let file: String
    private let native: String

    init(_ surroundings: Surroundings) throws {
        self.surroundings = surroundings
        folder = try BenchFolder()
        try folder.make("python")
        try folder.write(try Programs.read("lab_sma.py"), to: "python/strategy.py")
        try folder.make("native")
        native = try folder.compile("lab_sma.c", as: "native/main", ["-static"])
        file = try LabProcess.bars()
    }

    func figures() throws -> [Figure] {
        var (batched, strict, bare, nativeRates): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        var peers: [Peer: [Double]] = [:]
        var (memory, peerMemory) = (0.0, 0.0)
        let hasPeers = Self.installPeers()
        // In turns, so that what else the machine does falls on all of them.
        for round in 0..<max(1, surroundings.samples(30) / 10) {
            let ours = try arm("batched", count: Self.bars)
            batched.append(try rate(ours))
            memory = max(memory, mebibytes(ours, "host_bytes") + mebibytes(ours, "child_bytes"))
            if hasPeers {
                let other = try peer(.backtesting, count: Self.bars)
                peers[.backtesting, default: []].append(other.rate)
                peerMemory = max(peerMemory, other.mebibytes)
                peers[.vectorbt, default: []].append(try peer(.vectorbt, count: Self.bars).rate)
                // It takes a minute for all of them.
                if round == 0 { peers[.backtrader] = [try peer(.backtrader, count: Self.bars / 10).rate] }
            }
            nativeRates.append(try rate(arm("native", count: Self.bars)))
            bare.append(try barePipe())
            strict.append(try rate(arm("strict", count: Self.bars / 5), isWhole: false))
        }
        var figures = [
            Figure(
                name: "lab job, Python, batched", value: Samples(batched).median, unit: "bars/s",
                promise: .atLeast(400_000)),
            Figure(
                name: "lab job, Python, strict", value: Samples(strict).median, unit: "bars/s",
                floor: .init(name: "bare pipe", value: Samples(bare).median),
                promise: .atLeastTimesFloor(0.65)),
            Figure(
                name: "lab job, native, batched", value: Samples(nativeRates).median, unit: "bars/s",
                promise: .atLeast(1_500_000)),
            Figure(
                name: "lab job, memory of host and child at most", value: memory, unit: "MB",
                floor: peerMemory > 0 ? .init(name: "backtesting.py", value: peerMemory) : nil,
                promise: .atMost(120)),
        ]
        for engine in Peer.allCases {
            guard let rates = peers[engine] else { continue }
            figures.append(
                Figure(
                    name: "lab job, Python, batched", value: Samples(batched).median, unit: "bars/s",
                    floor: .init(name: engine.words, value: Samples(rates).median),
                    promise: engine == .backtesting ? .atLeastTimesFloor(2.5) : nil))
        }
        return figures
    }

    // MARK: - Ours

    /// One run in a process of its own.
    private func arm(_ mode: String, count: Int) throws -> JSONValue {
        let isNative = mode == "native"
        return try LabProcess.arm(
            surroundings, bundle: "\(folder.path)/\(isNative ? "native" : "python")", isNative: isNative,
            ["count=\(count)", "mode=\(isNative ? "batched" : mode)", "processor=1"])
    }

    private func barePipe() throws -> Double {
        let output = try LabProcess.run(
            try LabProcess.thisProgram(),
            [
                "lab-arm", "bars=\(file)", "count=\(Self.bars / 5)", "mode=bare", "processor=1",
                "entry=\(FileManager.default.currentDirectoryPath)/\(try Programs.path("lab_bare.py"))",
            ])
        return try rate(LabProcess.lastLine(output), isWhole: false)
    }

    /// Bars a second of a run that came to what it must.
    private func rate(_ outcome: JSONValue, isWhole: Bool = true) throws -> Double {
        guard let bars = outcome["bars"]?.intValue, let milliseconds = outcome["milliseconds"]?.intValue,
            !isWhole
                || outcome["final_equity"]?.stringValue == Self.finalEquity
                    && outcome["fills"]?.intValue == Self.fills
        else { throw MeasurementFailure("the lab job came to \(outcome.text)") }
        return Double(bars) / Double(max(1, milliseconds)) * 1_000
    }

    private func mebibytes(_ outcome: JSONValue, _ name: String) -> Double {
        Double(outcome[name]?.intValue ?? 0) / 1_000_000
    }

    // MARK: - Theirs

    private enum Peer: String, CaseIterable {
        case backtesting, backtrader, vectorbt

        var words: String {
            switch self {
            case .backtesting: "backtesting.py"
            case .backtrader: "backtrader"
            case .vectorbt: "vectorbt, warm"
            }
        }
    }

    private static let environment = ".build/bench-peers"

    /// Whether the engines of others are at hand; they are fetched from PyPI once.
    private static func installPeers() -> Bool {
        let python = environment + "/bin/python"
        do {
            if unsafe access(environment + "/complete", R_OK) == 0 { return true }
            complain("lab-job: fetches backtesting, backtrader and vectorbt from PyPI into \(environment)")
            _ = try LabProcess.run("/usr/bin/python3", ["-m", "venv", environment])
            _ = try LabProcess.run(
                python, ["-m", "pip", "install", "-q", "backtesting", "backtrader", "vectorbt"])
            _ = try FileDescriptor.open(environment + "/complete", O_WRONLY | O_CREAT)
            return true
        } catch {
            complain("lab-job: without the engines of others: \(error)")
            return false
        }
    }

    private func peer(_ peer: Peer, count: Int) throws -> (rate: Double, mebibytes: Double) {
        let output = try LabProcess.run(
            "/usr/bin/taskset",
            [
                "-c", "1", Self.environment + "/bin/python", "-B", try Programs.path("lab_peers.py"),
                peer.rawValue,
                file, "\(count)",
            ])
        let line = try LabProcess.lastLine(output)
        guard case .number(let text)? = line["bars_per_second"], let rate = Double(text) else {
            throw MeasurementFailure("\(peer.words) says \(output)")
        }
        return (rate, Double(line["peak_kib"]?.intValue ?? 0) * 1_024 / 1_000_000)
    }
}
