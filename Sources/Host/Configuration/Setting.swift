import Trading

/// One setting: its name, what is allowed, what it does, and where its value lies in a ``Configuration``.
public struct Setting: Sendable {
    /// The section it stands in, such as `server`.
    public let section: String
    /// Its key in that section, such as `port`.
    public let key: String
    /// What is allowed.
    public let kind: SettingKind
    /// What it does, in one or two sentences for the operator.
    public let explanation: String

    private let reads: @Sendable (Configuration) -> SettingValue
    private let writes: @Sendable (inout Configuration, SettingValue) -> Bool

    /// The full name, such as `server.port`.
    public var name: String { "\(section).\(key)" }

    /// The environment variable that overrides it, such as `BULLPEN_SERVER_PORT`.
    public var variable: String { "BULLPEN_\(section.uppercased())_\(key.uppercased())" }

    /// The value in `configuration`.
    public func value(in configuration: Configuration) -> SettingValue { reads(configuration) }

    /// The value when nobody sets another.
    public var defaultValue: SettingValue { reads(Configuration()) }

    /// Puts a checked value into `configuration`.
    func put(_ value: SettingValue, into configuration: inout Configuration) {
        let fits = writes(&configuration, value)
        precondition(fits, "\(name) was given a value of another kind than its own")
    }

    private init(
        _ name: String, _ kind: SettingKind, _ explanation: String,
        get: @escaping @Sendable (Configuration) -> SettingValue,
        set: @escaping @Sendable (inout Configuration, SettingValue) -> Bool
    ) {
        let parts = name.split(separator: ".")
        precondition(parts.count == 2, "a setting is called section.key")
        section = String(parts[0])
        key = String(parts[1])
        self.kind = kind
        self.explanation = explanation
        reads = get
        writes = set
    }
}

/// Where a setting's value lies.
typealias SettingPath<Value> = any WritableKeyPath<Configuration, Value> & Sendable

extension Setting {
    /// A whole number in a range.
    static func integer(
        _ name: String, _ path: SettingPath<Int>, _ range: ClosedRange<Int>, _ explanation: String
    ) -> Setting {
        Setting(name, .integer(range), explanation) {
            .integer($0[keyPath: path])
        } set: {
            guard case .integer(let value) = $1 else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    /// A decimal in a range, whose bounds are written as text.
    static func decimal(
        _ name: String, _ path: SettingPath<FixedDecimal>, _ lowest: String, _ highest: String,
        _ explanation: String
    ) -> Setting {
        guard let low = FixedDecimal(lowest), let high = FixedDecimal(highest) else {
            preconditionFailure("the range of \(name) is not made of decimals")
        }
        return Setting(name, .decimal(low...high), explanation) {
            .decimal($0[keyPath: path])
        } set: {
            guard case .decimal(let value) = $1 else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    /// True or false.
    static func boolean(_ name: String, _ path: SettingPath<Bool>, _ explanation: String) -> Setting {
        Setting(name, .boolean, explanation) {
            .boolean($0[keyPath: path])
        } set: {
            guard case .boolean(let value) = $1 else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    /// Text of some form.
    static func text(
        _ name: String, _ path: SettingPath<String>, _ form: TextForm, _ explanation: String
    ) -> Setting {
        Setting(name, .text(form), explanation) {
            .text($0[keyPath: path])
        } set: {
            guard case .text(let value) = $1 else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    /// A list of texts of some form.
    static func texts(
        _ name: String, _ path: SettingPath<[String]>, _ form: TextForm, atMost count: Int,
        _ explanation: String
    ) -> Setting {
        Setting(name, .texts(form, atMost: count), explanation) {
            .texts($0[keyPath: path])
        } set: {
            guard case .texts(let value) = $1 else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    /// A length of time in a range.
    static func duration(
        _ name: String, _ path: SettingPath<Duration>, _ range: ClosedRange<Duration>, _ explanation: String
    ) -> Setting {
        Setting(name, .duration(range), explanation) {
            .duration($0[keyPath: path])
        } set: {
            guard case .duration(let value) = $1 else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    /// One of a fixed set of words.
    static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String, _ path: SettingPath<Choice>, _ explanation: String
    ) -> Setting {
        Setting(name, .choice(Choice.allCases.map(\.rawValue)), explanation) {
            .text($0[keyPath: path].rawValue)
        } set: {
            guard case .text(let word) = $1, let value = Choice(rawValue: word) else { return false }
            $0[keyPath: path] = value
            return true
        }
    }
}
