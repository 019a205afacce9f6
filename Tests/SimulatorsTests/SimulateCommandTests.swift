import Foundation
import TestSupport
import Testing
import Wire

/// The verb as a user calls it.
@Suite("bullpen simulate")
struct SimulateCommandTests {
    private static let program = Places.products + "/bullpen"

    private func run(_ words: String...) async throws -> ChildProcess.Ending {
        try await ChildProcess.run(Self.program, ["simulate"] + words)
    }

    @Test func `it says where it is, serves, and ends when it is told to`() async throws {
        let folder = Places.makeTemporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let accounts = folder + "/accounts.json"
        try Data(#"[{"key":"k","secret":"s","rights":["read"]}]"#.utf8).write(to: URL(filePath: accounts))
        let child = try ChildProcess(
            Self.program,
            [
                "simulate", "coindcx", "--port", "0", "--control", "0", "--accounts", accounts, "--json",
                "--balance",
                "INR=5", "--fault", #"{"kind":"latency","ms":1}"#, "--set", "status_lag_ms=5",
            ], environment: [:])
        let told = try await onThread { try JSONParser.parse(child.readLine() ?? "null") }
        func port(_ name: String) throws -> Int {
            let address = try #require(told[name]?.stringValue)
            return try #require(address.split(separator: ":").last.flatMap { Int($0.prefix { $0.isNumber }) })
        }
        let (own, control) = (try port("address"), try port("control"))
        #expect(own != control)
        try await onThread {
            let ticker = try Client(port: own).request("GET", "/exchange/ticker")
            #expect(ticker.status == 200)
            #expect(try Client(port: own).request("GET", "/_control").status == 404)
            let books = try Client(port: control).books()
            #expect(books["balances"]?["INR"]?["total"] == .string("5"))
            #expect(
                try Client(port: control).control("GET", "/faults")["rules"]?[0]?["kind"]
                    == .string("latency"))
        }
        child.send(signal: SIGTERM)
        #expect(await child.finish().code == 0)
    }

    @Test func `its settings are listed with their meaning`() async throws {
        for exchange in ["binance", "coindcx", "coinspot"] {
            let ending = try await run(exchange, "--settings")
            #expect(ending.code == 0)
            #expect(ending.output.contains("clock_offset_ms"))
            #expect(ending.output.contains("unsure"))
        }
    }

    @Test func `what it cannot do is said in one line`() async throws {
        let unknown = try await run("kraken")
        #expect(unknown.code == 64)
        #expect(unknown.errors.contains("binance, coindcx, coinspot"))
        let setting = try await run("binance", "--port", "0", "--set", "colour=blue")
        #expect(setting.code == 4)
        #expect(setting.errors.contains("colour"))
        let file = try await run("binance", "--port", "0", "--candles", "/nowhere/BTCUSDT-5m.csv")
        #expect(file.code == 1)
        #expect(file.errors.contains("/nowhere/BTCUSDT-5m.csv"))
    }
}
