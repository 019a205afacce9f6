import Wire

/// What Binance refuses with: a code that stays, words that may change, a status.
struct BinanceError: Error {
    let status: Int
    let code: Int
    let message: String
    /// Seconds until it is worth coming back.
    var retryAfter: Int?
    /// Beside code and message, as cancelReplace has it.
    var data: JSONValue?

    init(_ code: Int, _ message: String, status: Int = 400) {
        self.code = code
        self.message = message
        self.status = status
    }

    var json: JSONValue {
        .members(["code": .integer(code), "msg": .string(message), "data": data])
    }

    static func missing(_ name: String) -> BinanceError {
        BinanceError(-1102, "Mandatory parameter '\(name)' was not sent, was empty/null, or malformed.")
    }

    static func filter(_ name: String) -> BinanceError { BinanceError(-1013, "Filter failure: \(name)") }

    static let symbol = BinanceError(-1121, "Invalid symbol.")
    static let noOrder = BinanceError(-2013, "Order does not exist.")
    static let unknownOrder = BinanceError(-2011, "Unknown order sent.")
    static let insufficient = BinanceError(-2010, "Account has insufficient balance for requested action.")
    static let duplicate = BinanceError(-2010, "Duplicate order sent.")
}
