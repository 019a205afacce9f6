import DeskSimulation
import Testing

@Suite("The order desk under a simulated world")
struct DeskSimulationTests {
    @Test func `whatever fails between host and venue, no order is lost or doubled and the books agree`()
        async
    {
        let outcome = await Campaign(seeds: 0..<2_500).run(threads: 2)
        #expect(outcome.failures == [], "replay with scripts/simulate --seeds 1 --from SEED")
    }

    @Test func `nor with the host's own journal on a disk that tears writes and loses power`() async {
        let outcome = await Campaign(seeds: 0..<60, usesDatabase: true).run(threads: 2)
        #expect(outcome.failures == [], "replay with scripts/simulate --database --seeds 1 --from SEED")
    }

    @Test func `a seed replays exactly`() {
        let campaign = Campaign(seeds: 0..<1)
        for seed in 0..<20 as Range<UInt64> {
            let (first, second) = (campaign.run(seed: seed), campaign.run(seed: seed))
            #expect(first.flaws == second.flaws)
            #expect(first.tally == second.tally)
        }
    }

    @Test func `every row that it names is met`() async {
        for row in FaultRow.allCases {
            var count = 0
            // Some rows want a long schedule, and few are.
            for first in stride(from: 0 as UInt64, to: 400, by: 40) where count == 0 {
                let outcome = await Campaign(seeds: first..<first + 40, only: row).run(threads: 2)
                count += outcome.tally.count(row)
                #expect(outcome.failures == [], "\(row.name): \(row.words)")
            }
            #expect(count > 0, "\(row.name): \(row.words)")
        }
    }

    @Test(arguments: Mutation.allCases)
    func `it notices when a handling is taken out`(_ mutation: Mutation) async {
        for row in mutation.rows {
            var isNoticed = false
            // Most are noticed at once. Where something else mends what the handling would have, it takes more seeds.
            for first in stride(from: 0 as UInt64, to: 4_000, by: 400) where !isNoticed {
                let seeds = first..<first + 400
                let outcome = await Campaign(seeds: seeds, only: row, mutation: mutation).run(threads: 2)
                isNoticed = !outcome.failures.isEmpty
            }
            #expect(isNoticed, "\(row.name) without its handling: nothing was noticed")
        }
    }
}
