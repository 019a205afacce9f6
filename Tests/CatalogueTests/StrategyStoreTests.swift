import Journal
import Testing
import Trading
import Wire

@testable import Catalogue

@Suite("Strategy store")
struct StrategyStoreTests {
    private let scratch: ScratchFolder
    private let database: Database

    init() throws {
        scratch = try ScratchFolder()
        database = try Database(path: scratch.path + "/journal.db")
        try database.migrate([StrategyStore.migrations])
    }

    private func version(_ text: String, at time: Int64 = 1000) -> VersionRecord {
        let bundle = StrategyBundle(files: [.init(path: "strategy.py", content: Array(text.utf8))])
        let inspection = BundleInspection(
            bundle, nameHint: "bot.py", bounds: ConfigBounds(), packages: [:])
        return VersionRecord(
            bundle: bundle, inspection: inspection, uploadedAt: Timestamp(milliseconds: time),
            uploadedBy: "ann")
    }

    private func run(_ version: VersionRecord, at time: Int64 = 5) -> DesiredRun {
        DesiredRun(
            account: "paper", feed: "simulated", capital: FixedDecimal("10000.5")!,
            parameters: .members(["fast": .integer(3)]), version: version.version,
            since: Timestamp(milliseconds: time))
    }

    @Test func `a strategy is kept with all its versions in their order`() throws {
        let (one, two) = (version("a"), version("b", at: 900))
        try StrategyStore.add(id: "bot-1", owner: "ann", name: "Bot", version: one, in: database)
        try StrategyStore.addVersion(two, to: "bot-1", in: database)
        let record = try #require(try StrategyStore.get("bot-1", in: database))
        #expect(record.owner == "ann" && record.name == "Bot")
        #expect(record.versions == [one, two] && record.latest == two && record.desired == nil)
        #expect(
            record.version(one.version) == one && record.version("x") == nil && record.version(nil) == two)
        #expect(throws: StrategyStoreFailure.versionExists(one.version)) {
            try StrategyStore.addVersion(one, to: "bot-1", in: database)
        }
        #expect(throws: StrategyStoreFailure.unknownStrategy("none")) {
            try StrategyStore.addVersion(one, to: "none", in: database)
        }
        #expect(try StrategyStore.get("none", in: database) == nil)
    }

    @Test func `names are unique for an owner, and free again after a deletion`() throws {
        try StrategyStore.add(id: "a", owner: "ann", name: "Bot", version: version("a"), in: database)
        try StrategyStore.add(id: "b", owner: "bob", name: "Bot", version: version("a"), in: database)
        #expect(throws: StrategyStoreFailure.nameTaken("bot")) {
            try StrategyStore.add(id: "c", owner: "ann", name: "bot", version: version("a"), in: database)
        }
        #expect(try StrategyStore.list(owner: "ann", in: database).map(\.id) == ["a"])
        #expect(try StrategyStore.list(in: database).map(\.id) == ["a", "b"])
        try StrategyStore.delete("a", at: Timestamp(milliseconds: 9), in: database)
        #expect(try StrategyStore.list(owner: "ann", in: database).isEmpty)
        #expect(throws: StrategyStoreFailure.unknownStrategy("a")) {
            try StrategyStore.delete("a", at: Timestamp(milliseconds: 9), in: database)
        }
        try StrategyStore.add(id: "d", owner: "ann", name: "Bot", version: version("a"), in: database)
        #expect(try StrategyStore.versionsOnDisk(in: database).count == 3)
    }

    @Test func `what should run is found after a restart, as it was asked for`() throws {
        let first = version("a")
        for id in ["a", "b", "c"] {
            try StrategyStore.add(id: id, owner: "ann", name: id, version: first, in: database)
            try StrategyStore.setDesired(run(first), of: id, in: database)
        }
        try StrategyStore.setStopped("b", at: Timestamp(milliseconds: 7), in: database)
        try StrategyStore.setPaused(true, "c", at: Timestamp(milliseconds: 8), in: database)
        let again = try Database(path: scratch.path + "/journal.db")
        let wanted = try StrategyStore.wanted(in: again)
        #expect(wanted.map(\.id) == ["a", "c"])
        #expect(wanted[0].desired == run(first))
        #expect(wanted[1].desired?.isPaused == true && wanted[1].versions == [first])
        let stopped = try #require(try StrategyStore.get("b", in: again)?.desired)
        #expect(!stopped.shouldRun && stopped.capital == FixedDecimal("10000.5")!)
        try StrategyStore.delete("a", at: Timestamp(milliseconds: 9), in: database)
        #expect(try StrategyStore.wanted(in: database).map(\.id) == ["c"])
        #expect(throws: StrategyStoreFailure.unknownVersion("nope")) {
            var other = run(first)
            other.version = "nope"
            try StrategyStore.setDesired(other, of: "c", in: database)
        }
    }

    @Test func `an add that fails leaves nothing behind`() throws {
        let writer = try GroupCommitWriter(
            path: scratch.path + "/second.db", migrations: [StrategyStore.migrations])
        let record = version("a")
        #expect(throws: WriteFailure.self) {
            try writer.writeBlocking { database in
                try StrategyStore.add(id: "a", owner: "ann", name: "Bot", version: record, in: database)
                try StrategyStore.add(id: "b", owner: "ann", name: "Bot", version: record, in: database)
            }
        }
        let left = try writer.writeBlocking { try StrategyStore.list(in: $0).count }
        #expect(left == 0)
        writer.close()
    }

    @Test(
        "ids tell the name and are never the same",
        arguments: [
            ("My Bot (v2)", "my-bot-v2-"), ("", "strategy-"), ("!!!", "strategy-"), ("Ünï", "n-"),
            (String(repeating: "a", count: 100), String(repeating: "a", count: 32) + "-"),
        ])
    func ids(_ name: String, _ start: String) {
        let ids = (0..<50).map { _ in StrategyStore.makeID(name: name) }
        #expect(Set(ids).count == 50)
        #expect(ids.allSatisfy { $0.hasPrefix(start) && $0.count == start.count + 6 })
    }
}
