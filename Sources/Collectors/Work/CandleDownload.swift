internal import MarketData
internal import Posix
internal import Trading
internal import Wire

/// The candles of one span of one series, fetched because somebody wants them. On the collectors' loop.
///
/// It ends when all of the span has been asked for, when somebody ends it, or when three attempts in a row bring nothing;
/// another one for the same span goes on where it stopped.
final class CandleDownload {
    /// What is to be fetched.
    struct Order: Hashable, Sendable {
        let venue: CollectedVenue
        let symbol: String
        let resolution: Resolution
        let span: Range<Timestamp>

        var series: SeriesKey { SeriesKey(venue: venue.id, symbol: symbol, resolution: resolution) }
    }

    enum State: String {
        case running, done, failed, cancelled
    }

    let id: String
    let order: Order
    let owner: String
    private(set) var state = State.running
    private unowned let all: Collecting
    private var lifecycle: CollectorLifecycle
    private var timer: EventLoop.Timer?
    private var current: CandleFetch?
    /// Why it failed; while it runs, what went wrong last.
    private var reason: String?
    private var stored = 0
    private var refused: [Refusal: Int] = [:]
    /// Candles' places of the span: all, those that were there before, those that were asked for.
    private let places: Int64
    private var known: Int64 = 0
    private var covered: Int64 = 0
    private let startedAt = MonotonicClock.nanoseconds
    private var endedAt: UInt64?
    private var waiting: [() -> Void] = []

    /// - Parameter note: What is said of it until more is known.
    init(_ id: String, _ order: Order, by owner: String, note: String? = nil, in all: Collecting) {
        self.id = id
        self.order = order
        self.owner = owner
        self.all = all
        reason = note
        lifecycle = CollectorLifecycle(CollectorSchedule(every: nil), retry: all.retry)
        places = Self.places(order.span, order.resolution)
    }

    private static func places(_ span: Range<Timestamp>, _ resolution: Resolution) -> Int64 {
        (span.upperBound.milliseconds - span.lowerBound.milliseconds) / resolution.milliseconds
    }

    func begin() {
        do throws(MarketFileFailure) {
            let missing = try all.sink.unasked(of: order.series, in: order.span)
            known = places - missing.reduce(0) { $0 + Self.places($1, order.resolution) }
        } catch {
            return end(.failed, "\(error)")
        }
        _ = lifecycle.handle(.started(lastSuccess: nil), at: all.now)
        handle(.asked)
    }

    /// Calls `body` once it has ended, at once when it has.
    func whenEnded(_ body: @escaping () -> Void) {
        guard state == .running else { return body() }
        waiting.append(body)
    }

    /// Ends it, with what is there by now.
    func cancel() { if state == .running { end(.cancelled, nil) } }

    private func end(_ state: State, _ reason: String?) {
        self.state = state
        self.reason = reason
        endedAt = MonotonicClock.nanoseconds
        current?.cancel()
        current = nil
        if let timer { all.loop.cancel(timer) }
        timer = nil
        let bodies = waiting
        waiting = []
        for body in bodies { body() }
    }

    private func handle(_ event: CollectorLifecycle.Event) {
        guard state == .running else { return }
        switch lifecycle.handle(event, at: all.now) {
        case .attempt: attempt()
        case .wake(let time):
            let wait = max(0, time.milliseconds - all.now.milliseconds)
            timer = all.loop.schedule(after: .milliseconds(wait)) { [weak self] in self?.handle(.woke) }
        case .nothing, .rest: break
        }
    }

    private func attempt() {
        all.withName(of: order.symbol, at: order.venue) { [weak self] result in
            guard let self, state == .running else { return }
            switch result {
            case .failure(let failure): failed(failure)
            case .success(let name): fetch(name)
            }
        }
    }

    private func fetch(_ name: String) {
        let fetch = CandleFetch(
            order.series, face: all.face(order.venue), name: name, caller: all.caller(order.venue),
            sink: all.sink
        ) { [weak self] page in
            guard let self else { return }
            stored += page.stored
            refused.merge(page.refused) { $0 + $1 }
            covered += Self.places(page.covered, order.resolution)
            if !page.covered.isEmpty { handle(.progressed) }
        }
        current = fetch
        fetch.begin(order.span) { [weak self] result in
            guard let self, state == .running else { return }
            switch result {
            case .success: end(.done, nil)
            case .failure(let failure): failed(failure)
            }
        }
    }

    private func failed(_ failure: CollectFailure) {
        reason = failure.reason
        if failure.code == .unknownSymbol { return end(.failed, failure.reason) }
        handle(.failed(pauseMilliseconds: failure.pauseMilliseconds))
        if case .backingOff = lifecycle.state { end(.failed, failure.reason) }
    }

    /// What is shown of it.
    var json: JSONValue {
        let nanoseconds = (endedAt ?? MonotonicClock.nanoseconds) - startedAt
        let elapsed = max(0.001, Double(nanoseconds) / 1e9)
        let rate = Double(covered) / elapsed
        let left = max(0, places - known - covered)
        let secondsLeft = state == .running && rate > 0 ? Int64((Double(left) / rate).rounded(.up)) : nil
        return .members([
            "id": .string(id), "venue": .string(order.venue.id), "symbol": .string(order.symbol),
            "resolution": .string(order.resolution.description), "from": .time(order.span.lowerBound),
            "to": .time(order.span.upperBound), "state": .string(state.rawValue),
            "bars_total": .integer(places), "bars_known": .integer(known),
            "bars_done": .integer(known + covered),
            "stored": .integer(stored), "refused": CollectorFigures.json(refused),
            "bars_per_second": .integer(Int64(rate)),
            "seconds_left": secondsLeft.map { .integer($0) } ?? .null, "reason": .optional(reason),
        ])
    }
}
