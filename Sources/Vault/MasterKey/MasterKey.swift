import Secrets

/// The key that wraps the credentials' own keys.
struct MasterKey: Sendable {
    /// Where it came from.
    enum Origin: String, Sendable, CaseIterable {
        case systemd, file, passphrase
    }

    /// What tells keys apart, and nothing of the key: the database holds it.
    let id: String
    let bytes: LockedBytes
    let origin: Origin
    /// The file it was read from; nil for a passphrase.
    let path: String?

    init(_ bytes: LockedBytes, _ origin: Origin, path: String? = nil) {
        precondition(bytes.count == SealedBox.keyLength)
        self.bytes = bytes
        self.origin = origin
        self.path = path
        let digest = MessageAuthentication.code(.sha256, key: bytes, Array("bullpen master key 1".utf8))
        id = Hexadecimal.text(digest.prefix(16))
    }
}

/// Bytes as lower-case hexadecimal text.
enum Hexadecimal {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        var text = ""
        for byte in bytes {
            if byte < 16 { text += "0" }
            text += String(byte, radix: 16)
        }
        return text
    }

    static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}
