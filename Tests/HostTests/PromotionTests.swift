import Host
import Identity
import Journal
import Lab
import Testing
import Trading
import Wire

extension HostTests {
    /// Nothing is started where only promoted versions may be, and a past run can be told again.
    @Suite("Promotion") struct PromotionTests {
        static let required = ["promotion.required_for=everything"]

        /// Takes everything out of both gates but what is named.
        private func gates(_ fixture: HostFixture, live: String = "[]") async throws {
            _ = try await fixture.host.changePromotionCriteria(
                JSONParser.parse(#"{"paper":[],"live":\#(live)}"#), by: "root")
        }

        private func refusal(_ body: () async throws(HostError) -> Void) async -> String? {
            do throws(HostError) {
                try await body()
                return nil
            } catch {
                if case .conflict(let reason) = error { return reason }
                return "\(error)"
            }
        }

        @Test func `where promotion is required, only what was promoted is started, a restart included`()
            async throws
        {
            try await HostFixture.run(settings: Self.required) { fixture in
                let host = fixture.host
                let id = try await fixture.puppet()
                let start = StartOptions(feed: "injected")
                let before = await refusal { () throws(HostError) in
                    _ = try await host.start(id, options: start, by: "ada")
                }
                #expect(before?.contains("takes only versions that were promoted to paper") == true)
                try await gates(fixture)
                let view = try await host.promote(id, PromotionRequest(stage: .paper), by: "ada")
                #expect(view.stage == .paper)
                try await fixture.run(id, start)
                _ = try await host.stop(id, orders: nil, by: "ada")
                _ = try await fixture.wait(id) { $0.state == .stopped }
                // Other parameters are something else.
                var other = start
                other.parameters = .members(["mode": .string("deaf")])
                let changed = await refusal { () throws(HostError) in
                    _ = try await host.start(id, options: other, by: "ada")
                }
                #expect(
                    changed?.contains("mode is \"deaf\", the package has \"plain\"") == true,
                    "\(changed ?? "")")
                _ = try await host.demote(id, DemotionRequest(reason: "a test"), by: "root")
                for attempt in 0..<2 {
                    let after = await refusal { () throws(HostError) in
                        _ =
                            try await attempt == 0
                            ? host.restart(id, by: "ada") : host.start(id, options: start, by: "ada")
                    }
                    #expect(after?.contains("was not: bullpen promote") == true, "\(after ?? "it started")")
                }
            }
        }

        @Test func `the next host starts only what is promoted still, and what it can tell that of`()
            async throws
        {
            let first = try await HostFixture()
            let start = StartOptions(feed: "injected")
            try await gates(first)
            var ids: [String] = []
            for name in ["sound", "altered", "never"] {
                let id = try await first.puppet(name: name)
                if name != "never" { _ = try await first.host.promote(id, PromotionRequest(), by: "ada") }
                try await first.run(id, start)
                ids.append(id)
            }
            await first.host.drain()
            // Somebody who can write to the journal has other parameters promoted.
            let database = try Database(path: first.folder + "/journal.db")
            try database.run("DROP TRIGGER promotion_packages_stay")
            try database.run(
                """
                UPDATE promotion_packages SET manifest = replace(manifest, '"plain"', '"other"')
                WHERE manifest LIKE '%' || ? || '%'
                """, ids[1])
            let next = try await HostFixture(folder: first.folder, settings: Self.required)
            _ = try await next.wait(ids[0]) { $0.state == .running }
            try await next.waitForLine(ids[1], "not started again: ")
            #expect(try await next.lines(ids[1]).contains { $0.contains("is not what it was") })
            try await next.waitForLine(ids[2], "takes only versions that were promoted to paper")
            for id in ids.dropFirst() {
                #expect(try await next.host.status(of: id).state != .running, "\(id)")
            }
            await next.end()
        }

        @Test func `a gate names what is in its way, and the audit trail has it`() async throws {
            try await HostFixture.run { fixture in
                let id = try await fixture.puppet()
                let words = await refusal { () throws(HostError) in
                    _ = try await fixture.host.promote(id, PromotionRequest(), by: "ada")
                }
                #expect(words?.contains("trades in the backtest: not known, wanted at least 10") == true)
                try await gates(fixture)
                let skips = await refusal { () throws(HostError) in
                    _ = try await fixture.host.promote(id, PromotionRequest(stage: .live), by: "root")
                }
                #expect(skips?.contains("nothing skips a gate") == true)
                try await fixture.wait("the audit trail") {
                    let entries = try await fixture.host.identity.audit.entries(limit: 100)
                    return entries.contains { $0.action == "promotion.refused" && $0.subject == id }
                }
            }
        }

        @Test func `who wrote a version does not review it`() async throws {
            try await HostFixture.run { fixture in
                let host = fixture.host
                for name in ["ada", "root"] {
                    _ = try await host.identity.addUser(
                        name, role: .operator, password: "correct horse", by: "host")
                }
                let id = try await fixture.puppet()
                await #expect(throws: HostError.self) {
                    _ = try await host.review(id, ReviewRequest(approves: true), by: "ada")
                }
                await #expect(throws: HostError.self) {
                    _ = try await host.review(id, ReviewRequest(approves: true), by: "nobody")
                }
                try await gates(fixture, live: #"[{"kind":"reviews","limit":"1"}]"#)
                _ = try await host.promote(id, PromotionRequest(), by: "ada")
                let before = await refusal { () throws(HostError) in
                    _ = try await host.promote(id, PromotionRequest(), by: "ada")
                }
                #expect(before?.contains("reviewed by an operator who is not its author: not known") == true)
                _ = try await host.review(id, ReviewRequest(approves: true, note: "read it"), by: "root")
                #expect(try await host.promote(id, PromotionRequest(), by: "ada").stage == .live)
            }
        }

        @Test func `a deployment runs its package and nothing else, and a copy beside it`() async throws {
            try await HostFixture.run { fixture in
                let host = fixture.host
                let id = try await fixture.puppet()
                try await gates(fixture)
                _ = try await host.promote(id, PromotionRequest(), by: "ada")
                let package = try #require(try await host.available(owner: nil).first)
                let request = DeployRequest(
                    package: package.package.hash, account: "paper", feed: "injected",
                    capital: FixedDecimal(1_000))
                let first = try await host.deploy(request, by: "ada")
                _ = try await fixture.wait(id) { $0.state == .running }
                let twice = await refusal { () throws(HostError) in
                    _ = try await host.deploy(request, by: "ada")
                }
                #expect(twice?.contains("is deployed on account paper already") == true)
                let demoted = await refusal { () throws(HostError) in
                    _ = try await host.demote(id, DemotionRequest(reason: "a test"), by: "root")
                }
                #expect(demoted?.contains("end deployment") == true)
                var beside = request
                beside.isBeside = true
                let second = try await host.deploy(beside, by: "ada")
                let copy = second.deployment.runsAs
                #expect(copy != id)
                _ = try await fixture.wait(copy) { $0.state == .running }
                #expect(try await host.deployments(owner: nil).count == 2)
                for one in [first, second] {
                    let ended = try await host.endDeployment(
                        String(one.deployment.id), orders: nil, by: "ada")
                    #expect(ended.deployment.endedAt != nil)
                }
                _ = try await fixture.wait(id) { $0.state == .stopped }
                _ = try await host.demote(id, DemotionRequest(reason: "a test"), by: "root")
                let gone = await refusal { () throws(HostError) in
                    _ = try await host.deploy(request, by: "ada")
                }
                #expect(gone?.contains("is not promoted to paper") == true)
            }
        }

        /// Buys every third candle, more of it in a second version.
        private static func buyer(_ quantity: String) -> String {
            """
            from bullpen import Strategy

            class Buyer(Strategy):
                seen = 0

                def on_candle(self, candle):
                    if candle.history:
                        return
                    self.seen += 1
                    if self.seen % 3 == 0:
                        self.buy("\(quantity)" if self.seen > 3 else "0.1")
            """
        }

        @Test
        func `a replay agrees with its run, and shows every order that another version makes otherwise`()
            async throws
        {
            try await HostFixture.run { fixture in
                let host = fixture.host
                let config = #"{"lookback_period":3,"pair":"BTCUSDT","resolution":"1m"}"#
                let id = try await fixture.upload(Self.buyer("0.1"), name: "buyer", config: config)
                for _ in 0..<4 { try await fixture.candle("100") }
                try await fixture.run(id, StartOptions(feed: "injected"))
                for step in 1...7 {
                    try await fixture.candle("\(100 + step)")
                    let wanted = step / 3
                    try await fixture.wait("\(wanted) orders", about: id) {
                        try await fixture.orders(id).filter { $0.status == .filled }.count == wanted
                    }
                }
                _ = try await host.stop(id, orders: .keep, by: "ada")
                _ = try await fixture.wait(id) { $0.state == .stopped }
                let run = try #require(try await host.runs(of: id, limit: 10).first)
                #expect(run.isRecorded && run.fills == 2)

                let same = try await replayed(fixture, run.id, nil)
                #expect(same["agrees"] == .bool(true), "\(same.text)")
                #expect(same["same"] == .integer(2))

                _ = try await host.uploadVersion(
                    BundleUpload(
                        content: Array(Self.buyer("0.2").utf8), fileName: "buyer.py", name: "buyer",
                        config: Array(config.utf8)), of: id, by: "ada")
                let newest = try #require(try await host.strategy(id).versions.first?.version)
                let other = try await replayed(fixture, run.id, newest)
                #expect(other["agrees"] == .bool(false))
                #expect(other["same"] == .integer(1) && other["differing"] == .integer(1), "\(other.text)")
                let difference = try #require(other["differences"]?.arrayValue?.first)
                #expect(difference["was"]?["words"] == .string("buy 0.1 BTCUSDT market"))
                #expect(difference["now"]?["words"] == .string("buy 0.2 BTCUSDT market"))
            }
        }

        private func replayed(
            _ fixture: HostFixture, _ run: String, _ version: String?
        ) async throws -> JSONValue {
            var replay = try await fixture.host.replay(run, version: version, by: "ada")
            let id = String(replay.id)
            try await fixture.wait("the replay") {
                replay = try await fixture.host.replay(id)
                return replay.state != .running
            }
            #expect(replay.state == .completed, "\(replay.cause ?? "")")
            return replay.report
        }
    }
}
