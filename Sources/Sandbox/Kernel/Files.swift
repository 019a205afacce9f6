internal import Glibc
internal import Posix

/// Small files and folders, whole.
enum Files {
    /// What a small file holds, or nil when it cannot be read. For files that may be missing.
    static func text(_ path: String) -> String? {
        guard let bytes = try? read(path) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What a file holds.
    static func read(_ path: String) throws(SystemCallError) -> [UInt8] {
        let file = try FileDescriptor.open(path, O_RDONLY)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = try file.read(into: &buffer)
            if count == 0 { return bytes }
            bytes += buffer.prefix(count)
        }
    }

    /// Writes to a file that is there, as control files want it: in one piece.
    static func write(_ text: String, to path: String) throws(SystemCallError) {
        let file = try FileDescriptor.open(path, O_WRONLY)
        do {
            try file.writeAll(Array(text.utf8)[...])
        } catch {
            throw SystemCallError(call: "write \"\(text)\" to", number: error.number, subject: path)
        }
    }

    /// Makes or replaces a file.
    static func create(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o644) throws(SystemCallError) {
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try file.writeAll(bytes[...])
    }

    static func makeFolder(_ path: String, mode: UInt32 = 0o755) throws(SystemCallError) {
        guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else {
            throw SystemCallError(call: "mkdir", number: errno, subject: path)
        }
    }

    /// Makes a folder and those above it.
    static func makeFolders(_ path: String) throws(SystemCallError) {
        var so = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            so += "/" + part
            try makeFolder(so)
        }
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// The mode and owner of what is at `path`, following links.
    static func status(_ path: String) throws(SystemCallError) -> stat {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw SystemCallError(call: "stat", number: errno, subject: path)
        }
        return status
    }

    static func isFolder(_ path: String) -> Bool {
        // What cannot be looked at is no folder that could be used.
        guard let status = try? status(path) else { return false }
        return status.st_mode & S_IFMT == S_IFDIR
    }

    /// The folder that a path lies in.
    static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// Where a symbolic link points, or nil when there is none.
    static func linkTarget(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe readlink(path, bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    /// Makes a symbolic link, or points the one that is there elsewhere, in one step.
    static func replaceLink(_ path: String, to target: String) throws(SystemCallError) {
        let draft = path + ".new"
        unsafe unlink(draft)
        guard unsafe symlink(target, draft) == 0 else {
            throw SystemCallError(call: "symlink", number: errno, subject: draft)
        }
        try rename(draft, path)
    }

    static func rename(_ old: String, _ new: String) throws(SystemCallError) {
        guard unsafe Glibc.rename(old, new) == 0 else {
            throw SystemCallError(call: "rename", number: errno, subject: old)
        }
    }

    /// Removes a folder and all in it. One that is not there is fine.
    static func removeTree(_ path: String) throws(SystemCallError) {
        let (status, output) = try ChildProcess.run("/bin/rm", ["-rf", "--", path], environment: [])
        guard status == .exited(code: 0) else {
            throw SystemCallError(call: "rm", number: ECANCELED, subject: output.trimmed)
        }
    }

    /// The names of folders in a folder, as far as the file system tells without looking at each.
    static func folderNames(in folder: String) -> [String] {
        entries(in: folder).filter { $0.kind == UInt8(DT_DIR) }.map(\.name)
    }

    /// The names in a folder, without `.` and `..`, in order; empty when there is no such folder.
    static func names(in folder: String) -> [String] { entries(in: folder).map(\.name).sorted() }

    private static func entries(in folder: String) -> [(name: String, kind: UInt8)] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var entries: [(name: String, kind: UInt8)] = []
        while let entry = unsafe readdir(stream) {
            let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
            let start = unsafe UnsafeRawPointer(entry) + offset
            let name = unsafe String(cString: start.assumingMemoryBound(to: CChar.self))
            if name != "." && name != ".." { entries.append((name, unsafe entry.pointee.d_type)) }
        }
        return entries
    }
}

extension String {
    /// Without spaces and line ends on either side.
    var trimmed: String {
        var text = self[...]
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return String(text)
    }
}
