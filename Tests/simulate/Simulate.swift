import DeskSimulation
import Glibc

/// What was asked for on the command line.
struct Wish {
    var seeds: UInt64 = 20_000
    var from: UInt64 = 0
    var row: FaultRow?
    var usesDatabase = false
    var threads = 2
    /// After how many failing seeds it ends.
    var failures = 1
    var bites = false
    var isTraced = false
    var mutation: Mutation?
}

func complain(_ words: String) -> Never {
    print("simulate: \(words)")
    exit(64)
}

func readWish() -> Wish {
    var wish = Wish()
    var arguments = CommandLine.arguments.dropFirst()
    func value(_ name: String) -> String {
        guard let value = arguments.popFirst() else { complain("\(name) needs a value") }
        return value
    }
    func number(_ name: String) -> UInt64 {
        guard let number = UInt64(value(name)) else { complain("\(name) needs a whole number") }
        return number
    }
    while let argument = arguments.popFirst() {
        switch argument {
        case "--seeds": wish.seeds = number(argument)
        case "--from": wish.from = number(argument)
        case "--threads": wish.threads = Int(number(argument))
        case "--failures": wish.failures = Int(number(argument))
        case "--database": wish.usesDatabase = true
        case "--trace": wish.isTraced = true
        case "--bite": wish.bites = true
        case "--without":
            let name = value(argument)
            guard let mutation = Mutation(rawValue: name) else {
                complain("no handling \"\(name)\"; there are \(Mutation.allCases.map(\.rawValue))")
            }
            wish.mutation = mutation
        case "--row":
            let name = value(argument)
            guard let row = FaultRow(name: name) else {
                complain("no row \"\(name)\"; there are \(FaultRow.allCases.map(\.name))")
            }
            wish.row = row
        default: complain("\"\(argument)\" is not understood")
        }
    }
    return wish
}

func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

/// Shows for each row how often it struck, and what became of the orders that it struck.
func show(_ tally: FaultTally) {
    for row in FaultRow.allCases where tally.count(row) > 0 {
        let outcomes = tally.outcomes(row).map { "\($0.words) \($0.count)" }.joined(separator: ", ")
        print(padded(row.name, 4), padded(String(tally.count(row)), 11), padded(row.words, 58), outcomes)
    }
}

/// Takes each kind of handling out, and looks how soon the simulation notices. True when it always did.
func bite(_ wish: Wish) async -> Bool {
    var isGood = true
    for mutation in Mutation.allCases {
        for row in mutation.rows {
            let campaign = Campaign(
                seeds: wish.from..<wish.from + wish.seeds, only: row, mutation: mutation,
                usesDatabase: wish.usesDatabase)
            let outcome = await campaign.run(threads: wish.threads)
            if let failure = outcome.failures.first {
                print(
                    padded(row.name, 4), padded(mutation.rawValue, 24), "seed \(failure.seed):",
                    failure.flaws[0])
            } else {
                print(
                    padded(row.name, 4), padded(mutation.rawValue, 24),
                    "NOT NOTICED in \(outcome.count) schedules")
                isGood = false
            }
        }
    }
    return isGood
}

/// The processor time that this process has used, and the most memory that it ever held.
func usage() -> (processorSeconds: Double, mebibytes: Int) {
    var usage = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let time = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
    let rest = Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    return (time + rest, usage.ru_maxrss / 1_024)
}

/// With one digit behind the point.
func rounded(_ seconds: Double) -> Double { (seconds * 10).rounded() / 10 }

@main
enum Simulate {
    static func main() async {
        let wish = readWish()
        if wish.bites { exit(await bite(wish) ? 0 : 1) }
        var campaign = Campaign(
            seeds: wish.from..<wish.from + wish.seeds, only: wish.row, mutation: wish.mutation,
            usesDatabase: wish.usesDatabase)
        campaign.isTraced = wish.isTraced
        let clock = ContinuousClock()
        let start = clock.now
        let outcome = await campaign.run(threads: wish.threads, failures: wish.failures)
        let took = start.duration(to: clock.now).components
        let seconds = Double(took.seconds) + Double(took.attoseconds) / 1e18
        let used = usage()
        show(outcome.tally)
        print(
            "\(outcome.count) schedules in \(rounded(seconds)) s (\(rounded(used.processorSeconds)) s of a processor),",
            "\(Int(Double(outcome.count) / max(seconds, 0.001))) a second, at most \(used.mebibytes) MiB")
        for failure in outcome.failures {
            print("seed \(failure.seed) FAILED:")
            for flaw in failure.flaws { print("  \(flaw)") }
            let row = wish.row.map { " --row \($0.name)" } ?? ""
            let journal = wish.usesDatabase ? " --database" : ""
            print("  again: scripts/simulate --seeds 1 --from \(failure.seed)\(row)\(journal)")
        }
        exit(outcome.failures.isEmpty ? 0 : 1)
    }
}
