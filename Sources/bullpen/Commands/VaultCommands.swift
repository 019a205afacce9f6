import FoundationEssentials
import Glibc
import Host
import Journal
import Vault
import Wire

extension Command {
    static let vaultInit = Command(
        name: "vault init", group: .host, summary: "Make the file with the master key of the vault.",
        details: """
            It has mode 0600, and lies at vault.key_file (master.key in the data folder unless told otherwise). Whoever has
            it and a copy of journal.db has the keys: keep a copy of it apart from backups, which do not hold it. A host
            that runs takes it with the next key that is entered.
            """,
        options: LocalConfiguration.options, usesServer: false
    ) { invocation in
        let local = try LocalConfiguration(invocation)
        try local.makeFolder()
        let file = Host.masterKeySources(local.configuration.vault, folder: local.folder).file
        try KeyFile.make(file)
        invocation.show(
            .members(["file": .string(file)]),
            ["\(file) holds the master key. Keep a copy of it apart from your backups."])
    }

    static let vaultRekey = Command(
        name: "vault rekey", group: .host,
        summary: "Put another master key in place, while the host runs or not.",
        details: """
            May be cut short anywhere: every credential opens with what is there, and running it again finishes it. The key
            file before stays as …old, for backups made with it. --from takes the key in a file that you give to systemd
            as the credential bullpen-master-key (or beside the old one as bullpen-master-key-next) afterwards.
            """,
        options: LocalConfiguration.options + [
            .flag(
                "passphrase",
                "Make the new key of a passphrase; start the host with --passphrase from then on."),
            .value("from", "file", "Take the key in this file."),
            .value("current", "file", "The key in force, when it is a systemd credential."),
        ], usesServer: false
    ) { invocation in
        let local = try LocalConfiguration(invocation)
        let path = local.folder + "/journal.db"
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure(
                .notFound, "\(local.folder) holds no journal.db: was a host ever started there?")
        }
        var options = DatabaseOptions()
        options.check = .none
        let database = try Database(path: path, options: options)
        guard let origin = try VaultStore.masterKeyOrigin(in: database) else {
            throw CommandFailure(.error, "the vault has no master key yet: bullpen vault init")
        }
        let passphrase = origin == "passphrase" ? try Prompt.secret("The passphrase now") : nil
        var sources = Host.masterKeySources(
            local.configuration.vault, folder: local.folder, passphrase: passphrase)
        sources.current = invocation.value("current").map(LocalConfiguration.absolute)
        let target: MasterKeyRotation.Target
        switch (invocation.has("passphrase"), invocation.value("from")) {
        case (false, nil): target = .newFile
        case (false, let file?): target = .file(LocalConfiguration.absolute(file))
        case (true, nil): target = .passphrase(try Prompt.newSecret("The new passphrase"))
        case (true, _?): throw CommandFailure.usage("vault rekey: --passphrase and --from exclude each other")
        }
        let summary = try MasterKeyRotation.run(
            on: database, sources: sources, to: target, by: userName)
        invocation.show(
            .members([
                "credentials": .integer(summary.credentials),
                "former_file": .optional(summary.formerFile),
                "finished_earlier": .bool(summary.finishedEarlier),
            ]), words(summary, sources, target))
    }

    /// Who asks, for the audit trail: the machine's name for him, since nobody logs in here.
    private static var userName: String {
        "local:" + (ProcessInfo.processInfo.environment["SUDO_USER"] ?? "uid \(getuid())")
    }

    private static func words(
        _ summary: MasterKeyRotation.Summary, _ sources: MasterKeySources, _ target: MasterKeyRotation.Target
    ) -> [String] {
        var lines = [
            summary.finishedEarlier
                ? "A rotation that was cut short is finished; run it again for another key."
                : "\(summary.credentials) credentials are sealed with the new master key."
        ]
        if let former = summary.formerFile {
            lines.append("The key before is in \(former), for backups made with it.")
        }
        switch target {
        case .newFile: lines.append("Keep a copy of \(sources.file) apart from your backups.")
        case .file(let path):
            lines.append("Give the key in \(path) to the host before its next start; it goes on until then.")
        case .passphrase: lines.append("Start the host with --passphrase from now on.")
        }
        return lines
    }
}
