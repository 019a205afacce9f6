/// How long a strategy has owed an answer, by looks at its vitals now and then.
struct AnswerWatch {
    /// What a look found.
    enum Finding: Hashable {
        /// It has been silent for half of its patience, and nobody has been told before.
        case isSlow
        /// It has been silent for longer than it may.
        case isSilent
        /// It says something now and then, and does not come to the end of its answer; for so many nanoseconds.
        case isEndless(UInt64)
    }

    /// How many times its patience a strategy may take for one answer if it says something meanwhile.
    static let answerPatience: UInt64 = 10

    private let patience: UInt64
    private var seenProgress: UInt64 = 0
    private var silentSince: UInt64?
    private var seenQuestions: UInt64 = 0
    private var askedSince: UInt64?
    private var isToldSlow = false

    /// - Parameter patience: How long it may be silent while an answer is waited for, in nanoseconds.
    init(patience: UInt64) { self.patience = patience }

    /// Looks.
    ///
    /// - Parameters:
    ///   - questions: How many it was asked by now.
    ///   - progress: How many times it has said something by now.
    ///   - isWaiting: Whether it is its turn.
    ///   - now: In nanoseconds of a clock that never goes back.
    mutating func look(questions: UInt64, progress: UInt64, isWaiting: Bool, at now: UInt64) -> Finding? {
        if questions == seenQuestions, let since = askedSince {
            // One that mutters on and on does not answer either.
            if isWaiting, now - since >= Self.answerPatience * patience { return .isEndless(now - since) }
        } else {
            (seenQuestions, askedSince) = (questions, now)
        }
        guard progress == seenProgress, isWaiting, let since = silentSince else {
            seenProgress = progress
            silentSince = now
            isToldSlow = false
            return nil
        }
        if now - since >= patience { return .isSilent }
        guard now - since >= patience / 2, !isToldSlow else { return nil }
        isToldSlow = true
        return .isSlow
    }
}
