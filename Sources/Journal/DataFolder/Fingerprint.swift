/// What tells bytes from other bytes.
public enum Fingerprint {
    /// The SHA-256 of `bytes` in 64 lower-case hexadecimal digits.
    public static func sha256(_ bytes: [UInt8]) -> String { SHA256.hexadecimal(of: bytes) }
}
