import Synchronization

/// Many schedules, on as many threads as wanted.
public struct Campaign: Sendable {
    /// Which seeds.
    public var seeds: Range<UInt64>
    /// One fault alone, or as each seed decides.
    public var only: FaultRow?
    /// The handling that is taken out.
    public var mutation: Mutation?
    /// Whether the journal is SQLite on a disk that fails, and not a model of one.
    public var usesDatabase = false
    /// Whether what happens is printed, for one schedule that is looked at.
    public var isTraced = false

    /// Describes schedules.
    public init(
        seeds: Range<UInt64>, only: FaultRow? = nil, mutation: Mutation? = nil, usesDatabase: Bool = false
    ) {
        self.seeds = seeds
        self.only = only
        self.mutation = mutation
        self.usesDatabase = usesDatabase
    }

    /// A seed whose history must not be, and what was wrong.
    public struct Failure: Hashable, Sendable {
        public let seed: UInt64
        public let flaws: [String]
    }

    /// What came out.
    public struct Outcome: Sendable {
        /// How many schedules were run.
        public var count = 0
        /// By seed.
        public var failures: [Failure] = []
        public var tally = FaultTally()
    }

    /// Runs one schedule.
    public func run(seed: UInt64) -> (flaws: [String], tally: FaultTally) {
        let journal: any ModelJournal
        do {
            journal = usesDatabase ? try DatabaseJournal(seed: seed) : MemoryJournal()
        } catch {
            return (["the journal could not be made: \(error)"], FaultTally())
        }
        let schedule = Schedule(seed: seed, only: only, mutation: mutation, journal: journal)
        schedule.isTraced = isTraced
        let flaws = schedule.run()
        return (flaws, schedule.tally)
    }

    /// How far all threads together are.
    private final class Progress: Sendable {
        let next: Atomic<UInt64>
        let failed = Atomic<Int>(0)

        init(_ first: UInt64) { next = Atomic(first) }
    }

    /// Runs all, or until so many have failed.
    public func run(threads: Int, failures most: Int = 1) async -> Outcome {
        let progress = Progress(seeds.lowerBound)
        return await withTaskGroup(of: Outcome.self) { group in
            for _ in 0..<max(1, threads) {
                group.addTask {
                    var outcome = Outcome()
                    while progress.failed.load(ordering: .relaxed) < most {
                        let seed = progress.next.wrappingAdd(1, ordering: .relaxed).oldValue
                        guard seed < seeds.upperBound else { break }
                        let (flaws, tally) = run(seed: seed)
                        outcome.count += 1
                        outcome.tally.add(tally)
                        guard !flaws.isEmpty else { continue }
                        progress.failed.wrappingAdd(1, ordering: .relaxed)
                        outcome.failures.append(Failure(seed: seed, flaws: flaws))
                    }
                    return outcome
                }
            }
            var all = Outcome()
            for await part in group {
                all.count += part.count
                all.tally.add(part.tally)
                all.failures += part.failures
            }
            all.failures.sort { $0.seed < $1.seed }
            return all
        }
    }
}
