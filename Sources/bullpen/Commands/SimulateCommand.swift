import FoundationEssentials
import Posix
import Simulators
import Trading
import Wire

extension Command {
    static let simulate = Command(
        name: "simulate", group: .host,
        summary: "Run an exchange that is not there, to try strategies and faults on.",
        details: """
            Speaks the exchange's own HTTP and WebSocket protocol on this machine, with play money, over prices of the
            simulated market or of candle files, and goes wrong in every way you order. Point the host, or any client of
            that exchange, at its address. docs/SIMULATORS.md tells all of it; GET /_control on its port lists what can be
            ordered and looked at. Without --accounts and without BULLPEN_SIMULATOR_KEY and BULLPEN_SIMULATOR_SECRET the key
            is simulator-key and its secret simulator-secret.
            """,
        operands: [Operand(name: "exchange", explanation: "binance, coindcx or coinspot.")],
        options: [
            .value("listen", "address", "The numeric address to listen on; otherwise 127.0.0.1."),
            .value(
                "port", "number",
                "The port; 0 takes a free one. Otherwise 8090 binance, 8091 coinspot, 8092 coindcx."),
            .value(
                "control", "port",
                "A port of its own for /_control; otherwise it is beside the exchange's paths."),
            .value("seed", "number", "Names the market and the faults' chance; otherwise 1."),
            Option(
                name: "candles", value: "file", isRepeatable: true,
                explanation: "Prices of a CSV file such as BTCUSDT-5m.csv.gz, moved to now."),
            .value(
                "past", "number",
                "How many candles of each file lie before now; otherwise half of them, 1,000 at most."),
            .value("accounts", "file", "The accounts and their API keys: JSON, see docs/SIMULATORS.md."),
            Option(
                name: "balance", value: "currency=amount", isRepeatable: true,
                explanation: "Play money of each account, instead of the usual."),
            .value("fees-in", "base|quote", "What buyers pay fees in; otherwise as the exchange does."),
            .value("maker-fee", "fraction", "Charged on what waited, such as 0.001."),
            .value("taker-fee", "fraction", "Charged on what came, such as 0.001."),
            .value(
                "faults", "file", "Faults from the start: a JSON array, as POST /_control/faults takes it."),
            Option(
                name: "fault", value: "json", isRepeatable: true,
                explanation: "One fault from the start, such as '{\"kind\":\"latency\",\"ms\":200}'."),
            Option(
                name: "set", value: "name=value", isRepeatable: true,
                explanation: "A setting of the exchange; --settings lists them."),
            .flag("settings", "List what can be set, and end."),
        ], usesServer: false
    ) { invocation in
        let exchange = try exchange(invocation)
        guard !invocation.has("settings") else { return listSettings(exchange, invocation) }
        let configuration = try configuration(exchange, invocation)
        let signals = try Signals()
        let simulator: Simulator
        do throws(SimulatorFailure) {
            simulator = try await Simulator.start(configuration)
        } catch {
            throw CommandFailure(error.code == .configuration ? .badConfiguration : .error, error.description)
        }
        greet(configuration, simulator, invocation)
        _ = try await signals.next()
        await simulator.stop()
    }

    private static func exchange(_ invocation: Invocation) throws(CommandFailure) -> SimulatedExchange {
        let word = invocation.operand("exchange")
        guard let exchange = SimulatedExchange(rawValue: word) else {
            let all = SimulatedExchange.allCases.map(\.rawValue).joined(separator: ", ")
            throw .usage("simulate: \"\(word.prefix(64))\" is not simulated; there are \(all)")
        }
        return exchange
    }

    private static func listSettings(_ exchange: SimulatedExchange, _ invocation: Invocation) {
        let settings = exchange.settingLines
        guard !invocation.wantsJSON else {
            let items = settings.map {
                JSONValue.members([
                    "name": .string($0.name), "values": .string($0.values), "standard": .string($0.standard),
                    "explanation": .string($0.explanation),
                ])
            }
            return Console.say(JSONValue.members(["items": .array(items)]).text)
        }
        var table = Table([.left("NAME"), .left("VALUES"), .left("USUALLY"), .left("MEANING")])
        for row in settings { table.add([row.name, row.values, row.standard, row.explanation]) }
        for line in table.lines { Console.say(line) }
    }

    private static func configuration(
        _ exchange: SimulatedExchange, _ invocation: Invocation
    ) throws(CommandFailure) -> SimulatorConfiguration {
        var configuration = SimulatorConfiguration(exchange)
        configuration.address = invocation.value("listen") ?? configuration.address
        configuration.port = try invocation.integer("port", in: 0...65_535) ?? configuration.port
        configuration.controlPort = try invocation.integer("control", in: 0...65_535)
        configuration.seed = UInt64(try invocation.integer("seed", in: 0...Int.max) ?? 1)
        configuration.candles = invocation.all("candles")
        configuration.past = try invocation.integer("past", in: 1...100_000_000)
        configuration.keys = try keys(invocation)
        for pair in invocation.all("balance") {
            let (currency, text) = try halves(pair, of: "balance")
            guard let amount = FixedDecimal(text), !amount.isNegative else {
                throw .usage("simulate: --balance \(pair) has no amount")
            }
            configuration.balances[currency] = amount
        }
        for pair in invocation.all("set") { configuration.settings.append(try halves(pair, of: "set")) }
        if let word = invocation.value("fees-in") {
            guard ["base", "quote"].contains(word) else {
                throw .usage("simulate: --fees-in is base or quote")
            }
            configuration.takesFeesInBase = word == "base"
        }
        configuration.makerFee = try fee("maker-fee", invocation)
        configuration.takerFee = try fee("taker-fee", invocation)
        if let path = invocation.value("faults") {
            guard let faults = try json(file: path).arrayValue else {
                throw CommandFailure(.badConfiguration, "\(path): must be an array of faults")
            }
            configuration.faults = faults
        }
        for text in invocation.all("fault") { configuration.faults.append(try json(text, "--fault")) }
        return configuration
    }

    private static func halves(_ pair: String, of option: String) throws(CommandFailure) -> (
        name: String, value: String
    ) {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else {
            throw .usage("simulate: --\(option) \(pair.prefix(64)) is not name=value")
        }
        return (String(parts[0]), String(parts[1]))
    }

    private static func fee(_ option: String, _ invocation: Invocation) throws(CommandFailure)
        -> FixedDecimal?
    {
        guard let text = invocation.value(option) else { return nil }
        guard let fee = FixedDecimal(text), fee < .one, !fee.isNegative else {
            throw .usage("simulate: --\(option) is a fraction such as 0.001")
        }
        return fee
    }

    private static func keys(_ invocation: Invocation) throws(CommandFailure) -> [SimulatorKey] {
        if let path = invocation.value("accounts") {
            let value = try json(file: path)
            do throws(FieldFailure) {
                return try SimulatorKey.list(value)
            } catch {
                throw CommandFailure(.badConfiguration, "\(path)\(error.description)")
            }
        }
        let environment = ProcessInfo.processInfo.environment
        return [
            SimulatorKey(
                key: environment["BULLPEN_SIMULATOR_KEY"] ?? "simulator-key",
                secret: environment["BULLPEN_SIMULATOR_SECRET"] ?? "simulator-secret")
        ]
    }

    private static func json(file path: String) throws(CommandFailure) -> JSONValue {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw CommandFailure(.notFound, "\(path) cannot be read: \(error)")
        }
        return try json(text, path)
    }

    private static func json(_ text: String, _ name: String) throws(CommandFailure) -> JSONValue {
        do throws(JSONParser.Failure) {
            return try JSONParser.parse(text)
        } catch {
            throw CommandFailure(.badConfiguration, "\(name): \(error)")
        }
    }

    private static func greet(
        _ configuration: SimulatorConfiguration, _ simulator: Simulator, _ invocation: Invocation
    ) {
        let host = configuration.address.contains(":") ? "[\(configuration.address)]" : configuration.address
        let address = "http://\(host):\(simulator.port)"
        let control = "http://127.0.0.1:\(simulator.controlPort)/_control"
        guard !invocation.wantsJSON else {
            return Console.say(
                JSONValue.members([
                    "exchange": .string(configuration.exchange.rawValue), "address": .string(address),
                    "control": .string(control),
                ]).text)
        }
        Console.say("\(configuration.exchange.rawValue) is simulated at \(address)")
        Console.say("Faults are ordered and the books are open at \(control)")
        Console.say("Ready. Control-C stops it.")
    }
}
