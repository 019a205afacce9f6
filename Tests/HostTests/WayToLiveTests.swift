import Host
import Identity
import Lab
import MarketData
import Testing
import Trading
import Wire

extension HostTests {
    /// From an upload to an exchange's account, with nothing pretended but the exchange and the length of a day.
    @Suite("The way to live") struct WayToLiveTests {
        /// Buys one below a price and sells it above another, which makes money on a wave.
        private static let program: Result<[UInt8], any Error> = Result {
            try Puppet.compile(
                #"""
                #include <stdio.h>
                #include <stdlib.h>
                #include <string.h>

                static char line[300 * 1024];
                static double below = 98;
                static int held;
                static long orders;

                static double number(const char *name) {
                    const char *found = strstr(line, name);
                    if (found == NULL) return 0;
                    found += strlen(name);
                    return atof(*found == '"' ? found + 1 : found);
                }

                static void order(const char *run, const char *side) {
                    printf("{\"type\":\"order\",\"request\":\"%s-%ld\",\"symbol\":\"BTCUSDT\",\"side\":\"%s\","
                           "\"order_type\":\"market\",\"quantity\":\"1\"}\n", run, ++orders, side);
                    held = !held;
                }

                int main(void) {
                    static char run[32];
                    if (fgets(line, sizeof line, stdin) == NULL) return 2;
                    const char *parameters = strstr(line, "\"parameters\":{\"below\":");
                    if (parameters) below = atof(parameters + strlen("\"parameters\":{\"below\":"));
                    const char *id = strstr(line, "\"run\":\"");
                    if (id) snprintf(run, sizeof run, "%.*s", (int)strcspn(id + 7, "\""), id + 7);
                    puts("{\"type\":\"ready\",\"sdk\":\"wave/1\"}");
                    fflush(stdout);
                    while (fgets(line, sizeof line, stdin) != NULL) {
                        if (strstr(line, "\"type\":\"ping\"")) {
                            printf("{\"type\":\"pong\",\"id\":%ld}\n", (long)number("\"id\":"));
                        } else if (strstr(line, "\"type\":\"stop\"")) {
                            puts("{\"type\":\"bye\"}");
                            return 0;
                        } else if (strstr(line, "\"type\":\"candle\"") && !strstr(line, "\"history\":true")) {
                            double close = number("\"close\":");
                            if (held ? close > 102 : close < below) order(run, held ? "sell" : "buy");
                        }
                        fflush(stdout);
                    }
                    return 0;
                }
                """#)
        }

        private static let config = #"""
            {"kind":"native","pair":"BTC/USDT","resolution":"1m","lookback_period":4,"memory_mb":64,
             "custom_params":{"below":98},"parameter_ranges":{"below":{"type":"int","min":96,"max":98,"step":1}}}
            """#

        private static let live = #"""
            [{"kind":"minimum_trades","limit":"10"},{"kind":"minimum_out_of_sample_sharpe","limit":"0.5"},
             {"kind":"maximum_drawdown","limit":"0.25"},{"kind":"lookahead_check"},{"kind":"startup_check"},
             {"kind":"minimum_days_on_paper","limit":"0.0000001"},{"kind":"minimum_paper_fills","limit":"1"},
             {"kind":"position_limit"},{"kind":"daily_loss_limit"},{"kind":"stop_limit"},
             {"kind":"reviews","limit":"1"}]
            """#

        /// 600 minutes of a wave of twenty between 95 and 105.
        private static func wave() -> [Candle] {
            let heights = [0, 2, 3, 4, 5, 5, 4, 3, 2, 0, 0, -2, -3, -4, -5, -5, -4, -3, -2, 0]
            let start: Int64 = 1_735_689_600_000
            return (0..<600).map { minute in
                let open = FixedDecimal(100 + heights[(minute + 19) % 20])
                let close = FixedDecimal(100 + heights[minute % 20])
                return Candle(
                    symbol: "BTCUSDT", resolution: Resolution(milliseconds: 60_000),
                    openTime: Timestamp(milliseconds: start + Int64(minute) * 60_000), open: open,
                    high: max(open, close), low: min(open, close), close: close, volume: FixedDecimal(100))
            }
        }

        private func refusal<Value>(_ body: () async throws(HostError) -> Value) async -> String {
            do throws(HostError) {
                _ = try await body()
                return "nothing was refused"
            } catch {
                if case .conflict(let reason) = error { return reason }
                return "\(error)"
            }
        }

        /// What a refusal to promote names, by the titles of the criteria.
        private func named(_ words: String) -> Set<String> {
            Set(Criterion.Kind.allCases.filter { words.contains("\($0.title): ") }.map(\.rawValue))
        }

        private func study(
            _ fixture: HostFixture, _ kind: LabStudy.Kind, _ text: String, of id: String
        ) async throws -> LabStudy {
            let studies = try #require(fixture.host.studies)
            var reader = try ObjectReader(try JSONParser.parse(text))
            let plan = try StudyPlan(
                kind, &reader, ranges: try studies.ranges(of: id, version: nil),
                figures: Set(StudyFigures.names))
            let begun = try await studies.begin(plan, BacktestRequest(), of: id, by: "ada")
            try await fixture.wait("the end of study \(begun.number)") {
                try studies.study(begun.number).state != .running
            }
            let ended = try studies.study(begun.number)
            #expect(ended.state == .completed, "\(ended.cause ?? "")")
            return ended
        }

        @Test
        func `leads through a backtest, checks, days on paper and another's word, and nothing leads around`()
            async throws
        {
            try await ExchangeRig.run(.coinDCX, settings: ["promotion.required_for=exchanges"]) { rig in
                let (fixture, host) = (rig.fixture, rig.fixture.host)
                let lab = try #require(host.lab)
                _ = try await host.identity.addUser(
                    "root", role: .operator, password: "correct horse", by: "host")
                _ = try await host.changePromotionCriteria(
                    JSONParser.parse(#"{"live":\#(Self.live)}"#), by: "root")
                try await rig.addFeed(at: ("50000", "50010"))
                try await rig.addAccount()
                try await rig.addCredential()
                try await rig.waitUntilWell()
                try host.candles.write(
                    Self.wave(),
                    to: SeriesKey(
                        venue: "coindcx", symbol: "BTCUSDT", resolution: Resolution(milliseconds: 60_000)),
                    now: Timestamp(milliseconds: 1_800_000_000_000))
                let id = try await host.upload(
                    BundleUpload(
                        content: Self.program.get(), fileName: "main", name: "wave",
                        config: Array(Self.config.utf8)), by: "ada"
                ).id

                // Fresh from its author it goes nowhere near the exchange.
                let start = await refusal { () throws(HostError) in
                    try await host.start(id, options: ExchangeRig.options, by: "ada")
                }
                #expect(start.contains("takes only versions that were promoted to live"), "\(start)")
                func promote(_ stage: PromotionStage? = nil) async throws(HostError) -> PromotionView {
                    try await host.promote(id, PromotionRequest(stage: stage), by: "ada")
                }
                var words = await refusal { () throws(HostError) in try await promote() }
                #expect(
                    named(words) == ["minimum_trades", "maximum_drawdown", "lookahead_check"], "\(words)")

                let asked = try await lab.request(BacktestRequest(), of: id, by: "ada")
                try await fixture.wait("the backtest") { try !lab.run(asked.number).state.isUnderWay }
                let trades = try lab.result(asked.number).trades
                #expect(trades.count >= 20 && trades.allSatisfy(\.profit.isPositive))
                words = await refusal { () throws(HostError) in try await promote() }
                #expect(named(words) == ["lookahead_check"], "\(words)")

                let ahead = try await study(fixture, .lookahead, #"{"cuts":2}"#, of: id)
                #expect(ahead.result["verdict"] == .string("clean"), "\(ahead.result.text)")
                #expect(try await promote().stage == .paper)
                let package = try #require(try await host.available(owner: nil).first?.package.hash)
                let deploy = DeployRequest(
                    package: package, account: "acct", feed: "prices", capital: FixedDecimal(1_000))
                words = await refusal { () throws(HostError) in try await host.deploy(deploy, by: "ada") }
                #expect(words.contains("is not promoted to live, and account acct takes nothing else"))

                words = await refusal { () throws(HostError) in try await promote() }
                #expect(
                    named(words) == [
                        "minimum_out_of_sample_sharpe", "startup_check", "minimum_days_on_paper",
                        "minimum_paper_fills", "position_limit", "stop_limit", "reviews",
                    ], "\(words)")

                // What the Lab can say: a walk forward, whose runs can be opened, and the check of its history.
                let walk = try await study(
                    fixture, .walkForward, #"{"split":0.5,"objective":"net_profit"}"#, of: id)
                let history = try await study(fixture, .startUp, "{}", of: id)
                #expect(history.result["is_enough"] == .bool(true), "\(history.result.text)")
                // And a little while with play money.
                try await fixture.run(id, StartOptions(feed: "injected"))
                for price in ["100", "97", "97"] { try await fixture.candle(price) }
                try await fixture.wait("a fill on paper", about: id) {
                    try await fixture.orders(id).contains { $0.status == .filled }
                }
                _ = try await host.stop(id, orders: .flatten, by: "ada")
                _ = try await fixture.wait(id) { $0.state == .stopped }
                words = await refusal { () throws(HostError) in try await promote() }
                #expect(named(words) == ["position_limit", "stop_limit", "reviews"], "\(words)")

                _ = try await host.changeLimits(
                    JSONParser.parse(
                        #"{"strategies":{"\#(id)":{"position_notional":"500","drawdown":"0.2"}}}"#),
                    by: "root")
                words = await refusal { () throws(HostError) in try await promote() }
                #expect(named(words) == ["reviews"], "\(words)")
                words = await refusal { () throws(HostError) in
                    try await host.review(id, ReviewRequest(approves: true), by: "ada")
                }
                #expect(words.contains("only an operator reviews a version"), "\(words)")
                _ = try await host.review(id, ReviewRequest(approves: false, note: "why?"), by: "root")
                words = await refusal { () throws(HostError) in try await promote() }
                #expect(words.contains("refused by root"), "\(words)")
                let view = try await host.review(id, ReviewRequest(approves: true), by: "root")
                let gate = try #require(view.checklists.first { $0.stage == .live })
                #expect(gate.isPassed, "\(gate.json.text)")
                let figure = try #require(
                    gate.items.first { $0.criterion.kind == .minimumOutOfSampleSharpe }?.figure)
                let run = try #require(walk.result["windows"]?.arrayValue?.first?["run"]?.stringValue)
                #expect(figure.hasSuffix(", walk forward \(walk.number): run \(run)"), "\(figure)")
                let opened = try lab.run(try #require(Int64(run)))
                #expect(opened.study?.study == walk.number && opened.state == .completed)

                #expect(try await promote().stage == .live)
                _ = try await host.deploy(deploy, by: "ada")
                _ = try await fixture.wait(id) { $0.state == .running }
                let deployed = try #require(try await host.deployments(owner: nil).first)
                #expect(deployed.deployment.account == "acct" && deployed.deployment.endedAt == nil)
                words = await refusal { () throws(HostError) in
                    try await host.demote(id, DemotionRequest(reason: "a test"), by: "root")
                }
                #expect(words.contains("is deployed on account acct"), "\(words)")
            }
        }
    }
}
