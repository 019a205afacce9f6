import Host
import Testing
import Wire

extension HostTests {
    @Suite("Validation") struct ValidationTests {
        @Test func `broken Python has line, message and the offending line, and is not taken in`()
            async throws
        {
            try await HostFixture.run { fixture in
                let upload = BundleUpload(
                    content: Array("from bullpen import Strategy\n\nclass Trial(Strategy)\n    pass\n".utf8),
                    fileName: "trial.py", name: "trial")
                let report = try await fixture.host.validate(upload)
                #expect(!report.isValid)
                let problem = try #require(report.problems.first)
                #expect(problem.code == "syntax")
                #expect(problem.line == 3)
                #expect(problem.source == "class Trial(Strategy)")
                #expect(problem.message.contains("expected ':'"), "\(problem.message)")
                await #expect(throws: HostError.refused(report)) {
                    _ = try await fixture.host.upload(upload, by: "ada")
                }
                #expect(try await fixture.host.strategies(owner: nil, page: PageRequest()).items.isEmpty)
            }
        }

        @Test func `what is wrong with a bundle is named`() async throws {
            try await HostFixture.run { fixture in
                let source = "from bullpen import Strategy\\nclass T(Strategy): pass\\n"
                let cases = [
                    (
                        #"z.writestr("strategy.py", "\#(source)"); z.writestr("../evil.py", "x")"#,
                        "unsafe_name", "../evil.py"
                    ),
                    (
                        #"z.writestr("strategy.py", "\#(source)"); z.writestr("strategy.json", '{"lookbak_period": 5}')"#,
                        "invalid_config", "lookbak_period"
                    ),
                    (
                        #"z.writestr("strategy.py", "\#(source)"); z.writestr("requirements.txt", "requests==2.31.0\n")"#,
                        "requirement", "requests"
                    ),
                    (
                        #"z.writestr("strategy.py", "\#(source)"); z.writestr("strategy.json", '{"memory_mb": 99999}')"#,
                        "invalid_config", "memory_mb"
                    ),
                    (
                        #"z.writestr("strategy.py", "x = 1\n")"#, "strategy_class_missing",
                        "class MyStrategy(Strategy)"
                    ),
                ]
                for (script, code, name) in cases {
                    let report = try await fixture.host.validate(
                        BundleUpload(
                            content: try await Bundles.zip(script), fileName: "trial.zip", name: "trial"))
                    #expect(report.problems.map(\.code) == [code], "\(report.problems)")
                    let words = report.problems.map { "\($0.field ?? "") \($0.message)" }.joined()
                    #expect(words.contains(name), "\(words)")
                }
            }
        }

        @Test func `a strategy that is right says what it will run with`() async throws {
            try await HostFixture.run(
                settings: [
                    "strategy.memory_mb=128", "strategy.restart_intensity=2", "strategy.restart_period=60s",
                ]
            ) { fixture in
                let report = try await fixture.host.validate(
                    BundleUpload(
                        content: Array("from bullpen import Strategy\nclass Trial(Strategy): pass\n".utf8),
                        fileName: "trial.py", name: "trial"))
                #expect(report.isValid)
                // What the file leaves open is the operator's to say.
                #expect(report.config?["memory_mb"] == .integer(128))
                #expect(report.config?["restart"]?["intensity"] == .integer(2))
                #expect(report.config?["restart"]?["period_seconds"] == .integer(60))
                #expect(report.config?["profile"] == .string("python"))
            }
        }
    }
}
