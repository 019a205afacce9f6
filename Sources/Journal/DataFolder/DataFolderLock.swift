import Glibc
import Posix

/// The proof that this process alone works in a data folder. It ends with the process, however that ends.
public final class DataFolderLock: Sendable {
    /// The data folder.
    public let folder: String
    private let descriptor: FileDescriptor

    /// Takes the folder, which must exist.
    ///
    /// - Throws: ``DataFolderTaken`` when another process has it, ``SystemCallError`` when the lock file cannot be made.
    public init(folder: String) throws {
        self.folder = folder
        let path = folder + "/lock"
        let descriptor = try FileDescriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
        // The lock belongs to the open file and not to the process: it also holds against ourselves, and it falls
        // when the last copy of the descriptor closes.
        guard flock(descriptor.number, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            guard number == EWOULDBLOCK else {
                throw SystemCallError(call: "flock", number: number, subject: path)
            }
            throw DataFolderTaken(folder: folder, holder: try Self.holder(descriptor))
        }
        guard ftruncate(descriptor.number, 0) == 0 else {
            throw SystemCallError(call: "ftruncate", number: errno, subject: path)
        }
        try descriptor.writeAll(Array("\(getpid())\n".utf8)[...])
        self.descriptor = descriptor
    }

    /// Lets the folder go before the process ends. Nothing may be written into it after that.
    public func release() {
        // It cannot fail on a lock that is held, and the end of the process would release it too.
        _ = flock(descriptor.number, LOCK_UN)
    }

    private static func holder(_ descriptor: borrowing FileDescriptor) throws -> Int? {
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = try descriptor.read(into: &buffer)
        return Int(String(decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}

/// Another process works in the data folder.
public struct DataFolderTaken: Error, Hashable, Sendable, CustomStringConvertible {
    /// The data folder.
    public let folder: String
    /// The process that has it; nil when it has not said so yet.
    public let holder: Int?

    /// Who has the folder and what to do.
    public var description: String {
        let who = holder.map { "process \($0)" } ?? "another process"
        return "\(folder) is in use by \(who); stop it, or choose another data folder with --data"
    }
}
