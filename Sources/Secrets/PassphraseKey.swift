import COpenSSL

/// scrypt of RFC 7914: a key from words that a person knows.
public struct PassphraseKey: Hashable, Sendable {
    /// The logarithm of the cost, to the base of two.
    public let logN: Int
    /// The block size; memory is 128 · 2^logN · blockSize bytes.
    public let blockSize: Int
    /// How often it is done beside each other.
    public let parallelism: Int

    /// 128 MiB and about 0.4 s on one core of 2024: once at each start.
    public static let standard = PassphraseKey(logN: 17, blockSize: 8, parallelism: 1)

    /// Names a cost. What a stored record names must be bearable: see ``isBearable``.
    public init(logN: Int, blockSize: Int, parallelism: Int) {
        self.logN = logN
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    /// Whether it takes less than 2 GiB; a stored record must not be able to ask for any amount.
    public var isBearable: Bool {
        (1...20).contains(logN) && (1...16).contains(blockSize) && (1...16).contains(parallelism)
    }

    /// Derives `count` bytes. Slow on purpose.
    public func derive(
        from passphrase: LockedBytes, salt: [UInt8], count: Int = SealedBox.keyLength
    ) throws(SecretFailure) -> LockedBytes {
        precondition(isBearable, "a cost out of range")
        let memory = UInt64(128) << UInt64(logN) * UInt64(blockSize) * 2 + (1 << 20)
        return try unsafe LockedBytes(count: count) { buffer throws(SecretFailure) in
            let result = unsafe passphrase.withBytes { passphrase in
                unsafe EVP_PBE_scrypt(
                    passphrase.baseAddress?.assumingMemoryBound(to: CChar.self), passphrase.count, salt,
                    salt.count, UInt64(1) << UInt64(logN), UInt64(blockSize), UInt64(parallelism), memory,
                    buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), count)
            }
            guard result == 1 else { throw .refused("scrypt") }
        }
    }
}
