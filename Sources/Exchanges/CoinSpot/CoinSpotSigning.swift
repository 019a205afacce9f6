import Secrets
import Trading
import Wire

/// How CoinSpot wants requests signed: HMAC-SHA512, in small hexadecimal digits, of the exact bytes of the body.
///
/// Source: https://www.coinspot.com.au/v2/api. Path and query are not signed; the body holds a nonce that is greater than
/// the one before.
enum CoinSpotSigning {
    /// The body of a call: the nonce, and its fields.
    static func body(_ fields: [JSONValue.Member], nonce: Int64) -> [UInt8] {
        JSONValue.object([.init("nonce", .integer(nonce))] + fields).bytes
    }

    /// The headers that go with a body.
    static func headers(_ body: [UInt8], key: SigningKey) -> [(name: String, value: String)] {
        [("key", key.apiKey), ("sign", key.hmacSHA512(body).lowerHexadecimal)]
    }
}

/// What CoinSpot's answers mean.
///
/// Source: as above. 200 with `"status":"ok"` is success, and whatever else a refusal: there are no codes, and the words
/// are not documented. Only a nonce is known by its word, and all that hangs on it is that the call is signed anew.
enum CoinSpotDialect {
    static func verdict(_ answer: VenueAnswer, _ call: VenueConnection.Call) -> VenueVerdict? {
        let words = VenueDialect.words(of: answer)
        guard answer.isJSON else { return nil }
        let isNonce = words.lowercased().contains("nonce")
        switch answer.status {
        case 200..<300:
            switch answer.body["status"]?.stringValue?.lowercased() {
            case "ok": return .accepted
            case "error":
                return isNonce ? .nonceWrong(code: nil, message: words) : .refused(code: nil, message: words)
            // The first version answered so to a key that it did not know.
            case "invalid": return .credentialsRefused(code: nil, message: words)
            // The first version's prices have no status.
            case .none where call.sign == nil && answer.body["prices"] != nil: return .accepted
            case .some, .none: return .unknown("an answer without a status")
            }
        case 401, 403:
            if isNonce { return .nonceWrong(code: nil, message: words) }
            // Asked only in order to learn what the key may do.
            if call.path == CoinSpotVenue.fullStatus { return .refused(code: nil, message: words) }
            return .credentialsRefused(code: nil, message: words)
        // Any status but 200 is a failure, by the documentation.
        case 429: return .limited(code: nil, message: words, isUndone: true)
        // Not documented; whoever sends it means the same everywhere.
        case 418: return .banned(code: nil, message: words)
        case 400..<500:
            return isNonce ? .nonceWrong(code: nil, message: words) : .refused(code: nil, message: words)
        default: return nil
        }
    }
}
