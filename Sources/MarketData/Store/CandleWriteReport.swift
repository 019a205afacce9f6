public import Trading

/// Why a candle was not taken.
public enum CandleRefusal: String, Hashable, Sendable, CaseIterable {
    /// Its numbers make no sense (``Trading/Candle/flaw``).
    case flawed
    /// It does not open where a candle of its length does, or before 1970 or after the year 9999.
    case unaligned
    /// It had not closed yet: its numbers were still going to change.
    case unclosed
    /// It has more digits than can be kept exactly beside the others of its series: prices and volumes are each kept as
    /// whole numbers of 64 bits with one count of digits for the series.
    case tooPrecise = "too_precise"
    /// It is older than what is kept of its series.
    case expired
}

/// What became of candles that were handed to a ``CandleStore``.
public struct CandleWriteReport: Hashable, Sendable {
    /// A candle that was refused, or took the place of one with other numbers.
    public struct Note: Hashable, Sendable {
        /// When it opened.
        public let time: Timestamp
        /// What was wrong, or what changed, in words.
        public let words: String
    }

    /// Candles of times that had none.
    public internal(set) var added = 0
    /// Candles that were there already with the same numbers.
    public internal(set) var unchanged = 0
    /// Candles that took the place of one with other numbers.
    public internal(set) var replaced = 0
    /// Candles that were not taken, by reason.
    public internal(set) var refused: [CandleRefusal: Int] = [:]
    /// The first of those that were replaced or refused, at most ``noteLimit``.
    public internal(set) var notes: [Note] = []

    /// The most notes of one report.
    public static let noteLimit = 20

    /// Nothing yet.
    public init() {}

    /// Candles that were not taken, for whatever reason.
    public var refusedInAll: Int { refused.values.reduce(0, +) }

    /// Adds another report's counts, and its notes as far as there is room.
    public mutating func add(_ other: CandleWriteReport) {
        added += other.added
        unchanged += other.unchanged
        replaced += other.replaced
        refused.merge(other.refused, uniquingKeysWith: +)
        notes += other.notes.prefix(max(0, Self.noteLimit - notes.count))
    }

    mutating func note(_ time: Timestamp, _ words: @autoclosure () -> String) {
        if notes.count < Self.noteLimit { notes.append(Note(time: time, words: words())) }
    }
}
