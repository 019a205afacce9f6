internal import HTTPMessages
public import Trading
public import Wire

/// A venue's answer to a call: whole, and never larger than the call allowed.
public struct VenueAnswer: Hashable, Sendable {
    /// The HTTP status.
    public let status: Int
    /// Names in lower case, in the order of arrival.
    public let headers: [Header]
    /// The body; null when it is not JSON, which ``isJSON`` tells from a null that was sent.
    public let body: JSONValue
    /// Whether the body is JSON.
    public let isJSON: Bool
    /// How the body begins, as text: at most ``storyLimit`` bytes, without what was signed. For an order's story.
    public let text: String
    /// How many bytes the whole body has, without what was signed.
    public let bytes: Int
    /// The machine's steady clock when the last byte had arrived, in nanoseconds.
    public let arrived: UInt64

    /// The most bytes of an answer that an order's story keeps.
    public static let storyLimit = 4096

    /// One header line.
    public struct Header: Hashable, Sendable {
        public let name: String
        public let value: String

        /// Describes a header line.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Describes an answer.
    public init(
        status: Int, headers: [Header] = [], body: JSONValue, isJSON: Bool = true, text: String = "",
        bytes: Int? = nil, arrived: UInt64 = 0
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isJSON = isJSON
        self.text = text
        self.bytes = bytes ?? text.utf8.count
        self.arrived = arrived
    }

    /// The first header of that name, in whatever case it is given.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name == wanted }?.value
    }

    /// How long `Retry-After` says to wait, a week at most: in seconds, as every venue here sends it, or until a date by
    /// the answer's own clock (RFC 9110, 10.2.3). Nil when there is none or it cannot be read.
    public var retryAfter: Duration? {
        guard let text = header("retry-after") else { return nil }
        if let seconds = Int64(text) { return seconds < 0 ? nil : .seconds(min(seconds, 7 * 86_400)) }
        guard let until = HTTPDate.seconds(text), let now = date else { return nil }
        return .seconds(min(max(0, until - now.milliseconds / 1000), 7 * 86_400))
    }

    /// The answer's own clock, to a second; nil when it does not tell it.
    public var date: Timestamp? {
        header("date").flatMap { HTTPDate.seconds($0) }.map { Timestamp(milliseconds: $0 * 1000) }
    }
}

/// Why a call has no answer that can be used.
public enum CallFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing left the host; the same call may be sent again.
    case unsent(String)
    /// The call may have arrived and done its work: silence, a broken connection, a 5xx, an answer that is no JSON, or
    /// the venue's own word that it does not know.
    case outcomeUnknown(String)
    /// The venue understood and said no.
    case refused(VenueRefusal)

    /// What the desk is told.
    public var venueFailure: VenueFailure {
        switch self {
        case .unsent(let reason): .unsent(reason)
        case .outcomeUnknown(let reason): .outcomeUnknown(reason)
        case .refused(let refusal): .refused(refusal.description)
        }
    }

    /// In words.
    public var description: String { venueFailure.description }
}

/// A venue's no.
public struct VenueRefusal: Hashable, Sendable, CustomStringConvertible {
    /// The HTTP status.
    public let status: Int
    /// The venue's own code, such as `-2013`; nil when it gave none.
    public let code: String?
    /// The venue's own words, bounded, without what was signed.
    public let message: String
    /// The answer as it came.
    public let answer: VenueAnswer

    /// Describes a refusal.
    public init(status: Int, code: String?, message: String, answer: VenueAnswer) {
        self.status = status
        self.code = code
        self.message = message
        self.answer = answer
    }

    /// The code and the words.
    public var description: String { code.map { "\(message) (\($0))" } ?? "\(message) (HTTP \(status))" }
}
