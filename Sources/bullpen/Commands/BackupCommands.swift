import FoundationEssentials
import Host
import Journal
import Wire

extension Command {
    static let backup = Command(
        name: "backup", group: .host, summary: "Copy the data folder, while the host runs or not.",
        details:
            "Databases as they are at one moment, the configuration and the strategies; not logs and recordings.",
        operands: [Operand(name: "archive", explanation: "The folder to make; it must not be there yet.")],
        options: LocalConfiguration.options, usesServer: false
    ) { invocation in
        let folder = try LocalConfiguration(invocation).folder
        let archive = invocation.operand("archive")
        let manifest = try naming {
            try DataFolderBackup.backup(folder: folder, to: archive, version: Product.version)
        }
        invocation.show(
            summary(manifest, archive), ["\(archive): \(manifest.items.count) files and folders."])
    }

    static let restore = Command(
        name: "restore", group: .host, summary: "Put a backup back as a new data folder.",
        details: """
            Every file is checked against the backup's manifest. A host that runs is not disturbed: the folder must
            be new or empty. Start the host on it with --data.
            """,
        operands: [
            Operand(name: "archive", explanation: "The backup."),
            Operand(name: "folder", explanation: "The data folder to make.", count: .optional),
        ],
        options: [.flag("check", "Only check the backup.")], usesServer: false
    ) { invocation in
        let archive = invocation.operand("archive")
        switch (invocation.has("check"), invocation.optionalOperand("folder")) {
        case (true, nil):
            let manifest = try naming { try DataFolderBackup.verify(archive) }
            invocation.show(
                summary(manifest, archive),
                ["\(archive) is whole: \(manifest.items.count) files and folders."])
        case (false, let folder?):
            let manifest = try naming { try DataFolderBackup.restore(from: archive, to: folder) }
            invocation.show(summary(manifest, folder), ["\(folder) is ready: bullpen serve --data \(folder)"])
        case (true, _?): throw CommandFailure.usage("restore: --check takes no <folder>")
        case (false, nil):
            throw CommandFailure.usage("restore: <folder> is missing; see bullpen restore --help")
        }
    }

    /// Gives what is not there its own exit code.
    private static func naming<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as BackupFailure where failure.code == .notThere {
            throw CommandFailure(.notFound, failure.reason)
        }
    }

    private static func summary(_ manifest: BackupManifest, _ folder: String) -> JSONValue {
        .members([
            "folder": .string(folder), "created_at": .time(manifest.createdAt),
            "version": .string(manifest.version),
            "items": .integer(manifest.items.count), "bytes": .integer(manifest.bytes),
        ])
    }
}
