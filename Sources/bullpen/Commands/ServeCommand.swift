import Host
import Secrets

extension Command {
    static let serve = Command(
        name: "serve", group: .host, summary: "Run the host until it is told to stop.",
        details: """
            Writes bullpen.toml with every default into the data folder at the first start. SIGTERM and
            control-C drain and stop it; the next start goes on where this one ended.
            """,
        options: LocalConfiguration.options + [
            .value("listen", "address", "The address to listen on; instead of server.listen."),
            .value("port", "number", "The port to listen on; instead of server.port."),
            .value("share", "folder", "Where share/bullpen lies, when not beside the program."),
            .flag(
                "passphrase",
                "Ask for the vault's passphrase, or read it from the first line of standard input."),
        ], usesServer: false
    ) { invocation in
        let local = try LocalConfiguration(
            invocation, shortcuts: ["listen": "server.listen", "port": "server.port"])
        let layout: InstalledLayout
        do {
            layout = try InstalledLayout.ofThisProgram(share: invocation.value("share"))
        } catch {
            throw CommandFailure(.error, "\(error)")
        }
        try prepare(local)
        CoreDumps.forbid()
        let passphrase = invocation.has("passphrase") ? try Prompt.secret("Passphrase of the vault") : nil
        try await HostProcess(local: local, layout: layout, passphrase: passphrase).run()
    }

    /// Makes the data folder, for its owner's eyes alone, and writes the configuration file when there is none.
    private static func prepare(_ local: LocalConfiguration) throws(CommandFailure) {
        try local.makeFolder()
        do {
            if !local.fileExists { _ = try ConfigurationFile.writeDefaults(to: local.file) }
        } catch {
            throw CommandFailure(.error, "\(local.folder) cannot be written: \(error)")
        }
    }
}
