import FoundationEssentials
public import Wire

/// A configuration and where each of its values came from.
public struct LoadedConfiguration: Sendable {
    /// The values.
    public let configuration: Configuration
    /// Where a setting got its value, by name; a setting that is missing here has its default.
    public let origins: [String: String]

    /// Every setting with its value and origin, as JSON.
    public var json: JSONValue {
        .object(
            Setting.all.map { setting in
                JSONValue.Member(
                    setting.name,
                    .members([
                        "value": setting.value(in: configuration).json,
                        "default": setting.defaultValue.json,
                        "origin": .string(origins[setting.name] ?? "default"),
                        "allowed": .string(setting.kind.allowed),
                        "explanation": .string(
                            setting.explanation.split(separator: "\n").joined(separator: " ")),
                    ]))
            })
    }
}

/// Puts a configuration together: defaults, then the file, then the environment, then flags.
public struct ConfigurationLoader {
    private var configuration = Configuration()
    private var origins: [String: String] = [:]
    private var failures: [ConfigurationFailure] = []

    /// Starts from the defaults.
    public init() {}

    /// Takes the settings of the file at `path`.
    public mutating func take(file path: String) {
        let bytes: [UInt8]
        do {
            bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch {
            return fail("", path, "cannot be read")
        }
        take(text: bytes, calledBy: path)
    }

    /// Takes the settings of a file's content.
    public mutating func take(text: [UInt8], calledBy name: String) {
        let entries: [TOMLEntry]
        do {
            entries = try TOMLReader.entries(of: text)
        } catch {
            return fail("", "\(name):\(error.line)", error.reason)
        }
        for entry in entries {
            let origin = "\(name):\(entry.line)"
            guard let setting = known("\(entry.section).\(entry.key)", origin: origin) else { continue }
            guard let value = setting.kind.value(of: entry.value) else {
                refuse(setting, entry.value.shown, origin: origin)
                continue
            }
            put(value, setting, origin: origin)
        }
    }

    /// Takes every `BULLPEN_<SECTION>_<KEY>` variable. Variables of other names are left alone.
    public mutating func take(environment: [String: String]) {
        let sections = Setting.sections.map { "BULLPEN_\($0.key.uppercased())_" }
        for (name, text) in environment.sorted(by: { $0.key < $1.key })
        where sections.contains(where: { name.hasPrefix($0) }) {
            guard let setting = Setting.all.first(where: { $0.variable == name }) else {
                let nearest = NearestName.of(name, among: Setting.all.map(\.variable))
                fail("", name, "is not a known setting" + Self.question(nearest))
                continue
            }
            take(text, for: setting, origin: name)
        }
    }

    /// Takes one `section.key=value`, as given on the command line.
    ///
    /// - Parameter origin: How the operator wrote it, such as `--set` or `--port`.
    public mutating func take(assignment: String, origin: String = "--set") {
        guard let mark = assignment.firstIndex(of: "=") else {
            return fail("", origin, "\"\(assignment)\" is not section.key=value")
        }
        let name = String(assignment[..<mark])
        guard let setting = known(name, origin: origin) else { return }
        take(String(assignment[assignment.index(after: mark)...]), for: setting, origin: origin)
    }

    /// The configuration, when all of it is allowed and fits together.
    public func load() throws(ConfigurationFailures) -> LoadedConfiguration {
        // Values that were refused would only cause talk about their defaults.
        let all = failures.isEmpty ? contradictions : failures
        guard all.isEmpty else { throw ConfigurationFailures(all: all) }
        return LoadedConfiguration(configuration: configuration, origins: origins)
    }

    private mutating func take(_ text: String, for setting: Setting, origin: String) {
        guard let value = setting.kind.value(of: text) else {
            return refuse(setting, "\"\(text.prefix(80))\"", origin: origin)
        }
        put(value, setting, origin: origin)
    }

    private mutating func put(_ value: SettingValue, _ setting: Setting, origin: String) {
        setting.put(value, into: &configuration)
        origins[setting.name] = origin
    }

    private mutating func known(_ name: String, origin: String) -> Setting? {
        if let setting = Setting.all.first(where: { $0.name == name }) { return setting }
        let nearest = NearestName.of(name, among: Setting.all.map(\.name))
        fail(name, origin, "is not a known setting" + Self.question(nearest))
        return nil
    }

    private mutating func refuse(_ setting: Setting, _ shown: String, origin: String) {
        fail(setting.name, origin, "is \(shown); allowed: \(setting.kind.allowed)")
    }

    private mutating func fail(_ setting: String, _ origin: String, _ reason: String) {
        failures.append(ConfigurationFailure(setting: setting, origin: origin, reason: reason))
    }

    private static func question(_ nearest: String?) -> String {
        nearest.map { "; did you mean \($0)?" } ?? ""
    }

    /// What is allowed by itself but not together.
    private var contradictions: [ConfigurationFailure] {
        let (server, strategy) = (configuration.server, configuration.strategy)
        var found: [ConfigurationFailure] = []
        func check(_ holds: Bool, _ name: String, _ reason: String) {
            guard !holds else { return }
            found.append(
                ConfigurationFailure(setting: name, origin: origins[name] ?? "default", reason: reason))
        }
        check(
            server.tlsCertificate.isEmpty == server.tlsKey.isEmpty, "server.tls_certificate",
            "and server.tls_key belong together: set both or neither")
        check(
            server.isLoopback || server.usesTLS || server.isBehindProxy, "server.listen",
            "is \"\(server.listen)\", which others can reach: that needs server.tls_certificate and "
                + "server.tls_key, or server.behind_proxy")
        check(
            strategy.memoryMebibytes <= strategy.maximumMemoryMebibytes, "strategy.memory_mb",
            "is \(strategy.memoryMebibytes); allowed: at most strategy.max_memory_mb, "
                + "\(strategy.maximumMemoryMebibytes)")
        check(
            strategy.cpuShare <= strategy.maximumCPUShare, "strategy.cpu_share",
            "is \(strategy.cpuShare); allowed: at most strategy.max_cpu_share, \(strategy.maximumCPUShare)")
        check(
            strategy.heartbeatInterval < strategy.heartbeatTimeout, "strategy.heartbeat_timeout",
            "is \(DurationText(strategy.heartbeatTimeout)); allowed: more than strategy.heartbeat_interval, "
                + "\(DurationText(strategy.heartbeatInterval))")
        return found
    }
}

extension TOMLValue {
    fileprivate var shown: String {
        switch self {
        case .bare(let text): String(text.prefix(80))
        case .string(let text): "\"\(text.prefix(80))\""
        case .strings(let texts):
            "[\(texts.prefix(8).map { "\"\($0.prefix(40))\"" }.joined(separator: ", "))]"
        }
    }
}
