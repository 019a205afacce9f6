import COpenSSL

/// Signatures of RFC 8032.
public enum Ed25519 {
    /// Signs with a seed of 32 bytes.
    public static func sign(_ message: [UInt8], seed: LockedBytes) throws(SecretFailure) -> [UInt8] {
        guard seed.count == 32 else { throw .wrongLength(what: "a seed", expected: 32, given: seed.count) }
        let key = try Key(seed: seed)
        return try key.sign(message)
    }

    /// Signs with a private key in PEM (PKCS 8), as venues hand out and take.
    public static func sign(_ message: [UInt8], pem: LockedBytes) throws(SecretFailure) -> [UInt8] {
        try Key(pem: pem).sign(message)
    }

    /// Whether `signature` is one of `message` by the owner of a public key of 32 bytes.
    public static func isValid(_ signature: [UInt8], of message: [UInt8], publicKey: [UInt8]) -> Bool {
        guard publicKey.count == 32, signature.count == 64,
            let key = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, publicKey, publicKey.count)
        else { return false }
        defer { unsafe EVP_PKEY_free(key) }
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        return unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

/// A private key inside OpenSSL, which wipes it at the end.
@safe
private final class Key {
    private let key: OpaquePointer

    init(seed: LockedBytes) throws(SecretFailure) {
        let made = unsafe seed.withBytes { seed in
            unsafe EVP_PKEY_new_raw_private_key(
                EVP_PKEY_ED25519, nil, seed.baseAddress?.assumingMemoryBound(to: UInt8.self), seed.count)
        }
        guard let made = unsafe made else { throw .refused("reading an Ed25519 key") }
        unsafe key = made
    }

    init(pem: LockedBytes) throws(SecretFailure) {
        let made: OpaquePointer? = unsafe pem.withBytes { pem in
            guard let source = unsafe BIO_new_mem_buf(pem.baseAddress, Int32(pem.count)) else { return nil }
            defer { unsafe BIO_free(source) }
            // A key that asks for a passphrase is not read: nobody is there to ask.
            return unsafe PEM_read_bio_PrivateKey(source, nil, { _, _, _, _ in -1 }, nil)
        }
        guard let made = unsafe made else { throw .refused("reading a private key in PEM") }
        unsafe key = made
        guard unsafe EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 else {
            throw .refused("reading an Ed25519 key: it is one of another kind, which")
        }
    }

    deinit { unsafe EVP_PKEY_free(key) }

    func sign(_ message: [UInt8]) throws(SecretFailure) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .refused("signing") }
        defer { unsafe EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: 64)
        var length = 64
        guard unsafe EVP_DigestSignInit(context, nil, nil, nil, key) == 1,
            unsafe EVP_DigestSign(context, &signature, &length, message, message.count) == 1, length == 64
        else { throw .refused("signing") }
        return signature
    }
}
