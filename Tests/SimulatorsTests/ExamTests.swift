import Foundation
import Simulators
import TestSupport
import Testing

/// Clients that others wrote act as users of the simulators: ccxt, by an exam that is not ours.
@Suite("Exam by ccxt")
struct ExamTests {
    private static let package = URL(filePath: Places.package)
    private static let exam = package.deletingLastPathComponent().appending(
        path: "shared/exchanges/ccxt_exam.py"
    ).path
    private static let python = package.appending(path: ".build/test-runtimes/exchange-clients/bin/python")
        .path

    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: exam),
            "the exam is not at hand: ../shared/exchanges/ccxt_exam.py"),
        .enabled(
            if: FileManager.default.fileExists(atPath: python),
            "ccxt is not at hand: scripts/test installs it into .build/test-runtimes/exchange-clients"),
        arguments: [(SimulatedExchange.binance, ["--strict"], 51), (.coinspot, [], 25)])
    func `every step passes`(exchange: SimulatedExchange, options: [String], steps: Int) async throws {
        var configuration = SimulatorConfiguration(exchange)
        configuration.port = 0
        configuration.keys = [SimulatorKey(key: "exam-key", secret: "exam-secret")]
        let simulator = try await Simulator.start(configuration)
        let address = "http://127.0.0.1:\(simulator.port)"
        let ending = try await ChildProcess.run(
            Self.python,
            [
                "-B", Self.exam, "--exchange", exchange.rawValue, "--base-url", address, "--fault-url",
                address + "/_control/next",
            ] + options,
            environment: ["PATH": "/usr/bin:/bin", "NO_PROXY": "127.0.0.1"])
        await simulator.stop()
        let failed = ending.output.split(separator: "\n").filter { !$0.hasPrefix("PASS") }
        #expect(ending.code == 0, "\(failed.joined(separator: "\n")) \(ending.errors)")
        #expect(
            ending.output.contains("TOTAL \(steps) pass, 0 fail, 0 skip"), "\(failed.joined(separator: "\n"))"
        )
    }
}
