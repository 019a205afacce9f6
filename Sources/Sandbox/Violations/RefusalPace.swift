/// How fast refused calls are answered. A strategy that makes them without end waits longer and longer, so that it keeps
/// neither the host nor its log busy; every call is still counted, and a fatal one still found.
struct RefusalPace: Hashable, Sendable {
    /// How many are answered in one turn, so that other strategies have theirs.
    static let batch = 16
    /// Calls that are answered at once.
    static let free = 400
    /// Calls after which the longer pause is made.
    static let patience = 4_000

    private var answered = 0
    private var sincePause = 0

    /// Counts an answer.
    mutating func count() {
        answered += 1
        sincePause += 1
    }

    /// How long to leave the listener alone now, in milliseconds: after every batch, once the free ones are used up.
    mutating func takePause() -> Int64 {
        guard answered > Self.free, sincePause >= Self.batch else { return 0 }
        sincePause = 0
        return answered > Self.patience ? 1_000 : 100
    }
}
