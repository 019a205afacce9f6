internal import Synchronization
public import Trading

/// Nonces of keys whose venue wants each to be greater than all before: through every end of the host, whatever the clock
/// does meanwhile, and for everybody in this process who signs with the key.
///
/// A *mark* is kept durably, ``window`` ahead of what is used, and none above it is given out. The next host begins above
/// it. One that the venue itself asks for, by ``raise(_:above:)``, is used before its mark is durable: whoever forgets it
/// is told so by the venue again.
public final class NonceKeeper: Sendable {
    /// Makes a key's mark durable; answers once, on any thread, whether it is.
    public typealias Keep =
        @Sendable (
            _ key: String, _ mark: Int64, _ answer: @escaping @Sendable (Bool) -> Void
        ) -> Void

    /// How far ahead a mark is set: a minute of milliseconds, or as many nonces where they only count.
    public static let window: Int64 = 60_000

    private struct Entry {
        var source: NonceSource
        var mark: Int64
        /// A mark that is being made durable.
        var asked: Int64?
        var waiting: [@Sendable (Bool) -> Void] = []
    }

    private let entries: Mutex<[String: Entry]>
    private let keep: Keep

    /// Begins above what was kept.
    ///
    /// - Parameters:
    ///   - marks: The highest mark of each key that may be durable.
    ///   - keep: Makes a mark durable. Without, none outlives this process.
    public init(
        marks: [String: Int64] = [:], keep: @escaping Keep = { _, _, answer in answer(true) }
    ) {
        entries = Mutex(marks.mapValues { Entry(source: NonceSource(last: max(0, $0)), mark: max(0, $0)) })
        self.keep = keep
    }

    /// Whether a nonce can be had now. Otherwise `answer` is called, on any thread, once one can, or with false when its
    /// mark could not be kept.
    public func prepare(
        _ key: String, at time: Timestamp, _ answer: @escaping @Sendable (Bool) -> Void
    ) -> Bool {
        let (isReady, wanted) = entries.withLock { entries -> (Bool, Int64?) in
            var entry = entries[key] ?? Entry(source: NonceSource(), mark: 0)
            defer { entries[key] = entry }
            var source = entry.source
            let next = source.next(at: time)
            let isReady = next <= entry.mark
            if !isReady { entry.waiting.append(answer) }
            // While half of the window is left nobody has to wait for the next.
            guard entry.mark - next < Self.window / 2, entry.asked == nil else { return (isReady, nil) }
            entry.asked = Self.mark(above: next)
            return (isReady, entry.asked)
        }
        if let wanted { ask(key, wanted) }
        return isReady
    }

    /// The next nonce; nil when its mark was not kept, see ``prepare(_:at:_:)``.
    public func next(_ key: String, at time: Timestamp) -> Int64? {
        entries.withLock { entries in
            guard var entry = entries[key] else { return nil }
            let next = entry.source.next(at: time)
            guard next <= entry.mark else { return nil }
            entries[key] = entry
            return next
        }
    }

    /// The last nonce that was given out; 0 before the first.
    public func last(_ key: String) -> Int64 { entries.withLock { $0[key]?.source.last ?? 0 } }

    /// The venue has seen a greater one: from here on all are greater than `nonce`.
    public func raise(_ key: String, above nonce: Int64) {
        let wanted = entries.withLock { entries -> Int64? in
            var entry = entries[key] ?? Entry(source: NonceSource(), mark: 0)
            entry.source.raise(above: nonce)
            let mark = Self.mark(above: entry.source.last)
            defer { entries[key] = entry }
            guard mark > entry.mark else { return nil }
            entry.mark = mark
            return mark
        }
        if let wanted { keep(key, wanted) { _ in } }
    }

    private static func mark(above nonce: Int64) -> Int64 { min(nonce, .max - window) + window }

    /// Outside of the lock: it may answer at once.
    private func ask(_ key: String, _ mark: Int64) {
        keep(key, mark) { [self] isKept in
            let waiting = entries.withLock { entries -> [@Sendable (Bool) -> Void] in
                guard var entry = entries[key] else { return [] }
                let waiting = entry.waiting
                (entry.asked, entry.waiting) = (nil, [])
                if isKept { entry.mark = max(entry.mark, mark) }
                entries[key] = entry
                return waiting
            }
            for answer in waiting { answer(isKept) }
        }
    }
}
