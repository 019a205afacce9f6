/// What a writer has done since it started, for metrics and the health page.
public struct WriterFigures: Sendable, Hashable {
    /// The upper bounds of ``commitCounts`` in microseconds; the last bucket has none.
    public static let commitBounds = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000]

    /// Operations that were committed.
    public var committed = 0
    /// Operations that failed, for whatever reason.
    public var failed = 0
    /// Operations refused because too many were waiting.
    public var refused = 0
    /// Transactions that were committed.
    public var commits = 0
    /// The most operations that shared one transaction.
    public var largestGroup = 0
    /// How many commits took how long, from the start of the transaction until it was durable.
    public var commitCounts = [Int](repeating: 0, count: commitBounds.count + 1)
    /// The sum of those times.
    public var commitMicroseconds = 0
    /// Operations waiting now.
    public var waiting = 0
    /// Pages in the write-ahead log after the last commit.
    public var logPages = 0
    /// What the last failed commit or checkpoint said; nil once one has succeeded since.
    public var fault: DatabaseFailure?

    mutating func countCommit(microseconds: Int, operations: Int) {
        commits += 1
        committed += operations
        largestGroup = max(largestGroup, operations)
        commitMicroseconds += microseconds
        commitCounts[Self.commitBounds.firstIndex { microseconds <= $0 } ?? Self.commitBounds.count] += 1
    }
}
