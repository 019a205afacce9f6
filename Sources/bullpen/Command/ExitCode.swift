/// What a program that calls `bullpen` may rely on.
enum ExitCode: Int32, Sendable, CaseIterable {
    case ok = 0
    case error = 1
    case notFound = 2
    case notRunning = 3
    case badConfiguration = 4
    case timeout = 5
    case usage = 64

    var meaning: String {
        switch self {
        case .ok: "done"
        case .error: "it failed; the reason is on standard error"
        case .notFound: "there is no such strategy, user, file, …"
        case .notRunning: "the strategy or the host is not running"
        case .badConfiguration: "the configuration is wrong"
        case .timeout: "it took too long"
        case .usage: "the command line is wrong"
        }
    }
}

/// Why a command ends without having done its work: one line for standard error and a code for programs.
struct CommandFailure: Error, Sendable {
    let code: ExitCode
    let message: String

    init(_ code: ExitCode, _ message: String) {
        self.code = code
        self.message = message
    }

    static func usage(_ message: String) -> CommandFailure { CommandFailure(.usage, message) }
}
