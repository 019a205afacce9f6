import Foundation
import Testing
import Trading
import Wire

@testable import Catalogue

@Suite("strategy.json")
struct StrategyConfigTests {
    private func read(
        _ text: String, bounds: ConfigBounds = ConfigBounds()
    ) -> (config: StrategyConfig, problems: [ValidationProblem]) {
        ConfigReader.read(Array(text.utf8), bounds: bounds)
    }

    @Test func `every field is read`() throws {
        let (config, problems) = read(
            """
            {"name":"My Bot","code":"BOT-1","author":"Ann","description":"two\\nlines","pair":"B-ETH_USDT",
             "resolution":"15m","lookback_period":250,"leverage":3,"risk_per_trade":"0.02",
             "margin_currency":"INR","sl_atr_multiplier":1.5,"tp_atr_multiplier":4,"max_positions":2,
             "max_daily_loss":0.1,"custom_params":{"fast":12,"name":"x","on":true,"levels":[1,2.5,"a"]},
             "entry":"bot.py","kind":"python","profile":"python-scientific",
             "restart":{"policy":"transient","intensity":2,"period_seconds":60},
             "orders_at_death":"flatten","memory_mb":256,"cpu_share":0.25}
            """)
        #expect(problems == [])
        #expect(config.name == "My Bot" && config.code == "BOT-1" && config.author == "Ann")
        #expect(config.symbol == "ETHUSDT" && config.resolution.description == "15m")
        #expect(config.lookbackPeriod == 250 && config.leverage == FixedDecimal(3))
        #expect(config.riskPerTrade == FixedDecimal("0.02")! && config.marginCurrency == "INR")
        #expect(config.stopLossMultiplier == FixedDecimal("1.5")!)
        #expect(config.takeProfitMultiplier == FixedDecimal(4) && config.maximumPositions == 2)
        #expect(config.maximumDailyLoss == FixedDecimal("0.1")!)
        #expect(config.customParameters.map(\.name) == ["fast", "name", "on", "levels"])
        #expect(config.restart == .init(policy: .transient, intensity: 2, periodSeconds: 60))
        #expect(config.ordersAtDeath == .flatten && config.memoryMegabytes == 256)
        #expect(config.cpuShare == FixedDecimal("0.25")!)
        // What it writes it reads again.
        let again = ConfigReader.read(config.json, bounds: ConfigBounds())
        #expect(again.problems == [] && again.config == config)
    }

    @Test func `an empty file gives the defaults of the issue`() {
        let (config, problems) = read("{}")
        #expect(problems == [])
        #expect(
            config.json.text
                == #"{"pair":"BTCUSDT","resolution":"1m","lookback_period":100,"leverage":10,"risk_per_trade":0.01,"margin_currency":"USDT","sl_atr_multiplier":2,"tp_atr_multiplier":3,"max_positions":1,"max_daily_loss":0.05,"custom_params":{},"restart":{"policy":"permanent","intensity":5,"period_seconds":600},"orders_at_death":"cancel","brackets_at_death":"keep","memory_mb":512,"cpu_share":0.5,"start":"warm"}"#
        )
    }

    @Test(
        "a wrong field is refused by name",
        arguments: [
            (#"{"name":""}"#, "name"), (#"{"name":5}"#, "name"), (#"{"name":"a\u0000b"}"#, "name"),
            (#"{"code":"a b"}"#, "code"), (#"{"author":"a\nb"}"#, "author"),
            (#"{"pair":"BTC USDT"}"#, "pair"),
            (#"{"pair":["BTCUSDT"]}"#, "pair"), (#"{"resolution":"1x"}"#, "resolution"),
            (#"{"resolution":1}"#, "resolution"), (#"{"lookback_period":-1}"#, "lookback_period"),
            (#"{"lookback_period":5001}"#, "lookback_period"),
            (#"{"lookback_period":1.5}"#, "lookback_period"),
            (#"{"lookback_period":"100"}"#, "lookback_period"), (#"{"leverage":0}"#, "leverage"),
            (#"{"leverage":126}"#, "leverage"), (#"{"leverage":true}"#, "leverage"),
            (#"{"leverage":1e400}"#, "leverage"), (#"{"risk_per_trade":0}"#, "risk_per_trade"),
            (#"{"risk_per_trade":1.01}"#, "risk_per_trade"), (#"{"risk_per_trade":"NaN"}"#, "risk_per_trade"),
            (#"{"margin_currency":"usdt"}"#, "margin_currency"),
            (#"{"sl_atr_multiplier":-1}"#, "sl_atr_multiplier"),
            (#"{"tp_atr_multiplier":101}"#, "tp_atr_multiplier"),
            (#"{"max_positions":0}"#, "max_positions"), (#"{"max_daily_loss":0}"#, "max_daily_loss"),
            (#"{"custom_params":[]}"#, "custom_params"),
            (#"{"custom_params":{"a":{"b":1}}}"#, "custom_params.a"),
            (#"{"custom_params":{"a":null}}"#, "custom_params.a"),
            (#"{"custom_params":{"a":[1,[2]]}}"#, "custom_params.a[1]"),
            (#"{"custom_params":{"a":1e999}}"#, "custom_params.a"),
            (#"{"custom_params":{"a b":1}}"#, "custom_params.a b"), (#"{"entry":"../x.py"}"#, "entry"),
            (#"{"kind":"java"}"#, "kind"), (#"{"profile":"root"}"#, "profile"),
            (#"{"restart":"always"}"#, "restart"), (#"{"restart":{"policy":"always"}}"#, "restart.policy"),
            (#"{"restart":{"intensity":-1}}"#, "restart.intensity"),
            (#"{"restart":{"period_seconds":0}}"#, "restart.period_seconds"),
            (#"{"restart":{"max":1}}"#, "restart.max"), (#"{"orders_at_death":"sell"}"#, "orders_at_death"),
            (#"{"brackets_at_death":"flatten"}"#, "brackets_at_death"),
            (#"{"memory_mb":4096}"#, "memory_mb"), (#"{"cpu_share":3}"#, "cpu_share"),
            (#"{"cpu_share":0.01}"#, "cpu_share"), (#"{"unknown":1}"#, "unknown"), (#"[]"#, "strategy.json"),
        ])
    func wrong(_ text: String, _ field: String) {
        let problems = read(text).problems
        #expect(problems.map(\.field) == [field], "\(problems)")
        #expect(problems.first?.code == .invalidConfig)
        #expect(problems.first?.message.hasPrefix(field) == true || field == "strategy.json")
    }

    @Test func `everything that is wrong is told at once`() {
        let problems = read(#"{"leverage":0,"max_positions":"x","colour":"red","kind":"java"}"#).problems
        #expect(Set(problems.map(\.field)) == ["leverage", "max_positions", "colour", "kind"])
    }

    @Test(
        "an unknown field names the known one that was probably meant",
        arguments: [
            ("lookback", "lookback_period"), ("resoltion", "resolution"), ("Leverage", "leverage"),
            ("maxPositions", "max_positions"), ("risk-per-trade", "risk_per_trade"), ("memory", "memory_mb"),
            ("custom_parameters", "custom_params"), ("stop_loss", nil), ("x", nil), ("colour", nil),
        ])
    func nearest(_ name: String, _ known: String?) {
        #expect(ConfigReader.nearest(to: name) == known)
    }

    @Test func `text that is not JSON is refused with its line`() {
        let problems = read("{\n  \"name\": \"a\",\n  \"leverage\": 1,\n  \"leverage\": 2\n}").problems
        #expect(problems.count == 1)
        #expect(problems[0].line == 4 && problems[0].message.contains("stands twice"))
        #expect(read("").problems.count == 1)
        #expect(read(String(repeating: "[", count: 70_000)).problems.count == 1)
    }

    @Test(
        "pairs in every spelling are one symbol",
        arguments: [
            "BTCUSDT", "BTC/USDT", "BTC_USDT", "BTC-USDT", "B-BTC_USDT", "btcusdt",
        ])
    func pairs(_ pair: String) {
        #expect(StrategyConfig.symbol(ofPair: pair) == "BTCUSDT")
    }

    @Test func `the margin currency follows the pair`() {
        #expect(read(#"{"pair":"BTCINR"}"#).config.marginCurrency == "INR")
        #expect(read(#"{"pair":"I-BTC_AUD"}"#).config.marginCurrency == "AUD")
        #expect(read(#"{"pair":"BTCINR","margin_currency":"USDT"}"#).config.marginCurrency == "USDT")
    }

    @Test func `leverage acts as 1 on a spot account, with a warning`() {
        let config = read(#"{"leverage":10}"#).config
        #expect(config.effectiveLeverage(isSpot: true) == .one)
        #expect(config.effectiveLeverage(isSpot: false) == FixedDecimal(10))
        #expect(
            config.warnings(isSpot: true) == ["leverage is 10, but a spot account has none: it acts as 1"])
        #expect(config.warnings(isSpot: false) == [])
        #expect(read(#"{"leverage":1}"#).config.warnings(isSpot: true) == [])
    }

    @Test func `parameters given at the start stand in place of the file's, of the same kind`() throws {
        let config = read(#"{"custom_params":{"fast":12,"slow":26}}"#).config
        let merged = try config.merging(parameters: try JSONParser.parse(#"{"slow":30,"extra":"x"}"#))
        #expect(merged.parametersJSON.text == #"{"fast":12,"slow":30,"extra":"x"}"#)
        #expect(try config.merging(parameters: .null) == config)
        let failure = #expect(throws: FieldFailure.self) {
            try config.merging(parameters: try JSONParser.parse(#"{"slow":"30"}"#))
        }
        #expect(failure?.field == "parameters.slow")
        #expect(throws: FieldFailure.self) { try config.merging(parameters: .array([])) }
    }

    @Test func `only a strategy that names no parameters may be given any`() throws {
        let given = JSONValue.members(["lookback": .integer(3)])
        #expect(throws: Never.self) { try read("{}").config.checkNames(of: given) }
        let config = read(#"{"custom_params":{"fast":12,"slow":26}}"#).config
        #expect(throws: Never.self) { try config.checkNames(of: .null) }
        #expect(throws: Never.self) { try config.checkNames(of: .members(["slow": .integer(3)])) }
        let failure = #expect(throws: FieldFailure.self) { try config.checkNames(of: given) }
        #expect(failure?.field == "parameters.lookback")
        #expect(failure?.reason == "is not in custom_params of strategy.json, which has fast, slow")
    }

    @Test func `many names of parameters are told in part`() {
        let names = (1...23).map { #""p\#($0)":1"# }.joined(separator: ",")
        let failure = read("{\"custom_params\":{\(names)}}").config.unknownParameter(field: "x")
        #expect(failure.reason.hasSuffix("p19, p20 and 3 more"))
    }

    @Test func `the schema holds the same fields and defaults as the reader`() throws {
        let text = try Data(contentsOf: URL(filePath: packageFolder + "/docs/schemas/strategy.schema.json"))
        let schema = try JSONParser.parse(Array(text))
        guard case .object(let properties)? = schema["properties"] else {
            Issue.record("the schema has no properties")
            return
        }
        #expect(properties.map(\.name) == StrategyConfig.fieldNames)
        let defaults = StrategyConfig().json
        for property in properties {
            guard let value = property.value["default"] else { continue }
            #expect(defaults[property.name] == value, "\(property.name)")
        }
        for edge in ["minimum", "maximum"] {
            for property in properties {
                guard case .number(let limit)? = property.value[edge] else { continue }
                let inside = read("{\"\(property.name)\":\(limit)}").problems
                #expect(inside == [], "\(property.name) at its \(edge)")
                let beyond = edge == "minimum" ? "-\(limit)1" : "\(limit)1"
                #expect(read("{\"\(property.name)\":\(beyond)}").problems.count == 1, "\(property.name)")
            }
        }
    }
}

/// The templates that are shipped, by folder name.
private let templates: [String] = {
    let folder = packageFolder + "/strategy-templates"
    let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
    return (names ?? []).filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)/strategy.json") }
        .sorted()
}()

@Suite("Templates in the catalogue")
struct TemplateTests {
    @Test("a template's strategy.json and Python files pass every check", arguments: templates)
    func passes(_ name: String) throws {
        let folder = packageFolder + "/strategy-templates/" + name
        var files: [StrategyBundle.File] = []
        for case let path as String in FileManager.default.enumerator(atPath: folder) ?? .init() {
            let kept = path.hasSuffix(".py") || path.hasSuffix(".json") || path.hasSuffix(".txt")
            guard kept, !path.contains("__pycache__") else { continue }
            files.append(
                .init(path: path, content: Array(try Data(contentsOf: URL(filePath: folder + "/" + path)))))
        }
        let bundle = StrategyBundle(files: files)
        let packages = ["numpy": "1.26.4", "pandas": "2.2.2", "scikit-learn": "1.5.0"]
        let inspection = BundleInspection(
            bundle, nameHint: name, bounds: ConfigBounds(), packages: ["python-scientific": packages])
        // A native template is built first; here only its program is missing.
        let problems = inspection.problems.filter { $0.code != .entryMissing || $0.field != "main" }
        #expect(problems == [])
        guard inspection.needsPythonCheck else { return }
        let check = PythonSyntaxCheck(bundle)
        let request = check.request(
            program: packageFolder + "/Sources/PythonSDK/check.py", folder: folder)
        let result = try Program.run("/usr/bin/python3", request.arguments)
        #expect(
            check.problems(output: result.output, errors: result.errors, end: .exited(code: result.code))
                == [])
    }
}

@Suite("Bundle inspection")
struct BundleInspectionTests {
    private static let packages = [
        "python-pandas": ["numpy": "1.26.4", "scipy": "1.13.0"],
        "python-scientific": ["numpy": "1.26.4", "scipy": "1.13.0"], "python": [:],
    ]

    private func inspect(_ files: [(String, String)], hint: String = "my bot.zip") -> BundleInspection {
        BundleInspection(
            StrategyBundle(files: files.map { .init(path: $0.0, content: Array($0.1.utf8)) }), nameHint: hint,
            bounds: ConfigBounds(), packages: Self.packages)
    }

    @Test func `name, entry, kind and profile are filled in`() {
        let plain = inspect([("strategy.py", "x")])
        #expect(plain.problems == [] && plain.needsPythonCheck)
        #expect(plain.config.name == "my bot" && plain.config.entry == "strategy.py")
        #expect(plain.config.kind == .python && plain.config.profile == "python")
        let small = inspect([("strategy.py", "x"), ("requirements.txt", "numpy>=1\n")])
        #expect(small.problems == [] && small.config.profile == "python-pandas")
        let scientific = inspect([("strategy.py", "x"), ("requirements.txt", "numpy\nscipy\n")])
        #expect(scientific.problems == [] && scientific.config.profile == "python-scientific")
        let none = inspect([("strategy.py", "x"), ("requirements.txt", "# nothing\n\n")])
        #expect(none.problems == [] && none.config.profile == "python")
    }

    @Test func `what does not fit together is refused`() {
        #expect(inspect([("a.txt", "x")]).problems.map(\.code) == [.entryMissing])
        let kind = inspect([("strategy.py", "x"), ("strategy.json", #"{"kind":"native"}"#)])
        #expect(kind.problems.map(\.field) == ["kind"])
        let profile = inspect([("strategy.py", "x"), ("strategy.json", #"{"profile":"native"}"#)])
        #expect(profile.problems.map(\.field) == ["profile"])
        let native = inspect([("main", "#!/bin/sh\n")])
        #expect(native.problems.map(\.code) == [.wrongProgram] && !native.needsPythonCheck)
        let bare = inspect([
            ("strategy.py", "x"), ("strategy.json", #"{"profile":"python"}"#), ("requirements.txt", "numpy"),
        ])
        #expect(bare.problems.map(\.code) == [.requirement])
        let both = inspect([("x.txt", ""), ("strategy.json", #"{"leverage":0,"entry":"y.py"}"#)])
        #expect(both.problems.map(\.code) == [.invalidConfig, .entryMissing])
    }
}
