import CZlib

/// Bytes made small for a column of a database, and large again. The form is one gzip member.
public enum CompressedBytes {
    /// `bytes`, compressed.
    public static func pack(_ bytes: [UInt8]) -> [UInt8] { GzipCompressor().member(bytes) }

    /// What ``pack(_:)`` was given.
    ///
    /// - Parameter limit: The most bytes that may come out.
    /// - Returns: Nil when `packed` is no whole gzip member, or holds more than `limit`.
    public static func unpack(_ packed: [UInt8], limit: Int) -> [UInt8]? {
        var stream = unsafe z_stream()
        guard
            unsafe inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { unsafe inflateEnd(&stream) }
        var packed = packed
        return unsafe packed.withUnsafeMutableBufferPointer { input -> [UInt8]? in
            unsafe stream.next_in = input.baseAddress
            unsafe stream.avail_in = UInt32(input.count)
            var output: [UInt8] = []
            var block = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let (result, made) = unsafe block.withUnsafeMutableBufferPointer { block in
                    unsafe stream.next_out = block.baseAddress
                    unsafe stream.avail_out = UInt32(block.count)
                    let result = unsafe inflate(&stream, Z_NO_FLUSH)
                    return unsafe (result, block.count - Int(stream.avail_out))
                }
                guard output.count + made <= limit else { return nil }
                output += block[..<made]
                switch result {
                case Z_STREAM_END: return output
                case Z_OK where made > 0: continue
                default: return nil
                }
            }
        }
    }
}
