/// Slows down whoever guesses passwords. A value: time is given.
///
/// Attempts are counted before the password is checked, so that many at once gain nothing, and by two keys: name and
/// peer together, which hits the guesser and not the user at another address; and the peer alone, which hits whoever
/// tries many names.
struct LoginThrottle: Sendable {
    private enum Key: Hashable {
        case user(name: String, peer: String)
        case peer(String)
    }

    private struct Record {
        var attempts = 0
        var blockedUntil: Int64 = 0
        var lastAttempt: Int64 = 0
    }

    /// The longest wait, after which everything is forgotten again.
    static let longestWait: Int64 = 15 * 60 * 1000
    /// A peer may try this many times as often as a name at it: several users may sit behind one address.
    private static let namesPerPeer = 4

    /// The attempt of one name at one peer behind which the longest wait comes; the waits before it double.
    private let attempts: Int
    /// How many keys are remembered. Beyond it those go that were used least lately.
    private let capacity: Int
    private var records: [Key: Record] = [:]

    init(attempts: Int = 10, capacity: Int = 4096) {
        precondition(attempts > 0)
        self.attempts = attempts
        self.capacity = capacity
    }

    /// Counts an attempt, or says for how many milliseconds there may be none.
    mutating func attempt(name: String, peer: String, now: Int64) -> Int64? {
        let keys: [(Key, limit: Int)] = [
            (.user(name: name, peer: peer), attempts), (.peer(peer), attempts * Self.namesPerPeer),
        ]
        let wait = keys.map { key, _ in (records[key]?.blockedUntil ?? 0) - now }.max() ?? 0
        guard wait <= 0 else { return wait }
        for (key, limit) in keys { count(key, limit: limit, now: now) }
        return nil
    }

    /// The password was right: the attempts of that name at that peer are forgotten, and this one at the peer.
    mutating func succeeded(name: String, peer: String) {
        records[.user(name: name, peer: peer)] = nil
        guard var record = records[.peer(peer)] else { return }
        record.attempts -= 1
        record.blockedUntil = 0
        records[.peer(peer)] = record.attempts > 0 ? record : nil
    }

    private mutating func count(_ key: Key, limit: Int, now: Int64) {
        var record = records[key] ?? Record()
        if now - record.lastAttempt > Self.longestWait { record = Record() }
        record.attempts += 1
        record.lastAttempt = now
        if record.attempts >= limit {
            record.blockedUntil = now + Self.longestWait
        } else if record.attempts > limit / 2 {
            record.blockedUntil =
                now + min(500 << Int64(min(record.attempts - limit / 2, 10)), Self.longestWait)
        }
        records[key] = record
        if records.count > capacity { forgetOldest() }
    }

    private mutating func forgetOldest() {
        let oldest = records.sorted { $0.value.lastAttempt < $1.value.lastAttempt }.prefix(capacity / 4 + 1)
        for (key, _) in oldest { records[key] = nil }
    }
}
