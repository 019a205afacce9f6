/// Lines on their way to a child that reads more slowly than they come.
///
/// Quotes and trades are conflated: one that has not left yet gives way to the next about the same thing. Candles wait in
/// order up to a depth, then the oldest is dropped and counted. Everything else is never dropped: when it would exceed its
/// bound, the child is not reading and the queue says so.
struct OutgoingQueue {
    /// How a line may be treated while it waits.
    enum Importance: Hashable {
        /// Never dropped.
        case must
        /// A candle: dropped only beyond the depth, oldest first.
        case candle
        /// The latest of its key is enough.
        case latest(key: String)
    }

    /// What became of a line.
    enum Outcome: Equatable { case queued, conflated, droppedOldest, full }

    private struct Entry {
        var bytes: [UInt8]
        let importance: Importance
        var isDropped = false
    }

    /// The most bytes that may wait of lines that are never dropped.
    let mustBytesLimit: Int
    /// The most candles that may wait.
    let candleDepth: Int
    private var entries: [Entry] = []
    private var head = 0
    private var headOffset = 0
    private var base = 0
    private var latest: [String: Int] = [:]
    private var mustBytes = 0
    private var candles = 0

    init(mustBytesLimit: Int = 4 << 20, candleDepth: Int = 1024) {
        self.mustBytesLimit = mustBytesLimit
        self.candleDepth = candleDepth
    }

    /// Whether nothing waits.
    var isEmpty: Bool { head == entries.count }

    /// How many lines wait.
    var count: Int { entries.count - head }

    /// Adds a line, its end included.
    mutating func push(_ bytes: [UInt8], _ importance: Importance) -> Outcome {
        var outcome = Outcome.queued
        switch importance {
        case .must:
            guard mustBytes + bytes.count <= mustBytesLimit else { return .full }
            mustBytes += bytes.count
        case .candle:
            if candles >= candleDepth { outcome = dropOldestCandle() ? .droppedOldest : .queued }
            candles += 1
        case .latest(let key):
            // A line of which a part has left must be finished; only one that has not begun can be replaced.
            if let position = latest[key],
                position - base > head || (position - base == head && headOffset == 0)
            {
                entries[position - base].bytes = bytes
                return .conflated
            }
            latest[key] = base + entries.count
        }
        entries.append(Entry(bytes: bytes, importance: importance))
        return outcome
    }

    /// The bytes that should leave next, or nil when nothing waits.
    mutating func front() -> ArraySlice<UInt8>? {
        while head < entries.count, entries[head].isDropped { advance() }
        guard head < entries.count else { return nil }
        return entries[head].bytes[headOffset...]
    }

    /// The whole line that ``front()`` gives the rest of; only after that gave something.
    var frontLine: [UInt8] { entries[head].bytes }

    /// Takes note that `count` bytes of ``front()`` have left. True when that completed the line.
    mutating func sent(_ count: Int) -> Bool {
        headOffset += count
        guard headOffset == entries[head].bytes.count else { return false }
        let entry = entries[head]
        switch entry.importance {
        case .must: mustBytes -= entry.bytes.count
        case .candle: candles -= 1
        case .latest(let key): if latest[key] == base + head { latest[key] = nil }
        }
        advance()
        return true
    }

    private mutating func advance() {
        entries[head].bytes = []
        head += 1
        headOffset = 0
        guard head == entries.count || head > 256 else { return }
        base += head
        entries.removeFirst(head)
        head = 0
    }

    private mutating func dropOldestCandle() -> Bool {
        let start = headOffset > 0 ? head + 1 : head
        guard
            let index = (start..<max(start, entries.count)).first(where: {
                entries[$0].importance == .candle && !entries[$0].isDropped
            })
        else { return false }
        entries[index].isDropped = true
        entries[index].bytes = []
        candles -= 1
        return true
    }
}
