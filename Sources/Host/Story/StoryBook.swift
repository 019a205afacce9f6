internal import Posix
internal import Trading

/// Takes notes for orders' stories on the floor, and hands them over now and then.
///
/// A note costs as much as putting it into a list. Words, JSON and the disk come later, on the store's own thread, so a
/// story may lag behind by a tenth of a second and no order ever waits for one.
final class StoryBook {
    private let store: StoryStore?
    private let loop: EventLoop
    private let log: HostLog
    /// What the host's start is known by: its time.
    private let start: Int64
    /// The number of the journal's last event at the start.
    private let base: Int64
    private var waiting: [Waiting] = []
    private var bytes = 0
    private var lost = 0
    private var isPlanned = false

    /// Finds the order that a strategy's request led to.
    var find: (StrategyID, RequestID) -> Order? = { _, _ in nil }

    /// Which order a note is about.
    private enum Subject {
        case order(OrderID)
        case request(StrategyID, RequestID)
    }

    private struct Waiting {
        let subject: Subject
        let time: Int64
        let after: Int64
        let fact: StoryFact
    }

    /// How much may wait; more is dropped.
    private static let (noteLimit, byteLimit) = (20_000, 16 << 20)
    private static let pause = Duration.milliseconds(100)

    /// Begins a book.
    ///
    /// - Parameters:
    ///   - store: Where it goes; nil keeps no stories.
    ///   - base: The number of the journal's last event.
    init(_ store: StoryStore?, on loop: EventLoop, after base: Int64, log: HostLog) {
        self.store = store
        self.loop = loop
        self.log = log
        self.base = base
        start = WallClock.milliseconds
        store?.begin(start: start, after: base)
    }

    /// Notes something about an order.
    ///
    /// - Parameter recorded: How many events were decided since the start.
    func note(_ order: OrderID, _ fact: StoryFact, _ recorded: Int64) {
        add(.order(order), fact, recorded)
    }

    /// Notes something about the order that a request led to, or will have led to in a moment.
    func note(_ strategy: StrategyID, _ request: RequestID, _ fact: StoryFact, _ recorded: Int64) {
        add(.request(strategy, request), fact, recorded)
    }

    private func add(_ subject: Subject, _ fact: StoryFact, _ recorded: Int64) {
        guard store != nil else { return }
        guard waiting.count < Self.noteLimit, bytes < Self.byteLimit else {
            lost += 1
            return
        }
        waiting.append(
            Waiting(subject: subject, time: WallClock.milliseconds, after: base + recorded, fact: fact))
        bytes += fact.bytes
        guard !isPlanned else { return }
        isPlanned = true
        loop.schedule(after: Self.pause) { [weak self] in self?.flush() }
    }

    /// Hands over what waits.
    func flush() {
        isPlanned = false
        guard let store, !waiting.isEmpty else { return }
        let notes = waiting.compactMap(resolved)
        (waiting, bytes) = ([], 0)
        guard !notes.isEmpty else { return }
        if store.write(notes, lost: lost, start: start) {
            if lost > 0 { log.warning("\(lost) lines of orders' stories were not kept: too many at once") }
            lost = 0
        } else {
            lost += notes.count
        }
    }

    /// Lets go of what is too old or too much.
    func prune() { store?.prune(at: WallClock.milliseconds) }

    private func resolved(_ note: Waiting) -> StoryNote? {
        switch note.subject {
        case .order(let order):
            return StoryNote(order: order, time: note.time, after: note.after, fact: note.fact)
        case .request(let strategy, let request):
            guard let order = find(strategy, request) else { return nil }
            if case .asked(let terms) = note.fact, order.intent.terms == terms { return nil }
            return StoryNote(order: order.id, time: note.time, after: note.after, fact: note.fact)
        }
    }
}
