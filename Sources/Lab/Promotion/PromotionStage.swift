/// How far a version has come.
public enum PromotionStage: String, Hashable, Sendable, CaseIterable, Comparable {
    /// Nothing was decided about it.
    case lab
    /// It passed the first gate: it may be deployed with play money.
    case paper
    /// It passed the second gate: it may be deployed with real money.
    case live

    /// By how far they are.
    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .lab: 0
        case .paper: 1
        case .live: 2
        }
    }
}
