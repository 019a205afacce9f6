import Secrets
import Trading
import Wire

/// How CoinDCX wants requests signed: HMAC-SHA256, in small hexadecimal digits, of the exact bytes of the body.
///
/// Source: docs.coindcx.com, "Authentication". Neither path nor headers are signed, and there is no nonce; the body holds
/// the time in milliseconds.
enum CoinDCXSigning {
    /// The headers that go with a body.
    static func headers(_ body: [UInt8], key: SigningKey) -> [(name: String, value: String)] {
        [
            ("X-AUTH-APIKEY", key.apiKey),
            ("X-AUTH-SIGNATURE", key.hmacSHA256(body).lowerHexadecimal),
        ]
    }

    /// The body of a call: its fields, and the venue's time.
    static func body(_ fields: [JSONValue.Member], at time: Timestamp) -> [UInt8] {
        JSONValue.object(fields + [.init("timestamp", .time(time))]).bytes
    }

    /// The message that joins an account's own channel. There is no time in what is signed, so that it never changes.
    static func join(key: SigningKey) -> JSONValue {
        .members([
            "channelName": .string("coindcx"),
            "authSignature": .string(
                key.hmacSHA256(Array(#"{"channel":"coindcx"}"#.utf8)).lowerHexadecimal),
            "apiKey": .string(key.apiKey),
        ])
    }
}
