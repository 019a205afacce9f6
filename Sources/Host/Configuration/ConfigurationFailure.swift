/// One thing that is wrong with the configuration, in one line for the operator.
public struct ConfigurationFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The setting's name such as `server.port`; empty when the text itself is at fault.
    public let setting: String
    /// Where it was set: a file and line, a variable, a flag.
    public let origin: String
    /// What is wrong and what is allowed.
    public let reason: String

    /// Where it is, which setting, and what is wrong.
    public var description: String {
        "\(origin): \(setting.isEmpty ? "" : "\(setting) ")\(reason)"
    }
}

/// Everything that is wrong with the configuration, never empty.
public struct ConfigurationFailures: Error, Sendable, CustomStringConvertible {
    /// What is wrong, in the order it was found.
    public let all: [ConfigurationFailure]

    /// The first fault and how many more there are, in one line.
    public var description: String {
        guard let first = all.first else { return "the configuration is not usable" }
        return all.count == 1 ? first.description : "\(first) (and \(all.count - 1) more)"
    }
}
