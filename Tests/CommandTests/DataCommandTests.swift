import Glibc
import TestSupport
import Testing
import Wire

@testable import bullpen

@Suite("Data commands", .serialized)
struct DataCommandTests {
    private let line: CommandLineFixture
    private var data: String { line.home + "/data" }

    init() throws { line = try CommandLineFixture() }

    private func data(_ words: String...) async throws -> ChildProcess.Ending {
        try await line.start(["data"] + words + ["--data", data]).finish()
    }

    @Test func `candles go in, are looked at, and come out as they were`() async throws {
        let rows = [0, 1, 2, 4, 7, 8, 9].map { "\($0 * 60000),2,3,1,2.5,\($0)" }
        let text = "time_ms,open,high,low,close,volume\n" + rows.joined(separator: "\n") + "\n"
        let file = line.write("kraken-BTCUSDT-1m.csv", text)
        let none = try await data("list")
        #expect(none.code == 0 && none.output.contains("No candles are stored in \(data): "))
        #expect(try await data("verify").code == 2)
        let first = try await data("import", file)
        #expect(first.code == 0, "\(first.errors)")
        #expect(
            first.output
                == "kraken/BTCUSDT/1m: 7 added, 0 there already, 0 replaced, 0 refused, 0 rows left out\n")
        let again = try await data("import", file, "--json")
        let result = try JSONParser.parse(again.output)["items"]?.arrayValue?.first?["result"]
        #expect(result?["unchanged"] == .integer(7) && result?["added"] == .integer(0))
        let list = try await data("list", "--json")
        let series = try JSONParser.parse(list.output)["items"]?.arrayValue?.first
        #expect(series?["candles"] == .integer(7) && series?["absent"] == .integer(3))
        let gaps = try await data("gaps", "kraken/BTCUSDT/1m")
        #expect(gaps.output.contains("missing: 0 gaps, 0 candles; unasked: 2 gaps, 3 candles"))
        let verified = try await data("verify")
        #expect(verified.code == 0 && verified.output == "kraken/BTCUSDT/1m: 7 candles, sound\n")
        let out = line.home + "/out.csv"
        #expect(try await data("export", "kraken/BTCUSDT/1m", out).code == 0)
        #expect(line.text(of: out) == text)
        #expect(try await data("export", "kraken/BTCUSDT/5m", out, "--to", "1970-01-02").code == 0)
        #expect(
            line.text(of: out).split(separator: "\n").dropFirst() == ["0,2,3,1,2.5,7", "300000,2,3,1,2.5,24"])
        #expect(try await data("retain", "kraken/BTCUSDT/1m", "1").output.contains("7 candles went"))
        #expect(try await data("delete", "kraken/BTCUSDT/1m").code == 0)
        #expect(try await data("delete", "kraken/BTCUSDT/1m").code == 2)
    }

    @Test func `wrong rows are told and left out, or stop a strict import`() async throws {
        let file = line.write(
            "candles.csv",
            "time_ms,open,high,low,close,volume\n60000,1,1,1,1,1\nx\n120000,2,1,1,1,1\n180000,1,1,1,1,1\n")
        let unnamed = try await data("import", file)
        #expect(unnamed.code == 64 && unnamed.errors.contains("give --venue"))
        let named = ["--venue", "v", "--symbol", "X", "--resolution", "1m"]
        let lenient = try await line.start(["data", "import", file, "--data", data] + named).finish()
        #expect(lenient.code == 0)
        #expect(lenient.output.contains("2 added, 0 there already, 0 replaced, 0 refused, 2 rows left out"))
        #expect(
            lenient.output.contains("line 3: has 1 fields")
                && lenient.output.contains("line 4: high must not"))
        let strict = try await line.start(["data", "import", file, "--strict", "--data", data] + named)
            .finish()
        #expect(strict.code == 1 && strict.errors.contains("line 3"))
        #expect(strict.errors.split(separator: "\n").count == 1)
    }

    @Test(
        "a wrong word ends with its code",
        arguments: [
            "64 data", "64 data gaps", "64 data gaps binance", "64 data gaps a/b/1x", "64 data import",
            "64 data export a/b/1m", "64 data retain a/b/1m 0", "64 data retain a/b/1m many",
            "2 data import /nonexistent-BTC-1m.csv --venue v", "2 data gaps a/b/1m",
            "2 data export a/b/1m /tmp/x.csv",
            "64 data gaps a/b/1m --from yesterday", "64 data gaps a/b/1m --from 2024-02-31",
        ])
    func codes(_ text: String) async throws {
        let words = text.split(separator: " ").map { String($0) }
        let at = words.count > 2 ? ["--data", data] : []
        let ending = try await line.start(Array(words.dropFirst()) + at).finish()
        #expect("\(ending.code)" == words[0], "\(ending.errors)")
        #expect(ending.errors.split(separator: "\n").count == 1, "\(ending.errors)")
    }

    @Test func `a line of progress has bar, count, rate and time left`() {
        #expect(
            ProgressLine.text("import", 157_680, "bars", fraction: 0.3, seconds: 2, withBar: true)
                == "import  [######··············]   30 %  157,680 bars  78,840 bars/s  5 s left")
        #expect(
            ProgressLine.text("export", 999, "bars", fraction: nil, seconds: 0.1, withBar: true)
                == "export  999 bars")
        #expect(
            ProgressLine.text("x", 100, "bars", fraction: 0.01, seconds: 100, withBar: false)
                == "x    1 %  100 bars  1 bars/s  2 h 45 min left")
        #expect(
            [0, 12, 1234, 1_234_567].map { ProgressLine.grouped($0) } == ["0", "12", "1,234", "1,234,567"])
    }
}
