internal import CPosix
internal import Glibc

/// An open file, pipe or device that this value alone owns. It closes when the value ends.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The kernel's number, for calls that borrow the descriptor. It is invalid once this value has ended.
    public let number: Int32

    /// Takes over `number`. Nobody else may close it from here on.
    public init(owning number: Int32) {
        precondition(number >= 0)
        self.number = number
    }

    deinit { _ = Glibc.close(number) }

    /// Gives the number away; whoever takes it closes it.
    public consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }

    /// Opens a file, close-on-exec.
    ///
    /// - Parameters:
    ///   - path: The file's path.
    ///   - flags: `O_RDONLY` and the like; `O_CLOEXEC` is added.
    ///   - mode: The permissions of a file that is made.
    public static func open(
        _ path: String, _ flags: Int32, mode: UInt32 = 0o600
    ) throws(SystemCallError) -> FileDescriptor {
        let number = unsafe Glibc.open(path, flags | O_CLOEXEC, mode)
        guard number >= 0 else { throw .last("open", path) }
        return FileDescriptor(owning: number)
    }

    /// Reads once into `buffer` from `offset` on, at most `limit` bytes, without waiting for it to fill.
    ///
    /// - Returns: How many bytes came; nought at the end of the file.
    /// - Throws: ``SystemCallError``, whose ``SystemCallError/wouldBlock`` is true when nothing is there yet.
    public borrowing func read(
        into buffer: inout [UInt8], from offset: Int = 0, limit: Int = .max
    ) throws(SystemCallError) -> Int {
        precondition(offset < buffer.count && limit > 0)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(number, bytes.baseAddress! + offset, min(bytes.count - offset, limit))
            }
            if count >= 0 { return count }
            guard errno == EINTR else { throw .last("read") }
        }
    }

    /// Reads up to `count` bytes of a file from `offset` on.
    ///
    /// - Returns: What was there; fewer bytes near the end of the file, none behind it.
    public borrowing func read(at offset: Int, count: Int) throws(SystemCallError) -> [UInt8] {
        var result = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            repeat {
                result = unsafe pread(number, buffer.baseAddress, count, off_t(offset))
            } while result < 0 && errno == EINTR
            initialized = max(0, result)
        }
        guard result >= 0 else { throw .last("pread") }
        return bytes
    }

    /// Writes once from `bytes`, perhaps fewer than there are.
    ///
    /// - Returns: How many bytes were taken.
    /// - Throws: ``SystemCallError``, whose ``SystemCallError/wouldBlock`` is true when the pipe is full.
    public borrowing func write(_ bytes: ArraySlice<UInt8>) throws(SystemCallError) -> Int {
        while true {
            let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress, $0.count) }
            if count >= 0 { return count }
            guard errno == EINTR else { throw .last("write") }
        }
    }

    /// Writes all of `bytes`, waiting where needed. For files, not for a child's pipe.
    public borrowing func writeAll(_ bytes: ArraySlice<UInt8>) throws(SystemCallError) {
        var rest = bytes
        while !rest.isEmpty { rest = rest.dropFirst(try write(rest)) }
    }

    /// How many bytes the file holds.
    public borrowing func size() throws(SystemCallError) -> Int {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw .last("fstat") }
        return Int(status.st_size)
    }

    /// Makes a file's data durable.
    public borrowing func synchronizeData() throws(SystemCallError) {
        guard fdatasync(number) == 0 else { throw .last("fdatasync") }
    }
}

/// A pipe's two ends.
public struct Pipe: ~Copyable, Sendable {
    /// Where what was written comes out.
    public var readEnd: FileDescriptor
    /// Where to write.
    public var writeEnd: FileDescriptor

    /// Makes a pipe, both ends close-on-exec.
    ///
    /// - Parameters:
    ///   - readsWithoutWaiting: Whether the reading end is non-blocking.
    ///   - writesWithoutWaiting: Whether the writing end is non-blocking.
    public init(
        readsWithoutWaiting: Bool = false, writesWithoutWaiting: Bool = false
    ) throws(SystemCallError) {
        var ends: (Int32, Int32) = (-1, -1)
        let result = unsafe withUnsafeMutableBytes(of: &ends) { raw in
            unsafe cposix_pipe(
                raw.assumingMemoryBound(to: Int32.self).baseAddress, readsWithoutWaiting ? O_NONBLOCK : 0,
                writesWithoutWaiting ? O_NONBLOCK : 0)
        }
        try SystemCallError.check(result, "pipe2")
        readEnd = FileDescriptor(owning: ends.0)
        writeEnd = FileDescriptor(owning: ends.1)
    }

    /// Takes the ends apart.
    public consuming func split(_ body: (consuming FileDescriptor, consuming FileDescriptor) -> Void) {
        let pipe = self
        body(pipe.readEnd, pipe.writeEnd)
    }
}
