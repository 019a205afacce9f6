import COpenSSL

/// The hash inside an HMAC.
public enum HashFunction: Hashable, Sendable, CaseIterable {
    case sha256, sha512

    /// How many bytes it gives.
    public var length: Int {
        switch self {
        case .sha256: 32
        case .sha512: 64
        }
    }

    fileprivate var method: OpaquePointer? {
        switch self {
        case .sha256: unsafe EVP_sha256()
        case .sha512: unsafe EVP_sha512()
        }
    }
}

/// HMAC of RFC 2104: proof that somebody who has the key has seen a message.
public enum MessageAuthentication {
    /// The code of `message` under `key`. It cannot fail but for want of memory.
    public static func code(
        _ hash: HashFunction, key: LockedBytes, _ message: some Sequence<UInt8>
    ) -> [UInt8] {
        // Contiguous bytes are not copied.
        let direct = message.withContiguousStorageIfAvailable { bytes in
            unsafe compute(hash, key, UnsafeRawBufferPointer(bytes))
        }
        if let direct { return direct }
        return unsafe Array(message).withUnsafeBytes { unsafe compute(hash, key, $0) }
    }

    /// Whether `code`, of any length from one byte to all of them, is the beginning of the code of `message`. The time it
    /// takes does not tell how much of it is right.
    public static func isValid(
        _ code: [UInt8], _ hash: HashFunction, key: LockedBytes, _ message: some Sequence<UInt8>
    ) -> Bool {
        guard (1...hash.length).contains(code.count) else { return false }
        let right = self.code(hash, key: key, message)
        return unsafe CRYPTO_memcmp(code, right, code.count) == 0
    }

    private static func compute(
        _ hash: HashFunction, _ key: LockedBytes, _ message: UnsafeRawBufferPointer
    ) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: hash.length)
        var length = UInt32(hash.length)
        // An empty message may have no address, which OpenSSL would not take.
        var nothing: UInt8 = 0
        let isDone = unsafe withUnsafePointer(to: &nothing) { nothing in
            unsafe key.withBytes { key in
                let start = unsafe message.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe HMAC(
                    hash.method, key.baseAddress, Int32(key.count), start ?? nothing, message.count, &output,
                    &length) != nil
            }
        }
        precondition(isDone && Int(length) == hash.length, "HMAC failed")
        return output
    }
}
