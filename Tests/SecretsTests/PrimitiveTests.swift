import Testing
import Wire

@testable import Secrets

@Suite("Primitives")
struct PrimitiveTests {
    // MARK: - AES-256-GCM

    @Test func `AES-256-GCM seals and opens as Wycheproof says, and opens nothing that was tampered with`()
        throws
    {
        var (valid, invalid) = (0, 0)
        let groups = try VectorFile.wycheproof("aes_gcm_test.json")["testGroups"]?.arrayValue ?? []
        for group in groups where group["keySize"]?.intValue == 256 && group["tagSize"]?.intValue == 128 {
            for test in group["tests"]?.arrayValue ?? [] {
                let name = "\(test["tcId"]?.intValue ?? 0) \(test["comment"]?.stringValue ?? "")"
                let key = try LockedBytes(bytes(test["key"]?.stringValue))
                let nonce = bytes(test["iv"]?.stringValue)
                let context = bytes(test["aad"]?.stringValue)
                let sealed = bytes(test["ct"]?.stringValue) + bytes(test["tag"]?.stringValue)
                if test["result"]?.stringValue == "valid" {
                    // OpenSSL takes nonces of up to 128 bytes; ours have 12.
                    guard nonce.count <= 128 else { continue }
                    let message = bytes(test["msg"]?.stringValue)
                    let made = try SealedBox.seal(
                        try LockedBytes(message), key: key, nonce: nonce, context: context)
                    #expect(made == sealed, "\(name)")
                    let opened = try SealedBox.open(sealed, key: key, nonce: nonce, context: context)
                    #expect(opened.withBytes { Array($0) } == message, "\(name)")
                    valid += 1
                } else {
                    #expect(throws: SecretFailure.self, "\(name)") {
                        try SealedBox.open(sealed, key: key, nonce: nonce, context: context)
                    }
                    invalid += 1
                }
            }
        }
        #expect(valid == 75 && invalid == 29)
    }

    @Test func `a box opens with its key and its context only, and with every bit as it was`() throws {
        let key = try LockedBytes.random(32)
        let secret = try LockedBytes(Array("the secret".utf8))
        let box = try SealedBox.seal(secret, key: key, context: [1, 2, 3])
        #expect(try SealedBox.open(box, key: key, context: [1, 2, 3]).equals(secret))
        #expect(box.count == 12 + 10 + 16)
        #expect(try SealedBox.seal(secret, key: key, context: [1, 2, 3]) != box, "a nonce came twice")
        for bit in 0..<box.count * 8 {
            var changed = box
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: SecretFailure.notAuthentic) {
                try SealedBox.open(changed, key: key, context: [1, 2, 3])
            }
        }
        for context in [[], [1, 2], [1, 2, 4], [1, 2, 3, 0]] as [[UInt8]] {
            #expect(throws: SecretFailure.notAuthentic) {
                try SealedBox.open(box, key: key, context: context)
            }
        }
        for count in 0..<box.count {
            #expect(throws: SecretFailure.notAuthentic) {
                try SealedBox.open(Array(box[..<count]), key: key, context: [1, 2, 3])
            }
        }
        let other = try LockedBytes.random(32)
        #expect(throws: SecretFailure.notAuthentic) {
            try SealedBox.open(box, key: other, context: [1, 2, 3])
        }
        let short = try LockedBytes.random(16)
        #expect(throws: SecretFailure.wrongLength(what: "a key", expected: 32, given: 16)) {
            try SealedBox.open(box, key: short, context: [1, 2, 3])
        }
    }

    // MARK: - HMAC

    /// Test cases 1 to 7 of RFC 4231: key, data, HMAC-SHA-256, HMAC-SHA-512. The fifth is truncated to 128 bits.
    private static let hmacVectors: [(key: [UInt8], data: [UInt8], sha256: String, sha512: String)] = [
        (
            Array(repeating: 0x0b, count: 20), Array("Hi There".utf8),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"
        ),
        (
            Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        ),
        (
            Array(repeating: 0xaa, count: 20), Array(repeating: 0xdd, count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"
        ),
        (
            Array(1...25), Array(repeating: 0xcd, count: 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"
        ),
        (
            Array(repeating: 0x0c, count: 20), Array("Test With Truncation".utf8),
            "a3b6167473100ee06e0c796c2955552b", "415fad6271580a531d4179bc891d87a6"
        ),
        (
            Array(repeating: 0xaa, count: 131),
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
        ),
        (
            Array(repeating: 0xaa, count: 131),
            Array(
                "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm."
                    .utf8),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"
        ),
    ]

    @Test func `HMAC is that of RFC 4231, also truncated, and no changed code is valid`() throws {
        for vector in Self.hmacVectors {
            let key = try LockedBytes(vector.key)
            for (hash, expected) in [(HashFunction.sha256, vector.sha256), (.sha512, vector.sha512)] {
                let code = bytes(expected)
                #expect(MessageAuthentication.code(hash, key: key, vector.data).starts(with: code))
                #expect(MessageAuthentication.isValid(code, hash, key: key, vector.data))
                for bit in 0..<code.count * 8 {
                    var changed = code
                    changed[bit / 8] ^= 1 << UInt8(bit % 8)
                    #expect(!MessageAuthentication.isValid(changed, hash, key: key, vector.data))
                }
                #expect(!MessageAuthentication.isValid([], hash, key: key, vector.data))
                #expect(!MessageAuthentication.isValid(code + [0], hash, key: key, vector.data))
            }
        }
        // Not contiguous in memory, and empty.
        let key = try LockedBytes(Array("key".utf8))
        let lazy = (0..<1000).lazy.map { UInt8($0 % 251) }
        #expect(
            MessageAuthentication.code(.sha256, key: key, lazy)
                == MessageAuthentication.code(.sha256, key: key, Array(lazy)))
        #expect(
            text(MessageAuthentication.code(.sha256, key: try LockedBytes([]), []))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test(
        "HMAC is that of Wycheproof, truncated too, and no changed code is valid",
        arguments: HashFunction.allCases)
    func wycheproof(_ hash: HashFunction) throws {
        let name = hash == .sha256 ? "HMACSHA256" : "HMACSHA512"
        let tests = try VectorFile.wycheproof("hmac_test.json")[name]?.arrayValue ?? []
        for test in tests {
            let isValid = MessageAuthentication.isValid(
                bytes(test["tag"]?.stringValue), hash, key: try LockedBytes(bytes(test["key"]?.stringValue)),
                bytes(test["msg"]?.stringValue))
            #expect(isValid == test["valid"]?.boolValue, "\(name) \(test["id"]?.intValue ?? 0)")
        }
        #expect(tests.count == 174)
    }

    @Test(
        "requests are signed as the venues' documentation and other clients sign them",
        .enabled(if: VectorFile.hindrance == nil, "\(VectorFile.hindrance ?? "")"),
        arguments: [("binance", 15), ("coindcx", 10), ("coinspot", 10)])
    func signatures(_ venue: String, _ count: Int) throws {
        let vectors = try VectorFile.ofVenues()[venue]?["vectors"]?.arrayValue ?? []
        for vector in vectors {
            let secret = try LockedBytes(Array(try #require(vector["secret"]?.stringValue).utf8))
            let key = SigningKey(apiKey: vector["key"]?.stringValue ?? "", secret: secret)
            let payload = Array(try #require(vector["payload"]?.stringValue).utf8)
            let code = venue == "coinspot" ? key.hmacSHA512(payload) : key.hmacSHA256(payload)
            #expect(
                text(code) == vector["expected_signature"]?.stringValue,
                "\(vector["id"]?.stringValue ?? "?")")
        }
        #expect(vectors.count == count)
    }

    // MARK: - Ed25519

    /// Section 7.1 of RFC 8032: seed, public key, message, signature.
    private static let signatures: [(seed: String, key: String, message: String, signature: String)] = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ]

    @Test func `Ed25519 signs as RFC 8032 says`() throws {
        for vector in Self.signatures {
            let seed = try LockedBytes(bytes(vector.seed))
            let signature = try Ed25519.sign(bytes(vector.message), seed: seed)
            #expect(text(signature) == vector.signature)
            #expect(
                Ed25519.isValid(signature, of: bytes(vector.message), publicKey: bytes(vector.key)))
        }
    }

    @Test func `a key in PEM signs as its seed does, and what is no Ed25519 key is refused in words`() throws
    {
        // The seed of RFC 8032's first test, in the form of RFC 8410.
        let pem =
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n"
        let key = SigningKey(apiKey: "k", secret: try LockedBytes(Array(pem.utf8)))
        #expect(text(try key.ed25519([])) == Self.signatures[0].signature)
        let wrong = SigningKey(apiKey: "k", secret: try LockedBytes(Array("no key".utf8)))
        #expect(throws: SecretFailure.refused("reading a private key in PEM")) { try wrong.ed25519([]) }
    }

    @Test func `Ed25519 signatures are taken and refused as Wycheproof says`() throws {
        var (valid, invalid) = (0, 0)
        for group in try VectorFile.wycheproof("ed25519_test.json")["testGroups"]?.arrayValue ?? [] {
            let key = bytes(group["publicKey"]?["pk"]?.stringValue)
            for test in group["tests"]?.arrayValue ?? [] {
                // Some signatures under keys of small or mixed order may be taken or not.
                guard test["result"]?.stringValue != "acceptable" else { continue }
                let isValid = Ed25519.isValid(
                    bytes(test["sig"]?.stringValue), of: bytes(test["msg"]?.stringValue), publicKey: key)
                #expect(isValid == (test["result"]?.stringValue == "valid"), "\(test["tcId"]?.intValue ?? 0)")
                if isValid { valid += 1 } else { invalid += 1 }
            }
        }
        #expect(valid > 50 && invalid > 50)
    }

    // MARK: - scrypt

    @Test func `scrypt is that of RFC 7914`() throws {
        let cost = PassphraseKey(logN: 10, blockSize: 8, parallelism: 16)
        let key = try cost.derive(
            from: try LockedBytes(Array("password".utf8)), salt: Array("NaCl".utf8), count: 64)
        #expect(
            text(key.withBytes { Array($0) })
                == "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        )
        #expect(PassphraseKey.standard.isBearable)
        #expect(!PassphraseKey(logN: 30, blockSize: 8, parallelism: 1).isBearable)
    }
}
