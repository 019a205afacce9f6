import Collectors
import MarketData
import Posix
import TestSupport
import Testing
import Trading
import Wire

@Suite struct `Collecting` {
    private static func bench(
        _ exchange: SimulatedExchangeName, settings: [(name: String, value: String)] = [],
        _ body: (CollectorBench) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let bench = try await CollectorBench(
            exchange.exchange, path: folder.path + "/collectors.db", settings: settings)
        do {
            try await body(bench)
        } catch {
            await bench.end()
            throw error
        }
        await bench.end()
    }

    private static func key(_ venue: String, _ symbol: String, _ length: String) -> SeriesKey {
        SeriesKey(venue: venue, symbol: symbol, resolution: Resolution(length)!)
    }

    private static func stored(_ json: JSONValue) -> Int { json["counts"]?["stored"]?.intValue ?? -1 }

    // MARK: - Prices

    @Test func `keeps CoinSpot's prices once for every five minutes and coin`() async throws {
        try await Self.bench(.coinspot) { bench in
            _ = try await bench.add(#"{"id":"aud","kind":"prices","venue":"coinspot"}"#)
            try await bench.until("the first prices") {
                try await bench.service.collector("aud")["counts"]?["succeeded"] == .integer(1)
            }
            let rows = try bench.store.prices(
                of: "btc", from: .init(milliseconds: 0), to: .endOfTime, limit: 10)
            let row = try #require(rows.first)
            #expect(row.timestamp.milliseconds % 300_000 == 0)
            #expect(row.received >= row.timestamp)
            #expect(row.price.bid <= row.price.ask)
            // Again in the same five minutes: nothing new, unless the clock has just begun others.
            _ = try await bench.service.run("aud")
            try await bench.until("the second prices") {
                try await bench.service.collector("aud")["counts"]?["succeeded"] == .integer(2)
            }
            let later = try bench.store.prices(
                of: "btc", from: .init(milliseconds: 0), to: .endOfTime, limit: 10)
            #expect(Set(later.map(\.timestamp)).count == later.count)
            #expect(later.last == row)
            let due = try #require(try await bench.service.collector("aud")["next_due"]?.intValue)
            #expect(due % 300_000 == 0)
            #expect(due > Int(WallClock.milliseconds))
        }
    }

    @Test func `refuses a price that is no number and counts it`() async throws {
        try await Self.bench(.coinspot, settings: [("nan_coins", "btc")]) { bench in
            _ = try await bench.add(#"{"id":"aud","kind":"prices","venue":"coinspot"}"#)
            try await bench.until("the refusal") {
                try await bench.service.collector("aud")["refused"]?["not_a_number"]?.intValue ?? 0 >= 3
            }
            let shown = try await bench.service.collector("aud")
            #expect(shown["last_reason"] == .string("every price was refused"))
            #expect(
                try bench.store.prices(of: nil, from: .init(milliseconds: 0), to: .endOfTime, limit: 1)
                    .isEmpty)
        }
    }

    // MARK: - Candles

    @Test(arguments: [
        (SimulatedExchangeName.binance, "BTCUSDT", "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000"),
        (.coindcx, "BTCINR", "/market_data/candles?pair=I-BTC_INR&interval=1m&limit=1000"),
    ])
    func `fetches the past in pages, in order and as the venue has it`(
        _ name: SimulatedExchangeName, _ symbol: String, _ question: String
    ) async throws {
        try await Self.bench(name) { bench in
            let now = WallClock.milliseconds
            let from = now - 2_500 * 60_000
            let id = try await bench.download(
                #"{"venue":"\#(name.rawValue)","symbol":"\#(symbol)","resolution":"1m","from":\#(from)}"#)
            let end = try await bench.ended(id)
            #expect(end["state"] == .string("done"), "\(end.text)")
            let series = bench.sink[Self.key(name.rawValue, symbol, "1m")]
            #expect((2_499...2_501).contains(series.candles.count))
            #expect(end["stored"]?.intValue == series.candles.count)
            #expect(end["bars_done"] == end["bars_total"])
            #expect(series.order == series.order.sorted())
            #expect(series.candles.keys.allSatisfy { $0.milliseconds % 60_000 == 0 })
            #expect(series.candles.values.allSatisfy { $0.closeTime.milliseconds <= WallClock.milliseconds })
            // The venue's own last candles, read by hand.
            let rows = try await bench.ask(question).arrayValue ?? []
            #expect(rows.count == 1_000)
            var compared = 0
            for row in rows {
                let cells = row.arrayValue
                let time = Timestamp(milliseconds: Int64((cells?[0] ?? row["time"])?.intValue ?? 0))
                guard let kept = series.candles[time] else { continue }
                #expect((cells?[4] ?? row["close"]).flatMap { Self.decimal($0) } == kept.close)
                #expect((cells?[5] ?? row["volume"]).flatMap { Self.decimal($0) } == kept.volume)
                compared += 1
            }
            #expect(compared >= 990)
        }
    }

    private static func decimal(_ value: JSONValue) -> FixedDecimal? {
        switch value {
        case .string(let text), .number(let text): FixedDecimal(text)
        case .null, .bool, .array, .object: nil
        }
    }

    @Test func `goes on where a download stopped, and asks for nothing twice`() async throws {
        try await Self.bench(.binance) { bench in
            let now = WallClock.milliseconds / 60_000 * 60_000
            let body =
                #"{"venue":"binance","symbol":"BTCUSDT","resolution":"1m","from":\#(now - 3_000 * 60_000),"to":\#(now)}"#
            // The second page and whatever comes after it fails.
            try await bench.control(
                "POST", "/faults", #"{"kind":"status","status":500,"path":"/api/v3/klines","skip":1}"#)
            let first = try await bench.ended(try await bench.download(body))
            #expect(first["state"] == .string("failed"))
            #expect(first["reason"]?.stringValue?.contains("500") == true)
            #expect(first["stored"] == .integer(1_000))
            let faults = try await bench.control("GET", "/faults", "").text
            #expect(faults.contains("\"fired\":3"), "three attempts: \(faults)")
            try await bench.control("DELETE", "/faults", "")
            let second = try await bench.ended(try await bench.download(body))
            #expect(second["state"] == .string("done"))
            #expect(second["bars_known"] == .integer(1_000))
            #expect(second["stored"] == .integer(2_000))
            let third = try await bench.ended(try await bench.download(body))
            #expect(third["stored"] == .integer(0))
            #expect(bench.sink[Self.key("binance", "BTCUSDT", "1m")].candles.count == 3_000)
        }
    }

    @Test func `collects candles with their past and says how it is`() async throws {
        try await Self.bench(.coindcx) { bench in
            let added = try await bench.add(
                #"{"id":"inr","kind":"candles","venue":"coindcx","symbols":["BTCINR"],"resolutions":["1m","1h"],"live":"poll"}"#
            )
            #expect(added["state"] == .string("collecting"))
            try await bench.until("the past") {
                try await bench.service.collector("inr")["counts"]?["succeeded"]?.intValue ?? 0 >= 1
            }
            for length in ["1m", "1h"] {
                let series = bench.sink[Self.key("coindcx", "BTCINR", length)]
                #expect((999...1_001).contains(series.candles.count))
            }
            let shown = try await bench.service.collector("inr")
            #expect(shown["state"] == .string("waiting"))
            #expect(shown["last_success"]?.intValue ?? 0 > 0)
            #expect((shown["next_due"]?.intValue ?? 0) % 60_000 == 2_000)
            #expect(Self.stored(shown) >= 1_998)
        }
    }

    @Test func `opens the venue's stream once the past is there`() async throws {
        try await Self.bench(.binance) { bench in
            _ = try await bench.add(
                #"{"id":"btc","kind":"candles","venue":"binance","symbols":["BTCUSDT"],"resolutions":["1m"]}"#
            )
            try await bench.until("the stream") {
                try await bench.service.collector("btc")["stream"]?["open"] == .bool(true)
            }
        }
    }

    @Test func `takes nothing of a venue whose clock is wrong`() async throws {
        try await Self.bench(.binance, settings: [("date_skew_ms", "600000")]) { bench in
            let id = try await bench.download(
                #"{"venue":"binance","symbol":"BTCUSDT","resolution":"1m","from":\#(WallClock.milliseconds - 600_000)}"#
            )
            let end = try await bench.ended(id)
            #expect(end["state"] == .string("failed"))
            #expect(end["reason"]?.stringValue?.contains("clocks") == true)
            #expect(bench.sink[Self.key("binance", "BTCUSDT", "1m")].candles.isEmpty)
        }
    }

    @Test func `backs off after three attempts, tells the health page, and recovers when asked`() async throws
    {
        try await Self.bench(.binance) { bench in
            try await bench.control(
                "POST", "/faults", #"{"kind":"status","status":503,"html":true,"path":"/api/v3/klines"}"#)
            _ = try await bench.add(
                #"{"id":"btc","kind":"candles","venue":"binance","symbols":["BTCUSDT"],"resolutions":["1h"],"live":"poll"}"#
            )
            try await bench.until("the back-off") {
                try await bench.service.collector("btc")["state"] == .string("backing_off")
            }
            let shown = try await bench.service.collector("btc")
            #expect(shown["failures_in_a_row"] == .integer(1))
            #expect(shown["counts"]?["failed"] == .integer(1))
            #expect(bench.health["btc"]?.contains("no JSON (503)") == true)
            try await bench.control("DELETE", "/faults", "")
            _ = try await bench.service.run("btc")
            try await bench.until("it is well") {
                try await bench.service.collector("btc")["state"] == .string("waiting")
            }
            #expect(bench.health["btc"] == nil)
        }
    }

    @Test func `leaves a venue alone for as long as it asks`() async throws {
        try await Self.bench(.binance) { bench in
            try await bench.control(
                "POST", "/faults",
                #"{"kind":"status","status":429,"retry_after":120,"path":"/api/v3/klines","times":1}"#)
            _ = try await bench.add(
                #"{"id":"btc","kind":"candles","venue":"binance","symbols":["BTCUSDT"],"resolutions":["1h"],"live":"poll"}"#
            )
            try await bench.until("the refusal") {
                try await bench.service.collector("btc")["last_reason"]?.stringValue?.contains("120 s")
                    == true
            }
            let due = try #require(try await bench.service.collector("btc")["next_due"]?.intValue)
            #expect(due - Int(WallClock.milliseconds) > 100_000)
        }
    }

    @Test(arguments: [SimulatedExchangeName.binance, .coindcx])
    func `refuses a download of a symbol that the venue does not have`(
        _ name: SimulatedExchangeName
    ) async throws {
        try await Self.bench(name) { bench in
            let venue = name.rawValue
            await #expect(
                throws: CollectorRefusal.invalid(
                    FieldFailure(field: "symbol", reason: "\(venue) has no NOPEINR"))
            ) {
                try await bench.download(
                    #"{"venue":"\#(venue)","symbol":"NOPEINR","resolution":"1h","from":"2026-01-01"}"#)
            }
            let begun = try await bench.service.downloads()
            #expect(begun.isEmpty)
        }
    }

    @Test func `a download begins although the venue cannot be asked for its symbols, and says so`()
        async throws
    {
        try await Self.bench(.binance) { bench in
            try await bench.control(
                "POST", "/faults", #"{"kind":"status","status":503,"path":"/api/v3/exchangeInfo"}"#)
            let now = WallClock.milliseconds / 3_600_000 * 3_600_000
            let body = try JSONParser.parse(
                #"{"venue":"binance","symbol":"BTCUSDT","resolution":"1h","from":\#(now - 36_000_000),"to":\#(now)}"#
            )
            let begun = try await bench.service.addDownload(body, by: "anna")
            let reason = try #require(begun["reason"]?.stringValue)
            #expect(reason.hasPrefix("not known whether binance has BTCUSDT: "), "\(reason)")
            let end = try await bench.ended(try #require(begun["id"]?.stringValue))
            #expect(end["state"] == .string("done"), "\(end.text)")
            #expect(end["reason"] == .null)
            // Nothing is missing any more, so nothing is asked.
            let again = try await bench.service.addDownload(body, by: "anna")
            #expect(again["reason"] == .null)
        }
    }

    @Test func `says that candles could not be written down, and asks again later`() async throws {
        try await Self.bench(.binance) { bench in
            bench.sink.fail("the disk is full")
            let body =
                #"{"venue":"binance","symbol":"BTCUSDT","resolution":"1h","from":\#(WallClock.milliseconds - 36_000_000)}"#
            let failed = try await bench.ended(try await bench.download(body))
            #expect(failed["reason"]?.stringValue?.contains("the disk is full") == true)
            bench.sink.fail(nil)
            let done = try await bench.ended(try await bench.download(body))
            #expect(done["state"] == .string("done"))
            #expect((done["stored"]?.intValue ?? 0) >= 9)
        }
    }

    // MARK: - Definitions

    @Test func `keeps collectors and their figures over a restart`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/collectors.db"
        let first = try await CollectorBench(.coinspot, path: path)
        _ = try await first.add(#"{"id":"aud","kind":"prices","venue":"coinspot","every":"1h"}"#)
        try await first.until("the first prices") {
            try await first.service.collector("aud")["counts"]?["succeeded"] == .integer(1)
        }
        await first.end()
        let second = try await CollectorBench(.coinspot, path: path)
        let shown = try await second.service.collector("aud")
        #expect(shown["settings"]?["every"] == .string("1h"))
        #expect(shown["counts"]?["succeeded"]?.intValue ?? 0 >= 1)
        try await second.service.remove("aud")
        #expect(try await second.service.collectors().isEmpty)
        #expect(
            !(try second.store.prices(of: nil, from: .init(milliseconds: 0), to: .endOfTime, limit: 9).isEmpty)
        )
        await second.end()
    }

    @Test func `refuses a second of the same name, and what is not there`() async throws {
        try await Self.bench(.coinspot) { bench in
            let text = #"{"id":"aud","kind":"prices","venue":"coinspot","enabled":false}"#
            let added = try await bench.add(text)
            #expect(added["state"] == .string("disabled"))
            await #expect(throws: CollectorRefusal.conflict("there is a collector aud already")) {
                try await bench.add(text)
            }
            await #expect(throws: CollectorRefusal.notFound(kind: "collector", id: "eur")) {
                try await bench.service.collector("eur")
            }
            await #expect(throws: CollectorRefusal.notFound(kind: "download", id: "7")) {
                try await bench.service.download("7")
            }
        }
    }

    // MARK: - On request

    @Test(arguments: [
        (SimulatedExchangeName.binance, "BTCUSDT"), (.coindcx, "BTCINR"), (.coinspot, "BTCAUD"),
    ])
    func `asks for quotes and trades when somebody wants them`(
        _ name: SimulatedExchangeName, _ symbol: String
    ) async throws {
        try await Self.bench(name) { bench in
            let quote = try await bench.service.quote(of: symbol, at: name.rawValue)
            let (bid, ask) = (
                quote["bid"].flatMap { Self.decimal($0) }, quote["ask"].flatMap { Self.decimal($0) }
            )
            #expect(try #require(bid) <= (try #require(ask)))
            let trades = try await bench.service.trades(of: symbol, at: name.rawValue, limit: 5)
            let items = try #require(trades["items"]?.arrayValue)
            #expect((1...5).contains(items.count))
            let times = items.compactMap { $0["time"]?.intValue }
            #expect(times == times.sorted())
        }
    }
}
