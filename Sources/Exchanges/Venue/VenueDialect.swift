public import Trading
internal import Wire

/// What an answer means for the call that it answers, in a venue's own terms.
public enum VenueVerdict: Hashable, Sendable {
    /// It was carried out, or answers a question.
    case accepted
    /// The venue said no, and did nothing.
    case refused(code: String?, message: String)
    /// The venue does not know itself, or cannot be believed.
    case unknown(String)
    /// The call's time was wrong and it was not carried out: the clock is compared anew and the call signed and sent once
    /// more, with the same ids.
    case clockWrong(code: String?, message: String)
    /// The call's nonce was wrong and it was not carried out: it is signed and sent once more, with the same ids.
    case nonceWrong(code: String?, message: String)
    /// Too many requests. All calls wait for `Retry-After`.
    ///
    /// - Parameter isUndone: Whether the venue guarantees that the call was not carried out.
    case limited(code: String?, message: String, isUndone: Bool)
    /// Too many orders of the call's account, and this one was not placed. Its orders wait for `Retry-After`, and nothing
    /// else does: whoever goes on ordering is banned in the end.
    case ordersLimited(code: String?, message: String)
    /// The address is banned until `Retry-After` has passed; the call was not carried out.
    case banned(code: String?, message: String)
    /// The key, its signature or its rights were refused; the call was not carried out.
    case credentialsRefused(code: String?, message: String)
}

/// What a venue's REST interface has of its own, beside addresses and signing.
public struct VenueDialect {
    /// What an answer means; nil leaves it to ``verdictByStatus(_:)``.
    public var judge: (VenueAnswer, VenueConnection.Call) -> VenueVerdict?
    /// What the venue says is used of its windows, by the window's name in ``RateBudget``.
    public var usage: (VenueAnswer) -> [String: Int]
    /// How to ask the venue's time, nil when it has no call for it; then the `Date` header of every answer is used,
    /// which tells it to a second.
    public var time: TimeSource?

    /// A call that tells the venue's time.
    public struct TimeSource {
        /// A repeatable, public call.
        public var call: VenueConnection.Call
        /// Reads the time from its answer.
        public var read: (VenueAnswer) -> Timestamp?

        /// Describes a source.
        public init(call: VenueConnection.Call, read: @escaping (VenueAnswer) -> Timestamp?) {
            self.call = call
            self.read = read
        }
    }

    /// Describes a dialect. Without arguments the HTTP status says everything.
    public init(
        judge: @escaping (VenueAnswer, VenueConnection.Call) -> VenueVerdict? = { _, _ in nil },
        usage: @escaping (VenueAnswer) -> [String: Int] = { _ in [:] }, time: TimeSource? = nil
    ) {
        self.judge = judge
        self.usage = usage
        self.time = time
    }

    /// What the HTTP status alone says: 2xx with JSON is accepted; 401 and 403 with JSON refuse the credentials; 418
    /// bans; 429 limits, undone; 408, 3xx, 5xx and a 2xx that is no JSON are unknown; every other 4xx refuses.
    ///
    /// A 403 that is no JSON comes from a firewall before the venue, and is a plain refusal.
    public static func verdictByStatus(_ answer: VenueAnswer) -> VenueVerdict {
        let words = Self.words(of: answer)
        switch answer.status {
        case 200..<300 where answer.isJSON: return .accepted
        case 200..<300: return .unknown("an answer that is no JSON")
        case 401, 403:
            return answer.isJSON
                ? .credentialsRefused(code: nil, message: words) : .refused(code: nil, message: words)
        case 408: return .unknown("the venue answered 408: \(words)")
        case 418: return .banned(code: nil, message: words)
        case 429: return .limited(code: nil, message: words, isUndone: true)
        case 400..<500: return .refused(code: nil, message: words)
        default: return .unknown("the venue answered \(answer.status): \(words)")
        }
    }

    /// An error's own words: the fields `msg` or `message`, else how the body begins, at most 300 bytes.
    public static func words(of answer: VenueAnswer) -> String {
        for name in ["msg", "message"] {
            if let text = answer.body[name]?.stringValue, !text.isEmpty { return bounded(text) }
        }
        let text = answer.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return text.isEmpty ? "no words" : bounded(text)
    }

    private static func bounded(_ text: String) -> String {
        text.utf8.count <= 300 ? text : String(decoding: text.utf8.prefix(300), as: UTF8.self) + "…"
    }
}
