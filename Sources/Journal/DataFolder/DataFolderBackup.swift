import Glibc
import Posix
import Trading
import Wire

/// Copies of a data folder: databases as they are at one moment, configuration and strategies.
///
/// A backup is a folder with a `manifest.json` (every file with its hash), the manifest's own hash, and the files
/// under `data/`. Logs and recordings of runs are not part of it.
public enum DataFolderBackup {
    /// The databases, in the order in which their moment is fixed. The first must be there.
    static let databases = [
        "journal.db", "paper.db", "lab.db", "market/candles.db", "market/collectors.db",
    ]
    /// Other things that are copied when they are there.
    static let others = ["bullpen.toml", "strategies"]
    private static let manifestName = "manifest.json"
    private static let hashName = "manifest.json.sha256"

    // MARK: - Making

    /// Backs up `folder` into a new folder `archive`, while the host runs or not.
    ///
    /// - Parameters:
    ///   - version: The running program's version, for the record.
    ///   - writer: The journal's writer, when this process runs the host. It stands still while the databases' moment
    ///     is fixed (well under a millisecond), so that no venue's book holds an order that the journal does not.
    /// - Throws: ``BackupFailure``, ``DatabaseFailure`` or `SystemCallError`. Nothing is left at `archive` then.
    public static func backup(
        folder: String, to archive: String, version: String, holding writer: GroupCommitWriter? = nil
    ) throws -> BackupManifest {
        let archive = trimmed(archive)
        guard try FileTree.entry(folder, databases[0]) != nil else {
            throw BackupFailure(code: .notThere, reason: "\(folder) holds no \(databases[0])")
        }
        guard unsafe access(archive, F_OK) != 0 else {
            throw BackupFailure(code: .inTheWay, reason: "\(archive) is there already")
        }
        let staging = "\(archive).partial-\(getpid())"
        try FileTree.makeFolder(staging)
        do {
            let manifest = try fill(staging, from: folder, version: version, holding: writer)
            try FileTree.move(staging, to: archive)
            try FileTree.synchronize(folder: parent(of: archive))
            return manifest
        } catch {
            try clear(staging, after: error)
            throw error
        }
    }

    private static func fill(
        _ staging: String, from folder: String, version: String, holding writer: GroupCommitWriter?
    ) throws -> BackupManifest {
        let data = staging + "/data"
        try FileTree.makeFolder(data)
        let present = try databases.filter { try FileTree.entry(folder, $0) != nil }
        let snapshots = try fix(present, in: folder, holding: writer)
        var items: [BackupManifest.Item] = []
        for (name, snapshot) in snapshots {
            let target = data + "/" + name
            if let slash = name.lastIndex(of: "/") {
                let folder = String(name[..<slash])
                if !items.contains(where: { $0.path == folder }) {
                    try FileTree.makeFolder(data + "/" + folder)
                    items.append(.init(path: folder, sha256: nil, bytes: 0, mode: 0o700))
                }
            }
            try snapshot.copy(to: target)
            let entry = try FileTree.entry(data, name)
            items.append(
                .init(
                    path: name, sha256: try FileTree.hash(target), bytes: entry?.bytes ?? 0, mode: 0o600))
        }
        for entry in try others.flatMap({ try FileTree.walk(folder, $0) }) {
            let target = data + "/" + entry.path
            if entry.isFolder {
                try FileTree.makeFolder(target)
                items.append(.init(path: entry.path, sha256: nil, bytes: 0, mode: entry.mode))
            } else {
                let hash = try FileTree.copy(from: folder + "/" + entry.path, to: target, mode: 0o600)
                items.append(.init(path: entry.path, sha256: hash, bytes: entry.bytes, mode: entry.mode))
            }
        }
        for item in items where item.sha256 == nil {
            try FileTree.synchronize(folder: data + "/" + item.path)
        }
        try FileTree.synchronize(folder: data)
        let manifest = BackupManifest(
            createdAt: Timestamp(milliseconds: WallClock.milliseconds), version: version, items: items)
        let text = manifest.json.bytes
        try FileTree.write(text, to: staging + "/" + manifestName)
        try FileTree.write(
            Array("\(SHA256.hexadecimal(of: text))  \(manifestName)\n".utf8), to: staging + "/" + hashName)
        try FileTree.synchronize(folder: staging)
        return manifest
    }

    /// Fixes the moment of several databases.
    ///
    /// - Parameter between: Called after each; for tests.
    static func fix(
        _ names: [String], in folder: String, holding writer: GroupCommitWriter?, between: () -> Void = {}
    ) throws -> [(name: String, snapshot: DatabaseSnapshot)] {
        func fix() throws -> [(name: String, snapshot: DatabaseSnapshot)] {
            try names.map { name in
                let snapshot = try DatabaseSnapshot(of: folder + "/" + name)
                between()
                return (name, snapshot)
            }
        }
        return if let writer { try writer.whileHeld(fix) } else { try fix() }
    }

    // MARK: - Verifying and restoring

    /// Reads a whole backup and compares it with its manifest.
    ///
    /// - Throws: ``BackupFailure`` with ``BackupFailure/Code/damaged``, which names what is wrong.
    public static func verify(_ archive: String) throws -> BackupManifest {
        let archive = trimmed(archive)
        let manifest = try self.manifest(archive)
        try check(manifest, archive: archive) { item in
            item.sha256 == nil ? "" : try FileTree.hash(archive + "/data/" + item.path)
        }
        return manifest
    }

    /// Puts a backup back as the data folder `folder`, which must not be there or be empty.
    ///
    /// - Throws: ``BackupFailure`` when the backup is damaged or `folder` is in use; `folder` is as it was then.
    public static func restore(from archive: String, to folder: String) throws -> BackupManifest {
        let (archive, folder) = (trimmed(archive), trimmed(folder))
        if unsafe access(folder, F_OK) == 0, try !FileTree.names(folder).isEmpty {
            throw BackupFailure(
                code: .inTheWay, reason: "\(folder) is not empty; name a new folder, or move this one away")
        }
        let manifest = try self.manifest(archive)
        let staging = "\(folder).restoring-\(getpid())"
        try FileTree.makeFolder(staging)
        do {
            try check(manifest, archive: archive) { item in
                let target = staging + "/" + item.path
                guard item.sha256 != nil else {
                    try FileTree.makeFolder(target)
                    return ""
                }
                return try FileTree.copy(
                    from: archive + "/data/" + item.path, to: target, mode: item.mode)
            }
            for name in databases where manifest.items.contains(where: { $0.path == name }) {
                var options = DatabaseOptions()
                options.check = .full
                _ = try Database(path: staging + "/" + name, options: options)
            }
            // Deepest first: a folder that may not be written to is closed only when it is full.
            for item in manifest.items.reversed() where item.sha256 == nil {
                try FileTree.synchronize(folder: staging + "/" + item.path)
                try FileTree.setMode(staging + "/" + item.path, item.mode)
            }
            try FileTree.synchronize(folder: staging)
            try FileTree.move(staging, to: folder)
            try FileTree.synchronize(folder: parent(of: folder))
            return manifest
        } catch {
            try clear(staging, after: error)
            throw error
        }
    }

    private static func manifest(_ archive: String) throws -> BackupManifest {
        guard let entry = try FileTree.entry(archive, manifestName), !entry.isFolder else {
            throw BackupFailure(code: .notThere, reason: "\(archive) holds no \(manifestName)")
        }
        let text = try FileContents.head(archive + "/" + manifestName, bytes: 256 << 20)
        let hash = try FileContents.head(archive + "/" + hashName, bytes: 64)
        guard SHA256.hexadecimal(of: text).utf8.elementsEqual(hash) else {
            throw BackupFailure(code: .damaged, reason: "\(manifestName) is not as it was written")
        }
        do {
            return try BackupManifest(text: text)
        } catch {
            throw BackupFailure(code: .damaged, reason: "\(manifestName): \(error)")
        }
    }

    /// Goes through the manifest's items; `hash` may copy on the way.
    private static func check(
        _ manifest: BackupManifest, archive: String, hash: (BackupManifest.Item) throws -> String
    ) throws {
        let there = try FileTree.names(archive + "/data").flatMap { try FileTree.walk(archive + "/data", $0) }
        let known = Set(manifest.items.map(\.path))
        let found = Dictionary(there.map { ($0.path, $0) }) { first, _ in first }
        if let extra = there.first(where: { !known.contains($0.path) }) {
            throw BackupFailure(code: .damaged, reason: "\(extra.path) is not in the manifest")
        }
        guard known.contains(databases[0]) else {
            throw BackupFailure(code: .damaged, reason: "the manifest names no \(databases[0])")
        }
        for item in manifest.items {
            guard let entry = found[item.path] else {
                throw BackupFailure(code: .damaged, reason: "\(item.path) is missing")
            }
            guard entry.isFolder == (item.sha256 == nil), entry.bytes == item.bytes else {
                throw BackupFailure(
                    code: .damaged,
                    reason: "\(item.path) has \(entry.bytes) bytes, the manifest says \(item.bytes)")
            }
            let hashNow = try hash(item)
            guard item.sha256 == nil || hashNow == item.sha256 else {
                throw BackupFailure(code: .damaged, reason: "\(item.path) is not as it was written")
            }
        }
    }

    private static func clear(_ staging: String, after error: any Error) throws {
        do {
            try FileTree.remove(staging)
        } catch let second {
            throw BackupFailure(
                code: .leftOver, reason: "\(error); and \(staging) could not be removed: \(second)")
        }
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// Why a backup was not made or not put back.
public struct BackupFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: String, Hashable, Sendable {
        /// There is no data folder, or no backup, where one was expected.
        case notThere = "not_there"
        /// Something stands where the result should go.
        case inTheWay = "in_the_way"
        /// The backup is not what its manifest says.
        case damaged
        /// The data folder holds a link, a device or the like.
        case unexpectedFile = "unexpected_file"
        /// It failed, and what had been begun could not be removed.
        case leftOver = "left_over"
    }

    /// What kind of failure it is.
    public let code: Code
    /// What happened, in words.
    public let reason: String

    /// The reason.
    public var description: String { reason }
}
