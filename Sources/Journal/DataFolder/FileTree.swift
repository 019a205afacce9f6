import Glibc
import Posix

/// Walking, copying and making files durable, as a backup needs it.
enum FileTree {
    /// What stands at a path below a folder.
    struct Entry: Hashable {
        var path: String
        var isFolder: Bool
        var mode: UInt32
        var bytes: Int
    }

    /// What is at `path`, not following a link; nil when nothing is.
    static func entry(_ root: String, _ path: String) throws -> Entry? {
        var information = stat()
        guard unsafe lstat(root + "/" + path, &information) == 0 else {
            guard errno == ENOENT else {
                throw SystemCallError(call: "lstat", number: errno, subject: root + "/" + path)
            }
            return nil
        }
        let kind = information.st_mode & S_IFMT
        guard kind == S_IFREG || kind == S_IFDIR else {
            throw BackupFailure(
                code: .unexpectedFile,
                reason: "\(path) is neither a file nor a folder, but a link or a device")
        }
        return Entry(
            path: path, isFolder: kind == S_IFDIR, mode: information.st_mode & 0o777,
            bytes: kind == S_IFDIR ? 0 : Int(information.st_size))
    }

    /// Everything below `path`, itself included; folders before what is in them, names in order.
    static func walk(_ root: String, _ path: String) throws -> [Entry] {
        guard let top = try entry(root, path) else { return [] }
        guard top.isFolder else { return [top] }
        var entries = [top]
        for name in try names(root + "/" + path) { entries += try walk(root, path + "/" + name) }
        return entries
    }

    /// The names in a folder, in order.
    static func names(_ path: String) throws(SystemCallError) -> [String] {
        guard let folder = unsafe opendir(path) else {
            throw SystemCallError(call: "opendir", number: errno, subject: path)
        }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(folder) else { break }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw SystemCallError(call: "readdir", number: errno, subject: path) }
        return names.sorted()
    }

    /// Copies a file, makes the copy durable and returns the hash of what was copied.
    static func copy(from source: String, to target: String, mode: UInt32) throws -> String {
        let output = try FileDescriptor.open(target, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        let hash = try read(source) { try output.writeAll($0) }
        guard fchmod(output.number, mode) == 0 else {
            throw SystemCallError(call: "fchmod", number: errno, subject: target)
        }
        try output.synchronizeData()
        return hash
    }

    /// The hash of a file's contents.
    static func hash(_ path: String) throws -> String { try read(path) { _ in } }

    private static func read(_ path: String, _ body: (ArraySlice<UInt8>) throws -> Void) throws -> String {
        let input = try FileDescriptor.open(path, O_RDONLY | O_NOFOLLOW)
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = try input.read(into: &buffer)
            if count == 0 { return hash.hexadecimal() }
            hash.update(buffer[..<count])
            try body(buffer[..<count])
        }
    }

    /// Writes a new file durably.
    static func write(_ bytes: [UInt8], to path: String) throws(SystemCallError) {
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try file.writeAll(bytes[...])
        try file.synchronizeData()
    }

    static func makeFolder(_ path: String, mode: UInt32 = 0o700) throws(SystemCallError) {
        guard unsafe mkdir(path, 0o700) == 0, unsafe chmod(path, mode | 0o700) == 0 else {
            throw SystemCallError(call: "mkdir", number: errno, subject: path)
        }
    }

    static func setMode(_ path: String, _ mode: UInt32) throws(SystemCallError) {
        guard unsafe chmod(path, mode) == 0 else {
            throw SystemCallError(call: "chmod", number: errno, subject: path)
        }
    }

    /// Makes a folder's list of names durable.
    static func synchronize(folder path: String) throws(SystemCallError) {
        let folder = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        guard fsync(folder.number) == 0 else {
            throw SystemCallError(call: "fsync", number: errno, subject: path)
        }
    }

    static func move(_ source: String, to target: String) throws(SystemCallError) {
        guard unsafe rename(source, target) == 0 else {
            throw SystemCallError(call: "rename", number: errno, subject: target)
        }
    }

    /// Removes what is at `path`, with everything below it. For folders of our own making.
    static func remove(_ path: String) throws(SystemCallError) {
        if unsafe unlink(path) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else {
            throw SystemCallError(call: "unlink", number: errno, subject: path)
        }
        try setMode(path, 0o700)
        for name in try names(path) { try remove(path + "/" + name) }
        guard unsafe rmdir(path) == 0 else {
            throw SystemCallError(call: "rmdir", number: errno, subject: path)
        }
    }
}
