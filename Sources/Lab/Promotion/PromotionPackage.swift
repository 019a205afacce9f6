import COpenSSL
public import Trading
public import Wire

/// What is deployed: a version with everything that its behaviour hangs on, under one hash.
///
/// Nothing in it ever changes. Another parameter, another fitted state or another runtime is another package.
public struct PromotionPackage: Hashable, Sendable {
    /// What a strategy runs in.
    public struct Runtime: Hashable, Sendable {
        /// The sandbox profile.
        public var profile: String
        /// The runtime's name, such as `scientific`.
        public var name: String
        /// What the runtime was made from; another stamp is another runtime.
        public var stamp: String
        /// The interpreter's version; nil for programs.
        public var python: String?
        /// Versions of packages by name.
        public var packages: [String: String]

        /// Describes a runtime.
        public init(
            profile: String, name: String, stamp: String, python: String? = nil,
            packages: [String: String] = [:]
        ) {
            self.profile = profile
            self.name = name
            self.stamp = stamp
            self.python = python
            self.packages = packages
        }

        /// What of `other` is not as here, in words; nil when nothing is.
        public func difference(from other: Runtime) -> String? {
            guard self != other else { return nil }
            if profile != other.profile { return "profile \(other.profile) in place of \(profile)" }
            if name != other.name { return "runtime \(other.name) in place of \(name)" }
            if python != other.python {
                return "Python \(other.python ?? "none") in place of \(python ?? "none")"
            }
            for package in Set(packages.keys).union(other.packages.keys).sorted()
            where packages[package] != other.packages[package] {
                return "\(package) \(other.packages[package] ?? "absent") in place of "
                    + (packages[package] ?? "absent")
            }
            return "runtime \(name) was made anew from other files"
        }
    }

    /// Candles that the figures are of.
    public struct Data: Hashable, Sendable {
        /// As in `binance BTCUSDT 1m`.
        public var series: String
        public var start: Timestamp
        public var end: Timestamp
        /// SHA-256 of the candles.
        public var hash: String

        /// Describes candles.
        public init(series: String, start: Timestamp, end: Timestamp, hash: String) {
            self.series = series
            self.start = start
            self.end = end
            self.hash = hash
        }
    }

    /// The strategy's id in the catalogue.
    public let strategy: String
    /// The hash of its bundle.
    public let version: String
    /// All parameters, an object, sorted by name.
    public let parameters: JSONValue
    /// What the strategy finds as its saved state at its first start: what it has learnt. Null for none.
    public let state: JSONValue
    public let runtime: Runtime
    /// The backtest that it was promoted for; nil when there was none.
    public let backtest: String?
    public let data: [Data]
    /// All of it but its hash, always in the same words: what the hash is of.
    public let manifest: JSONValue
    /// SHA-256 of ``manifest``, in 64 hexadecimal digits.
    public let hash: String

    /// Puts a package together.
    public init(
        strategy: String, version: String, parameters: JSONValue, state: JSONValue = .null,
        runtime: Runtime, backtest: String? = nil, data: [Data] = []
    ) {
        let parameters = Self.sorted(parameters)
        manifest = .members([
            "format": .integer(1), "strategy": .string(strategy), "version": .string(version),
            "parameters": parameters, "state": state, "runtime": runtime.json,
            "backtest": .optional(backtest), "data": .array(data.map(\.json)),
        ])
        hash = ContentHash.hexadecimal(of: manifest.bytes)
        self.strategy = strategy
        self.version = version
        self.parameters = parameters
        self.state = state
        self.runtime = runtime
        self.backtest = backtest
        self.data = data
    }

    /// An object's members in the order of their names, at every depth.
    private static func sorted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(
                members.map { JSONValue.Member($0.name, sorted($0.value)) }.sorted { $0.name < $1.name })
        case .array(let elements): .array(elements.map(sorted))
        case .null, .bool, .number, .string: value
        }
    }

    /// Whether two objects of parameters are the same, whatever their order.
    public static func areSame(_ one: JSONValue, _ other: JSONValue) -> Bool { sorted(one) == sorted(other) }

    /// The first parameter that is not as in the package, in words; nil when all are.
    public func difference(inParameters others: JSONValue) -> String? {
        let others = Self.sorted(others)
        guard others != parameters else { return nil }
        guard case .object(let mine) = parameters, case .object(let theirs) = others else {
            return "the parameters are not an object"
        }
        for name in Set(mine.map(\.name)).union(theirs.map(\.name)).sorted()
        where parameters[name] != others[name] {
            return
                "\(name) is \(others[name]?.text ?? "absent"), the package has \(parameters[name]?.text ?? "none")"
        }
        return "a parameter stands twice"
    }

    /// Reads ``manifest``.
    public init(manifest: JSONValue) throws(FieldFailure) {
        var reader = try ObjectReader(manifest)
        _ = try reader.integer("format", in: 1...1)
        let (strategy, version) = (try reader.string("strategy"), try reader.string("version"))
        let parameters = try reader.required("parameters")
        let state = reader.optional("state") ?? .null
        let runtime = try Runtime(try reader.required("runtime"))
        let backtest = try reader.optionalString("backtest")
        var data: [Data] = []
        for value in try reader.optionalArray("data", count: 64) ?? [] { data.append(try Data(value)) }
        try reader.finish()
        self.init(
            strategy: strategy, version: version, parameters: parameters, state: state, runtime: runtime,
            backtest: backtest, data: data)
    }
}

extension PromotionPackage.Runtime {
    var json: JSONValue {
        .members([
            "profile": .string(profile), "name": .string(name), "stamp": .string(stamp),
            "python": .optional(python),
            "packages": .object(packages.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }),
        ])
    }

    init(_ json: JSONValue) throws(FieldFailure) {
        var reader = try ObjectReader(json, path: "runtime")
        let (profile, name) = (try reader.string("profile"), try reader.string("name"))
        let (stamp, python) = (try reader.string("stamp"), try reader.optionalString("python"))
        guard case .object(let members) = try reader.required("packages") else {
            throw reader.failure("packages", "must be an object")
        }
        try reader.finish()
        self.init(
            profile: profile, name: name, stamp: stamp, python: python,
            packages: Dictionary(
                members.map { ($0.name, $0.value.stringValue ?? "") }, uniquingKeysWith: { _, last in last }))
    }
}

extension PromotionPackage.Data {
    var json: JSONValue {
        .members([
            "series": .string(series), "start": .time(start), "end": .time(end), "sha256": .string(hash),
        ])
    }

    init(_ json: JSONValue) throws(FieldFailure) {
        var reader = try ObjectReader(json, path: "data")
        self.init(
            series: try reader.string("series"), start: try reader.time("start"),
            end: try reader.time("end"), hash: try reader.string("sha256"))
        try reader.finish()
    }
}

/// SHA-256 of bytes in memory.
enum ContentHash {
    /// 64 lower-case hexadecimal digits.
    static func hexadecimal(of bytes: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        let result = unsafe digest.withUnsafeMutableBufferPointer { output in
            unsafe bytes.withUnsafeBytes { input in
                unsafe EVP_Digest(
                    input.baseAddress, input.count, output.baseAddress, nil, EVP_sha256(), nil)
            }
        }
        // Fails only without memory, as any allocation here would.
        precondition(result == 1)
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
