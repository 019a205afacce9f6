import FoundationEssentials

/// The text of a configuration file: every setting with its value, what it does and what is allowed above it.
public struct ConfigurationFile {
    /// The text for `configuration`.
    public static func text(of configuration: Configuration = Configuration()) -> String {
        var lines = [
            "# The configuration of Bullpen. Every setting stands here with its default; change what you like and",
            "# start the host again. `bullpen config check` reads it without starting.",
            "# A variable such as BULLPEN_SERVER_PORT or a flag such as --set server.port=9090 goes before this file.",
        ]
        for (section, explanation) in Setting.sections {
            lines += ["", ""]
            lines += comment(explanation)
            lines.append("[\(section)]")
            for setting in Setting.all where setting.section == section {
                lines.append("")
                lines += comment(setting.explanation)
                lines += comment("Allowed: \(setting.kind.allowed).")
                lines.append("\(setting.key) = \(setting.value(in: configuration).fileText)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The text of `.env.example`: every variable, commented out, with its default.
    public static var environmentExample: String {
        var lines = [
            "# Variables that override bullpen.toml. Copy to a file that systemd or your shell reads, and take the",
            "# marks away from the lines you need. Lists are separated by commas.",
        ]
        for setting in Setting.all {
            lines.append("")
            lines += comment(setting.explanation)
            let value: String
            switch setting.defaultValue {
            case .text(let text): value = text
            case .texts(let texts): value = texts.joined(separator: ",")
            case .duration(let duration): value = DurationText(duration).description
            case .integer, .decimal, .boolean: value = setting.defaultValue.fileText
            }
            lines.append("#\(setting.variable)=\(value)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Writes the defaults to `path`, unless a file stands there already.
    ///
    /// - Returns: Whether the file was written.
    /// - Throws: What the file system says.
    public static func writeDefaults(to path: String) throws -> Bool {
        do {
            try Data(text().utf8).write(to: URL(filePath: path), options: .withoutOverwriting)
            return true
        } catch let error as CocoaError where error.code == .fileWriteFileExists {
            return false
        }
    }

    private static func comment(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "#" : "# \($0)" }
    }
}
