import Glibc
import Posix

/// Reading files of bounded size as a whole.
enum FileContents {
    /// The last `bytes` bytes of a file, or all of it when it has fewer.
    static func tail(_ path: String, bytes: Int) throws(SystemCallError) -> [UInt8] {
        let file = try FileDescriptor.open(path, O_RDONLY)
        let size = lseek(file.number, 0, SEEK_END)
        guard size >= 0, lseek(file.number, max(0, size - bytes), SEEK_SET) >= 0 else {
            throw SystemCallError(call: "lseek", number: errno, subject: path)
        }
        return try rest(of: file, atMost: bytes)
    }

    /// The first `bytes` bytes of a file, or all of it when it has fewer.
    static func head(_ path: String, bytes: Int) throws(SystemCallError) -> [UInt8] {
        let file = try FileDescriptor.open(path, O_RDONLY)
        return try rest(of: file, atMost: bytes)
    }

    private static func rest(
        of file: borrowing FileDescriptor, atMost limit: Int
    ) throws(SystemCallError) -> [UInt8] {
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(max(limit, 1), 1 << 16))
        while contents.count < limit {
            let count = try file.read(into: &buffer)
            if count == 0 { break }
            contents += buffer[..<min(count, limit - contents.count)]
        }
        return contents
    }
}
