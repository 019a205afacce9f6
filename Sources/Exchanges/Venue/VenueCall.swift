public import Trading

extension VenueConnection {
    /// How soon a call has to go. What is more urgent goes first whenever the budget makes calls wait.
    public enum Urgency: Int, Hashable, Sendable, Comparable, CaseIterable {
        /// Prices, candles, instruments.
        case market
        /// What became of an order, trades, balances.
        case query
        /// Orders and amendments.
        case order
        /// Whatever takes risk away. It may use the part of the budget that is kept back from all others.
        case cancel

        /// Whether the left one has to wait for the right one.
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// Signs a call, as it is about to leave, with the venue's time. It runs on the loop, again before every repeat,
    /// and each time on the call as it was given, so that it may append.
    ///
    /// - Throws: ``CallFailure``, as a rule `.unsent("no active credential …")`; the call fails with it.
    public typealias Signer = (inout Call, Timestamp) throws(CallFailure) -> Void

    /// One request to a venue.
    public struct Call {
        /// `GET`, `POST`, `PUT` or `DELETE`.
        public var method: String
        /// The path with a slash in front, percent-encoded where need be, without the query.
        public var path: String
        /// Names and values of the query, plain; they are percent-encoded when the address is made.
        public var query: [(name: String, value: String)]
        /// Headers beside those that every request has.
        public var headers: [(name: String, value: String)]
        /// The exact bytes of the body; none are sent when it is empty and the method is GET or DELETE.
        public var body: [UInt8]
        /// The kind of the body, such as `application/json`.
        public var contentType: String
        /// Another base address than the connection's, such as that of a venue's public host; nil is the usual one.
        public var base: String?

        /// What the call takes from budget windows of kind `.weight`. At least 0.
        public var weight: Int
        /// What the call takes from budget windows of kind `.orders`: 1 for a call that places an order.
        public var orders: Int
        /// The circuit breaker's group, such as `orders` or `market`.
        public var group: String
        /// How soon it has to go.
        public var urgency: Urgency
        /// Whether it may be sent again when it was not answered: only what changes nothing at the venue, or what the
        /// venue itself recognises as the same.
        public var isRepeatable: Bool
        /// Signs it; nil for a public call.
        public var sign: Signer?
        /// From ``VenueConnection/send(_:_:)`` to the last moment of an answer, waiting and repeats included.
        public var deadline: Duration
        /// The most bytes of an answer that are taken.
        public var responseLimit: Int
        /// Calls of one lane are sent one at a time, each only when the one before was answered: for venues whose
        /// nonce must arrive in order. Nil runs beside all others.
        public var lane: String?

        /// Whose credentials sign it: the scope of the credential breaker and of budgets by account.
        public var account: AccountID?
        /// The order that it is about, for the order's story.
        public var order: ClientOrderID?

        /// Describes a call.
        public init(
            _ method: String, _ path: String, query: [(name: String, value: String)] = [],
            headers: [(name: String, value: String)] = [], body: [UInt8] = [],
            contentType: String = "application/json", base: String? = nil,
            weight: Int = 1, orders: Int = 0, group: String, urgency: Urgency, isRepeatable: Bool,
            deadline: Duration = .seconds(10), responseLimit: Int = 4 << 20, lane: String? = nil,
            account: AccountID? = nil, order: ClientOrderID? = nil, sign: Signer? = nil
        ) {
            precondition(weight >= 0 && orders >= 0 && responseLimit > 0)
            self.method = method
            self.path = path
            self.query = query
            self.headers = headers
            self.body = body
            self.contentType = contentType
            self.base = base
            self.weight = weight
            self.orders = orders
            self.group = group
            self.urgency = urgency
            self.isRepeatable = isRepeatable
            self.deadline = deadline
            self.responseLimit = responseLimit
            self.lane = lane
            self.account = account
            self.order = order
            self.sign = sign
        }

        /// The query as it will stand in the address: percent-encoded, joined by `=` and `&`. What a venue wants signed
        /// that signs its query; append the signature to ``query`` afterwards.
        public var encodedQuery: String { Self.encoded(query) }

        /// Encodes names and values as the query of an address: everything but letters, digits and `-._~` as `%XX`
        /// (RFC 3986, 2.3).
        public static func encoded(_ items: [(name: String, value: String)]) -> String {
            items.map { "\(encoded($0.name))=\(encoded($0.value))" }.joined(separator: "&")
        }

        private static func encoded(_ text: String) -> String {
            var bytes: [UInt8] = []
            let digits = Array("0123456789ABCDEF".utf8)
            for byte in text.utf8 {
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: "_"), UInt8(ascii: "~"):
                    bytes.append(byte)
                default:
                    bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

extension OrderTerms {
    /// How soon an order has to go: one that only takes risk away like a cancel.
    var urgency: VenueConnection.Urgency { reduceOnly ? .cancel : .order }
}
