/// What can be set of the Binance simulator beside what all have.
enum BinanceSettings {
    static let weightPerMinute = VenueSetting.integer(
        "weight_per_minute", 6000, 1...100_000_000, "REQUEST_WEIGHT limit per address and minute.")
    static let ordersPer10Seconds = VenueSetting.integer(
        "orders_per_10s", 50, 1...100_000_000,
        "ORDERS limit per account; the documents show 50 in 10 s and, elsewhere, 10 in 1 s.")
    static let ordersPerDay = VenueSetting.integer(
        "orders_per_day", 160_000, 1...1_000_000_000, "ORDERS limit per day.")
    static let banAfter = VenueSetting.integer(
        "ban_after", 20, 1...1_000_000,
        "After so many requests beyond the limit the address is banned with 418 (unsure).")
    static let banSeconds = VenueSetting.integer(
        "ban_seconds", 120, 1...1_000_000, "How long a first ban lasts.")
    static let keyErrorStatus = VenueSetting.integer(
        "key_error_status", 401, 400...499, "HTTP status of -2014 and -2015 (unsure).")
    static let clientIDReuse = VenueSetting.choice(
        "client_id_reuse", ["ended", "filled", "never"],
        "When a client order id is free again: once its order ended, once it filled, or never (unsure for cancelled)."
    )
    static let queryLag = VenueSetting.integer(
        "query_lag_ms", 0, 0...3_600_000,
        "How long a new order stays hidden from queries: \"Memory => Database\" may lag, and -2013 is no proof."
    )
    static let tradesLag = VenueSetting.integer(
        "trades_lag_ms", 0, 0...3_600_000, "How long a new trade stays out of the list of trades (unsure).")
    static let cancelAllEmpty = VenueSetting.choice(
        "cancel_all_empty", ["error", "list"],
        "No order open: DELETE openOrders answers -2011, or an empty list (unsure).")
    static let tooFine = VenueSetting.choice(
        "too_fine", ["filter", "precision"],
        "More than 8 decimals: the filter's -1013, or -1111 as the documents also say.")
    static let pingSeconds = VenueSetting.integer(
        "ping_seconds", 20, 1...3600, "How often sockets are pinged.")
    static let pongSeconds = VenueSetting.integer("pong_seconds", 60, 1...3600, "How long a pong may take.")
    static let lifeSeconds = VenueSetting.integer(
        "connection_seconds", 86_400, 1...864_000, "How long a socket lives.")
    static let messagesPerSecond = VenueSetting.integer(
        "stream_messages_per_second", 5, 1...1_000_000, "Messages taken on a market stream connection.")
    static let percentUp = VenueSetting.decimal(
        "percent_price_up", "5", "PERCENT_PRICE_BY_SIDE, upper multiplier; both sides.")
    static let percentDown = VenueSetting.decimal(
        "percent_price_down", "0.2", "PERCENT_PRICE_BY_SIDE, lower multiplier; both sides.")
    static let permissions = VenueSetting.choice(
        "api_restrictions", ["answered", "absent"],
        "Whether /sapi/v1/account/apiRestrictions is there, as on mainnet, or not, as on testnet.")
    static let maxOrders = VenueSetting.integer(
        "max_num_orders", 200, 1...1_000_000, "MAX_NUM_ORDERS of each symbol.")

    static let all = [
        weightPerMinute, ordersPer10Seconds, ordersPerDay, banAfter, banSeconds, keyErrorStatus,
        clientIDReuse, queryLag, tradesLag,
        cancelAllEmpty, tooFine, pingSeconds, pongSeconds, lifeSeconds, messagesPerSecond, percentUp,
        percentDown, permissions,
        maxOrders,
    ]
}
