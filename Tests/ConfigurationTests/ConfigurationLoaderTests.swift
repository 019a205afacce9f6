import Testing
import Trading

@testable import Host

@Suite("Configuration")
struct ConfigurationLoaderTests {
    private func load(
        _ text: String = "", environment: [String: String] = [:], assignments: [String] = []
    ) throws -> LoadedConfiguration {
        var loader = ConfigurationLoader()
        loader.take(text: Array(text.utf8), calledBy: "bullpen.toml")
        loader.take(environment: environment)
        for assignment in assignments { loader.take(assignment: assignment) }
        return try loader.load()
    }

    private func refusal(
        _ text: String = "", environment: [String: String] = [:], assignments: [String] = []
    ) -> String? {
        do {
            _ = try load(text, environment: environment, assignments: assignments)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `the written defaults read back as the defaults`() throws {
        let loaded = try load(ConfigurationFile.text())
        #expect(loaded.configuration == Configuration())
        #expect(loaded.origins.count == Setting.all.count)
    }

    @Test func `every stored property has one line in the table`() {
        let properties = Mirror(reflecting: Configuration()).children
            .map { Mirror(reflecting: $0.value).children.count }.reduce(0, +)
        #expect(properties == Setting.all.count)
        #expect(Set(Setting.all.map(\.name)).count == Setting.all.count)
    }

    @Test(arguments: Setting.all.map(\.name))
    func `each setting can be set by file, by variable and by flag, and reaches its own place`(
        name: String
    ) throws {
        let setting = try #require(Setting.all.first { $0.name == name })
        let text: String
        let value: SettingValue
        switch setting.kind {
        case .integer(let range): (text, value) = ("\(range.lowerBound)", .integer(range.lowerBound))
        case .decimal(let range): (text, value) = ("\(range.lowerBound)", .decimal(range.lowerBound))
        case .boolean: (text, value) = ("true", .boolean(true))
        case .text(.address): (text, value) = ("127.0.0.2", .text("127.0.0.2"))
        case .text(.symbol): (text, value) = ("INR", .text("INR"))
        case .text(.url): (text, value) = ("ws://[::1]:9/a", .text("ws://[::1]:9/a"))
        case .text: (text, value) = ("/a \"b\" c", .text("/a \"b\" c"))
        case .texts: (text, value) = ("XRPUSDT", .texts(["XRPUSDT"]))
        case .duration(let range):
            (text, value) = (DurationText(range.upperBound).description, .duration(range.upperBound))
        case .choice(let words): (text, value) = (words.last ?? "", .text(words.last ?? ""))
        }
        // Settings that only make sense together get their partner.
        let partners = [
            "server.tls_certificate": "server.tls_key=/k", "server.tls_key": "server.tls_certificate=/c",
            "strategy.heartbeat_interval": "strategy.heartbeat_timeout=2h",
            "strategy.max_memory_mb": "strategy.memory_mb=16",
            "strategy.max_cpu_share": "strategy.cpu_share=0.01",
        ]
        let partner = partners[name].map { [$0] } ?? []
        let file = "[\(setting.section)]\n\(setting.key) = \(value.fileText) # why\n"
        let readings = [
            try load(file, assignments: partner),
            try load(environment: [setting.variable: text], assignments: partner),
            try load(assignments: partner + ["\(name)=\(text)"]),
        ]
        for loaded in readings {
            #expect(setting.value(in: loaded.configuration) == value)
            #expect(loaded.origins[name] != nil)
        }
    }

    @Test func `flags go before variables, variables before the file`() throws {
        let file = "[server]\nport = 1001\nupload_limit = 100_000\n[log]\nlevel = 'debug'\n"
        let loaded = try load(
            file, environment: ["BULLPEN_SERVER_PORT": "1002", "BULLPEN_LOG_LEVEL": "error"],
            assignments: ["server.port=1003"])
        #expect(loaded.configuration.server.port == 1003)
        #expect(loaded.configuration.log.level == .error)
        #expect(loaded.configuration.server.uploadLimitBytes == 100_000)
        #expect(loaded.origins["server.port"] == "--set")
        #expect(loaded.origins["log.level"] == "BULLPEN_LOG_LEVEL")
        #expect(loaded.origins["server.upload_limit"] == "bullpen.toml:3")
    }

    @Test(arguments: [
        (
            "[server]\nport = 99999",
            "bullpen.toml:2: server.port is 99999; allowed: whole numbers from 1 to 65535"
        ),
        (
            "[server]\nlisten = \"\\u+12e\"",
            "bullpen.toml:2: an escape that is no character"
        ),
        (
            "[server]\nport = \"80\"",
            "bullpen.toml:2: server.port is \"80\"; allowed: whole numbers from 1 to 65535"
        ),
        (
            "[server]\nprot = 1",
            "bullpen.toml:2: server.prot is not a known setting; did you mean server.port?"
        ),
        (
            "[log]\nlevel = \"loud\"",
            "bullpen.toml:2: log.level is \"loud\"; allowed: debug, info, warning, error"
        ),
        ("[log]\nlevel = \"info\"\nlevel = \"info\"", "bullpen.toml:3: log.level stands twice"),
        ("port = 1", "bullpen.toml:1: port stands before the first [section]"),
        ("[server]\nlisten = \"127.0.0.1", "bullpen.toml:2: a string without an end"),
        ("[server]\nport = ", "bullpen.toml:2: a value is missing"),
        ("[server]\nport = 1 2", "bullpen.toml:2: there is more on the line than one key and its value"),
        ("[a.b]\n", "bullpen.toml:1: dotted names are not taken; use a [section]"),
        ("[market]\nsymbols = [1]", "bullpen.toml:2: an array holds strings in quotation marks"),
        ("[market]\nsymbols = [\n\"A\",\n\"B\" \"C\"]", "bullpen.toml:4: expected , or ] in the array"),
    ])
    func `a wrong line is refused with its place, the value and what is allowed`(
        text: String, message: String
    ) {
        #expect(refusal(text) == message)
    }

    @Test func `a wrong variable and a wrong flag are refused by name`() {
        #expect(
            refusal(environment: ["BULLPEN_SERVER_PROT": "1"])
                == "BULLPEN_SERVER_PROT: is not a known setting; did you mean BULLPEN_SERVER_PORT?")
        #expect(
            refusal(assignments: ["paper.maker_fee=lots"])
                == "--set: paper.maker_fee is \"lots\"; allowed: decimals from -0.01 to 0.1")
        #expect(refusal(environment: ["BULLPEN_SERVER": "http://x", "BULLPEN_TOKEN": "t"]) == nil)
    }

    @Test func `what does not fit together is refused`() {
        #expect(
            refusal(assignments: ["server.listen=0.0.0.0"])?.contains("needs server.tls_certificate") == true)
        #expect(refusal(assignments: ["server.listen=0.0.0.0", "server.behind_proxy=true"]) == nil)
        #expect(refusal(assignments: ["server.tls_key=/k"])?.contains("belong together") == true)
        #expect(
            refusal(assignments: ["strategy.memory_mb=8192"])?.contains("at most strategy.max_memory_mb")
                == true)
        #expect(
            refusal(assignments: ["strategy.heartbeat_timeout=5s"])
                == "--set: strategy.heartbeat_timeout is 5s; allowed: more than strategy.heartbeat_interval, 5s"
        )
    }

    @Test func `all faults are told, the first in words and the rest by number`() throws {
        var loader = ConfigurationLoader()
        loader.take(text: Array("[server]\nport = 0\nprot = 1\n".utf8), calledBy: "f")
        do {
            _ = try loader.load()
            Issue.record("the configuration was taken")
        } catch {
            #expect(error.all.count == 2)
            #expect("\(error)".hasSuffix("(and 1 more)"))
        }
    }

    @Test(arguments: [("250ms", 250), ("30s", 30_000), ("10m", 600_000), ("12h", 43_200_000)])
    func `lengths of time are read and written`(text: String, milliseconds: Int) {
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
        #expect(DurationText(.milliseconds(milliseconds)).description == text)
    }

    @Test(arguments: ["", "5", "s", "-5s", "5 s", "1.5s", "9999999999s", "5d"])
    func `what is no length of time is none`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }
}
