/// What can be set of the CoinDCX simulator beside what all have.
enum CoinDCXSettings {
    static let requestsPerMinute = VenueSetting.integer(
        "requests_per_minute", 2000, 1...100_000_000,
        "Signed requests per key and minute; sources say 2000, 960 and 100.")
    static let limitScope = VenueSetting.choice(
        "limit_scope", ["key", "address"], "Whether requests are counted by key or by address (unsure).")
    static let rupeeOrders = VenueSetting.choice(
        "rupee_orders", ["all", "limit"],
        "Whether rupee markets take market orders: 287 of 338 took limit orders alone in 2026.")
    static let window = VenueSetting.integer(
        "timestamp_window_ms", 10_000, 0...86_400_000,
        "How far a timestamp may be from now; 0 is not checked (unsure for spot, 10 s for futures).")
    static let clockStatus = VenueSetting.integer(
        "clock_status", 401, 400...599, "HTTP status for an old timestamp (unsure).")
    static let clockMessage = VenueSetting.text(
        "clock_message", "Request timestamp is too old", "Its words (unsure).")
    static let duplicateStatus = VenueSetting.integer(
        "duplicate_status", 422, 400...599, "HTTP status for a client_order_id that was used (unsure).")
    static let duplicateMessage = VenueSetting.text(
        "duplicate_message", "client_order_id already exists", "Its words (unsure).")
    static let unknownStatus = VenueSetting.integer(
        "unknown_status", 404, 400...599, "HTTP status for an unknown order.")
    static let unknownMessage = VenueSetting.text("unknown_message", "Order not found", "Its words.")
    static let fundsStatus = VenueSetting.integer("funds_status", 422, 400...599, "HTTP status for no money.")
    static let fundsMessage = VenueSetting.text("funds_message", "Insufficient funds", "Its words.")
    static let balances = VenueSetting.choice(
        "balances", ["text", "number"], "Balances as recorded, in text, or as documented, in numbers.")
    static let activeOrders = VenueSetting.choice(
        "active_orders", ["wrapped", "bare"],
        "{\"orders\":[…]} as now documented, or the array alone as before.")
    static let activeTimes = VenueSetting.choice(
        "active_times", ["iso", "milliseconds"], "Times in active_orders.")
    static let orderIDs = VenueSetting.choice(
        "order_ids", ["digits", "uuid"], "Digits since 2026, UUIDs before.")
    static let cancelAnswer = VenueSetting.choice(
        "cancel_answer", ["code", "status"], "Success as documented now, or with a numeric status as in 2024."
    )
    static let createState = VenueSetting.choice(
        "create_state", ["init", "open"],
        "What the answer to orders/create shows of an order that was just taken.")
    static let tickerTime = VenueSetting.choice(
        "ticker_time", ["seconds", "milliseconds"], "Live in seconds, documented in milliseconds.")
    static let edit = VenueSetting.choice(
        "edit", ["taken", "refused"], "Whether orders/edit works; 422 was seen.")
    static let openOrders = VenueSetting.integer("open_orders", 25, 1...1_000_000, "Open orders per market.")
    static let statusLag = VenueSetting.integer(
        "status_lag_ms", 0, 0...3_600_000, "How long a new order stays unknown to orders/status (unsure).")
    static let tradesLag = VenueSetting.integer(
        "trades_lag_ms", 0, 0...3_600_000, "How long a new trade stays out of the list of trades (unsure).")
    static let pingInterval = VenueSetting.integer(
        "ping_interval_ms", 45_000, 100...3_600_000, "Engine.IO pingInterval.")
    static let pingTimeout = VenueSetting.integer(
        "ping_timeout_ms", 60_000, 100...3_600_000, "Engine.IO pingTimeout.")

    static let all = [
        requestsPerMinute, limitScope, rupeeOrders, window, clockStatus, clockMessage, duplicateStatus,
        duplicateMessage,
        unknownStatus,
        unknownMessage, fundsStatus, fundsMessage, balances, activeOrders, activeTimes, orderIDs,
        cancelAnswer,
        createState, tickerTime, edit, openOrders, statusLag, tradesLag, pingInterval, pingTimeout,
    ]
}
