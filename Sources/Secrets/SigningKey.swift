import Synchronization

/// How often a key has signed, counted where it signs.
public final class KeyUse: Sendable {
    private let signatures = Atomic<Int>(0)

    /// Starts at nought.
    public init() {}

    /// Signatures since the last call.
    public func take() -> Int { signatures.exchange(0, ordering: .relaxed) }

    func note() { signatures.add(1, ordering: .relaxed) }
}

/// A venue's API key and the secret that belongs to it, as an adapter's signer holds it.
///
/// The secret signs and never comes out. The API key is no secret by itself, since it stands in every request's head, but
/// it is no more shown than one.
public final class SigningKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// What the venue calls the key; a request names it in its head.
    public let apiKey: String
    private let secret: LockedBytes
    private let use: KeyUse?

    /// Pairs a key with its secret.
    ///
    /// - Parameter use: Where signatures are counted; nil counts none.
    public init(apiKey: String, secret: LockedBytes, use: KeyUse? = nil) {
        self.apiKey = apiKey
        self.secret = secret
        self.use = use
    }

    /// HMAC-SHA256 of the message, 32 bytes.
    public func hmacSHA256(_ message: some Sequence<UInt8>) -> [UInt8] {
        use?.note()
        return MessageAuthentication.code(.sha256, key: secret, message)
    }

    /// HMAC-SHA512 of the message, 64 bytes.
    public func hmacSHA512(_ message: some Sequence<UInt8>) -> [UInt8] {
        use?.note()
        return MessageAuthentication.code(.sha512, key: secret, message)
    }

    /// The Ed25519 signature of the message, 64 bytes, when the secret is a private key in PEM (PKCS 8).
    ///
    /// - Throws: ``SecretFailure/refused(_:)`` when it is none.
    public func ed25519(_ message: some Sequence<UInt8>) throws(SecretFailure) -> [UInt8] {
        use?.note()
        return try Ed25519.sign(Array(message), pem: secret)
    }

    /// Says that there is a key, and nothing of it.
    public var description: String { "(signing key)" }
    /// Says that there is a key, and nothing of it.
    public var debugDescription: String { "(signing key)" }
    /// Shows nothing to `dump` and debuggers that ask.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
