internal import Catalogue
internal import Posix
internal import Synchronization
internal import Trading
internal import Wire

/// Searches over parameters, walks forward and checks: each takes many backtests, which take turns with all others in
/// the Lab's queue.
///
/// Every point that has come to its end is stored before anything follows from it, so a host that was killed goes on
/// where it was.
public final class StudyService: Sendable {
    /// How studies are bounded.
    public struct Settings: Sendable {
        /// How many studies of one user may be under way.
        public var perUser = 8

        /// The defaults.
        public init() {}
    }

    /// Starts the optimiser; the text names its run.
    public typealias OptimiserStart = @Sendable (String) async throws(SearchFailure) -> any LineDialogue

    struct Live: Sendable {
        var study: LabStudy
        var task: Task<Void, Never>?
        var isCancelled = false
        /// When its progress was told last, on the monotonic clock in nanoseconds.
        var toldAt: UInt64 = 0
    }

    let lab: LabService
    private let settings: Settings
    let startOptimiser: OptimiserStart?
    let events = LabEvents()
    let live = Mutex<[Int64: Live]>([:])
    let isEnding = Atomic<Bool>(false)

    /// Studies in a Lab. ``start()`` takes up what the last host left.
    ///
    /// - Parameter startOptimiser: Nil where there is none, so that a search by Optuna is refused.
    public init(lab: LabService, startOptimiser: OptimiserStart?, settings: Settings = Settings()) {
        self.lab = lab
        self.startOptimiser = startOptimiser
        self.settings = settings
    }

    /// Takes up what the last host left under way.
    public func start() throws(LabFailure) {
        for study in try lab.store.studiesUnderWay() { begin(study) }
    }

    /// Lets go of what is under way, which the next host takes up. Before the Lab closes.
    public func close() async {
        isEnding.store(true, ordering: .relaxed)
        let tasks = live.withLock { live in live.values.compactMap(\.task) }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    /// What `parameter_ranges` of a version say, for a space that names none.
    public func ranges(of strategy: String, version: String?) throws(LabFailure) -> [SearchParameter] {
        let config = try lab.version(version, of: strategy).config
        return config.parameterRanges.map { SearchParameter($0) }
    }

    /// Begins a study of a strategy.
    ///
    /// - Throws: ``LabFailure/invalid(_:)`` with the field that is wrong; nothing is written down then.
    public func begin(
        _ plan: StudyPlan, _ request: BacktestRequest, of strategy: String, by user: String
    ) async throws(LabFailure) -> LabStudy {
        guard !isEnding.load(ordering: .relaxed) else { throw .unavailable("the host is shutting down") }
        let (job, owner) = try lab.job(of: request, strategy: strategy)
        let config = try lab.version(job.version, of: strategy).config
        let checked = try check(plan, job, config)
        let mine = live.withLock { live in live.values.count { $0.study.createdBy == user } }
        guard mine < settings.perUser else { throw .tooManyWaiting(limit: settings.perUser) }
        let study = try await lab.store.addStudy(
            checked.plan, job: job, owner: owner, by: user, title: request.title, total: checked.total,
            at: LabService.now)
        lab.parts.audit(
            user, "lab.\(plan.kind.rawValue)", strategy, "study \(study.number) of version \(job.version)")
        begin(study)
        return study
    }

    /// Refuses what cannot be, and fits the space to the kinds of the parameters.
    private func check(
        _ plan: StudyPlan, _ job: BacktestJob, _ config: StrategyConfig
    ) throws(LabFailure) -> (plan: StudyPlan, total: Int) {
        switch plan {
        case .optimisation(var search):
            try fit(&search, config)
            return (.optimisation(search), search.points)
        case .walkForward(var search, let setup):
            try fit(&search, config)
            do throws(SearchFailure) {
                let windows = try setup.plan(for: job).windows.count
                return (.walkForward(search, setup), windows * (search.points + 1))
            } catch {
                throw .invalid(FieldFailure(field: error.field, reason: error.reason))
            }
        case .lookahead(let cuts): return (plan, 2 + cuts)
        case .startUp: return (plan, StartUpCheck.amounts(job.warmUp).count)
        }
    }

    private func fit(_ search: inout SearchPlan, _ config: StrategyConfig) throws(LabFailure) {
        if case .optuna = search.method, startOptimiser == nil {
            throw .invalid(
                FieldFailure(
                    field: "method",
                    reason:
                        "optuna has no runtime here: bullpen runtime install optimiser, and start the host again"
                ))
        }
        var parameters: [SearchParameter] = []
        for var parameter in search.space.parameters {
            guard let own = config.customParameters.first(where: { $0.name == parameter.name }) else {
                throw .invalid(config.unknownParameter(field: "space.\(parameter.name)"))
            }
            if case .string = own.value, parameter.isNumeric { parameter.isText = true }
            // Between two numbers that fit all fit; a choice says nothing of the next.
            let tried = parameter.isNumeric ? [0, parameter.count - 1] : Array(0..<parameter.count)
            for index in tried {
                do throws(FieldFailure) {
                    let value = JSONValue.object([.init(parameter.name, parameter.value(at: index))])
                    _ = try config.merging(parameters: value)
                } catch {
                    throw .invalid(FieldFailure(field: "space.\(parameter.name)", reason: error.reason))
                }
            }
            parameters.append(parameter)
        }
        search.space = SearchSpace(parameters)
    }

    // MARK: - Looking

    /// One study, as it is now.
    public func study(_ number: Int64) throws(LabFailure) -> LabStudy {
        if let study = live.withLock({ $0[number]?.study }) { return study }
        guard let study = try lab.store.study(number) else {
            throw .notFound(kind: "study", id: String(number))
        }
        return study
    }

    /// Studies, newest first, as they are now.
    public func studies(
        _ filter: StudyFilter, before: Int64?, limit: Int
    ) throws(LabFailure) -> (studies: [LabStudy], next: Int64?) {
        var page = try lab.store.studies(filter, before: before, limit: limit)
        live.withLock { live in
            for index in page.studies.indices {
                if let now = live[page.studies[index].number]?.study { page.studies[index] = now }
            }
        }
        return page
    }

    /// The points of a search that are known, best first; of a walk forward those of one window, from 0.
    public func points(_ number: Int64, part: Int = 0) throws(LabFailure) -> [SearchBook.Known] {
        let known = try lab.store.points(study: number, part: part)
        let sorted = known.sorted { one, other in
            let (a, b) = (one.value.score ?? -.infinity, other.value.score ?? -.infinity)
            return a != b ? a > b : one.key.json.text < other.key.json.text
        }
        return sorted.enumerated().map { SearchBook.Known(number: $0, point: $1.key, outcome: $1.value) }
    }

    /// Sends what happens to a study to `sink`, first how it is; nothing more when it has ended.
    public func follow(_ number: Int64, sink: any LabEventSink) throws(LabFailure) {
        let now = try study(number)
        events.follow(.run(number), sink: sink, first: [("study", now.json)])
        // It may have ended between the two looks.
        let later = try study(number)
        guard later.state != .running else { return }
        if now.state == .running { tell(later) }
        events.end(run: number)
    }

    // MARK: - Ending

    /// Cancels a study that is under way. What is known by then is kept.
    public func cancel(_ number: Int64, by user: String) async throws(LabFailure) -> LabStudy {
        let entry = live.withLock { live -> Live? in
            live[number]?.isCancelled = true
            return live[number]
        }
        guard let entry else {
            throw .conflict("study \(number) is \(try study(number).state.rawValue) already")
        }
        lab.parts.audit(user, "lab.study.cancel", entry.study.job.strategy, "study \(number)")
        entry.task?.cancel()
        await entry.task?.value
        return try study(number)
    }

    /// Forgets a study that has ended, with its points.
    public func remove(_ number: Int64, by user: String) async throws(LabFailure) {
        let study = try study(number)
        guard study.state != .running else { throw .conflict("study \(number) is running still") }
        try await lab.store.removeStudy(number)
        lab.parts.audit(user, "lab.study.remove", study.job.strategy, "study \(number)")
    }

    func tell(_ study: LabStudy) {
        events.publish("study", run: study.number, owner: study.owner, study.json)
    }
}
