import CZlib
import Glibc

/// Why a market file cannot be read, or where it is wrong.
public struct MarketFileFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file's path as given.
    public let file: String
    /// The line, from 1; nought for the file as a whole.
    public let line: Int
    /// What is wrong, in words.
    public let reason: String

    /// Names a file, a line and a reason.
    public init(file: String, line: Int, reason: String) {
        self.file = file
        self.line = line
        self.reason = reason
    }

    /// The file, the line and the reason, as in `candles.csv.gz: line 7: …`.
    public var description: String {
        line == 0 ? "\(file): \(reason)" : "\(file): line \(line): \(reason)"
    }
}

/// Reads a text file line by line, through gzip when it is compressed, with bounded memory.
@safe struct LineFile: ~Copyable {
    let path: String
    /// The number of the line read last.
    private(set) var lineNumber = 0

    /// The size of the file as it lies on the disk.
    let fileBytes: Int

    private let handle: gzFile
    private let maximumLineBytes: Int
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    private var start = 0
    private var end = 0

    init(path: String, maximumLineBytes: Int) throws(MarketFileFailure) {
        self.path = path
        self.maximumLineBytes = maximumLineBytes
        // Looked at first, so that a fifo under that name cannot hang us.
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw MarketFileFailure(file: path, line: 0, reason: unsafe String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw MarketFileFailure(file: path, line: 0, reason: "is not a regular file")
        }
        // `e` closes it in children.
        guard let opened = unsafe gzopen(path, "rbe") else {
            throw MarketFileFailure(file: path, line: 0, reason: unsafe String(cString: strerror(errno)))
        }
        fileBytes = Int(status.st_size)
        unsafe handle = opened
    }

    deinit { _ = unsafe gzclose(handle) }

    /// How much of the file on the disk was read, from 0 to 1.
    var fractionRead: Double {
        guard fileBytes > 0 else { return 1 }
        return min(1, max(0, unsafe Double(gzoffset(handle)) / Double(fileBytes)))
    }

    /// The next line without its end, or nil at the end of the file.
    mutating func next() throws(MarketFileFailure) -> [UInt8]? {
        var line: [UInt8] = []
        while true {
            if start == end {
                try refill()
                if end == 0 {
                    guard !line.isEmpty else { return nil }
                    break
                }
            }
            let newline = buffer[start..<end].firstIndex(of: 0x0A)
            line.append(contentsOf: buffer[start..<(newline ?? end)])
            guard line.count <= maximumLineBytes else {
                throw failure(line: lineNumber + 1, "is longer than \(maximumLineBytes) bytes")
            }
            start = newline.map { $0 + 1 } ?? end
            if newline != nil { break }
        }
        lineNumber += 1
        if line.last == 0x0D { line.removeLast() }
        return line
    }

    private mutating func refill() throws(MarketFileFailure) {
        start = 0
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe gzread(handle, bytes.baseAddress, UInt32(bytes.count))
        }
        if count <= 0 {
            end = 0
            var code: Int32 = 0
            let message = unsafe gzerror(handle, &code)
            // A file cut short is no error to zlib, only a buffer that never fills.
            guard count == 0, code == Z_OK || code == Z_STREAM_END else {
                let text = unsafe code == Z_ERRNO ? strerror(errno) : UnsafeMutablePointer(mutating: message)
                let words = unsafe text.map { unsafe String(cString: $0) } ?? ""
                let reason = words.hasPrefix(path + ": ") ? String(words.dropFirst(path.count + 2)) : words
                throw failure(line: lineNumber + 1, "the compressed data is broken: \(reason)")
            }
        }
        end = Int(count)
    }

    func failure(line: Int, _ reason: String) -> MarketFileFailure {
        MarketFileFailure(file: path, line: line, reason: reason)
    }
}
