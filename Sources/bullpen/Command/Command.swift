/// One verb of the command line: what it is called, what it takes, what it does.
///
/// To add one: a file in `Commands/` and a line in ``all``.
struct Command: Sendable {
    /// One or two words, such as `status` or `token create`.
    let name: String
    let group: Group
    /// One line for the list of verbs.
    let summary: String
    /// What else a user should know, in whole sentences.
    var details = ""
    var operands: [Operand] = []
    var options: [Option] = []
    /// Whether it talks to a running host, and so takes `--server`.
    var usesServer = true
    let run: @Sendable (Invocation) async throws -> Void

    /// How verbs are put together in the help.
    enum Group: String, CaseIterable, Sendable {
        case strategies = "Strategies"
        case watching = "Watching"
        case trading = "Trading"
        case lab = "The Lab"
        case data = "Market data"
        case access = "Access"
        case host = "The host"
    }

    /// A word that stands without a dash.
    struct Operand: Sendable {
        enum Count: Sendable { case one, optional, any }

        let name: String
        let explanation: String
        var count = Count.one

        var usage: String {
            switch count {
            case .one: "<\(name)>"
            case .optional: "[\(name)]"
            case .any: "[\(name) …]"
            }
        }
    }

    /// A word that begins with a dash.
    struct Option: Sendable {
        /// The long name without its dashes.
        let name: String
        var short: Character?
        /// What stands behind it in the help; nil for a switch that takes nothing.
        var value: String?
        var isRepeatable = false
        let explanation: String

        var usage: String {
            let long = "--\(name)" + (value.map { " <\($0)>" } ?? "")
            return short.map { "-\($0), \(long)" } ?? "    \(long)"
        }

        static func flag(_ name: String, short: Character? = nil, _ explanation: String) -> Option {
            Option(name: name, short: short, explanation: explanation)
        }

        static func value(_ name: String, _ value: String, short: Character? = nil, _ explanation: String)
            -> Option
        {
            Option(name: name, short: short, value: value, explanation: explanation)
        }
    }

    /// What every verb takes.
    static let commonOptions: [Option] = [
        .flag("json", "Write JSON for programs."),
        .flag("help", short: "h", "Say how the verb is used."),
    ]

    /// What every verb takes that talks to a host.
    static let serverOptions: [Option] = [
        .value(
            "server", "url", "The host's address; otherwise BULLPEN_SERVER, otherwise http://127.0.0.1:8080."),
        .flag("plain-http", "Send the token to another machine without encryption."),
    ]

    var allOptions: [Option] {
        options + (usesServer ? Self.serverOptions : []) + Self.commonOptions
    }
}
