import FoundationEssentials
import Glibc
import Host
import TestSupport
import Testing
import Trading
import Wire

extension HostTests {
    @Suite("Feeds through the host") struct FeedTests {
        /// A year of real candles beside the project, when it is there; its path without any "..".
        static let realCandles: String? = {
            let folder =
                ProcessInfo.processInfo.environment["BULLPEN_SHARED_DATA"] ?? Places.package
                + "/../shared/data"
            guard let path = realpath(folder + "/ohlcv/binance-BTCUSDT-1h.2024.csv.gz", nil) else {
                return nil
            }
            defer { free(path) }
            return String(cString: path)
        }()

        @Test(
            "a file of real candles is replayed as fast as a strategy reads, in order and without a gap",
            .enabled(if: HostTests.FeedTests.realCandles != nil, "the shared candle files are not here"))
        func replay() async throws {
            let path = try #require(Self.realCandles)
            let times = try await Self.times(path)
            try await HostFixture.run { fixture in
                _ = try await fixture.host.addFeed(
                    .members([
                        "id": .string("real"), "kind": .string("replay"), "files": .array([.string(path)]),
                        "speed": .string("max"), "lookback": .integer(3),
                    ]), by: "ada")
                let id = try await fixture.puppet("count", #""resolution":"1h""#)
                try await fixture.run(id, StartOptions(feed: "real"))
                try await fixture.wait("the end of the replay", about: id, seconds: 60) {
                    try await fixture.host.feeds().first { $0.id == "real" }?.fault
                        == "the replay is at its end"
                }
                try await fixture.tell(id, "REPORT")
                let line = try await fixture.waitForLine(id, "candles, ")
                #expect(
                    line
                        == "stderr: \(times.count) candles, \(times.count - 3) live, from \(times[0]) to "
                        + "\(times[times.count - 1]), 0 backward")
                let usage = try await fixture.host.status(of: id).usage
                #expect(usage.linesDropped == 0)
                // A second strategy finds the replay over; it is told so and gets its history.
                #expect(usage.linesOut > times.count)
            }
        }

        /// When each candle of a file opened, as another program reads it.
        static func times(_ path: String) async throws -> [Int] {
            let ending = try await ChildProcess.run("/bin/zcat", [path])
            return ending.output.split(separator: "\n").dropFirst().compactMap {
                Int($0.prefix { $0 != "," })
            }
        }

        @Test func `a replay waits for its first strategy, keeps to its speed, and takes another`()
            async throws
        {
            try await HostFixture.run { fixture in
                let start = 1_735_689_600_000
                let rows = (0..<400).map { "\(start + $0 * 60_000),100,101,99,100,5" }
                let text = (["time_ms,open,high,low,close,volume"] + rows).joined(separator: "\n") + "\n"
                try Data(text.utf8).write(to: URL(filePath: fixture.folder + "/mine-BTCUSDT-1m.csv"))
                _ = try await fixture.host.addFeed(
                    .members([
                        "id": .string("file"), "kind": .string("replay"),
                        "files": .array([.string("mine-BTCUSDT-1m.csv")]), "speed": .string("600"),
                    ]), by: "ada")
                func feed() async throws -> FeedView {
                    try #require(try await fixture.host.feeds().first { $0.id == "file" })
                }
                #expect(try await !feed().isRunning)
                let id = try await fixture.puppet("count")
                try await fixture.run(id, StartOptions(feed: "file"))
                try await fixture.wait("some candles", about: id) {
                    try await fixture.host.status(of: id).usage.linesOut > 8
                }
                #expect(try await feed().fault == nil)
                _ = try await fixture.host.changeFeed(
                    "file", .members(["speed": .string("max")]), by: "ada")
                try await fixture.wait("the end", about: id) { try await feed().fault != nil }
                try await fixture.tell(id, "REPORT")
                let line = try await fixture.waitForLine(id, "candles, ")
                #expect(
                    line
                        == "stderr: 400 candles, 400 live, from \(start) to \(start + 399 * 60_000), 0 backward"
                )
            }
        }

        @Test func `a feed is refused with the reason, and a start on one that lacks the symbol`()
            async throws
        {
            try await HostFixture.run { fixture in
                let id = try await fixture.puppet("plain", #""pair":"DOGEUSDT""#)
                try await Self.refused("feed: feed simulated has no DOGEUSDT; it has BTCUSDT") {
                    _ = try await fixture.host.start(id, options: StartOptions(), by: "ada")
                }
                try await Self.refused("feed: there is no feed \"moon\"; there are injected, simulated") {
                    _ = try await fixture.host.start(id, options: StartOptions(feed: "moon"), by: "ada")
                }
                let seconds = try await fixture.puppet("seconds", #""resolution":"1s""#)
                try await Self.refused("feed: feed simulated has no 1s candles") {
                    _ = try await fixture.host.start(seconds, options: StartOptions(), by: "ada")
                }
                try await Self.refused("feed injected has no DOGEUSDT") {
                    try await fixture.candle("1", symbol: "DOGEUSDT")
                }
                try await Self.refused("makes its own prices") {
                    let trade = MarketTrade(
                        symbol: "BTCUSDT", time: Timestamp(milliseconds: 1_735_689_600_000), price: .one,
                        quantity: .one)
                    _ = try await fixture.host.inject([.trade(trade)], into: "simulated", by: "ada")
                }
                try await Self.refused("no-such-BTCUSDT-1m.csv") {
                    _ = try await fixture.host.addFeed(
                        .members([
                            "id": .string("missing"), "kind": .string("replay"),
                            "files": .array([.string("no-such-BTCUSDT-1m.csv")]),
                        ]), by: "ada")
                }
                #expect(try await fixture.host.feeds().map(\.id) == ["simulated", "injected"])
            }
        }

        static func refused(_ words: String, _ body: () async throws -> Void) async throws {
            do {
                try await body()
                Issue.record("nothing was refused; expected: \(words)")
            } catch let error as HostError {
                #expect(error.description.contains(words))
            }
        }
    }
}
