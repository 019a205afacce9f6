/// A system call that a strategy was refused.
public struct Violation: Hashable, Sendable, CustomStringConvertible {
    /// The rule that it broke.
    public let rule: SandboxRule
    /// Its name, such as `socket`.
    public let systemCall: String
    /// Its arguments as a person would write them, such as `AF_INET, SOCK_STREAM`.
    public let arguments: String
    /// Whether only an attacker makes it, so that the strategy was killed.
    public let isFatal: Bool

    /// Describes a refused call.
    public init(rule: SandboxRule, systemCall: String, arguments: String, isFatal: Bool) {
        self.rule = rule
        self.systemCall = systemCall
        self.arguments = arguments
        self.isFatal = isFatal
    }

    /// A call made as on another kind of machine, for which the kernel itself kills.
    public static let foreignCall = Violation(
        rule: .foreignCalls, systemCall: "foreign call", arguments: "", isFatal: true)

    /// The call with its arguments, as in `socket(AF_INET, SOCK_STREAM)`.
    public var call: String { rule == .foreignCalls ? systemCall : "\(systemCall)(\(arguments))" }

    /// The call, the rule and what to do instead, in one sentence.
    public var description: String { "\(call): \(rule.words): \(rule.advice)" }
}
