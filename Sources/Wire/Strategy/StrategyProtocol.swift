/// The fixed numbers of strategy protocol version 1. `docs/PROTOCOL.md` is the contract; this is its enforcement.
public enum StrategyProtocol {
    /// The version that `hello` names.
    public static let version = 1
    /// Bytes of one line, newline included, in either direction; only `hello` may be longer.
    public static let lineBytes = 64 << 10
    /// Bytes of the `hello` line, newline included: it carries configuration, parameters and saved state.
    public static let helloBytes = 256 << 10
    /// Bytes of a `candles` line, newline included: only a backtest says it, and only to a strategy that asked for batches.
    public static let batchBytes = 1 << 20
    /// Candles of a `candles` line.
    public static let batchCandles = 4096
    /// Characters of an id that the strategy chose, for a request or a timer.
    public static let idBytes = 36
    /// Bytes of a symbol.
    public static let symbolBytes = 32
    /// Bytes of a log message, after escapes are resolved.
    public static let logBytes = 8 << 10
    /// Bytes of a signal's action.
    public static let actionBytes = 64
    /// Bytes of a signal's data, as JSON text.
    public static let signalDataBytes = 16 << 10
    /// Bytes of a metric's name.
    public static let metricNameBytes = 64
    /// Bytes of the reason in `bye`, and of the SDK's name in `ready`.
    public static let reasonBytes = 1 << 10
    /// Bytes of saved state, as JSON text.
    public static let stateBytes = 48 << 10
    /// The longest timer: a week, in milliseconds.
    public static let longestTimerMilliseconds = 604_800_000
    /// The shortest interval of a repeating timer, in milliseconds.
    public static let shortestRepeatMilliseconds = 10

    /// Whether `text` may name a request, an order or a timer: 1 to 36 of `A`–`Z`, `a`–`z`, `0`–`9`, `.`, `_`, `-`.
    public static func isID(_ text: String) -> Bool {
        (1...idBytes).contains(text.utf8.count) && text.utf8.allSatisfy(isIDByte)
    }

    /// Whether `text` may name an instrument: as an id, or with `/`, up to 32 characters.
    public static func isSymbol(_ text: String) -> Bool {
        (1...symbolBytes).contains(text.utf8.count)
            && text.utf8.allSatisfy { isIDByte($0) || $0 == UInt8(ascii: "/") }
    }

    static func isIDByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}

/// How loud a line in a strategy's log is.
public enum StrategyLogLevel: String, Hashable, Sendable, CaseIterable {
    case debug
    case info
    case warning
    case error
}
