import MarketData
import Testing
import Trading

@Suite("Replay")
struct ReplayFeedTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private func candles(_ symbol: String, _ resolution: String, opens: [Int64]) throws -> String {
        let rows = opens.map { "\($0 * 60_000),\($0 + 1),\($0 + 3),\($0 + 1),\($0 + 2),1\n" }.joined()
        return try scratch.write("\(symbol)-\(resolution).csv", CandleFile.header + "\n" + rows)
    }

    private func files() throws -> [any EventFile] {
        let first = Array<Int64>(0..<40).filter { !(12...14).contains($0) && $0 != 29 }
        return [
            try CandleFile(path: try candles("AAA", "1m", opens: first)),
            try CandleFile(path: try candles("BBB", "5m", opens: [0, 5, 10, 15, 20, 25, 30, 35])),
        ]
    }

    private func feed(_ start: ReplayFeed.Start = .beginning) throws -> ReplayFeed {
        try ReplayFeed(
            files: try files(), derived: [Resolution("5m")!, Resolution("15m")!], start: start)
    }

    private func names(_ events: [MarketEvent]) -> [String] {
        events.map { event in
            guard case .candle(let candle) = event else { return "?" }
            return "\(candle.symbol) \(candle.resolution) \(candle.closeTime.milliseconds / 60_000)"
        }
    }

    @Test func `files are merged by close time and longer candles follow their parts`() throws {
        let feed = try feed()
        let events = try feed.advance(to: Timestamp(milliseconds: 16 * 60_000))
        #expect(
            names(events) == [
                "AAA 1m 1", "AAA 1m 2", "AAA 1m 3", "AAA 1m 4", "AAA 1m 5", "AAA 5m 5", "BBB 5m 5",
                "AAA 1m 6", "AAA 1m 7", "AAA 1m 8", "AAA 1m 9", "AAA 1m 10", "AAA 5m 10", "BBB 5m 10",
                "AAA 1m 11", "AAA 1m 12",
                // Minutes 13 to 15 are missing: the longer candles close on time without them.
                "BBB 5m 15", "BBB 15m 15", "AAA 5m 15", "AAA 15m 15", "AAA 1m 16",
            ])
    }

    @Test func `nothing comes after its time and the end is the end`() throws {
        let feed = try feed()
        var last = Timestamp(milliseconds: 0)
        var events: [MarketEvent] = []
        while let time = feed.nextEventTime {
            #expect(try feed.advance(to: time.advanced(byMilliseconds: -1)).isEmpty)
            let now = try feed.advance(to: time)
            #expect(!now.isEmpty && now.allSatisfy { $0.time == time } && time > last)
            last = time
            events += now
        }
        #expect(feed.isAtEnd)
        #expect(try feed.advance(to: .endOfTime).isEmpty)
        // 36 + 8 of the files, 8 of five minutes, 2 and 2 of fifteen; the third fifteen never closed.
        #expect(events.count == 36 + 8 + 8 + 2 + 2)
        #expect(Set(events).count == events.count)
    }

    @Test func `a replay resumed at any cursor goes on exactly there`() throws {
        let whole = try feed()
        let all = try whole.advance(to: .endOfTime)
        let stepped = try feed()
        for given in 1...all.count {
            #expect(try stepped.advance(to: .endOfTime, limit: 1).count == 1)
            let text = stepped.cursor.description
            let cursor = try #require(ReplayFeed.Cursor(text))
            let resumed = try feed(.cursor(cursor))
            #expect(try resumed.advance(to: .endOfTime) == Array(all[given...]), "after \(given), \(text)")
            #expect(resumed.cursor == whole.cursor || given == all.count)
        }
    }

    @Test func `lookback is what was played before the start`() throws {
        let feed = try feed(.afterCandles(10))
        let minute = Resolution("1m")!
        #expect(feed.history(symbol: "AAA", resolution: minute, count: 100).count == 10)
        #expect(
            feed.history(symbol: "AAA", resolution: minute, count: 3).map(\.openTime.milliseconds)
                == [420_000, 480_000, 540_000])
        #expect(feed.history(symbol: "AAA", resolution: Resolution("5m")!, count: 9).count == 2)
        #expect(feed.history(symbol: "BBB", resolution: Resolution("5m")!, count: 9).count == 2)
        #expect(names(try feed.advance(to: .endOfTime, limit: 1)) == ["AAA 1m 11"])
        let later = try self.feed(.after(Timestamp(milliseconds: 16 * 60_000)))
        #expect(names(try later.advance(to: .endOfTime, limit: 1)) == ["AAA 1m 17"])
        #expect(
            later.history(
                symbol: "AAA", resolution: minute, count: 2, before: Timestamp(milliseconds: 720_000)
            ).map(\.closeTime.milliseconds) == [660_000, 720_000])
    }

    @Test func `everything before a wrong row is played, then the row is named`() throws {
        let path = try scratch.write(
            "CCC-1m.csv", CandleFile.header + "\n0,1,1,1,1,1\n60000,1,1,1,1,1\nbroken\n180000,1,1,1,1,1\n")
        let feed = try ReplayFeed(files: [try CandleFile(path: path)])
        #expect(try feed.advance(to: .endOfTime).count == 2)
        let failure = #expect(throws: MarketFileFailure.self) { try feed.advance(to: .endOfTime) }
        #expect(failure?.line == 4)
        #expect(!feed.isAtEnd)
    }

    @Test func `two files of one series are refused`() throws {
        let path = try candles("AAA", "1m", opens: [1])
        #expect(throws: MarketFileFailure.self) {
            try ReplayFeed(files: [try CandleFile(path: path), try CandleFile(path: path)])
        }
    }

    @Test(.enabled(if: SharedData.isThere, "the real candles lie beside the project, in ../shared/data"))
    func `two real symbols are replayed together with their longer candles`() throws {
        let feed = try ReplayFeed(
            files: try ["BTCUSDT", "ETHUSDT"].map {
                try CandleFile(path: SharedData.candles("binance-\($0)-1h.2024.csv.gz"))
            }, derived: [Resolution("4h")!, Resolution("1d")!], start: .afterCandles(100))
        #expect(feed.history(symbol: "ETHUSDT", resolution: Resolution("1h")!, count: 100).count == 100)
        var count = 0
        var last = Timestamp(milliseconds: 0)
        while !feed.isAtEnd {
            for event in try feed.advance(to: .endOfTime, limit: 500) {
                #expect(event.time >= last)
                last = event.time
                count += 1
            }
        }
        #expect(count == 2 * (5980 - 100) + 2 * (1495 - 25) + 2 * (249 - 4))
    }
}
