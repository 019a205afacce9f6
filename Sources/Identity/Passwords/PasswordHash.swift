import COpenSSL

/// A password as it is kept: scrypt with its parameters and a salt of its own.
///
/// The text form is `scrypt$15$8$1$<salt>$<hash>`, hexadecimal. Old hashes keep their own parameters.
struct PasswordHash: Hashable, Sendable, LosslessStringConvertible {
    /// What one guess costs: memory is 128 · 2^logN · blockSize bytes.
    struct Cost: Hashable, Sendable {
        var logN: Int
        var blockSize: Int
        var parallelism: Int

        /// 32 MiB and about 70 ms on one core of 2024.
        static let standard = Cost(logN: 15, blockSize: 8, parallelism: 1)
        /// Next to nothing, for tests.
        static let trivial = Cost(logN: 4, blockSize: 1, parallelism: 1)

        /// A stored hash must not be able to ask for any amount of memory.
        var isBearable: Bool {
            (1...20).contains(logN) && (1...32).contains(blockSize) && (1...16).contains(parallelism)
        }
    }

    let cost: Cost
    private let salt: [UInt8]
    private let hash: [UInt8]

    /// Hashes a password with a new salt. Slow on purpose: call it on ``PasswordWorkers`` only.
    init(_ password: String, cost: Cost = .standard) {
        self.cost = cost
        salt = RandomBytes.make(16)
        hash = Self.scrypt(password, salt, cost)
    }

    /// Reads the text form.
    init?(_ text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "scrypt", let logN = Int(parts[1]), let blockSize = Int(parts[2]),
            let parallelism = Int(parts[3]), let salt = Hexadecimal.bytes(parts[4]),
            let hash = Hexadecimal.bytes(parts[5]), hash.count == 32, !salt.isEmpty
        else { return nil }
        cost = Cost(logN: logN, blockSize: blockSize, parallelism: parallelism)
        guard cost.isBearable else { return nil }
        self.salt = salt
        self.hash = hash
    }

    var description: String {
        "scrypt$\(cost.logN)$\(cost.blockSize)$\(cost.parallelism)$\(Hexadecimal.text(salt))$\(Hexadecimal.text(hash))"
    }

    /// Whether it is the hash of `password`. As slow as making it.
    func matches(_ password: String) -> Bool {
        ConstantTime.equal(Self.scrypt(password, salt, cost), hash)
    }

    private static func scrypt(_ password: String, _ salt: [UInt8], _ cost: Cost) -> [UInt8] {
        precondition(cost.isBearable)
        var output = [UInt8](repeating: 0, count: 32)
        let memory = UInt64(128) << cost.logN * UInt64(cost.blockSize) * 2 + (1 << 20)
        let password = Array(password.utf8)
        let result = unsafe password.withUnsafeBytes { password in
            unsafe EVP_PBE_scrypt(
                password.baseAddress?.assumingMemoryBound(to: CChar.self), password.count, salt, salt.count,
                UInt64(1) << UInt64(cost.logN), UInt64(cost.blockSize), UInt64(cost.parallelism), memory,
                &output,
                output.count)
        }
        // It fails for parameters out of range, which were checked, and when memory is out.
        precondition(result == 1, "scrypt failed")
        return output
    }
}

/// Random bytes for secrets.
enum RandomBytes {
    static func make(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // Without randomness no secret may be made at all.
        precondition(unsafe RAND_bytes(&bytes, Int32(count)) == 1, "the system gives no random bytes")
        return bytes
    }
}

/// Comparing secrets without telling by the time it takes how much of them is right.
enum ConstantTime {
    static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe CRYPTO_memcmp(left, right, left.count) == 0
    }
}

/// Bytes as lower-case hexadecimal text.
enum Hexadecimal {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var output: [UInt8] = []
        for byte in bytes { output += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: output, as: UTF8.self)
    }

    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var output: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
            output.append(high << 4 | low)
        }
        return output
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}
