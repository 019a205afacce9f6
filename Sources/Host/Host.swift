internal import Catalogue
internal import Exchanges
public import Identity
internal import Journal
public import Lab
public import MarketData
public import Posix
internal import Sandbox
public import Secrets
internal import Supervisor
internal import Synchronization
internal import Trading
internal import Vault
internal import Wire

/// The host: everything behind the faces, wired together.
///
/// ``open(configuration:folder:layout:log:metrics:)`` takes the data folder, reads what the last host left there and asks
/// the venue what became of it; ``start()`` lets prices flow and starts what should run; ``drain()`` ends it in good order.
public final class Host: HostService {
    let loaded: LoadedConfiguration
    let folders: DataFolders
    let layout: InstalledLayout
    let log: HostLog
    /// Where what the host writes becomes durable.
    let journal: GroupCommitWriter
    /// Connections that only read the journal.
    let readers: DatabaseReaders
    /// Who may come in.
    public let identity: IdentityService
    /// How the parts are.
    public let health: HealthBoard
    /// What the parts count.
    public let metrics: MetricsRegistry
    let lock: DataFolderLock
    let paperWriter: GroupCommitWriter
    let store: FloorStore
    let deskStore: DeskStore
    /// The nonces of exchanges' keys, for the floor and for tests of keys.
    let nonces: NonceKeeper
    /// What orders' stories have beside the journal; nil when it cannot be kept.
    let stories: StoryStore?
    /// Stored market data. Its calls read and write files: never call on the floor's thread.
    public let candles: CandleStore
    let dataThreads = WorkThreads(
        name: "data", limit: 8, full: "requests for market data are at work already")
    let exports = ExportSlots(limit: 4)
    let admission: Admission
    /// Where strategies are tried out; nil when its database cannot be used.
    public let lab: LabService?
    /// Searches over parameters and checks; nil where there is no Lab.
    public let studies: StudyService?
    let launcher: StrategyLauncher
    let flush: FlushThread
    let hooks: Hooks
    /// What gathers prices and candles; nil when it cannot.
    let collecting: HostCollectors?
    /// The exchanges' keys.
    let vault: KeyVault
    let upkeep: KeyUpkeep
    let candleUpkeep: CandleUpkeep
    let anchor: AuditAnchor
    let loop: EventLoop
    let floor: FloorEntrance
    /// Tells past runs to strategies again.
    let replayer: SandboxedReplayer
    let replaysUnderWay = Mutex(0)
    /// Looks at what opening had no time for.
    private let lateCheck = Mutex<LateCheck?>(nil)

    /// Opens a data folder. Nothing of a strategy runs before ``start()``.
    ///
    /// - Parameters:
    ///   - folder: The data folder's absolute path.
    ///   - passphrase: The vault's, when its master key is made of one.
    ///   - instruments: For measurements.
    /// - Throws: What is wrong, in words for the operator; nothing in the folder was changed by a host that refuses a
    ///   damaged database.
    public init(
        configuration loaded: LoadedConfiguration, folder: String, layout: InstalledLayout, log: HostLog,
        metrics: MetricsRegistry, passphrase: LockedBytes? = nil, instruments: Instruments = Instruments()
    ) async throws {
        self.loaded = loaded
        let configuration = loaded.configuration
        self.layout = layout
        self.log = log.part("host")
        self.metrics = metrics
        // A strategy may close its end of a pipe at any moment.
        Signals.ignoreBrokenPipes()
        folders = DataFolders(root: folder)
        try folders.make()
        lock = try DataFolderLock(folder: folder)
        health = HealthBoard(parts: ["journal", "paper_venue", "sandbox", "feeds", "vault"])
        var opening = StepTimes()
        var options = DatabaseOptions()
        options.history = DeskStore.history
        journal = try GroupCommitWriter(
            path: folders.journal, options: options,
            migrations: [
                IdentitySchema.migrations, StrategyStore.migrations, FloorStore.migrations,
                DeskStore.migrations, VaultStore.migrations, PromotionStore.migrations,
                ReplayStore.migrations, TrialStore.migrations,
            ])
        readers = try DatabaseReaders(path: folders.journal, count: 3)
        opening.end("journal")
        paperWriter = try GroupCommitWriter(path: folders.paper, migrations: [JournalPaperStore.migrations])
        folders.reserveForPaper(log: log)
        store = FloorStore(writer: journal, readers: readers, log: log.part("floor"))
        deskStore = DeskStore(writer: journal, readers: readers)
        let nonces = NonceKeeper(marks: try store.nonceMarks()) { [store] key, mark, answer in
            store.keep(nonces: key, upTo: mark, answer)
        }
        self.nonces = nonces
        stories = Self.openStories(folders, log: log.part("stories"))
        candles = try Self.openCandles(folders, log: log.part("data"))
        collecting = HostCollectors.open(folders, log: log.part("collectors"))
        var settings = IdentityService.Settings()
        settings.sessionMilliseconds = Int64(configuration.identity.sessionHours) * 3_600_000
        settings.loginAttempts = configuration.identity.loginAttempts
        identity = try await IdentityService(writer: journal, settings: settings, log: log.part("identity"))
        hooks = Hooks(configuration.hooks, log: log.part("hooks"))
        vault = try await KeyVault(
            writer: journal, sources: folders.masterKeySources(configuration.vault, passphrase: passphrase),
            settings: .init(venues: Host.venues), log: log.part("vault")
        ) { await Host.check($0, $1, $2, configuration.venues, nonces) }
        candleUpkeep = CandleUpkeep(candles, threads: dataThreads, log: log.part("data"))
        upkeep = KeyUpkeep(vault, log: log.part("vault"), hooks: hooks, health: health)
        anchor = AuditAnchor(identity.audit, log: log.part("audit"))
        flush = try FlushThread()
        launcher = try StrategyLauncher.installed(
            layout: layout, folders: folders, sandbox: configuration.sandbox, nursery: configuration.nursery,
            log: log.part("sandbox"))
        replayer = SandboxedReplayer(launcher: launcher.launcher)
        admission = Admission(
            launcher: launcher,
            reader: BundleReader(limits: .init(uploadBytes: configuration.server.uploadLimitBytes)),
            bounds: ConfigBounds(configuration.strategy, profiles: launcher.profiles.keys.sorted()),
            packages: launcher.packages, folders: folders, chores: try EventLoop(name: "chores"))
        loop = try EventLoop(name: "floor", cpu: instruments.processor)
        floor = FloorEntrance(loop: loop)
        let catalogue = HostCatalogue(readers: readers, folders: folders)
        let backtester = try SandboxedBacktester(
            launcher, catalogue: catalogue, candles: candles, bounds: admission.bounds,
            settings: configuration.lab)
        lab = Self.openLab(
            .init(
                backtester: backtester, catalogue: catalogue, series: StoredSeries(candles), candles: candles,
                audit: { [audit = identity.audit] in audit.record($0, $1, $2, $3) }),
            folders, settings: configuration.lab, health: health, log: log.part("lab"))
        studies = Self.openStudies(lab, launcher, layout)
        Self.putFirst(launcher, log: log.part("floor"))
        opening.end("rest")
        try await openFloor(instruments, &opening)
        self.log.info(
            "opened",
            [
                "journal_ms": opening["journal"], "rest_ms": opening["rest"],
                "reading_ms": opening["reading"], "desk_ms": opening["desk"],
                "orders": "\(opening.orders)", "fills": "\(opening.fills)",
            ])
    }

    /// Opens what orders' stories have beside the journal. A host that cannot goes on without.
    private static func openStories(_ folders: DataFolders, log: HostLog) -> StoryStore? {
        do throws(DatabaseFailure) {
            return try StoryStore(path: folders.stories, log: log)
        } catch {
            log.error("orders' stories are not kept", ["reason": "\(error)"])
            return nil
        }
    }

    /// Makes the floor from what the last host left, and asks the venue what became of its orders.
    private func openFloor(_ instruments: Instruments, _ opening: inout StepTimes) async throws {
        let beginning = try store.beginning()
        let snapshot = try deskStore.snapshot()
        let records = try readers.read { try StrategyStore.list(in: $0) }
        opening.end("reading")
        (opening.orders, opening.fills) = (snapshot.orders.count, snapshot.fills.count)
        let audit = identity.audit
        let figures = FloorMetrics(metrics)
        figures.show([("journal", journal), ("paper", paperWriter)])
        let around = Surroundings(
            configuration: loaded.configuration, log: log.part("floor"), store: store, deskStore: deskStore,
            stories: stories, folders: folders,
            launcher: launcher, hooks: hooks, metrics: figures, health: health, flush: flush,
            instruments: instruments, keys: { [vault] in vault.key(for: AccountID($0)) }, nonces: nonces,
            audit: { audit.record($0, $1, $2, $3) }, past: past)
        let inheritance = Floor.Inheritance(
            floor: beginning, desk: snapshot, strategies: records, haltedBy: try deskStore.haltedBy(),
            lastEvent: try deskStore.lastEvent())
        let (paperWriter, deskStore) = (paperWriter, deskStore)
        try await floor.open { loop in
            try Floor.open(
                on: loop, around: around, inheritance: inheritance, paperWriter: paperWriter,
                deskStore: deskStore)
        }
        opening.end("desk")
    }

    /// Lets prices flow and starts every strategy that should run.
    public func start() async throws {
        for profile in launcher.profiles.values.sorted(by: { $0.name < $1.name }) {
            do {
                try launcher.launcher.check(profile)
            } catch {
                health.report("sandbox", fault: "profile \(profile.name) cannot be used: \(error)")
                log.error("profile \(profile.name) cannot be used", ["reason": "\(error)"])
            }
        }
        let wanted = try readers.read { try StrategyStore.wanted(in: $0) }
        // An account may have been taken from somebody since; what stopped for that stays stopped.
        let barred = wanted.filter { record in
            record.desired.map { !mayTrade(record.owner, on: $0.account) } ?? false
        }
        // So may a promotion have been taken back, or what it was promoted in have changed.
        var unpromoted: [String: String] = [:]
        for record in wanted { unpromoted[record.id] = await hindranceByPromotion(record) }
        let allowed = wanted.filter { record in
            !barred.contains { $0.id == record.id } && unpromoted[record.id] == nil
        }
        try await floor { [unpromoted] floor in
            floor.begin()
            floor.finishStops(but: allowed)
            floor.startWhatShouldRun(allowed)
            for (id, reason) in unpromoted {
                if let strategy = floor.strategies[id] {
                    floor.log(strategy, .error, .host, "not started again: \(reason)")
                }
            }
            for record in barred {
                guard let strategy = floor.strategies[record.id], let desired = record.desired else {
                    continue
                }
                floor.log(
                    strategy, .error, .host,
                    "not started again: strategies of \(record.owner) may not trade on account \(desired.account) "
                        + "any more")
            }
        }
        await startLab()
        try await endReplaysLeftOver()
        startStudies()
        upkeep.begin(on: loop)
        candleUpkeep.begin(on: loop)
        anchor.begin(on: loop)
        checkHistory()
        await beginCollecting()
    }

    /// Checks the part of a large journal that its opening left out. Damage there halts everything: what is read back for
    /// people is wrong, and what else that disk does nobody knows.
    private func checkHistory() {
        guard journal.integrity == .unfinished else { return }
        let (log, health, floor) = (log, health, floor)
        do throws(SystemCallError) {
            let check = try LateCheck(path: folders.journal) { failure in
                guard let failure else { return log.info("the journal's history is in order") }
                log.error("the journal's history", ["reason": "\(failure)"])
                health.report("journal_history", fault: "\(failure)")
                guard failure.code == .corrupt else { return }
                floor.soon { floor in
                    floor.desk.decide { desk, now in
                        desk.halt(.everything, reason: "\(failure)", orders: .keep, at: now)
                    }
                }
            }
            lateCheck.withLock { $0 = check }
        } catch {
            log.error("the journal's history is not checked", ["reason": "\(error)"])
        }
    }

    /// Lets this process go before its strategies on the processors.
    private static func putFirst(_ launcher: StrategyLauncher, log: HostLog) {
        do throws(SystemCallError) {
            try launcher.launcher.putHostFirst()
        } catch {
            log.warning(
                "the host does not go before its strategies on the processors: prices and orders may wait for one that "
                    + "computes", ["reason": "\(error)"])
        }
    }

    /// Records what somebody did.
    func audit(_ actor: String, _ action: String, _ subject: String, _ detail: String) {
        identity.audit.record(actor, action, subject, detail)
    }

    /// Stops every strategy, which will be started again by the next host, and closes what is open.
    public func drain() async {
        log.info("draining")
        await withCheckedContinuation { continuation in
            Task { [floor] in
                do {
                    try await floor { $0.drain { continuation.resume() } }
                } catch {
                    continuation.resume()
                }
            }
        }
        await collecting?.close()
        upkeep.end()
        candleUpkeep.end()
        await anchor.end()
        flush.close()
        await studies?.close()
        await lab?.close()
        lateCheck.withLock { $0 }?.cancel()
        // Before the writer: the last connection to close puts everything into one file.
        readers.close()
        stories?.close()
        candles.close()
        journal.close()
        paperWriter.close()
        launcher.launcher.close()
        loop.stop()
        lock.release()
        log.info("stopped")
    }
}
