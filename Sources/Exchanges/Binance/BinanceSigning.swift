import Secrets
import Trading

/// How Binance wants requests signed.
///
/// Source: binance-spot-api-docs, rest-api.md ("SIGNED endpoint security") and web-socket-api.md: REST signs the
/// percent-encoded text exactly as it is sent; the WebSocket API signs the parameters sorted by name and not encoded.
enum BinanceSigning {
    /// How old a request may be when it reaches the engine, in milliseconds. Small, because an order whose answer was lost
    /// stays unknown for at least as long.
    static let receiveWindow: Int64 = 5_000

    /// Adds window, time and signature to a call that has all its parameters in the query.
    static func sign(_ call: inout VenueConnection.Call, at time: Timestamp, with key: SigningKey) {
        call.query += [
            ("recvWindow", String(receiveWindow)), ("timestamp", String(time.milliseconds)),
        ]
        call.query.append(("signature", hex(key.hmacSHA256(call.encodedQuery.utf8))))
        call.headers.append(("X-MBX-APIKEY", key.apiKey))
    }

    /// The parameters of a WebSocket API request with key, window, time and signature, the signature last.
    static func signed(
        _ parameters: [(name: String, value: String)], at time: Timestamp, with key: SigningKey
    ) -> [(name: String, value: String)] {
        let all =
            (parameters + [
                ("apiKey", key.apiKey), ("recvWindow", String(receiveWindow)),
                ("timestamp", String(time.milliseconds)),
            ]).sorted { $0.name < $1.name }
        let text = all.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        return all + [("signature", hex(key.hmacSHA256(text.utf8)))]
    }

    /// Bytes in small hexadecimal digits.
    static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
