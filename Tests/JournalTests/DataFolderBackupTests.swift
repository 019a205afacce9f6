import Dispatch
import Glibc
import Posix
import Synchronization
import Testing

@testable import Journal

@Suite("Data folder backup")
struct DataFolderBackupTests {
    private let folder: TemporaryFolder
    private var data: String { folder.file("data") }
    private var archive: String { folder.file("backup") }
    private static let schema = MigrationSet(
        name: "test", [Migration(1, "Add rows", "CREATE TABLE rows (id INTEGER PRIMARY KEY) STRICT")])

    init() throws {
        folder = try TemporaryFolder()
        try FileTree.makeFolder(data)
        for name in [
            "strategies", "strategies/grid", "strategies/grid/v1", "runs", "strategies/empty", "market",
        ] {
            try FileTree.makeFolder(data + "/" + name)
        }
        try TemporaryFolder.write(Array("print(1)".utf8), to: data + "/strategies/grid/v1/strategy.py")
        try TemporaryFolder.write([], to: data + "/strategies/grid/v1/empty.txt")
        try TemporaryFolder.write(Array("[server]\n".utf8), to: data + "/bullpen.toml")
        try TemporaryFolder.write(Array("noise".utf8), to: data + "/runs/log.jsonl")
        try FileTree.setMode(data + "/strategies/grid/v1/strategy.py", 0o444)
        try FileTree.setMode(data + "/strategies/grid/v1", 0o555)
        for name in ["journal.db", "paper.db", "market/candles.db"] {
            let database = try Database(path: data + "/" + name)
            try database.migrate([Self.schema])
            for id in 1...100 { try database.run("INSERT INTO rows VALUES (?)", id) }
        }
    }

    private func backup() throws -> BackupManifest {
        try DataFolderBackup.backup(folder: data, to: archive, version: "1.0")
    }

    private func rows(_ path: String) throws -> Int? {
        try Database(path: path).first("SELECT count(*) FROM rows") { try $0.int(0) }
    }

    @Test("what was backed up comes back: databases, configuration, strategies with their permissions")
    func roundTrip() throws {
        let made = try backup()
        #expect(made.items.map(\.path).contains("strategies/grid/v1/strategy.py"))
        #expect(made.items.allSatisfy { !$0.path.hasPrefix("runs") })
        #expect(try DataFolderBackup.verify(archive) == made)

        let restored = folder.file("restored")
        #expect(try DataFolderBackup.restore(from: archive + "/", to: restored + "/") == made)
        #expect(try rows(restored + "/journal.db") == 100)
        #expect(try rows(restored + "/paper.db") == 100)
        #expect(try rows(restored + "/market/candles.db") == 100)
        let (before, after) = (
            try FileTree.walk(data, "strategies"), try FileTree.walk(restored, "strategies")
        )
        #expect(before == after)
        #expect(
            try TemporaryFolder.read(restored + "/strategies/grid/v1/strategy.py") == Array("print(1)".utf8))
        #expect(TemporaryFolder.names(folder.path) == ["backup", "data", "restored"])
    }

    @Test("a backup holds no order that the journal in it does not, though the host goes on")
    func whileRunning() throws {
        let journal = try GroupCommitWriter(path: data + "/journal.db", migrations: [Self.schema])
        let paper = try GroupCommitWriter(path: data + "/paper.db", migrations: [Self.schema])
        let isPlaced = DispatchSemaphore(value: 0)
        let submitted = Mutex(false)
        // As the desk does: first the journal, and only when that is durable the venue.
        let snapshots = try DataFolderBackup.fix(["journal.db", "paper.db"], in: data, holding: journal) {
            guard
                !submitted.withLock({ was in
                    defer { was = true }
                    return was
                })
            else { return }
            do {
                try journal.submit({ try $0.run("INSERT INTO rows VALUES (1000)") }) { _ in
                    do {
                        try paper.submit({ try $0.run("INSERT INTO rows VALUES (1000)") }) { _ in
                            isPlaced.signal()
                        }
                    } catch { Issue.record(error) }
                }
            } catch { Issue.record(error) }
            // The journal stands still, so this cannot succeed; were it not, it would.
            #expect(isPlaced.wait(timeout: .now() + .milliseconds(300)) == .timedOut)
        }
        isPlaced.wait()
        for (name, snapshot) in snapshots {
            try snapshot.copy(to: folder.file(name))
            #expect(try rows(folder.file(name)) == 100)
            #expect(try rows(data + "/" + name) == 101)
        }
        _ = try DataFolderBackup.backup(folder: data, to: archive, version: "1", holding: journal)
        #expect(try rows(archive + "/data/paper.db") == 101)
        paper.close()
        journal.close()
    }

    @Test("a damaged backup is refused by name and nothing is put back", arguments: Damage.allCases)
    func damaged(_ damage: Damage) throws {
        _ = try backup()
        let script = archive + "/data/strategies/grid/v1/strategy.py"
        switch damage {
        case .changed: try TemporaryFolder.write(Array("print(2)".utf8), to: script)
        case .shortened: try TemporaryFolder.write(Array("print".utf8), to: script)
        case .missing: unlink(script)
        case .added: try TemporaryFolder.write([1], to: archive + "/data/strategies/extra.py")
        case .link:
            unlink(script)
            symlink("/etc/passwd", script)
        case .manifest:
            let path = archive + "/manifest.json"
            var text = String(decoding: try TemporaryFolder.read(path), as: UTF8.self)
            text = String(text.map { $0 == "4" ? "5" : $0 })
            try TemporaryFolder.write(Array(text.utf8), to: path)
        case .database:
            let path = archive + "/data/journal.db"
            var bytes = try TemporaryFolder.read(path)
            bytes[5000] ^= 1
            try TemporaryFolder.write(bytes, to: path)
        }
        let failure = #expect(throws: BackupFailure.self) {
            try DataFolderBackup.restore(from: archive, to: folder.file("restored"))
        }
        #expect(failure?.code == (damage == .link ? .unexpectedFile : .damaged))
        #expect(failure?.description.contains(damage.word) == true)
        #expect(throws: BackupFailure.self) { try DataFolderBackup.verify(archive) }
        #expect(TemporaryFolder.names(folder.path) == ["backup", "data"])
    }

    enum Damage: String, CaseIterable {
        case changed, shortened, missing, added, link, manifest, database

        var word: String {
            switch self {
            case .changed, .shortened, .missing, .link: "strategies/grid/v1/strategy.py"
            case .added: "strategies/extra.py"
            case .manifest: "manifest.json"
            case .database: "journal.db"
            }
        }
    }

    @Test("a manifest that names a path outside the folder is refused even when its hash is right")
    func escapingPath() throws {
        _ = try backup()
        for path in ["../evil", "/etc/evil", "strategies/../../evil", "strategies//x", "./x", ""] {
            let text = Array(
                """
                {"bullpen_backup":1,"created_at":1,"version":"1","items":[{"path":"\(path)","mode":384}]}
                """.utf8)
            try TemporaryFolder.write(text, to: archive + "/manifest.json")
            try TemporaryFolder.write(
                Array(SHA256.hexadecimal(of: text).utf8), to: archive + "/manifest.json.sha256")
            let failure = #expect(throws: BackupFailure.self) {
                try DataFolderBackup.restore(from: archive, to: folder.file("restored"))
            }
            #expect(failure?.code == .damaged)
        }
        #expect(TemporaryFolder.names(folder.path) == ["backup", "data"])
    }

    @Test("nothing that is there is written over")
    func inTheWay() throws {
        _ = try backup()
        #expect(throws: BackupFailure.self) { try backup() }
        #expect(throws: BackupFailure.self) { try DataFolderBackup.restore(from: archive, to: data) }
        try FileTree.makeFolder(folder.file("empty"))
        _ = try DataFolderBackup.restore(from: archive, to: folder.file("empty"))
        #expect(try rows(folder.file("empty") + "/journal.db") == 100)
    }

    @Test("a link among the strategies stops the backup and leaves nothing behind")
    func link() throws {
        symlink("/etc/passwd", data + "/strategies/link")
        let failure = #expect(throws: BackupFailure.self) { try backup() }
        #expect(failure?.code == .unexpectedFile)
        #expect(TemporaryFolder.names(folder.path) == ["data"])
    }
}
