import Glibc
import HTTPMessages
import Identity
import Posix
import Synchronization

/// The pages: files of one folder, kept in memory and read again when they change.
final class StaticFiles: Sendable {
    private struct Version: Hashable {
        let size: Int
        let modifiedSeconds: Int
        let modifiedNanoseconds: Int
    }

    private struct Entry {
        let version: Version
        let bytes: [UInt8]
        let tag: String
    }

    /// A larger file is none of the pages'.
    private static let fileLimit = 8 << 20
    /// How many files are kept.
    private static let entryLimit = 256

    private let root: String
    private let entries = Mutex<[String: Entry]>([:])

    init(root: String) {
        self.root = root
    }

    /// The file at a path, or nil when there is none. `/` and `/app/…` are the one page.
    func response(_ head: HTTPRequestHead) -> HTTPResponse? {
        var segments = head.target.segments
        if segments.isEmpty || segments[0] == "app" && !(segments.last?.contains(".") ?? false) {
            segments = ["index.html"]
        }
        // The target has no `.` and `..`; hidden files and slashes inside a part are not the pages' either.
        guard segments.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && !$0.contains("/") }) else {
            return nil
        }
        guard let entry = entry(segments.joined(separator: "/")) else { return nil }
        var headers: HTTPHeaders = ["etag": entry.tag, "cache-control": "no-cache"]
        if head.headers.lists(entry.tag, in: "if-none-match") {
            return HTTPResponse(.notModified, headers: headers)
        }
        headers.add("content-type", Self.mediaType(segments[segments.count - 1]))
        return HTTPResponse(.ok, headers: headers, body: .bytes(entry.bytes))
    }

    private func entry(_ path: String) -> Entry? {
        // Opening and asking the descriptor leaves no time between the check and the use.
        guard let file = try? FileDescriptor.open("\(root)/\(path)", O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
            let version = Self.version(file), version.size <= Self.fileLimit
        else { return nil }
        if let known = entries.withLock({ $0[path] }), known.version == version { return known }
        // A file that cannot be read is, to whoever asks for it, not there.
        guard let bytes = try? file.read(at: 0, count: version.size), bytes.count == version.size else {
            return nil
        }
        let entry = Entry(
            version: version, bytes: bytes,
            tag: "\"\(version.size)-\(version.modifiedSeconds)-\(version.modifiedNanoseconds)\"")
        entries.withLock { entries in
            if entries.count >= Self.entryLimit { entries.removeAll() }
            entries[path] = entry
        }
        return entry
    }

    private static func version(_ file: borrowing FileDescriptor) -> Version? {
        var status = stat()
        guard unsafe fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Version(
            size: Int(status.st_size), modifiedSeconds: status.st_mtim.tv_sec,
            modifiedNanoseconds: status.st_mtim.tv_nsec)
    }

    private static func mediaType(_ name: String) -> String {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "js", "mjs": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "svg": "image/svg+xml"
        case "json", "map": "application/json"
        case "png": "image/png"
        case "ico": "image/x-icon"
        case "woff2": "font/woff2"
        case "webmanifest": "application/manifest+json"
        case "txt", "md": "text/plain; charset=utf-8"
        default: "application/octet-stream"
        }
    }
}
