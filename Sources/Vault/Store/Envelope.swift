import Secrets

/// A key pair at rest: sealed with a data key of its own, which is sealed with the master key.
struct Envelope: Hashable, Sendable {
    /// The id of the master key that wraps the data key.
    var master: String
    /// The data key, sealed with the master key.
    var dataKey: [UInt8]
    /// The API key and its secret, sealed with the data key.
    var payload: [UInt8]

    /// What a record belongs to. It is part of the seal, so that no record opens in another's place.
    struct Context: Hashable, Sendable {
        var id: String
        var owner: String
        var venue: String
        var environment: String
        /// Empty for none.
        var account: String

        /// The parts with their lengths before them, so that no two contexts are one text.
        fileprivate var bytes: [UInt8] {
            Envelope.joined(["bullpen credential 1", id, owner, venue, environment, account])
        }
    }

    /// A key as its owner entered it.
    struct Pair: Sendable {
        /// The most bytes of an API key.
        static let apiKeyLimit = 512
        var apiKey: String
        var secret: LockedBytes
    }

    /// Seals a pair with a fresh data key.
    static func seal(
        _ pair: Pair, for context: Context, master: MasterKey
    ) throws(SecretFailure) -> Envelope {
        let dataKey = try LockedBytes.random(SealedBox.keyLength)
        let payload = try SealedBox.seal(try pack(pair), key: dataKey, context: context.bytes)
        return Envelope(
            master: master.id,
            dataKey: try SealedBox.seal(
                dataKey, key: master.bytes, context: wrapping(context.id, master: master.id)),
            payload: payload)
    }

    /// Opens it for whom it was sealed.
    ///
    /// - Throws: ``SecretFailure/notAuthentic`` when anything differs.
    func open(for context: Context, master: MasterKey) throws(SecretFailure) -> Pair {
        let dataKey = try SealedBox.open(
            dataKey, key: master.bytes, context: Self.wrapping(context.id, master: master.id))
        return try Self.unpack(try SealedBox.open(payload, key: dataKey, context: context.bytes))
    }

    /// The same with the data key under another master key. The pair is not opened.
    func rewrapped(_ id: String, from old: MasterKey, to new: MasterKey) throws(SecretFailure) -> Envelope {
        let opened = try SealedBox.open(
            dataKey, key: old.bytes, context: Self.wrapping(id, master: old.id))
        let sealed = try SealedBox.seal(
            opened, key: new.bytes, context: Self.wrapping(id, master: new.id))
        return Envelope(master: new.id, dataKey: sealed, payload: payload)
    }

    private static func wrapping(_ id: String, master: String) -> [UInt8] {
        joined(["bullpen data key 1", id, master])
    }

    private static func joined(_ parts: [String]) -> [UInt8] {
        parts.flatMap { part in
            let bytes = Array(part.utf8)
            return [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)]
                + bytes
        }
    }

    // MARK: - The pair's bytes: the API key's length in two, the API key, the secret

    private static func pack(_ pair: Pair) throws(SecretFailure) -> LockedBytes {
        let key = Array(pair.apiKey.utf8)
        precondition(key.count <= Pair.apiKeyLimit)
        return try unsafe LockedBytes(count: 2 + key.count + pair.secret.count) {
            buffer throws(SecretFailure) in
            unsafe buffer[0] = UInt8(key.count >> 8)
            unsafe buffer[1] = UInt8(key.count & 255)
            for (index, byte) in key.enumerated() { unsafe buffer[2 + index] = byte }
            unsafe pair.secret.withBytes { secret in
                for index in 0..<secret.count { unsafe buffer[2 + key.count + index] = secret[index] }
            }
        }
    }

    private static func unpack(_ packed: LockedBytes) throws(SecretFailure) -> Pair {
        let apiKey: String? = unsafe packed.withBytes { bytes in
            guard bytes.count >= 2 else { return nil }
            let count = unsafe Int(bytes[0]) << 8 | Int(bytes[1])
            guard bytes.count >= 2 + count else { return nil }
            return unsafe String(decoding: bytes[2..<2 + count], as: UTF8.self)
        }
        guard let apiKey else { throw .notAuthentic }
        let start = 2 + apiKey.utf8.count
        let secret = try unsafe LockedBytes(count: packed.count - start) { buffer throws(SecretFailure) in
            unsafe packed.withBytes { bytes in unsafe buffer.copyBytes(from: bytes[start...]) }
        }
        return Pair(apiKey: apiKey, secret: secret)
    }
}
