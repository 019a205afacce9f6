/// What can be set of the CoinSpot simulator beside what all have.
enum CoinSpotSettings {
    static let requestsPerMinute = VenueSetting.integer(
        "requests_per_minute", 1000, 1...100_000_000, "Requests per address and minute.")
    static let limitStatus = VenueSetting.integer(
        "limit_status", 429, 400...599, "HTTP status beyond the limit (unsure).")
    static let authStatus = VenueSetting.integer(
        "auth_status", 401, 200...599,
        "HTTP status for a wrong key or signature; v1 once answered 200 (unsure).")
    static let authMessage = VenueSetting.text(
        "auth_message", "Invalid key or signature", "Its words (unsure).")
    static let nonceStatus = VenueSetting.integer(
        "nonce_status", 401, 200...599, "HTTP status for an old nonce (unsure).")
    static let nonceMessage = VenueSetting.text(
        "nonce_message", "nonce invalid", "Its words; seen in 2018 (unsure for v2).")
    static let refusedStatus = VenueSetting.integer(
        "refused_status", 400, 200...599, "HTTP status for no money, bad amounts, unknown ids (unsure).")
    static let fundsMessage = VenueSetting.text(
        "funds_message", "Insufficient funds", "Words for no money (unsure).")
    static let orderMessage = VenueSetting.text(
        "order_message", "Order not found", "Words for an unknown id (unsure).")
    static let coinStatus = VenueSetting.integer(
        "coin_status", 400, 200...599, "HTTP status for an unknown coin (unsure).")
    static let orderIDs = VenueSetting.choice(
        "order_ids", ["hex", "digits"],
        "What ids of orders look like; 24 hexadecimal digits were seen (unsure).")
    static let textNonce = VenueSetting.choice(
        "text_nonce", ["taken", "refused"], "Whether a nonce may be text (unsure).")
    static let openAmount = VenueSetting.choice(
        "open_amount", ["remaining", "original"],
        "What `amount` of an open order is once a part filled (unsure).")
    static let completedIDs = VenueSetting.choice(
        "completed_ids", ["present", "absent"], "Whether completed orders carry their id (unsure).")
    static let completedRows = VenueSetting.choice(
        "completed_rows", ["trades", "orders"],
        "One row for each fill, or one for each order that ended (unsure).")
    static let completedLag = VenueSetting.integer(
        "completed_lag_ms", 0, 0...3_600_000,
        "How long a fill stays hidden from the completed lists (unsure).")
    static let openLag = VenueSetting.integer(
        "open_lag_ms", 0, 0...3_600_000,
        "How long a new order stays out of the lists of open ones (unsure).")
    static let marketCase = VenueSetting.choice(
        "market_case", ["any", "lower"],
        "Letters of the market in public paths: live probes say lower (unsure).")
    static let notANumber = VenueSetting.text(
        "nan_coins", "", "Coins whose prices are \"NaN\", such as sol,eth.")

    static let all = [
        requestsPerMinute, limitStatus, authStatus, authMessage, nonceStatus, nonceMessage, refusedStatus,
        fundsMessage,
        orderMessage, coinStatus, orderIDs, textNonce, openAmount, completedIDs, completedRows, completedLag,
        openLag,
        marketCase,
        notANumber,
    ]
}
