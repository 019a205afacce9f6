public import Trading
import Wire

/// What a backup holds.
public struct BackupManifest: Hashable, Sendable {
    /// One file or folder of a backup.
    public struct Item: Hashable, Sendable {
        /// Relative to the data folder, such as `strategies/grid-1/…/strategy.py`.
        public let path: String
        /// The hash of a file's contents; nil for a folder.
        public let sha256: String?
        /// A file's length; nought for a folder.
        public let bytes: Int
        let mode: UInt32
    }

    /// When it was made.
    public let createdAt: Timestamp
    /// The version of the program that made it.
    public let version: String
    /// Folders come before what is in them.
    public let items: [Item]

    /// The length of all files together.
    public var bytes: Int { items.reduce(0) { $0 + $1.bytes } }

    static let format = 1

    var json: JSONValue {
        .members([
            "bullpen_backup": .integer(Self.format), "created_at": .time(createdAt),
            "version": .string(version),
            "items": .array(
                items.map { item in
                    .members([
                        "path": .string(item.path), "mode": .integer(item.mode),
                        "bytes": item.sha256.map { _ in .integer(item.bytes) },
                        "sha256": item.sha256.map { .string($0) },
                    ])
                }),
        ])
    }

    init(createdAt: Timestamp, version: String, items: [Item]) {
        self.createdAt = createdAt
        self.version = version
        self.items = items
    }

    /// Reads a manifest. It comes from outside: every path is checked.
    init(text: [UInt8]) throws {
        let value = try JSONParser.parse(text, limits: JSONParser.Limits(bytes: 256 << 20, depth: 4))
        var reader = try ObjectReader(value)
        let format = try reader.integer("bullpen_backup")
        guard format == Self.format else {
            throw reader.failure("bullpen_backup", "is \(format); this version reads \(Self.format)")
        }
        createdAt = try reader.time("created_at")
        version = try reader.string("version")
        var items: [Item] = []
        var seen: Set<String> = []
        for (index, element) in (try reader.optionalArray("items", count: 1_000_000) ?? []).enumerated() {
            var item = try ObjectReader(element, path: "items[\(index)]")
            let path = try item.string("path")
            guard Self.isSafe(path), seen.insert(path).inserted else {
                throw item.failure(
                    "path", "\"\(path)\" is no path inside a data folder, or stands there twice")
            }
            let hash = try item.optionalString("sha256", bytes: 64)
            items.append(
                Item(
                    path: path, sha256: hash, bytes: try item.optionalInteger("bytes", in: 0...Int.max) ?? 0,
                    mode: UInt32(try item.integer("mode", in: 0...0o777))))
            try item.finish()
        }
        try reader.finish()
        self.items = items
    }

    private static func isSafe(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." } && !path.utf8.contains(0)
    }
}
