import Testing
import Wire

@testable import Web

@Suite("Data routes")
struct DataRouteTests {
    private let fixture: APIFixture
    private let series = "venue=binance&symbol=BTCUSDT&resolution=1m"

    init() async throws { fixture = try await APIFixture() }

    @Test func `candles are given with their basis and the place to go on`() async throws {
        let response = try await fixture.call(
            "GET", "/data/candles?\(series)&from=60000&to=600000&after=5&limit=9", as: "ann")
        #expect(response.status == 200)
        #expect(fixture.host.calls == ["candles binance/BTCUSDT/1m 60000 600000 5 9"])
        #expect(response.json["basis"] == .string("1m") && response.json["next"] == .string("540000"))
        let items = response.json["items"]?.arrayValue ?? []
        #expect(items.count == 9)
        #expect(
            items.first?.text
                == #"{"time":0,"open":"2","high":"2.5","low":"1","close":"2","volume":"7"}"#)
        let none = try await fixture.call("GET", "/data/candles?venue=other&symbol=X&resolution=4h")
        #expect(none.json["basis"] == .null && none.json["items"] == .array([]))
        #expect(fixture.host.calls.last == "candles other/X/4h -1 -1 -1 1000")
    }

    @Test func `a series comes as a file, piece by piece`() async throws {
        let response = try await fixture.call(
            "GET", "/data/candles.csv.gz?\(series)&from=60000&to=600000", as: "ann")
        #expect(response.status == 200)
        #expect(response.headers["content-type"] == "application/gzip")
        #expect(
            response.headers["content-disposition"] == "attachment; filename=\"binance-BTCUSDT-1m.csv.gz\"")
        #expect(response.body == (0..<(1 << 20)).map { UInt8($0 >> 8 & 255) })
        #expect(fixture.host.calls == ["export binance/BTCUSDT/1m 60000 600000"])
        #expect(
            try await fixture.call("GET", "/data/candles.csv.gz?venue=a&symbol=X&resolution=1m").status
                == 404)
    }

    @Test(
        "what is wrong is told by its field",
        arguments: [
            ("/data/candles?symbol=X&resolution=1m", "venue"),
            ("/data/candles?venue=a/b&symbol=X&resolution=1m", "venue"),
            ("/data/candles?venue=a&symbol=X&resolution=1x", "resolution"),
            ("/data/candles?venue=a&symbol=X&resolution=1m&limit=10001", "limit"),
            ("/data/candles?venue=a&symbol=X&resolution=1m&limit=0", "limit"),
            ("/data/candles?venue=a&symbol=X&resolution=1m&from=-1", "from"),
            ("/data/candles?venue=a&symbol=X&resolution=1m&to=253402300800000", "to"),
            ("/data/candles?venue=a&symbol=X&resolution=1m&tail=1", "tail"),
            ("/data/candles.csv.gz?venue=a&symbol=X%22&resolution=1m", "symbol"),
            ("/data/candles.csv.gz?venue=a&symbol=X&resolution=1m&limit=1", "limit"),
            ("/data/gaps?venue=a&resolution=1m", "symbol"), ("/data/latest?symbol=%20", "symbol"),
        ])
    func wrong(_ path: String, _ field: String) async throws {
        let response = try await fixture.call("GET", path)
        #expect(response.status == 400 && response.field == field, "\(response.message ?? "")")
        #expect(fixture.host.calls.isEmpty)
    }

    @Test func `the newest candles can be asked for by venue and symbol`() async throws {
        let response = try await fixture.call("GET", "/data/latest?symbol=BTCUSDT")
        let item = response.json["items"]?.arrayValue?.first
        #expect(item?["venue"] == .string("binance") && item?["candle"]?["time"] == .integer(540_000))
        #expect(try await fixture.call("GET", "/data/latest?venue=none").json["items"] == .array([]))
        #expect(
            try await fixture.call("GET", "/data/gaps?\(series)").json["counts"]?["missing"]?["gaps"]
                == .integer(0))
        #expect(try await fixture.call("GET", "/data/gaps?venue=a&symbol=X&resolution=1m").status == 404)
    }

    @Test func `a file comes as a form, named by itself or by fields, or as it is`() async throws {
        func form(_ parts: [(head: String, content: String)]) async throws -> RawClient.Response {
            let text = parts.map {
                "--b\r\nContent-Disposition: form-data; \($0.head)\r\n\r\n\($0.content)\r\n"
            }
            return try await fixture.call(
                "POST", "/data/import", headers: ["Content-Type: multipart/form-data; boundary=b"],
                body: Array((text.joined() + "--b--\r\n").utf8))
        }
        let file = (head: #"name="file"; filename="binance-BTCUSDT-5m.2024.csv""#, content: "time_ms,open")
        #expect(try await form([file]).status == 200)
        #expect(try await form([(head: "name=\"symbol\"", content: "ETHUSDT"), file]).status == 200)
        let raw = try await fixture.call(
            "POST", "/data/import?\(series)", headers: ["Content-Type: application/octet-stream"],
            body: Array("time_ms".utf8))
        #expect(raw.status == 200 && raw.json["added"] == .integer(0))
        #expect(
            fixture.host.calls == [
                "import binance/BTCUSDT/5m 12 by root", "import binance/ETHUSDT/5m 12 by root",
                "import binance/BTCUSDT/1m 7 by root",
            ])
        let unnamed = try await form([(head: #"name="file"; filename="x.csv""#, content: "time_ms")])
        #expect(unnamed.status == 400 && unnamed.field == "venue")
        #expect(try await form([(head: "name=\"nonsense\"", content: "1")]).field == "nonsense")
        #expect(try await form([(head: "name=\"venue\"", content: "a")]).field == "file")
        let zip = try await fixture.call(
            "POST", "/data/import?\(series)", headers: ["Content-Type: application/zip"], body: [1])
        #expect(zip.status == 415)
        let wrong = try await fixture.call(
            "POST", "/data/import?\(series)", headers: ["Content-Type: application/octet-stream"],
            body: Array("x".utf8))
        #expect(wrong.status == 400 && wrong.field == "file")
    }

    @Test func `only operators change what is stored`() async throws {
        let path = "/data/series/binance/BTCUSDT/1m"
        for (method, path, json) in [
            ("PATCH", path, #"{"keep_days":3}"#), ("DELETE", path, nil), ("POST", "/data/import", nil),
        ] {
            let response = try await fixture.call(method, path, as: "ann", json: json)
            #expect(response.status == 403, "\(method) \(path)")
        }
        #expect(fixture.host.calls.isEmpty)
        #expect(try await fixture.call("DELETE", path).status == 200)
        #expect(try await fixture.call("DELETE", "/data/series/binance/BTCUSDT/2m").status == 404)
        for wrong in ["{}", #"{"keep_days":0}"#, #"{"keep_days":"3"}"#] {
            #expect(try await fixture.call("PATCH", path, json: wrong).field == "keep_days", "\(wrong)")
        }
        for right in [#"{"keep_days":null}"#, #"{"keep_days":36500}"#] {
            #expect(try await fixture.call("PATCH", path, json: right).status == 503)
        }
        #expect(
            fixture.host.calls == [
                "delete binance/BTCUSDT/1m by root", "keep binance/BTCUSDT/1m 0 by root",
                "keep binance/BTCUSDT/1m 36500 by root",
            ])
    }
}
