import FoundationEssentials
import Glibc
import Host

/// The configuration as a command on this machine sees it: the file, the variables, the flags.
struct LocalConfiguration {
    let loaded: LoadedConfiguration
    /// The configuration file, whether it is there or not.
    let file: String
    let fileExists: Bool
    /// The data folder, absolute.
    let folder: String

    var configuration: Configuration { loaded.configuration }

    /// What every command that reads the configuration takes.
    static let options: [Command.Option] = [
        .value("data", "folder", "The data folder; ./var unless told otherwise."),
        .value(
            "config", "file", "The configuration file; bullpen.toml in the data folder unless told otherwise."
        ),
        Command.Option(
            name: "set", value: "section.key=value", isRepeatable: true,
            explanation: "Override one setting; may stand more than once."),
    ]

    /// Reads it all.
    ///
    /// - Parameter shortcuts: Flags that stand for a setting, such as `port` for `server.port`.
    init(_ invocation: Invocation, shortcuts: KeyValuePairs<String, String> = [:]) throws(CommandFailure) {
        for name in ["data", "config"] where invocation.value(name)?.isEmpty == true {
            // As of "$DATA" where nobody has set it: what was meant is not the folder that we happen to be in.
            throw .usage("--\(name) is empty")
        }
        let environment = ProcessInfo.processInfo.environment
        let chosen =
            invocation.value("data") ?? environment["BULLPEN_DATA_FOLDER"].flatMap { $0.isEmpty ? nil : $0 }
        let named = invocation.value("config") ?? environment["BULLPEN_CONFIG"]
        file = Self.absolute(named ?? (chosen ?? "var") + "/bullpen.toml")
        fileExists = FileManager.default.fileExists(atPath: file)
        guard fileExists || named == nil else {
            throw CommandFailure(.badConfiguration, "there is no configuration file \(file)")
        }
        var loader = ConfigurationLoader()
        if fileExists { loader.take(file: file) }
        loader.take(environment: environment)
        for text in invocation.all("set") { loader.take(assignment: text) }
        for (flag, setting) in shortcuts {
            if let value = invocation.value(flag) {
                loader.take(assignment: "\(setting)=\(value)", origin: "--\(flag)")
            }
        }
        if let data = invocation.value("data") {
            loader.take(assignment: "data.folder=\(data)", origin: "--data")
        }
        do {
            loaded = try loader.load()
        } catch {
            throw CommandFailure(.badConfiguration, "\(error)")
        }
        let set = loaded.configuration.data.folder
        let beside = String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)])
        folder = Self.absolute(set.isEmpty ? beside : set)
    }

    /// Makes the data folder, for its owner's eyes alone. One that is there keeps its mode.
    func makeFolder() throws(CommandFailure) { try Self.make(folder: folder, as: "the data folder") }

    /// Makes a folder, and those above it, for its owner's eyes alone. One that is there keeps its mode.
    static func make(folder: String, as name: String) throws(CommandFailure) {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            let cause = (error as? CocoaError)?.underlying as? POSIXError
            let reason = cause.map { unsafe String(cString: strerror($0.code.rawValue)) }
            throw CommandFailure(
                .error, "\(name) \(folder) cannot be made\(reason.map { ": \($0)" } ?? "")")
        }
    }

    static func absolute(_ path: String) -> String {
        var text = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        while text.count > 1, text.last == "/" { text.removeLast() }
        return text
    }
}
