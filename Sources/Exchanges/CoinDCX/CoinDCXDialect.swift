import Trading
import Wire

/// What CoinDCX's answers mean.
///
/// Source: docs.coindcx.com, "Errors", and answers seen in 2026. Its errors have words and the HTTP status, hardly ever
/// a code of their own, and the words for a wrong time, a client id used twice or one never used are not documented. So
/// the status decides, a wrong time is known by the clocks, and the rest is asked for.
enum CoinDCXDialect {
    /// How far the time in a body may be from the venue's own for an unclear refusal to be put down to it.
    static let clockTolerance: Int64 = 3_000

    /// - Parameter signedAt: The time that the call's body held; nil when none was signed.
    static func verdict(
        _ answer: VenueAnswer, _ call: VenueConnection.Call, signedAt: Timestamp?
    ) -> VenueVerdict? {
        let words = VenueDialect.words(of: answer)
        let code = answer.body["errorCode"]?.stringValue
        switch answer.status {
        case 200..<300:
            guard answer.isJSON, isError(answer.body) else { return nil }
            return .refused(code: code, message: words)
        case 400, 401, 403, 422:
            // A firewall's page says nothing about the call.
            guard answer.isJSON else { return nil }
            if isAboutTime(words) || hasWrongTime(signedAt, answer) {
                return .clockWrong(code: code, message: words)
            }
            return answer.status == 401 || answer.status == 403
                ? .credentialsRefused(code: code, message: words) : .refused(code: code, message: words)
        case 429:
            // Nobody promises that a call refused so was not carried out; for a question that does not matter.
            return .limited(code: code, message: words, isUndone: call.isRepeatable)
        default: return nil
        }
    }

    /// An error in an answer that came with status 200: `status` is `error`, or `code` is an HTTP error.
    private static func isError(_ body: JSONValue) -> Bool {
        if body["status"]?.stringValue == "error" { return true }
        if let code = body["code"]?.intValue, code >= 400 { return true }
        return false
    }

    private static func isAboutTime(_ words: String) -> Bool {
        let words = words.lowercased()
        return words.contains("timestamp") || words.contains("too old") || words.contains("request expired")
    }

    /// Whether the time that was signed is far from the time at which the venue answered, by its own `Date`.
    private static func hasWrongTime(_ signed: Timestamp?, _ answer: VenueAnswer) -> Bool {
        guard let signed, let date = answer.date else { return false }
        return abs(date.milliseconds - signed.milliseconds) > clockTolerance
    }
}

/// The times that calls were signed with, for whoever judges their answers. Lives on the event loop.
final class CoinDCXSignedTimes {
    private var times = Recent<String, Timestamp>(limit: 1_000)

    func note(_ time: Timestamp, of call: VenueConnection.Call) { times[Self.name(call)] = time }

    func time(of call: VenueConnection.Call) -> Timestamp? {
        call.sign == nil ? nil : times[Self.name(call)]
    }

    private static func name(_ call: VenueConnection.Call) -> String {
        "\(call.account?.text ?? "") \(call.path) \(call.order?.text ?? "")"
    }
}
