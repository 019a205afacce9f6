internal import Catalogue
internal import Identity
internal import Journal
internal import Lab
internal import MarketData
internal import Posix
internal import Trading

/// Where strategies are tried out.
extension Host {
    /// Opens the Lab. A host that cannot goes on without it: what trades does not need it.
    static func openLab(
        _ parts: LabService.Parts, _ folders: DataFolders, settings: Configuration.Lab, health: HealthBoard,
        log: HostLog
    ) -> LabService? {
        var lab = LabService.Settings()
        lab.cores = settings.parallelRuns > 0 ? settings.parallelRuns : Processors.count
        lab.waitingPerUser = settings.waitingRuns
        lab.runsKept = settings.keptRuns
        lab.resultBytes = settings.resultMebibytes << 20
        do throws(DatabaseFailure) {
            let store = try LabStore(path: folders.lab)
            health.report("lab")
            return LabService(store: store, parts: parts, settings: lab, log: log)
        } catch {
            health.report("lab", fault: "\(error)")
            log.error("there is no Lab", ["reason": "\(error)"])
            return nil
        }
    }

    /// Takes up the runs that wait.
    func startLab() async {
        do throws(LabFailure) {
            try await lab?.start()
        } catch {
            health.report("lab", fault: "\(error)")
            log.error("the Lab does not start", ["reason": "\(error)"])
        }
    }
}

/// The catalogue, for the Lab.
struct HostCatalogue: AlgorithmCatalogue {
    let readers: DatabaseReaders
    let folders: DataFolders

    func strategies(owner: String?) throws(LabFailure) -> [StrategyRecord] {
        try read { try StrategyStore.list(owner: owner, in: $0) }
    }

    func strategy(_ id: String) throws(LabFailure) -> StrategyRecord? {
        try read { try StrategyStore.get(id, in: $0) }
    }

    func bundle(of strategy: String, version: String) throws(LabFailure) -> StrategyBundle {
        let found: StrategyBundle?
        do {
            found = try BundleStorage.load(version, below: "\(folders.strategies)/\(strategy)")
        } catch {
            throw .unavailable("the files of version \(version) could not be read: \(error)")
        }
        guard let found else { throw .conflict("the files of version \(version) are not what was uploaded") }
        return found
    }

    private func read<Result: Sendable>(
        _ body: @Sendable (Database) throws -> Result
    ) throws(LabFailure) -> Result {
        do {
            return try readers.read(body)
        } catch {
            throw .unavailable("the catalogue could not be read: \(error)")
        }
    }
}
