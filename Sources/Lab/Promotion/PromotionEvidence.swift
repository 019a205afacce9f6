public import Trading

/// What is known of a version when a gate is looked at. Nil is "not known", which no gate takes for a yes.
public struct PromotionEvidence: Hashable, Sendable {
    /// What a check found.
    public enum Check: Hashable, Sendable {
        case passed(String)
        case failed(String)
    }

    /// Where its figures are from, such as a backtest's id.
    public var source: String?
    /// Round trips.
    public var trades: Int?
    public var sharpe: Double?
    public var outOfSampleSharpe: Double?
    /// What that was found by, such as a walk forward and its runs.
    public var outOfSampleSource: String?
    /// A part of the capital; 0.1 is a tenth.
    public var totalReturn: Double?
    /// A part of the peak, at least 0.
    public var maximumDrawdown: Double?
    public var lookahead: Check?
    public var startup: Check?
    public var daysOnPaper: Double?
    public var paperFills: Int?
    public var replayDifferences: Int?
    /// The limit in words; nil when none is set, which is known.
    public var positionLimit: String?
    public var dailyLossLimit: String?
    public var stopLimit: String?
    /// Who wrote the version: whoever uploaded it, and whoever the strategy belongs to.
    public var authors: Set<String> = []
    public var reviews: [PromotionReview] = []

    /// Nothing is known.
    public init() {}

    /// Those whose last word is approval, without its authors, each once, in the order of their names.
    public var approvers: [String] {
        lastWords.filter { $0.value.approves }.keys.sorted()
    }

    /// Those whose last word is a refusal.
    public var refusers: [String] {
        lastWords.filter { !$0.value.approves }.keys.sorted()
    }

    private var lastWords: [String: PromotionReview] {
        var last: [String: PromotionReview] = [:]
        for review in reviews where !authors.contains(review.reviewer) { last[review.reviewer] = review }
        return last
    }
}

/// What one operator says of a version.
public struct PromotionReview: Hashable, Sendable {
    public let reviewer: String
    public let approves: Bool
    /// Why, in the reviewer's words.
    public let note: String
    public let time: Timestamp

    /// Describes a review.
    public init(reviewer: String, approves: Bool, note: String, time: Timestamp) {
        self.reviewer = reviewer
        self.approves = approves
        self.note = note
        self.time = time
    }
}
