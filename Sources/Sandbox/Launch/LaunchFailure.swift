internal import Posix

/// Why a strategy was not started. Nothing of it is left behind then.
public struct LaunchFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of reason it is.
    public enum Code: String, Hashable, Sendable {
        /// The kernel, or the host's rights, lack a layer that the profile requires.
        case layerMissing = "layer_missing"
        /// The profile, or what was asked beside it, cannot be carried out.
        case profileRefused = "profile_refused"
        /// The runtime is not installed.
        case runtimeMissing = "runtime_missing"
        /// The machine would not give what was needed.
        case systemLimit = "system_limit"
        /// A step of the plan failed.
        case stepFailed = "step_failed"
        /// The launcher did not answer in time.
        case timedOut = "timed_out"
    }

    /// What programs switch on.
    public let code: Code
    /// The layer or the step, such as `mount tmpfs`.
    public let step: String
    /// The reason in words, with what to do.
    public let reason: String

    /// Describes a strategy that was not started.
    public init(code: Code, step: String, reason: String) {
        self.code = code
        self.step = step
        self.reason = reason
    }

    init(_ step: String, _ error: SystemCallError) {
        self.init(code: .systemLimit, step: step, reason: error.description)
    }

    /// The step and the reason.
    public var description: String { "\(step): \(reason)" }
}
