import Synchronization
import Testing

@testable import Journal

/// What a journal promised while it ran, and what is found of it afterwards.
///
/// Every operation writes one row into each of two tables. An id is `kept` once its completion said so, `gone` once
/// it was told that it failed and cannot come back; of all others nothing was promised.
private final class Ledger: Sendable {
    private struct State {
        var kept: Set<Int> = []
        var gone: Set<Int> = []
        var next = 0
    }

    private let state = Mutex(State())
    static let schema = MigrationSet(
        name: "test",
        [
            Migration(
                1, "Add two tables",
                """
                CREATE TABLE a (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
                CREATE TABLE b (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT
                """)
        ])

    struct Refused: Error {}

    var keptCount: Int { state.withLock { $0.kept.count } }
    var goneCount: Int { state.withLock { $0.gone.count } }

    static func text(_ id: Int) -> String { String(repeating: "row \(id) ", count: 1 + (id * 7919) % 97) }
    static func bytes(_ id: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: id), count: (id * 104_729) % 2000)
    }

    static func insert(_ id: Int, refuses: Bool, _ database: Database) throws {
        try database.run("INSERT INTO a VALUES (?, ?)", id, text(id))
        if refuses { throw Refused() }
        try database.run("INSERT INTO b VALUES (?, ?)", id, bytes(id))
    }

    func takeID() -> Int {
        state.withLock {
            $0.next += 1
            return $0.next
        }
    }

    func note(_ id: Int, _ result: Result<Void, WriteFailure>) {
        state.withLock {
            switch result {
            case .success: $0.kept.insert(id)
            case .failure(.database(let failure)) where failure.mayReappear: break
            case .failure: $0.gone.insert(id)
            }
        }
    }

    func operation(refuses: Bool) -> WriteOperation {
        let id = takeID()
        return WriteOperation({ try Self.insert(id, refuses: refuses, $0) }) { [self] in note(id, $0) }
    }

    /// What was promised and is not so.
    func broken(in database: Database) throws -> [String] {
        var broken: [String] = []
        let a = try Dictionary(
            uniqueKeysWithValues: database.all("SELECT id, text FROM a") { try ($0.int(0), $0.text(1)) })
        let b = try Dictionary(
            uniqueKeysWithValues: database.all("SELECT id, bytes FROM b") { try ($0.int(0), $0.blob(1)) })
        if Set(a.keys) != Set(b.keys) {
            broken.append("half an operation: \(Set(a.keys).symmetricDifference(b.keys))")
        }
        for (id, text) in a where text != Self.text(id) { broken.append("row \(id) of a is garbled") }
        for (id, bytes) in b where bytes != Self.bytes(id) { broken.append("row \(id) of b is garbled") }
        state.withLock {
            let lost = $0.kept.subtracting(a.keys)
            if !lost.isEmpty { broken.append("lost: \(lost.sorted())") }
            let back = $0.gone.intersection(a.keys)
            if !back.isEmpty { broken.append("came back: \(back.sorted())") }
        }
        return broken
    }
}

@Suite("Power loss")
struct PowerLossTests {
    private let path = "/journal.db"

    /// Lives several lives on one disk, each ended by a power cut at a moment that the seed chooses.
    ///
    /// - Returns: What was promised and is not so, and how many operations were acknowledged.
    private func run(
        seed: UInt64, fate: FaultDisk.Fate, synchronous: DatabaseOptions.Synchronous = .full,
        faults: (inout SeededNumbers, FaultDisk) -> Void = { _, _ in }
    ) throws -> (broken: [String], kept: Int) {
        let disk = FaultDisk()
        let ledger = Ledger()
        var numbers = SeededNumbers(seed)
        for life in 0..<3 {
            disk.cutPower(atCall: Int.random(in: 1...(life == 0 ? 60 : 400), using: &numbers))
            // The power may fail while the database is being opened or made.
            if let database = try? Database(path: path, options: disk.options(synchronous: synchronous)),
                (try? database.migrate([Ledger.schema])) != nil
            {
                faults(&numbers, disk)
                let session = WriterSession(database, counters: WriterCounters(), checkpointPages: 12)
                var rounds = 0
                while !disk.isCut, rounds < 200 {
                    rounds += 1
                    session.run(
                        (0..<Int.random(in: 1...12, using: &numbers)).map { _ in
                            ledger.operation(refuses: Int.random(in: 0..<10, using: &numbers) == 0)
                        })
                }
            }
            disk.restore(fate, seed: numbers.next())
            let database = try Database(path: path, options: disk.options())
            try database.migrate([Ledger.schema])
            let broken = try ledger.broken(in: database)
            guard broken.isEmpty else { return (broken.map { "life \(life): \($0)" }, ledger.keptCount) }
        }
        return ([], ledger.keptCount)
    }

    @Test("what was acknowledged survives every power cut", arguments: FaultDisk.Fate.allCases)
    func survives(_ fate: FaultDisk.Fate) throws {
        var kept = 0
        for seed in 0..<150 as Range<UInt64> {
            let outcome = try run(seed: seed, fate: fate)
            #expect(outcome.broken == [], "seed \(seed), \(fate)")
            kept += outcome.kept
        }
        #expect(kept > 10_000, "the schedules must write something")
    }

    @Test("without waiting for the disk the same schedules lose what was acknowledged")
    func negativeControl() throws {
        let losses = try (0..<20 as Range<UInt64>).count { seed in
            let outcome = try run(seed: seed, fate: .loseAll, synchronous: .normal)
            return outcome.broken.contains { $0.contains("lost") }
        }
        #expect(losses >= 10)
    }

    @Test("writes and synchronisations that fail lose nothing that was acknowledged and bring nothing back")
    func faults() throws {
        let codes: [Int32] = [13, 10 | (3 << 8), 10 | (4 << 8)]  // full, failed write, failed fsync
        for seed in 0..<200 as Range<UInt64> {
            let outcome = try run(seed: seed, fate: FaultDisk.Fate.allCases[Int(seed % 3)]) { numbers, disk in
                let call = Int.random(in: 1...150, using: &numbers)
                let count = Int.random(in: 1...8, using: &numbers)
                let code = codes.randomElement(using: &numbers)!
                if code == codes[2] {
                    disk.failSyncs(atCall: call / 5 + 1, count: count, code: code, seed: numbers.next())
                } else {
                    disk.fail(atCall: call, count: count, code: code, seed: numbers.next())
                }
            }
            #expect(outcome.broken == [], "seed \(seed)")
        }
    }

    @Test("a full disk fails each waiting operation with that reason, tears nothing, and passes")
    func diskFull() throws {
        for seed in 0..<60 as Range<UInt64> {
            let disk = FaultDisk()
            let ledger = Ledger()
            var numbers = SeededNumbers(seed)
            do {
                let database = try Database(path: path, options: disk.options())
                try database.migrate([Ledger.schema])
                let session = WriterSession(database, counters: WriterCounters(), checkpointPages: 12)
                let failures = Mutex<[WriteFailure]>([])
                @Sendable func note(_ failure: WriteFailure) { failures.withLock { $0.append(failure) } }
                disk.setCapacity(disk.size + Int.random(in: 1000...80_000, using: &numbers))
                for _ in 0..<30 {
                    session.run(
                        (0..<Int.random(in: 1...8, using: &numbers)).map { _ in
                            let operation = ledger.operation(refuses: false)
                            return WriteOperation(work: operation.work) {
                                note($0)
                                operation.fail($0)
                            }
                        })
                }
                let reasons = failures.withLock { $0 }
                #expect(!reasons.isEmpty)
                #expect(reasons.filter { !$0.isDiskFull }.isEmpty, "seed \(seed)")
                #expect(try ledger.broken(in: database) == [], "seed \(seed)")

                disk.setCapacity(0)
                let (kept, failed) = (ledger.keptCount, reasons.count)
                session.run((0..<5).map { _ in ledger.operation(refuses: false) })
                #expect(ledger.keptCount == kept + 5, "seed \(seed): writes again when room returns")
                #expect(failures.withLock { $0.count } == failed)
            }
            disk.restore(.loseAll, seed: seed)
            let database = try Database(path: path, options: disk.options())
            #expect(try ledger.broken(in: database) == [], "seed \(seed)")
        }
    }

    @Test("the writer's own thread keeps the promise to many callers at once")
    func threaded() async throws {
        for seed in 0..<12 as Range<UInt64> {
            let disk = FaultDisk()
            let ledger = Ledger()
            let path = path
            try await withThrowingTaskGroup(of: Void.self) { group in
                let writer = try GroupCommitWriter(
                    path: path, options: disk.options(), migrations: [Ledger.schema])
                disk.cutPower(atCall: 100 + Int(seed) * 37)
                for _ in 0..<8 {
                    group.addTask {
                        for _ in 0..<200 {
                            let id = ledger.takeID()
                            let result: Result<Void, WriteFailure>
                            do throws(WriteFailure) {
                                try await writer.write { try Ledger.insert(id, refuses: false, $0) }
                                result = .success(())
                            } catch { result = .failure(error) }
                            ledger.note(id, result)
                        }
                    }
                }
                try await group.waitForAll()
                writer.close()
            }
            #expect(disk.isCut)
            disk.restore(.loseSome, seed: seed)
            let database = try Database(path: path, options: disk.options())
            #expect(try ledger.broken(in: database) == [], "seed \(seed)")
            #expect(ledger.keptCount > 0)
        }
    }
}
