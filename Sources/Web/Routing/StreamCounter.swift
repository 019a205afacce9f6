import Synchronization

/// How many event streams each user has open, so that one user cannot take every connection.
final class StreamCounter: Sendable {
    private let limit: Int
    private let open = Mutex<[String: Int]>([:])

    init(limit: Int) {
        self.limit = limit
    }

    /// Counts one more; false when the user has as many as he may.
    func take(_ user: String) -> Bool {
        open.withLock { open in
            let count = open[user, default: 0]
            guard count < limit else { return false }
            open[user] = count + 1
            return true
        }
    }

    /// Counts one fewer.
    func giveBack(_ user: String) {
        open.withLock { open in
            let count = open[user, default: 1] - 1
            open[user] = count > 0 ? count : nil
        }
    }
}
