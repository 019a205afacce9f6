import COpenSSL

/// AES-256-GCM of NIST SP 800-38D, with nonces of 96 random bits and tags of 128.
///
/// A key seals at most 2³² things before random nonces become a risk. The vault seals one thing with each of its keys, and
/// few with its master key.
public enum SealedBox {
    /// Bytes of a key.
    public static let keyLength = 32
    /// Bytes of a nonce.
    public static let nonceLength = 12
    /// Bytes of a tag.
    public static let tagLength = 16

    /// Seals `secret` for whoever has the key and knows `context`: nonce, then the sealed bytes, then the tag.
    ///
    /// - Parameter context: What the box belongs to. It is not inside, and opening needs exactly the same.
    public static func seal(
        _ secret: LockedBytes, key: LockedBytes, context: [UInt8]
    ) throws(SecretFailure) -> [UInt8] {
        var nonce = [UInt8](repeating: 0, count: nonceLength)
        guard unsafe RAND_bytes(&nonce, Int32(nonceLength)) == 1 else {
            throw .refused("making random bytes")
        }
        return try nonce + seal(secret, key: key, nonce: nonce, context: context)
    }

    /// Opens what ``seal(_:key:context:)`` made.
    ///
    /// - Throws: ``SecretFailure/notAuthentic``.
    public static func open(
        _ box: [UInt8], key: LockedBytes, context: [UInt8]
    ) throws(SecretFailure) -> LockedBytes {
        guard box.count >= nonceLength + tagLength else { throw .notAuthentic }
        return try open(
            Array(box[nonceLength...]), key: key, nonce: Array(box[..<nonceLength]), context: context)
    }

    /// Seals with a nonce of the caller's, which no key may ever meet twice: the sealed bytes, then the tag.
    static func seal(
        _ secret: LockedBytes, key: LockedBytes, nonce: [UInt8], context: [UInt8]
    ) throws(SecretFailure) -> [UInt8] {
        let cipher = try Cipher(key: key, nonce: nonce, encrypts: true)
        try cipher.authenticate(context)
        var output = [UInt8](repeating: 0, count: secret.count + tagLength)
        var isDone = true
        unsafe output.withUnsafeMutableBytes { output in
            unsafe secret.withBytes { secret in
                let start = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe isDone = cipher.update(secret, into: start) && cipher.finish(into: start)
                unsafe isDone =
                    isDone
                    && cipher.control(
                        EVP_CTRL_AEAD_GET_TAG, tagLength, start.map { unsafe $0 + secret.count })
            }
        }
        guard isDone else { throw .refused("sealing") }
        return output
    }

    /// Opens with a nonce of the caller's.
    static func open(
        _ sealed: [UInt8], key: LockedBytes, nonce: [UInt8], context: [UInt8]
    ) throws(SecretFailure) -> LockedBytes {
        guard sealed.count >= tagLength else { throw .notAuthentic }
        let cipher = try Cipher(key: key, nonce: nonce, encrypts: false)
        try cipher.authenticate(context)
        let count = sealed.count - tagLength
        var tag = Array(sealed[count...])
        // The bytes come out before the tag is known to be right; on failure they are wiped unseen.
        return try unsafe LockedBytes(count: count) { buffer throws(SecretFailure) in
            let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let isAuthentic = unsafe sealed.withUnsafeBytes { sealed in
                unsafe cipher.update(UnsafeRawBufferPointer(rebasing: sealed[..<count]), into: start)
                    && cipher.control(EVP_CTRL_AEAD_SET_TAG, tagLength, &tag)
                    && cipher.finish(into: start)
            }
            guard isAuthentic else { throw .notAuthentic }
        }
    }
}

/// One use of the cipher. OpenSSL wipes its copy of the key at the end.
@safe
private final class Cipher {
    private let context: OpaquePointer

    init(key: LockedBytes, nonce: [UInt8], encrypts: Bool) throws(SecretFailure) {
        guard key.count == SealedBox.keyLength else {
            throw .wrongLength(what: "a key", expected: SealedBox.keyLength, given: key.count)
        }
        guard let context = unsafe EVP_CIPHER_CTX_new() else { throw .refused("making a cipher") }
        unsafe self.context = context
        let direction: Int32 = encrypts ? 1 : 0
        let isReady = unsafe key.withBytes { key in
            let bytes = unsafe key.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, nil, nil, direction) == 1
                && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, Int32(nonce.count), nil) == 1
                && EVP_CipherInit_ex(context, nil, nil, bytes, nonce, direction) == 1
        }
        guard isReady else { throw .refused("preparing a cipher") }
    }

    deinit { unsafe EVP_CIPHER_CTX_free(context) }

    func authenticate(_ bytes: [UInt8]) throws(SecretFailure) {
        var length: Int32 = 0
        guard unsafe bytes.isEmpty || EVP_CipherUpdate(context, nil, &length, bytes, Int32(bytes.count)) == 1
        else { throw .refused("preparing a cipher") }
    }

    func update(_ input: UnsafeRawBufferPointer, into output: UnsafeMutablePointer<UInt8>?) -> Bool {
        guard unsafe !input.isEmpty else { return true }
        var length: Int32 = 0
        let start = unsafe input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        return unsafe EVP_CipherUpdate(context, output, &length, start, Int32(input.count)) == 1
    }

    /// Ends the stream; when opening, this is where the tag is compared. GCM writes nothing more.
    func finish(into output: UnsafeMutablePointer<UInt8>?) -> Bool {
        var length: Int32 = 0
        var nothing = [UInt8](repeating: 0, count: 16)
        return unsafe EVP_CipherFinal_ex(context, &nothing, &length) == 1
    }

    func control(_ command: Int32, _ count: Int, _ bytes: UnsafeMutableRawPointer?) -> Bool {
        unsafe EVP_CIPHER_CTX_ctrl(context, command, Int32(count), bytes) == 1
    }
}
