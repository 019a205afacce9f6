import Glibc
import Posix
import Secrets

/// A file that holds a master key: 32 bytes, or 64 hexadecimal digits and perhaps a line's end.
public enum KeyFile {
    /// Makes a file with a new random key, readable by its owner alone, durable when this returns.
    ///
    /// - Throws: ``VaultFailure/conflict(_:)`` when there is something at that path already.
    public static func make(_ path: String) throws(VaultFailure) {
        let key = try locked { () throws(SecretFailure) in try LockedBytes.random(SealedBox.keyLength) }
        do throws(SystemCallError) {
            let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            // Whatever the umask took away.
            guard fchmod(file.number, 0o600) == 0 else {
                throw SystemCallError(call: "fchmod", number: errno, subject: path)
            }
            try write(key, to: file, path)
        } catch {
            guard error.number == EEXIST else { throw .storage("the key file cannot be made: \(error)") }
            throw .conflict("there is a file \(path) already")
        }
        try synchronize(folderOf: path)
    }

    /// Reads a file that nobody but its owner can.
    ///
    /// - Parameter isPrivate: Whether its mode must say so; systemd's credentials have modes of their own.
    /// - Returns: Nil when there is no such file.
    static func read(_ path: String, isPrivate: Bool = true) throws(VaultFailure) -> LockedBytes? {
        let file: FileDescriptor
        do throws(SystemCallError) {
            file = try .open(path, O_RDONLY | O_NONBLOCK)
        } catch {
            guard error.number == ENOENT || error.number == ENOTDIR else {
                throw .closed("the master key cannot be read: \(error)")
            }
            return nil
        }
        var status = stat()
        guard unsafe fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .closed("the master key \(path) is no file")
        }
        if isPrivate {
            guard status.st_mode & 0o077 == 0 else {
                let mode = String(status.st_mode & 0o777, radix: 8)
                throw .closed("others can read the master key \(path) (mode 0\(mode)): chmod 600 \(path)")
            }
            guard status.st_uid == geteuid() else {
                throw .closed("the master key \(path) belongs to another user (\(status.st_uid))")
            }
        }
        return try decode(try contents(file, path), path)
    }

    /// At most 128 bytes, straight into locked memory. The rest is nought.
    private static func contents(
        _ file: borrowing FileDescriptor, _ path: String
    ) throws(VaultFailure) -> (bytes: LockedBytes, count: Int) {
        let number = file.number
        var count = 0
        let bytes = try locked { () throws(SecretFailure) in
            try unsafe LockedBytes(count: 128) { buffer throws(SecretFailure) in
                unsafe count = Glibc.read(number, buffer.baseAddress, buffer.count)
            }
        }
        guard count >= 0 else { throw .closed("the master key \(path) cannot be read: error \(errno)") }
        return (bytes, count)
    }

    private static func decode(
        _ file: (bytes: LockedBytes, count: Int), _ path: String
    ) throws(VaultFailure) -> LockedBytes {
        let length = SealedBox.keyLength
        let text = unsafe file.bytes.withBytes { bytes in
            // How many bytes come before a line's end.
            unsafe bytes[..<file.count].reversed().drop { $0 == 0x0A || $0 == 0x0D }.count
        }
        var isKey = file.count == length
        let key = try locked { () throws(SecretFailure) in
            try unsafe LockedBytes(count: length) { buffer throws(SecretFailure) in
                unsafe file.bytes.withBytes { bytes in
                    if file.count == length {
                        unsafe buffer.copyBytes(from: bytes[..<length])
                    } else if text == 2 * length {
                        isKey = true
                        for index in 0..<length {
                            let high = unsafe Hexadecimal.value(bytes[2 * index])
                            let low = unsafe Hexadecimal.value(bytes[2 * index + 1])
                            isKey = isKey && high != nil && low != nil
                            unsafe buffer[index] = (high ?? 0) << 4 | (low ?? 0)
                        }
                    }
                }
            }
        }
        guard isKey else {
            throw .closed("\(path) holds no master key: 32 bytes or 64 hexadecimal digits are wanted")
        }
        return key
    }

    private static func write(
        _ key: LockedBytes, to file: borrowing FileDescriptor, _ path: String
    ) throws(SystemCallError) {
        let digits = Array("0123456789abcdef".utf8)
        var text = [UInt8](repeating: 0x0A, count: 2 * key.count + 1)
        defer { LockedBytes.wipe(&text) }
        unsafe key.withBytes { key in
            for index in 0..<key.count {
                text[2 * index] = unsafe digits[Int(key[index] >> 4)]
                text[2 * index + 1] = unsafe digits[Int(key[index] & 15)]
            }
        }
        try file.writeAll(text[...])
        try file.synchronizeData()
    }

    /// Makes the names in a file's folder durable.
    static func synchronize(folderOf path: String) throws(VaultFailure) {
        var folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        if folder.isEmpty { folder = path.hasPrefix("/") ? "/" : "." }
        do throws(SystemCallError) {
            let descriptor = try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY)
            guard fsync(descriptor.number) == 0 else {
                throw SystemCallError(call: "fsync", number: errno, subject: folder)
            }
        } catch {
            throw .storage("the key file is not durable: \(error)")
        }
    }
}

/// Gives a failure of locked memory the vault's words.
func locked<Result>(_ body: () throws(SecretFailure) -> Result) throws(VaultFailure) -> Result {
    do throws(SecretFailure) {
        return try body()
    } catch {
        throw .machine(error)
    }
}
