import Glibc

/// Reads an upload: a Python file, a zip of several files, or a built program.
///
/// Everything is unpacked in memory and counted while it comes out, whatever the headers claim; nothing is written.
/// A bundle is taken whole or refused with the name of the first entry that is wrong.
public struct BundleReader: Sendable {
    /// What one bundle may hold.
    public struct Limits: Hashable, Sendable {
        /// Bytes of the upload.
        public var uploadBytes: Int
        /// Bytes of one file.
        public var fileBytes: Int
        /// Bytes of all files together.
        public var totalBytes: Int
        /// Entries of an archive, folders included.
        public var entries: Int
        /// How many times larger than its packed form a file may be, once it is larger than a megabyte.
        public var ratio: Int

        /// Sets limits.
        public init(
            uploadBytes: Int = 16 << 20, fileBytes: Int = 32 << 20, totalBytes: Int = 64 << 20,
            entries: Int = 500, ratio: Int = 100
        ) {
            self.uploadBytes = uploadBytes
            self.fileBytes = fileBytes
            self.totalBytes = totalBytes
            self.entries = entries
            self.ratio = ratio
        }
    }

    private let limits: Limits

    /// Makes a reader with limits.
    public init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Reads an upload.
    ///
    /// - Parameters:
    ///   - bytes: The upload as it came.
    ///   - fileName: The name it came with; only its ending counts.
    public func read(_ bytes: [UInt8], fileName: String) throws(ValidationProblem) -> StrategyBundle {
        guard !bytes.isEmpty else { throw ValidationProblem(.empty, "the upload is empty") }
        guard bytes.count <= limits.uploadBytes else {
            throw ValidationProblem(
                .tooLarge, "the upload has \(bytes.count) bytes, at most \(limits.uploadBytes) are taken")
        }
        if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) || bytes.starts(with: [0x50, 0x4B, 0x05, 0x06]) {
            return try unpack(bytes)
        }
        guard bytes.count <= limits.fileBytes else {
            throw ValidationProblem(
                .tooLarge, "the file has \(bytes.count) bytes, at most \(limits.fileBytes) are taken")
        }
        if bytes.starts(with: ELFCheck.magic) {
            return StrategyBundle(files: [.init(path: "strategy", content: bytes)])
        }
        guard fileName.lowercased().hasSuffix(".py") else {
            throw ValidationProblem(
                .unknownType,
                "\(BundleName.printable(fileName.utf8)) is neither Python (.py), a zip archive (.zip) nor a "
                    + "program for Linux (ELF)")
        }
        return StrategyBundle(files: [.init(path: "strategy.py", content: bytes)])
    }

    private func unpack(_ bytes: [UInt8]) throws(ValidationProblem) -> StrategyBundle {
        let archive = try ZipArchive(bytes)
        guard archive.count <= limits.entries else {
            throw ValidationProblem(
                .tooManyFiles, "the archive has \(archive.count) entries, at most \(limits.entries) are taken"
            )
        }
        var names = NameRegister()
        var wanted: [(entry: ZipArchive.Entry, path: String)] = []
        var leftOut: [String] = []
        // All names before any content: a bad name is refused without unpacking what stands before it.
        for index in 0..<archive.count {
            let entry = try archive.entry(index)
            let path = try checked(entry, &names)
            if path.hasSuffix("/") { continue }
            if Self.isLitter(path) {
                leftOut.append(path)
            } else {
                wanted.append((entry, path))
            }
        }
        try names.check()
        guard !archive.hasDoubles else {
            throw ValidationProblem(.duplicateName, "two entries of the archive have one name")
        }
        var total = 0
        var files: [StrategyBundle.File] = []
        for (entry, path) in wanted {
            files.append(.init(path: path, content: try content(archive, entry, path, &total)))
        }
        guard !files.isEmpty else { throw ValidationProblem(.empty, "the archive holds no file") }
        return StrategyBundle(files: Self.withoutCommonFolder(files), leftOut: leftOut)
    }

    /// The entry's path, once its name and kind are in order; a folder's ends with `/`.
    private func checked(
        _ entry: ZipArchive.Entry, _ names: inout NameRegister
    ) throws(ValidationProblem) -> String {
        let shown = BundleName.printable(entry.name)
        guard let name = String(validating: entry.name, as: UTF8.self) else {
            throw ValidationProblem(.unsafeName, "\(shown) has a name that is not UTF-8", field: shown)
        }
        let isFolder = name.hasSuffix("/") && name != "/"
        let path = isFolder ? String(name.dropLast()) : name
        if let flaw = BundleName.flaw(path) {
            throw ValidationProblem(.unsafeName, "\(shown) \(flaw)", field: shown)
        }
        switch entry.mode & S_IFMT {
        case 0, S_IFREG, S_IFDIR: break
        case S_IFLNK:
            throw ValidationProblem(.notAFile, "\(shown) is a link; put the file itself there", field: shown)
        default:
            throw ValidationProblem(.notAFile, "\(shown) is a device, not a file", field: shown)
        }
        guard !entry.isEncrypted else {
            throw ValidationProblem(
                .encrypted, "\(shown) is encrypted; pack it without a password", field: shown)
        }
        guard entry.method == ZipArchive.stored || entry.method == ZipArchive.deflated else {
            throw ValidationProblem(
                .unsupportedCompression,
                "\(shown) is packed with method \(entry.method); pack it as an ordinary zip (deflate)",
                field: shown)
        }
        try names.add(path, isFolder: isFolder, shown: shown)
        return isFolder ? path + "/" : path
    }

    private func content(
        _ archive: ZipArchive, _ entry: ZipArchive.Entry, _ path: String, _ total: inout Int
    ) throws(ValidationProblem) -> [UInt8] {
        var content: [UInt8] = []
        var sum = total
        try archive.read(entry) { piece throws(ValidationProblem) in
            sum += piece.count
            let size = content.count + piece.count
            if size > 1 << 20, size > Int(clamping: entry.compressedSize) * limits.ratio {
                throw ValidationProblem(
                    .compressionBomb,
                    "\(path) unpacks to more than \(limits.ratio) times its packed size", field: path)
            }
            guard size <= limits.fileBytes else {
                throw ValidationProblem(
                    .tooLarge, "\(path) is larger than \(limits.fileBytes) bytes", field: path)
            }
            guard sum <= limits.totalBytes else {
                throw ValidationProblem(
                    .tooLarge, "the files together are larger than \(limits.totalBytes) bytes", field: path)
            }
            content.append(contentsOf: piece)
        }
        total = sum
        return content
    }

    /// What systems and interpreters leave behind and nobody means to upload.
    private static func isLitter(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        return parts.first == "__MACOSX" || parts.contains("__pycache__") || parts.last == ".DS_Store"
    }

    /// Files packed as one folder lie at the top, as if its contents had been packed.
    private static func withoutCommonFolder(_ files: [StrategyBundle.File]) -> [StrategyBundle.File] {
        guard let folder = files[0].path.split(separator: "/").first.map({ $0 + "/" }),
            files.allSatisfy({ $0.path.hasPrefix(folder) })
        else { return files }
        return files.map { .init(path: String($0.path.dropFirst(folder.count)), content: $0.content) }
    }
}

/// Watches for names that are one on some file system, and for files that are also folders.
private struct NameRegister {
    private var seen: [String: String] = [:]
    private var files: [(key: String, shown: String)] = []
    private var folders: Set<String> = []

    mutating func add(_ path: String, isFolder: Bool, shown: String) throws(ValidationProblem) {
        let key = BundleName.alike(path)
        if let other = seen.updateValue(shown, forKey: key) {
            let what = other == shown ? "stands twice" : "and \(other) are one name on some systems"
            throw ValidationProblem(.duplicateName, "\(shown) \(what)", field: shown)
        }
        var parts = key.split(separator: "/")
        if !isFolder {
            files.append((key, shown))
            parts.removeLast()
        }
        while !parts.isEmpty {
            folders.insert(parts.joined(separator: "/"))
            parts.removeLast()
        }
    }

    func check() throws(ValidationProblem) {
        if let file = files.first(where: { folders.contains($0.key) }) {
            throw ValidationProblem(
                .duplicateName, "\(file.shown) is a file and also a folder", field: file.shown)
        }
    }
}
