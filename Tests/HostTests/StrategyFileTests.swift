import FoundationEssentials
import Glibc
import Host
import Testing
import Trading
import Wire

extension HostTests {
    /// Every field of strategy.json has its effect.
    @Suite("strategy.json") struct StrategyFileTests {
        /// A puppet's greeting.
        static func hello(_ fixture: HostFixture, _ id: String) async throws -> JSONValue {
            let line = try await fixture.waitForLine(id, "stderr: hello: ")
            return try JSONParser.parse(String(line.drop { $0 != "{" }))
        }

        @Test(
            "history is the last closed candles, as many as asked for or as there are",
            arguments: [(0, 0), (4, 4), (9, 9), (50, 9)])
        func lookback(_ asked: Int, given: Int) async throws {
            try await HostFixture.run { fixture in
                for number in 1...9 { try await fixture.candle("\(100 + number)") }
                let id = try await fixture.host.upload(
                    BundleUpload(
                        content: Puppet.program.get(), fileName: "main", name: "lookback",
                        config: Array(#"{"kind":"native","lookback_period":\#(asked)}"#.utf8)), by: "ada"
                ).id
                try await fixture.run(id, StartOptions(feed: "injected"))
                try await fixture.candle("200")
                try await fixture.wait("the live candle", about: id) {
                    try await fixture.candles(id).contains { $0["close"] == .string("200") }
                }
                let candles = try await fixture.candles(id)
                let history = candles.filter { $0["history"] == .bool(true) }
                #expect(
                    history.compactMap { $0["close"]?.stringValue } == (10 - given..<10).map { "\(100 + $0)" }
                )
                #expect(candles.count == given + 1)
            }
        }

        @Test func `pair and resolution choose the candles, in whatever spelling`() async throws {
            try await HostFixture.run(settings: ["market.speed=3600", "market.symbols=BTCUSDT,ETHUSDT"]) {
                fixture in
                let id = try await fixture.puppet("plain", #""pair":"B-ETH_USDT","resolution":"5m""#)
                try await fixture.run(id)
                try await fixture.wait("candles", about: id) { try await fixture.candles(id).count > 5 }
                let candles = try await fixture.candles(id)
                #expect(candles.allSatisfy { $0["symbol"] == .string("ETHUSDT") })
                #expect(candles.allSatisfy { $0["resolution"] == .string("5m") })
                let times = candles.compactMap { $0["time"]?.intValue }
                #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 == 300_000 })
            }
        }

        @Test func `leverage acts as 1 on a spot account, and the strategy says so`() async throws {
            try await HostFixture.run { fixture in
                let id = try await fixture.runPuppet("plain", #""leverage":3"#)
                try await fixture.candle("100")
                #expect(
                    try await fixture.host.strategy(id).warnings
                        == ["leverage is 3, but a spot account has none: it acts as 1"])
                let hello = try await Self.hello(fixture, id)
                #expect(hello["account"]?["leverage"] == .string("1"))
                #expect(hello["account"]?["kind"] == .string("spot"))
                _ = try await fixture.host.changeLimits(
                    try JSONParser.parse(#"{"global":{"order_notional":null}}"#), by: "ada")
                #expect(try await fixture.order(id, "more", "buy", "101").status == .denied)
                #expect(
                    try await fixture.order(id, "short", "sell", "1").reason?.contains("a spot account")
                        == true)
            }
        }

        @Test(
            "on a margin account leverage is what the strategy asks for, up to what the account has",
            arguments: [(2, 2), (50, 5)])
        func leverage(_ asked: Int, acts: Int) async throws {
            try await HostFixture.run { fixture in
                _ = try await fixture.host.addAccount(
                    try JSONParser.parse(
                        #"{"id":"margin","kind":"margin","currency":"USDT","balance":"100000","leverage":"5"}"#
                    ),
                    by: "ada")
                _ = try await fixture.host.changeLimits(
                    try JSONParser.parse(
                        #"{"global":{"order_notional":null,"position_notional":null,"daily_loss":null}}"#),
                    by: "ada")
                let id = try await fixture.runPuppet(
                    "plain", #""leverage":\#(asked)"#, StartOptions(feed: "injected", account: "margin"))
                try await fixture.candle("100", volume: "100000")
                #expect(try await fixture.host.strategy(id).warnings == [])
                let hello = try await Self.hello(fixture, id)
                #expect(hello["account"]?["leverage"] == .string("\(acts)"))
                let most = acts * 10_000 / 100
                let denied = try await fixture.order(id, "above", "sell", "\(most + 1)")
                #expect(denied.status == .denied)
                #expect(denied.reason?.contains("leverage limit of strategy \(id) is \(acts)") == true)
                // The room for the price to move before the order is there is held back too.
                let passed = try await fixture.order(id, "below", "sell", "\(most - acts)")
                #expect(passed.status == .filled, "\(passed.reason ?? "")")
            }
        }

        @Test func `max_positions bounds the instruments held at a time`() async throws {
            try await HostFixture.run(settings: ["market.symbols=BTCUSDT,ETHUSDT"]) { fixture in
                let id = try await fixture.runPuppet("plain", #""max_positions":1"#)
                let two = try await fixture.runPuppet("two", #""max_positions":2"#)
                try await fixture.candle("100")
                try await fixture.candle("100", symbol: "ETHUSDT")
                for each in [id, two] {
                    #expect(try await fixture.order(each, "one", "buy", "1").status == .filled)
                }
                let denied = try await fixture.order(id, "other", "buy", "1", symbol: "ETHUSDT")
                #expect(denied.reason == "strategy \(id) may hold 1 position at a time, and does")
                #expect(try await fixture.order(id, "same", "buy", "1").status == .filled)
                #expect(
                    try await fixture.order(two, "other", "buy", "1", symbol: "ETHUSDT").status == .filled)
            }
        }

        @Test func `max_daily_loss denies what opens a position, and lets out what closes it`() async throws {
            try await HostFixture.run { fixture in
                let id = try await fixture.runPuppet("plain", #""max_daily_loss":0.05"#)
                try await fixture.candle("100")
                #expect(try await fixture.order(id, "one", "buy", "90").status == .filled)
                try await fixture.candle("95")
                #expect(try await fixture.order(id, "within", "buy", "1").status == .filled)
                try await fixture.candle("94")
                let denied = try await fixture.order(id, "beyond", "buy", "1")
                #expect(denied.status == .denied)
                #expect(
                    denied.reason?.hasPrefix("the loss of strategy \(id) since midnight is 5") == true)
                #expect(try await fixture.order(id, "out", "sell", "91").status == .filled)
            }
        }

        @Test func `parameters given at the start go over custom_params, of the same kind only`() async throws
        {
            try await HostFixture.run { fixture in
                let id = try await fixture.upload(
                    """
                    from bullpen import Strategy

                    class Reader(Strategy):
                        def on_start(self):
                            self.log(f"{self.parameter('fast')} {self.parameter('slow')} {self.parameter('new', 1)}")
                    """, config: #"{"custom_params":{"fast":9,"slow":21}}"#)
                await #expect(throws: HostError.self) {
                    let wrong = JSONValue.members(["fast": .string("nine")])
                    _ = try await fixture.host.start(id, options: StartOptions(parameters: wrong), by: "ada")
                }
                try await fixture.run(
                    id, StartOptions(parameters: .members(["fast": .integer(5), "new": .integer(7)])))
                try await fixture.waitForLine(id, "strategy: 5 21 7")
            }
        }

        @Test(
            "orders_at_death says what becomes of orders when it crashes",
            arguments: ["keep", "cancel", "flatten"])
        func ordersAtDeath(_ policy: String) async throws {
            try await HostFixture.run { fixture in
                let id = try await fixture.runPuppet(
                    "plain", #""orders_at_death":"\#(policy)","restart":{"policy":"temporary"}"#)
                try await fixture.candle("100")
                try await fixture.order(id, "held", "buy", "1")
                try await fixture.order(id, "waiting", "buy", "1", price: "95")
                try await fixture.tell(id, "CRASH")
                let end = try await fixture.wait(id) { $0.state == .stopped }
                #expect(end.reason == "exit code 5: told to crash")
                if policy == "keep" {
                    #expect(try await fixture.orders(id).first { $0.request == "waiting" }?.status == .open)
                } else {
                    try await fixture.waitForOrder(id, "waiting") { $0.status == .cancelled }
                }
                if policy == "flatten" {
                    try await fixture.wait(id) { $0.positions.allSatisfy(\.quantity.isZero) }
                } else {
                    #expect(try await fixture.host.status(of: id).positions.map(\.quantity) == [.one])
                }
            }
        }

        @Test func `cpu_share slows down what wants more`() async throws {
            try await HostFixture.run(settings: ["strategy.start_timeout=60s", "strategy.stop_timeout=100ms"])
            { fixture in
                let slow = try await fixture.puppet("burn", #""cpu_share":0.1"#)
                let fast = try await fixture.puppet("burn", #""cpu_share":2"#, name: "fast")
                for id in [slow, fast] {
                    _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                }
                let throttled = try await fixture.wait(slow) { $0.usage.cpuThrottledSeconds > 0.5 }.usage
                let free = try await fixture.host.status(of: fast).usage
                #expect(free.cpuThrottledSeconds < 0.1, "\(free)")
                #expect(free.cpuSeconds > throttled.cpuSeconds, "\(free) \(throttled)")
            }
        }

        @Test(
            "profile chooses what there is to import",
            .enabled(
                if: access(HostFixture.runtimes + "/scientific", R_OK) == 0,
                "the runtime with numpy could not be installed here"))
        func profile() async throws {
            try await HostFixture.run { fixture in
                let source = """
                    import numpy
                    from bullpen import Strategy

                    class Counter(Strategy):
                        def on_start(self):
                            self.log(f"{numpy.arange(4).sum()}")
                    """
                let bare = try await fixture.upload(
                    source, name: "bare", config: #"{"profile":"python","restart":{"policy":"temporary"}}"#)
                _ = try await fixture.host.start(bare, options: StartOptions(), by: "ada")
                let end = try await fixture.wait(bare) { $0.state == .stopped }
                #expect(
                    end.reason?.contains("there is no module 'numpy' here") == true, "\(end.reason ?? "")")
                let full = try await fixture.upload(
                    source, name: "full", config: #"{"profile":"python-scientific"}"#)
                try await fixture.run(full)
                try await fixture.waitForLine(full, "strategy: 6")
            }
        }

        @Test func `risk and the two multipliers size orders and their exits`() async throws {
            try await HostFixture.run { fixture in
                // A true range of 2 at every candle.
                for number in 1...20 { try await fixture.candle(number.isMultiple(of: 2) ? "100" : "102") }
                let source = """
                    from bullpen import Strategy

                    class Sizer(Strategy):
                        def on_signal(self, signal):
                            stop, target = self.stop_loss_price("buy", 100), self.take_profit_price("buy", 100)
                            self.log(f"stop {stop} target {target} size {self.position_size(4, 100)}")
                    """
                let usual = try await fixture.upload(source, name: "usual")
                let other = try await fixture.upload(
                    source, name: "other",
                    config: #"{"risk_per_trade":0.02,"sl_atr_multiplier":1.5,"tp_atr_multiplier":4}"#)
                for id in [usual, other] {
                    try await fixture.run(id, StartOptions(feed: "injected"))
                    try await fixture.tell(id, "SIZE")
                }
                try await fixture.waitForLine(usual, "strategy: stop 96 target 106 size 25.00")
                try await fixture.waitForLine(other, "strategy: stop 97.0 target 108 size 50.00")
            }
        }
    }
}
