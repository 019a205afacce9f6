import Glibc
import Journal
import MarketData
import Posix
import TestSupport
import Trading
import Wire

@testable import Catalogue
@testable import Lab
@testable import Web

/// A Lab over HTTP with one strategy of ann's and the candles of one series; what runs come to is the test's to say.
final class LabWorld: Sendable {
    let lab: LabService
    let studies: StudyService
    let fixture: APIFixture
    private let folder = Places.makeTemporaryFolder()

    /// - Parameter config: The strategy's `strategy.json`.
    init(_ backtester: any Backtester, config: String = "{}") async throws {
        let one = OneStrategy(config: config)
        lab = LabService(
            store: try LabStore(path: folder + "/lab.db"),
            parts: .init(backtester: backtester, catalogue: one, series: one),
            log: HostLog(part: "lab", sink: try .memory()))
        studies = StudyService(lab: lab, startOptimiser: nil)
        fixture = try await APIFixture(lab: lab, studies: studies)
    }

    func close() async {
        await studies.close()
        await lab.close()
        for name in ["lab.db", "lab.db-wal", "lab.db-shm"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }
}

/// What the world's Lab can try, and on which candles.
private struct OneStrategy: AlgorithmCatalogue, SeriesDirectory {
    let config: String
    private let series = SeriesKey(venue: "binance", symbol: "BTCUSDT", resolution: Resolution("1m")!)

    init(config: String) { self.config = config }

    func strategies(owner: String?) throws(LabFailure) -> [StrategyRecord] {
        owner == nil || owner == "ann" ? [record] : []
    }

    func strategy(_ id: String) throws(LabFailure) -> StrategyRecord? { id == "ann-1" ? record : nil }

    func bundle(of strategy: String, version: String) throws(LabFailure) -> StrategyBundle {
        StrategyBundle(files: [])
    }

    private var record: StrategyRecord {
        let config = ConfigReader.read(Array(config.utf8), bounds: ConfigBounds()).config
        let version = VersionRecord(
            version: "v1", uploadedAt: Timestamp(milliseconds: 1), uploadedBy: "ann", kind: .python,
            profile: "python", entry: "strategy.py", fileCount: 1, byteCount: 1, config: config.json,
            warnings: [])
        return StrategyRecord(
            id: "ann-1", owner: "ann", name: "one", createdAt: Timestamp(milliseconds: 1),
            versions: [version], desired: nil)
    }

    func spans() throws(LabFailure) -> [SeriesSpan] {
        [
            SeriesSpan(
                series: series, start: Timestamp(milliseconds: 0),
                end: Timestamp(milliseconds: 60_000_000), count: 1000)
        ]
    }

    func span(of series: SeriesKey) throws(LabFailure) -> SeriesSpan? {
        series == self.series ? try spans()[0] : nil
    }
}
