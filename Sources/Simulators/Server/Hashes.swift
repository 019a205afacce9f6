import COpenSSL

/// What signatures and handshakes are made of. The simulators check what clients sign by their own way to the C library.
enum Hashes {
    enum Algorithm { case sha256, sha512 }

    /// The keyed hash of a message in lower-case hexadecimal digits.
    static func hmac(_ algorithm: Algorithm, key: [UInt8], _ message: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: 64)
        var length: UInt32 = 0
        let kind = unsafe algorithm == .sha256 ? EVP_sha256() : EVP_sha512()
        let made = unsafe digest.withUnsafeMutableBufferPointer { output in
            unsafe key.withUnsafeBytes { key in
                unsafe message.withUnsafeBufferPointer { message in
                    unsafe HMAC(
                        kind, key.baseAddress, Int32(key.count), message.baseAddress, message.count,
                        output.baseAddress, &length) != nil
                }
            }
        }
        precondition(made, "no memory for a hash")
        return hexadecimal(digest.prefix(Int(length)))
    }

    /// The answer to a WebSocket client's key (RFC 6455, section 4.2.2).
    static func acceptance(of key: String) -> String {
        let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
        var digest = [UInt8](repeating: 0, count: 20)
        let made = unsafe digest.withUnsafeMutableBufferPointer { output in
            unsafe text.withUnsafeBufferPointer { text in
                unsafe SHA1(text.baseAddress, text.count, output.baseAddress) != nil
            }
        }
        precondition(made, "no memory for a hash")
        return base64(digest)
    }

    /// Whether two texts are the same, in a time that does not tell where they differ.
    static func isSame(_ left: String, _ right: String) -> Bool {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var output: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let piece = bytes[start..<min(start + 3, bytes.count)]
            var word = 0
            for index in 0..<3 { word = word << 8 | (index < piece.count ? Int(piece[start + index]) : 0) }
            for place in 0..<4 {
                output.append(
                    place <= piece.count ? alphabet[word >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
