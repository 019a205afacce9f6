import Journal
import Testing
import Trading
import Wire

@testable import Lab

@Suite("Promotion store")
struct PromotionStoreTests {
    private let folder = ScratchFolder()
    private let database: Database
    private let now = Timestamp(milliseconds: 1_800_000_000_000)

    init() throws {
        database = try Database(path: folder.path + "/journal.db")
        try database.migrate([PromotionStore.migrations, ReplayStore.migrations])
    }

    private func package(_ version: String = "v1") -> PromotionPackage {
        PromotionPackage(
            strategy: "s-1", version: version, parameters: .object([]),
            runtime: .init(profile: "python", name: "bare", stamp: "x"))
    }

    private func promote(_ package: PromotionPackage, _ stage: PromotionStage) throws {
        try PromotionStore.add(package, by: "ada", at: now, in: database)
        try PromotionStore.promote(package, to: stage, checklist: .null, by: "ada", at: now, in: database)
    }

    @Test func `a package can neither be changed nor removed`() throws {
        try promote(package(), .paper)
        #expect(throws: DatabaseFailure.self) {
            try database.run("UPDATE promotion_packages SET manifest = '{}'")
        }
        #expect(throws: DatabaseFailure.self) { try database.run("DELETE FROM promotion_packages") }
        #expect(try PromotionStore.package(package().hash, in: database) == package())
    }

    @Test func `a package that was changed by hand is not given out`() throws {
        try promote(package(), .paper)
        try database.run("DROP TRIGGER promotion_packages_stay")
        try database.run(
            "UPDATE promotion_packages SET manifest = replace(manifest, '\"v1\"', '\"v2\"')")
        #expect(throws: PromotionStoreFailure.altered(package: package().hash)) {
            try PromotionStore.package(package().hash, in: database)
        }
    }

    @Test func `a demotion ends a promotion and leaves it readable`() throws {
        try promote(package(), .paper)
        try promote(package(), .live)
        let promotions = try PromotionStore.promotions(of: "s-1", in: database)
        #expect(promotions.map(\.stage) == [.live, .paper])
        try PromotionStore.end(
            promotions.filter { $0.stage > .paper }, reason: "drawdown", by: "root", at: now, in: database)
        let after = try PromotionStore.promotions(of: "s-1", in: database)
        #expect(after.map(\.isInForce) == [false, true])
        #expect(after[0].end?.reason == "drawdown")
        // What was taken back may be given again.
        try promote(package(), .live)
    }

    @Test func `one gate is passed once at a time`() throws {
        try promote(package(), .paper)
        #expect(throws: DatabaseFailure.self) { try promote(package(), .paper) }
    }

    @Test func `criteria and reviews come back`() throws {
        #expect(try PromotionStore.criteria(in: database) == nil)
        let changed = PromotionCriteria(paper: [], live: PromotionCriteria.standard.live)
        try PromotionStore.set(changed, by: "root", at: now, in: database)
        #expect(try PromotionStore.criteria(in: database) == changed)
        let review = PromotionReview(reviewer: "root", approves: false, note: "too early", time: now)
        try PromotionStore.add(review, of: "s-1", version: "v1", in: database)
        #expect(try PromotionStore.reviews(of: "s-1", version: "v1", in: database) == [review])
        #expect(try PromotionStore.reviews(of: "s-1", version: "v2", in: database) == [])
    }

    @Test func `a strategy on the floor runs one deployment at a time`() throws {
        try promote(package(), .paper)
        let wanted = Deployment(
            package: package().hash, strategy: "s-1", runsAs: "s-1", owner: "ada", account: "paper",
            feed: "simulated", capital: FixedDecimal(1000), time: now, by: "ada")
        let first = try PromotionStore.add(wanted, in: database)
        #expect(throws: DatabaseFailure.self) { try PromotionStore.add(wanted, in: database) }
        try PromotionStore.endDeployment(first.id, by: "ada", at: now, in: database)
        let second = try PromotionStore.add(wanted, in: database)
        #expect(try PromotionStore.deployments(onlyInForce: true, in: database).map(\.id) == [second.id])
        #expect(try PromotionStore.deployments(onlyInForce: false, in: database).count == 2)
    }

    @Test func `a replay that the last host left is marked, and the last agreement is found`() throws {
        let first = try ReplayStore.begin(
            run: "r1", strategy: "s-1", owner: "ada", version: "v1", replayed: "v1", by: "ada", at: now,
            in: database)
        #expect(try ReplayStore.lastDifferences(of: "s-1", version: "v1", in: database) == nil)
        try ReplayStore.endLeftOver(at: now, in: database)
        let left = try ReplayStore.replay(first, in: database)
        #expect(left?.state == .failed && left?.cause == "the host ended before it")
    }
}
