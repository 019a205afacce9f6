public import Catalogue
public import Wire

/// What changed from one version of a strategy to another, file by file.
public struct VersionDiff: Hashable, Sendable {
    /// How much is shown.
    public struct Limits: Sendable {
        /// Larger files are only said to be changed, in bytes.
        public var fileBytes = 512 << 10
        /// Files with more lines too.
        public var fileLines = 20_000
        /// What all shown lines may come to, in bytes.
        public var textBytes = 512 << 10

        /// The defaults.
        public init() {}
    }

    /// What became of a file.
    public enum Change: String, Hashable, Sendable, CaseIterable { case added, removed, changed }

    /// One file that is not the same in both.
    public struct File: Hashable, Sendable {
        public let path: String
        public let change: Change
        /// Its bytes before and after; nil where it is not there.
        public let sizeBefore: Int?
        public let sizeAfter: Int?
        /// How many lines were added and removed; nil for what is no text or too large.
        public let added: Int?
        public let removed: Int?
        /// The changes with lines around them, in the unified form; nil where they are not shown.
        public let text: String?
        /// Why they are not, in words.
        public let note: String?
    }

    public let from: String
    public let to: String
    /// By path. Files that are the same in both are left out.
    public let files: [File]
    /// How many files are the same in both.
    public let unchanged: Int

    /// Compares two bundles.
    public init(_ old: StrategyBundle, _ new: StrategyBundle, limits: Limits = Limits()) {
        from = old.version
        to = new.version
        let before = Dictionary(uniqueKeysWithValues: old.files.map { ($0.path, $0.content) })
        let after = Dictionary(uniqueKeysWithValues: new.files.map { ($0.path, $0.content) })
        var room = limits.textBytes
        var files: [File] = []
        var unchanged = 0
        for path in Set(before.keys).union(after.keys).sorted() {
            guard before[path] != after[path] else {
                unchanged += 1
                continue
            }
            files.append(Self.file(path, before[path], after[path], limits, &room))
        }
        self.files = files
        self.unchanged = unchanged
    }

    private static func file(
        _ path: String, _ before: [UInt8]?, _ after: [UInt8]?, _ limits: Limits, _ room: inout Int
    ) -> File {
        let change: Change = before == nil ? .added : after == nil ? .removed : .changed
        func made(_ diff: LineDiff?, _ text: String?, _ note: String?) -> File {
            File(
                path: path, change: change, sizeBefore: before?.count, sizeAfter: after?.count,
                added: diff?.added, removed: diff?.removed, text: text, note: note)
        }
        guard let old = Self.lines(before ?? []), let new = Self.lines(after ?? []) else {
            return made(nil, nil, "it is no text")
        }
        let isSmall =
            max(before?.count ?? 0, after?.count ?? 0) <= limits.fileBytes
            && max(old.count, new.count) <= limits.fileLines
        guard isSmall else { return made(nil, nil, "it is too large to be compared line by line") }
        let diff = LineDiff(old, new)
        var text = "--- \(before == nil ? "/dev/null" : path)\n+++ \(after == nil ? "/dev/null" : path)\n"
        for hunk in diff.hunks {
            text += hunk.head + "\n"
            for line in hunk.lines { text += line + "\n" }
        }
        guard text.utf8.count <= room else { return made(diff, nil, "the changes are too many to be shown") }
        room -= text.utf8.count
        return made(
            diff, text, diff.isReplaced ? "the texts are too far apart; one is shown for the other" : nil)
    }

    /// The lines of a text; nil for what is none.
    private static func lines(_ content: [UInt8]) -> [Substring]? {
        guard !content.contains(0), let text = String(validating: content, as: UTF8.self) else { return nil }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "from": .string(from), "to": .string(to), "unchanged": .integer(unchanged),
            "files": .array(
                files.map { file in
                    .members([
                        "path": .string(file.path), "change": .string(file.change.rawValue),
                        "size_before": file.sizeBefore.map { .integer($0) } ?? .null,
                        "size_after": file.sizeAfter.map { .integer($0) } ?? .null,
                        "added": file.added.map { .integer($0) } ?? .null,
                        "removed": file.removed.map { .integer($0) } ?? .null,
                        "text": .optional(file.text), "note": .optional(file.note),
                    ])
                }),
        ])
    }
}
