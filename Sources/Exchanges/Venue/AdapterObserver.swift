public import Trading

/// One thing that passed between the host and a venue, for an order's story: bounded, and without keys or signatures.
public struct VenueTrace: Hashable, Sendable {
    /// The account it was asked for, nil for public calls.
    public let account: AccountID?
    /// The order that it is about, when the adapter knows.
    public let order: ClientOrderID?
    /// The host's wall clock when it was heard.
    public let time: Timestamp
    /// Where it came from, such as `POST /api/v3/order` or `stream`.
    public let source: String
    /// The HTTP status; nil for a stream's message and where there was no answer.
    public let status: Int?
    /// The venue's own text as it came, at most ``VenueAnswer/storyLimit`` bytes; in its place, what happened, when there
    /// was no answer.
    public let text: String
    /// Which attempt at the call it belongs to, from 1.
    public let attempt: Int
    /// From the signature to the last byte; nil for a stream's message.
    public let took: Duration?
    /// What was sent, as query or body, without keys and signatures; at most ``parametersLimit`` bytes.
    public let parameters: String
    /// How many bytes the venue's text had before it was cut.
    public let bytes: Int

    /// The most bytes of what was sent that an order's story keeps.
    public static let parametersLimit = 2048

    /// Describes something heard.
    ///
    /// - Parameter bytes: How long the whole text was, when `text` is only its beginning.
    public init(
        account: AccountID?, order: ClientOrderID?, time: Timestamp, source: String, status: Int? = nil,
        text: String, attempt: Int = 1, took: Duration? = nil, parameters: String = "", bytes: Int? = nil
    ) {
        self.account = account
        self.order = order
        self.time = time
        self.source = source
        self.status = status
        self.text =
            text.utf8.count <= VenueAnswer.storyLimit
            ? text : String(decoding: text.utf8.prefix(VenueAnswer.storyLimit), as: UTF8.self) + "…"
        self.attempt = attempt
        self.took = took
        self.parameters = parameters
        self.bytes = max(bytes ?? 0, text.utf8.count)
    }

    /// Whether ``text`` is only the beginning.
    public var isCut: Bool { bytes > VenueAnswer.storyLimit }
}

/// Something about a venue as a whole that an operator should know.
public enum VenueCondition: Hashable, Sendable {
    /// Too many requests: nothing is sent for so long.
    case paused(Duration, reason: String)
    /// The venue banned this address for so long; streams go on.
    case banned(Duration, reason: String)
    /// Pause or ban are over.
    case resumed
    /// A group of endpoints failed so often that it is left alone for so long.
    case circuitOpened(group: String, Duration, reason: String)
    /// A group of endpoints works again.
    case circuitClosed(group: String)
    /// The venue refused an account's credentials; nothing is signed with them until they change or so long has passed.
    case credentialsRefused(AccountID, Duration, reason: String)
    /// An account's credentials work again.
    case credentialsAccepted(AccountID)
    /// The venue's clock was compared with ours: how far it is ahead, and how exactly that is known.
    case clockCompared(ahead: Duration, uncertainty: Duration)
}

/// Who wants to hear what passes between adapters and venues. Called on the loop.
public protocol AdapterObserver: AnyObject {
    /// A call about an order has left, with its parameters; what comes of it is heard.
    func adapter(_ venue: VenueID, sent trace: VenueTrace)
    /// Something was heard: an answer, that there is none, or news.
    func adapter(_ venue: VenueID, heard trace: VenueTrace)
    /// Something changed for the venue as a whole.
    func adapter(_ venue: VenueID, entered condition: VenueCondition)
}

extension AdapterObserver {
    /// Nothing: not everybody keeps stories.
    public func adapter(_ venue: VenueID, sent trace: VenueTrace) {}
}
