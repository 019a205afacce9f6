public import Wire

/// How the limits of a running strategy are kept, in words.
public struct EnforcementView: Hashable, Sendable {
    public var memory: String
    public var cpu: String
    public var processes: String
    /// Whose user id it has on this machine.
    public var user: String
    /// What is not promised, such as `CPU share`.
    public var notPromised: [String]

    /// Describes how limits are kept.
    public init(memory: String, cpu: String, processes: String, user: String, notPromised: [String]) {
        self.memory = memory
        self.cpu = cpu
        self.processes = processes
        self.user = user
        self.notPromised = notPromised
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "memory": .string(memory), "cpu": .string(cpu), "processes": .string(processes),
            "user": .string(user), "not_promised": .array(notPromised.map { .string($0) }),
        ])
    }
}
