import Trading

/// The names of all members that a strategy's line can have, in about the order of their use.
enum LineField: Int, CaseIterable {
    case type, request, symbol, side
    case orderType, quantity, price
    case stopPrice, timeInForce, postOnly, reduceOnly
    case id, level, message, action, data, name, value, state, resolution, trades, quotes
    case afterMilliseconds, repeats, sdk, reason
    case stopLoss, takeProfit, bracket, batches

    var name: String {
        switch self {
        case .orderType: "order_type"
        case .stopPrice: "stop_price"
        case .timeInForce: "time_in_force"
        case .postOnly: "post_only"
        case .reduceOnly: "reduce_only"
        case .stopLoss: "stop_loss"
        case .takeProfit: "take_profit"
        case .afterMilliseconds: "after_ms"
        case .repeats: "repeat"
        case .type, .request, .symbol, .side, .quantity, .price, .id, .level, .message, .action, .data,
            .name, .value, .state, .resolution, .trades, .quotes, .sdk, .reason, .bracket,
            .batches:
            "\(self)"
        }
    }

    var bit: UInt32 { 1 << rawValue }

    static let keys: [UInt128] = allCases.map { lineKey(of: $0.name) }
}

/// Words are at most 15 bytes, so each fits a 128-bit number: its length at the top, then its bytes. What is longer has
/// none, and the key 0.
func lineKey(of bytes: Span<UInt8>) -> UInt128 {
    guard bytes.count <= 15 else { return 0 }
    var (first, rest): (UInt64, UInt64) = (0, 0)
    for index in 0..<min(8, bytes.count) { first = first << 8 | UInt64(bytes[index]) }
    if bytes.count > 8 {
        for index in 8..<bytes.count { rest = rest << 8 | UInt64(bytes[index]) }
    }
    return UInt128(UInt64(bytes.count) << 56 | rest) << 64 | UInt128(first)
}

func lineKey(of word: String) -> UInt128 { lineKey(of: Array(word.utf8).span) }

/// The words that a member may be, found without making text of its bytes.
struct WordTable<Word: RawRepresentable & CaseIterable & Sendable>: Sendable
where Word.RawValue == String {
    private let words: [Word]
    private let keys: [UInt128]

    init(_ type: Word.Type) {
        words = Array(Word.allCases)
        keys = words.map { lineKey(of: $0.rawValue) }
    }

    func find(_ bytes: Span<UInt8>) -> Word? {
        keys.firstIndex(of: lineKey(of: bytes)).map { words[$0] }
    }

    /// All of them, in quotation marks.
    var list: String { words.map { "\"\($0.rawValue)\"" }.joined(separator: ", ") }
}

/// The words of the protocol.
enum Words {
    static let lineTypes = WordTable(StrategyMessageType.self)
    static let sides = WordTable(Side.self)
    static let orderTypes = WordTable(OrderType.self)
    static let timesInForce = WordTable(TimeInForce.self)
    static let logLevels = WordTable(StrategyLogLevel.self)
}
