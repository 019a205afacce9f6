public import Trading
public import Wire

/// What `strategy.json` says, with every default filled in.
public struct StrategyConfig: Hashable, Sendable {
    /// The strategy's name, unique for its owner; nil when the file gives none.
    public var name: String?
    /// The author's short code for it.
    public var code: String?
    /// Who wrote it.
    public var author: String?
    /// What it does, for people.
    public var description: String?
    /// The market as the author wrote it: `BTCUSDT`, `BTC/USDT` or `B-BTC_USDT`.
    public var pair: String
    /// The candles it is given.
    public var resolution: Resolution
    /// How many closed candles it is given first, as history.
    public var lookbackPeriod: Int
    /// How many times its equity a position may be, on a margin account.
    ///
    /// See ``effectiveLeverage(isSpot:)``.
    public var leverage: FixedDecimal
    /// The fraction of equity that one trade puts at risk.
    public var riskPerTrade: FixedDecimal
    /// The currency it counts in.
    public var marginCurrency: String
    /// The distance of a stop loss, in average true ranges.
    public var stopLossMultiplier: FixedDecimal
    /// The distance of a take profit, in average true ranges.
    public var takeProfitMultiplier: FixedDecimal
    /// How many positions it may have open.
    public var maximumPositions: Int
    /// The fraction of equity after whose loss in one day it may open nothing more.
    public var maximumDailyLoss: FixedDecimal
    /// What the author's code reads by name: strings, numbers, truth values and lists of them.
    public var customParameters: [Parameter]
    /// What they may be, as far as the author says; each is about one of ``customParameters``.
    public var parameterRanges: [ParameterRange]
    /// The file to start; nil leaves the choice to ``StrategyBundle/entry(configured:)``.
    public var entry: String?
    /// The kind; nil follows the entry.
    public var kind: StrategyKind?
    /// The sandbox profile; nil follows kind and requirements.
    public var profile: String?
    /// When it is started again.
    public var restart: Restart
    /// What happens to its open orders when it dies.
    public var ordersAtDeath: OrdersAtDeath
    /// What happens to the stop-losses and take-profits that the host holds for it.
    public var bracketsAtDeath: BracketsAtDeath
    /// Its memory in MiB.
    public var memoryMegabytes: Int
    /// The share of one processor core.
    public var cpuShare: FixedDecimal
    /// How it is started, where its profile gives the choice.
    public var start: StartMode

    /// When and how often a strategy is started again.
    public struct Restart: Hashable, Sendable {
        /// After which ends it is started again.
        public var policy: RestartPolicy
        /// More starts than this within the period, and the strategy is quarantined.
        public var intensity: Int
        /// The period that the intensity counts in.
        public var periodSeconds: Int

        /// Sets a policy.
        public init(policy: RestartPolicy = .permanent, intensity: Int = 5, periodSeconds: Int = 600) {
            self.policy = policy
            self.intensity = intensity
            self.periodSeconds = periodSeconds
        }
    }

    /// One of the author's own parameters.
    public struct Parameter: Hashable, Sendable {
        /// What the code asks for it by.
        public let name: String
        /// What it is set to.
        public let value: JSONValue

        /// Names a value.
        public init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// The configuration of a bundle without strategy.json.
    public init(bounds: ConfigBounds = ConfigBounds()) {
        pair = "BTCUSDT"
        resolution = Resolution(milliseconds: 60_000)
        lookbackPeriod = 100
        leverage = FixedDecimal(10)
        riskPerTrade = FixedDecimal("0.01")!
        marginCurrency = "USDT"
        stopLossMultiplier = FixedDecimal(2)
        takeProfitMultiplier = FixedDecimal(3)
        maximumPositions = 1
        maximumDailyLoss = FixedDecimal("0.05")!
        customParameters = []
        parameterRanges = []
        restart = Restart(
            intensity: bounds.defaultRestartIntensity, periodSeconds: bounds.defaultRestartPeriodSeconds)
        ordersAtDeath = .cancel
        bracketsAtDeath = .keep
        memoryMegabytes = bounds.defaultMemoryMegabytes
        cpuShare = bounds.defaultCPUShare
        start = .warm
    }

    /// The fields of strategy.json, in the order in which they are written.
    public static let fieldNames = [
        "name", "code", "author", "description", "pair", "resolution", "lookback_period", "leverage",
        "risk_per_trade", "margin_currency", "sl_atr_multiplier", "tp_atr_multiplier", "max_positions",
        "max_daily_loss", "custom_params", "parameter_ranges", "entry", "kind", "profile", "restart",
        "orders_at_death",
        "brackets_at_death", "memory_mb", "cpu_share", "start",
    ]

    /// The pair as the host's instruments are called: `B-BTC_USDT` and `btc/usdt` are `BTCUSDT`.
    public var symbol: String { Self.symbol(ofPair: pair) }

    /// A pair as the host's instruments are called.
    ///
    /// One letter and a hyphen in front name a venue in the older platform's spelling and fall away.
    public static func symbol(ofPair pair: String) -> String {
        var rest = Substring(pair)
        if rest.count > 2, rest.dropFirst().first == "-", rest.contains("_") { rest = rest.dropFirst(2) }
        return rest.filter { $0.isLetter || $0.isNumber }.uppercased()
    }

    /// The leverage that holds on an account: a spot account has none, whatever is asked.
    public func effectiveLeverage(isSpot: Bool) -> FixedDecimal { isSpot ? .one : leverage }

    /// What the author should know about this configuration on such an account.
    public func warnings(isSpot: Bool) -> [String] {
        guard isSpot, leverage > .one else { return [] }
        return ["leverage is \(leverage), but a spot account has none: it acts as 1"]
    }

    /// The configuration with the parameters given at the start in place of its own.
    ///
    /// - Parameter parameters: An object, or null for none. A parameter that strategy.json also gives must be of the
    ///   same kind, and lie in its range where it has one.
    public func merging(parameters: JSONValue) throws(FieldFailure) -> StrategyConfig {
        var merged = self
        for given in try ConfigReader.parameters(parameters, path: "parameters") {
            let index = merged.customParameters.firstIndex { $0.name == given.name }
            guard let index else {
                merged.customParameters.append(given)
                continue
            }
            let kind = merged.customParameters[index].value.kind
            guard given.value.kind == kind else {
                throw FieldFailure(
                    field: "parameters.\(given.name)", reason: "must be \(kind), not \(given.value.kind)")
            }
            let range = parameterRanges.first { $0.name == given.name }
            if let flaw = range?.flaw(of: given.value) {
                throw FieldFailure(field: "parameters.\(given.name)", reason: flaw)
            }
            merged.customParameters[index] = given
        }
        guard merged.customParameters.count <= ConfigReader.maximumParameters else {
            throw FieldFailure(
                field: "parameters", reason: "make more than \(ConfigReader.maximumParameters) together")
        }
        return merged
    }

    /// Refuses parameters that `custom_params` does not name, where it names any: most likely one is misspelt, and the run
    /// would go by the usual value of another.
    ///
    /// Code whose strategy.json has no `custom_params` may read any name with a default of its own; nothing is refused then.
    ///
    /// - Parameter parameters: An object, or null for none; what is no object is left to ``merging(parameters:)``.
    public func checkNames(of parameters: JSONValue) throws(FieldFailure) {
        guard !customParameters.isEmpty, case .object(let members) = parameters else { return }
        for member in members where !customParameters.contains(where: { $0.name == member.name }) {
            throw unknownParameter(field: "parameters.\(member.name.prefix(64))")
        }
    }

    /// What is said of a parameter that `custom_params` does not name; the names that it has stand in the reason.
    public func unknownParameter(field: String) -> FieldFailure {
        let names = customParameters.map(\.name)
        let listed = names.prefix(20).joined(separator: ", ")
        let rest = names.count > 20 ? " and \(names.count - 20) more" : ""
        return FieldFailure(
            field: field,
            reason: "is not in custom_params of strategy.json, which has "
                + (names.isEmpty ? "none" : listed + rest))
    }

    /// The parameters as an object, for `hello.parameters`.
    public var parametersJSON: JSONValue {
        .object(customParameters.map { JSONValue.Member($0.name, $0.value) })
    }

    /// The ranges as an object; nil when there are none.
    private var rangesJSON: JSONValue? {
        parameterRanges.isEmpty
            ? nil : .object(parameterRanges.map { JSONValue.Member($0.name, $0.json) })
    }

    /// The configuration in the form of strategy.json, every default written out, for `hello.config` and the API.
    ///
    /// Decimals are plain JSON numbers here, as authors write them in the file.
    public var json: JSONValue {
        func number(_ value: FixedDecimal) -> JSONValue { .number(value.description) }
        return .members([
            "name": name.map { .string($0) }, "code": code.map { .string($0) },
            "author": author.map { .string($0) }, "description": description.map { .string($0) },
            "pair": .string(pair), "resolution": .string(resolution.description),
            "lookback_period": .integer(lookbackPeriod), "leverage": number(leverage),
            "risk_per_trade": number(riskPerTrade), "margin_currency": .string(marginCurrency),
            "sl_atr_multiplier": number(stopLossMultiplier),
            "tp_atr_multiplier": number(takeProfitMultiplier),
            "max_positions": .integer(maximumPositions), "max_daily_loss": number(maximumDailyLoss),
            "custom_params": parametersJSON, "parameter_ranges": rangesJSON,
            "entry": entry.map { .string($0) },
            "kind": kind.map { .string($0.rawValue) }, "profile": profile.map { .string($0) },
            "restart": .members([
                "policy": .string(restart.policy.rawValue), "intensity": .integer(restart.intensity),
                "period_seconds": .integer(restart.periodSeconds),
            ]),
            "orders_at_death": .string(ordersAtDeath.rawValue),
            "brackets_at_death": .string(bracketsAtDeath.rawValue), "memory_mb": .integer(memoryMegabytes),
            "cpu_share": number(cpuShare), "start": .string(start.rawValue),
        ])
    }
}
