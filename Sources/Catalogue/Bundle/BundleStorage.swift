import Glibc
public import Posix

/// Keeps bundles in folders: `<parent>/<version>/…`, read-only, made whole or not at all.
///
/// Every step goes through the descriptor of the folder before it and follows no link, so that nobody who can write
/// beside us can lead us elsewhere.
public enum BundleStorage {
    private static let temporaryPrefix = ".incoming-"

    /// Writes the bundle below `parent`, which is made when missing, and returns its folder's path.
    ///
    /// Files are 0444 (the program to start, of a native bundle, 0555), folders 0555. Everything is durable when
    /// this returns. A bundle that is there already is left alone.
    ///
    /// - Parameter program: The file that must be executable, when there is one.
    public static func install(
        _ bundle: StrategyBundle, below parent: String, program: String? = nil
    ) throws(SystemCallError) -> String {
        guard unsafe mkdir(parent, 0o755) == 0 || errno == EEXIST else { throw .now("mkdir", parent) }
        let folder = try openFolder(AT_FDCWD, parent)
        let target = parent + "/" + bundle.version
        if try exists(folder.number, bundle.version) { return target }
        let temporary = temporaryPrefix + String(UInt64.random(in: .min ... .max), radix: 16)
        do throws(SystemCallError) {
            try write(bundle, to: folder, temporary, program)
            if unsafe renameat(folder.number, temporary, folder.number, bundle.version) != 0 {
                // Somebody else put the same bundle there meanwhile: its content is its name.
                guard errno == EEXIST || errno == ENOTEMPTY else { throw .now("rename", target) }
                try removeTree(folder.number, temporary)
            }
            try synchronize(folder, parent)
        } catch {
            // The first failure is the one to tell; what stays behind is swept at the next start.
            do throws(SystemCallError) { try removeTree(folder.number, temporary) } catch {}
            throw error
        }
        return target
    }

    /// Reads a bundle back from its folder and refuses one that is not what its version says.
    ///
    /// - Returns: Nil when the content was changed, files are missing or too many.
    public static func load(
        _ version: String, below parent: String, limits: BundleReader.Limits = BundleReader.Limits()
    ) throws(SystemCallError) -> StrategyBundle? {
        let folder = try openFolder(AT_FDCWD, parent)
        let top = try openFolder(folder.number, version)
        var files: [StrategyBundle.File] = []
        var room = limits.totalBytes
        guard try readTree(top, "", limits.entries, &room, &files) else { return nil }
        let bundle = StrategyBundle(files: files)
        return bundle.version == version ? bundle : nil
    }

    /// Removes one version, or with nil the whole folder `parent`.
    ///
    /// What is not there is no fault.
    public static func remove(_ version: String?, below parent: String) throws(SystemCallError) {
        guard let version else { return try removeTree(AT_FDCWD, parent) }
        do throws(SystemCallError) {
            let folder = try openFolder(AT_FDCWD, parent)
            try removeTree(folder.number, version)
        } catch {
            guard error.number == ENOENT else { throw error }
        }
    }

    /// Removes what an installation that was interrupted left behind.
    public static func sweep(below parent: String) throws(SystemCallError) {
        let folder = try openFolder(AT_FDCWD, parent)
        for name in try names(folder, parent) where name.hasPrefix(temporaryPrefix) {
            try removeTree(folder.number, name)
        }
    }

    // MARK: - Writing

    private static func write(
        _ bundle: StrategyBundle, to folder: borrowing FileDescriptor, _ name: String, _ program: String?
    ) throws(SystemCallError) {
        guard unsafe mkdirat(folder.number, name, 0o700) == 0 else { throw .now("mkdir", name) }
        let top = try openFolder(folder.number, name)
        for file in bundle.files {
            var parts = file.path.split(separator: "/").map(String.init)
            let last = parts.removeLast()
            try write(
                file.content, last, executable: file.path == program, in: top, through: parts[...])
        }
        try seal(top, name)
    }

    private static func write(
        _ content: [UInt8], _ name: String, executable: Bool, in folder: borrowing FileDescriptor,
        through parts: ArraySlice<String>
    ) throws(SystemCallError) {
        if let next = parts.first {
            guard unsafe mkdirat(folder.number, next, 0o700) == 0 || errno == EEXIST else {
                throw .now("mkdir", next)
            }
            let inner = try openFolder(folder.number, next)
            return try write(content, name, executable: executable, in: inner, through: parts.dropFirst())
        }
        let number = unsafe openat(
            folder.number, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o400)
        guard number >= 0 else { throw .now("open", name) }
        let file = FileDescriptor(owning: number)
        try file.writeAll(content[...])
        guard fchmod(file.number, executable ? 0o555 : 0o444) == 0 else { throw .now("fchmod", name) }
        guard fsync(file.number) == 0 else { throw .now("fsync", name) }
    }

    /// Makes the folders read-only and durable, innermost first.
    private static func seal(
        _ folder: borrowing FileDescriptor, _ name: String
    ) throws(SystemCallError) {
        for entry in try names(folder, name) where try isFolder(folder.number, entry) {
            try seal(try openFolder(folder.number, entry), entry)
        }
        guard fchmod(folder.number, 0o555) == 0 else { throw .now("fchmod", name) }
        try synchronize(folder, name)
    }

    private static func synchronize(
        _ folder: borrowing FileDescriptor, _ name: String
    ) throws(SystemCallError) {
        guard fsync(folder.number) == 0 else { throw .now("fsync", name) }
    }

    // MARK: - Reading and removing

    private static func readTree(
        _ folder: borrowing FileDescriptor, _ path: String, _ limit: Int, _ room: inout Int,
        _ files: inout [StrategyBundle.File]
    ) throws(SystemCallError) -> Bool {
        for name in try names(folder, path) {
            let inner = path.isEmpty ? name : path + "/" + name
            if try isFolder(folder.number, name) {
                guard BundleName.flaw(inner) == nil else { return false }
                let next = try openFolder(folder.number, name)
                guard try readTree(next, inner, limit, &room, &files) else { return false }
                continue
            }
            let number = unsafe openat(
                folder.number, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
            guard number >= 0 else { throw .now("open", inner) }
            let file = FileDescriptor(owning: number)
            let size = try file.size()
            guard files.count < limit, size <= room else { return false }
            room -= size
            var content = [UInt8](repeating: 0, count: size + 1)
            var filled = 0
            while filled < content.count {
                let count = try file.read(into: &content, from: filled)
                if count == 0 { break }
                filled += count
            }
            guard filled == size else { return false }
            content.removeLast()
            files.append(.init(path: inner, content: content))
        }
        return true
    }

    private static func removeTree(_ parent: Int32, _ name: String) throws(SystemCallError) {
        guard try exists(parent, name) else { return }
        if try isFolder(parent, name) {
            let folder = try openFolder(parent, name)
            guard fchmod(folder.number, 0o700) == 0 else { throw .now("fchmod", name) }
            for inner in try names(folder, name) { try removeTree(folder.number, inner) }
        }
        let flags = try isFolder(parent, name) ? AT_REMOVEDIR : 0
        guard unsafe unlinkat(parent, name, flags) == 0 else { throw .now("unlink", name) }
    }

    private static func openFolder(
        _ parent: Int32, _ name: String
    ) throws(SystemCallError) -> FileDescriptor {
        let number = unsafe openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw .now("open", name) }
        return FileDescriptor(owning: number)
    }

    private static func exists(_ parent: Int32, _ name: String) throws(SystemCallError) -> Bool {
        var status = stat()
        if unsafe fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { return true }
        guard errno == ENOENT else { throw .now("stat", name) }
        return false
    }

    private static func isFolder(_ parent: Int32, _ name: String) throws(SystemCallError) -> Bool {
        var status = stat()
        guard unsafe fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw .now("stat", name)
        }
        return status.st_mode & S_IFMT == S_IFDIR
    }

    private static func names(
        _ folder: borrowing FileDescriptor, _ path: String
    ) throws(SystemCallError) -> [String] {
        let copy = unsafe openat(folder.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { throw .now("open", path) }
        guard let stream = unsafe fdopendir(copy) else {
            let error = SystemCallError.now("fdopendir", path)
            close(copy)
            throw error
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw .now("readdir", path) }
        return names
    }
}

extension SystemCallError {
    /// The error that `errno` names now.
    fileprivate static func now(_ call: String, _ subject: String) -> SystemCallError {
        SystemCallError(call: call, number: errno, subject: subject)
    }
}
