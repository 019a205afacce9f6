import CZlib
import Posix

/// Makes gzip members, one after another, with one set of buffers.
@safe
final class GzipCompressor {
    private var stream: UnsafeMutablePointer<z_stream>

    init() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 31: the largest window, in gzip form.
        let result = unsafe deflateInit2_(
            stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)
        )
        precondition(result == Z_OK, "no memory for a compressor")
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// `bytes` as one whole gzip member.
    func member(_ bytes: [UInt8]) -> [UInt8] {
        unsafe deflateReset(stream)
        var output = unsafe [UInt8](repeating: 0, count: Int(deflateBound(stream, UInt(bytes.count))))
        let count = unsafe output.withUnsafeMutableBufferPointer { output in
            unsafe bytes.withUnsafeBufferPointer { input in
                unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                unsafe stream.pointee.avail_in = UInt32(input.count)
                unsafe stream.pointee.next_out = output.baseAddress
                unsafe stream.pointee.avail_out = UInt32(output.count)
                let result = unsafe deflate(stream, Z_FINISH)
                precondition(result == Z_STREAM_END, "deflateBound is the bound")
                return unsafe output.count - Int(stream.pointee.avail_out)
            }
        }
        output.removeLast(output.count - count)
        return output
    }
}

/// Reads a file of gzip members as lines, as far as it is whole.
@safe
final class GzipLineReader {
    private var stream: UnsafeMutablePointer<z_stream>
    private let file: FileDescriptor
    private var input = [UInt8](repeating: 0, count: 1 << 16)
    private var available = 0..<0
    private var isAtMemberStart = true
    private let lineLimit: Int

    /// Opens `path`.
    ///
    /// - Parameter lineLimit: The longest line; a longer one is damage.
    init(path: String, lineLimit: Int = 1 << 20) throws(SystemCallError) {
        file = try FileDescriptor.open(path, 0)
        self.lineLimit = lineLimit
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let result = unsafe inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(result == Z_OK, "no memory for a decompressor")
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Hands each line to `body`, without its newline, until it returns false or the file ends.
    ///
    /// - Returns: Whether everything in the file could be read; false when it stops in the middle of a member.
    func forEachLine(_ body: (ArraySlice<UInt8>) throws -> Bool) throws -> Bool {
        var waiting: [UInt8] = []
        while let block = try nextBlock() {
            guard let block else { return false }
            waiting += block
            var start = waiting.startIndex
            while let end = waiting[start...].firstIndex(of: UInt8(ascii: "\n")) {
                guard try body(waiting[start..<end]) else { return true }
                start = end + 1
            }
            waiting.removeSubrange(..<start)
            guard waiting.count <= lineLimit else { return false }
        }
        return isAtMemberStart && waiting.isEmpty
    }

    /// The next decompressed bytes; nil at the end, `.some(nil)` where the data is damaged.
    private func nextBlock() throws(SystemCallError) -> [UInt8]?? {
        var output = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            if available.isEmpty {
                let count = try file.read(into: &input)
                guard count > 0 else { return .none }
                available = 0..<count
            }
            let (result, made, taken) = unsafe output.withUnsafeMutableBufferPointer { output in
                unsafe input.withUnsafeMutableBufferPointer { input in
                    unsafe stream.pointee.next_in = input.baseAddress! + available.lowerBound
                    unsafe stream.pointee.avail_in = UInt32(available.count)
                    unsafe stream.pointee.next_out = output.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(output.count)
                    let result = unsafe inflate(stream, Z_NO_FLUSH)
                    return unsafe (
                        result, output.count - Int(stream.pointee.avail_out),
                        available.count - Int(stream.pointee.avail_in)
                    )
                }
            }
            available = available.dropFirst(taken)
            isAtMemberStart = false
            switch result {
            case Z_STREAM_END:
                unsafe inflateReset(stream)
                isAtMemberStart = true
            case Z_OK, Z_BUF_ERROR: break
            default: return .some(nil)
            }
            if made > 0 { return Array(output[..<made]) }
        }
    }
}
