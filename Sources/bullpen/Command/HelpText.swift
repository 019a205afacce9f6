/// Help, made from the verbs' own tables.
enum HelpText {
    static func overview(_ commands: [Command]) -> String {
        var lines = [
            "bullpen: a sandboxed strategy host.", "", "Usage: bullpen <verb> [operands] [options]",
        ]
        let width = commands.map(\.name.count).max() ?? 0
        for group in Command.Group.allCases {
            lines += ["", group.rawValue]
            for command in commands where command.group == group {
                lines.append("  \(padded(command.name, width))  \(command.summary)")
            }
        }
        lines += [
            "", "`bullpen <verb> --help` says how a verb is used. Every verb takes --json.", "", "Exit codes",
        ]
        for code in ExitCode.allCases {
            lines.append("  \(padded("\(code.rawValue)", 2))  \(code.meaning)")
        }
        return lines.joined(separator: "\n")
    }

    static func of(_ command: Command) -> String {
        let usage = ["Usage: bullpen", command.name] + command.operands.map(\.usage) + ["[options]"]
        var lines = [command.summary, "", usage.joined(separator: " ")]
        if !command.details.isEmpty { lines += ["", command.details] }
        if !command.operands.isEmpty {
            lines += [""] + columns(command.operands.map { ($0.name, $0.explanation) })
        }
        lines += ["", "Options"] + columns(command.allOptions.map { ($0.usage, $0.explanation) })
        return lines.joined(separator: "\n")
    }

    private static func columns(_ rows: [(String, String)]) -> [String] {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { "  \(padded($0.0, width))  \($0.1)" }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
