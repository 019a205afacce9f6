import Glibc
import Posix

/// A file that grows up to a size and is then set aside: `name`, `name.1`, `name.2`, oldest last.
struct SegmentedFile: ~Copyable {
    let path: String
    private let segmentBytes: Int
    private let segments: Int
    private var descriptor: FileDescriptor
    private(set) var size: Int

    /// Opens the newest segment for appending.
    ///
    /// - Parameters:
    ///   - segmentBytes: How large a segment grows before the next is begun.
    ///   - segments: How many are kept, the newest among them.
    init(path: String, segmentBytes: Int, segments: Int) throws(SystemCallError) {
        precondition(segmentBytes > 0 && segments > 0)
        let descriptor = try Self.open(path)
        size = try Self.size(descriptor, path)
        self.descriptor = descriptor
        self.path = path
        self.segmentBytes = segmentBytes
        self.segments = segments
    }

    private static func open(_ path: String) throws(SystemCallError) -> FileDescriptor {
        try FileDescriptor.open(path, O_RDWR | O_CREAT | O_APPEND, mode: 0o600)
    }

    private static func size(_ descriptor: borrowing FileDescriptor, _ path: String) throws(SystemCallError)
        -> Int
    {
        var information = stat()
        guard unsafe fstat(descriptor.number, &information) == 0 else {
            throw SystemCallError(call: "fstat", number: errno, subject: path)
        }
        return Int(information.st_size)
    }

    /// Appends all of `bytes` to one segment or, on failure, nothing.
    ///
    /// - Returns: How many bytes of the oldest segment were given up for it.
    mutating func append(_ bytes: ArraySlice<UInt8>) throws(SystemCallError) -> Int {
        var dropped = 0
        if size > 0, size + bytes.count > segmentBytes { dropped = try rotate() }
        do throws(SystemCallError) {
            try descriptor.writeAll(bytes)
        } catch {
            // Half a line would spoil the one after it. Cutting a file shorter needs no room.
            try truncate(size)
            throw error
        }
        size += bytes.count
        return dropped
    }

    /// How many bytes at the start of `lines` go into one segment: whole lines, and at least one.
    func share(of lines: ArraySlice<UInt8>) -> Int {
        guard size + lines.count > segmentBytes else { return lines.count }
        let newline = UInt8(ascii: "\n")
        let room = size < segmentBytes ? segmentBytes - size : 0
        let fitting = lines.prefix(room).lastIndex(of: newline)
        // Nothing fits behind what is there: the next segment gets as much as it may have.
        let end =
            fitting ?? lines.prefix(segmentBytes).lastIndex(of: newline) ?? lines.firstIndex(of: newline)
        return end.map { $0 + 1 - lines.startIndex } ?? lines.count
    }

    /// Sets the newest segment aside and begins another.
    ///
    /// - Returns: How many bytes the oldest segment had that is now gone.
    mutating func rotate() throws(SystemCallError) -> Int {
        let oldest = Self.name(path, segments - 1)
        let dropped = Self.fileSize(oldest)
        if segments == 1 {
            try truncate(0)
            return dropped
        }
        for index in stride(from: segments - 2, through: 0, by: -1) {
            let (from, to) = (Self.name(path, index), Self.name(path, index + 1))
            guard unsafe rename(from, to) == 0 || errno == ENOENT else {
                throw SystemCallError(call: "rename", number: errno, subject: from)
            }
        }
        descriptor = try Self.open(path)
        size = 0
        return dropped
    }

    /// Cuts the newest segment to `length` bytes.
    mutating func truncate(_ length: Int) throws(SystemCallError) {
        guard ftruncate(descriptor.number, length) == 0 else {
            throw SystemCallError(call: "ftruncate", number: errno, subject: path)
        }
        size = length
    }

    func synchronize() throws(SystemCallError) { try descriptor.synchronizeData() }

    /// The paths of the segments that are there, oldest first.
    var paths: [String] { Self.paths(path) }

    static func paths(_ path: String) -> [String] {
        var paths: [String] = []
        var index = 0
        while unsafe access(name(path, index), F_OK) == 0 {
            paths.append(name(path, index))
            index += 1
        }
        return paths.reversed()
    }

    private static func name(_ path: String, _ index: Int) -> String {
        index == 0 ? path : "\(path).\(index)"
    }

    private static func fileSize(_ path: String) -> Int {
        var information = stat()
        return unsafe stat(path, &information) == 0 ? Int(information.st_size) : 0
    }
}
