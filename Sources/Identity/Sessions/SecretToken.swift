import COpenSSL

/// A random secret that is shown once and kept only as its hash.
struct SecretToken: Hashable, Sendable {
    /// The secret itself.
    let text: String

    /// Makes one of 256 random bits.
    init(prefix: String = "") {
        text = prefix + Base64URL.text(RandomBytes.make(32))
    }

    /// What is kept of it. A plain hash suffices: nobody guesses 256 random bits.
    var hash: [UInt8] { Self.hash(text) }

    /// What is kept of a secret that somebody shows.
    static func hash(_ text: String) -> [UInt8] { SHA256Digest.of(Array(text.utf8)) }
}

enum SHA256Digest {
    static func of(_ bytes: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: 32)
        _ = unsafe SHA256(bytes, bytes.count, &output)
        return output
    }
}

/// The CSRF token of a session: made from its secret, so that it need not be kept, and useless for making it.
enum CSRFToken {
    static func text(session secret: String) -> String {
        let key = Array(secret.utf8)
        let message = Array("bullpen csrf 1".utf8)
        var output = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 32
        let result = unsafe HMAC(
            EVP_sha256(), key, Int32(key.count), message, message.count, &output, &length)
        precondition(unsafe result != nil, "HMAC failed")
        return Base64URL.text(output)
    }
}

/// Base 64 with `-` and `_`, without padding.
enum Base64URL {
    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                output.append(digits[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { output.append(digits[Int(bits << UInt32(6 - count) & 63)]) }
        return String(decoding: output, as: UTF8.self)
    }
}
