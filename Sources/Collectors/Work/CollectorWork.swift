internal import MarketData
internal import Posix
internal import Trading
internal import Wire

/// One collector at work: its timer, its run and its stream. On the collectors' loop.
final class CollectorWork {
    private(set) var definition: CollectorDefinition
    private(set) var figures: CollectorFigures
    private var lifecycle: CollectorLifecycle
    /// What is wrong with its stream, in words.
    private var streamFault: String?
    private unowned let all: Collecting
    private var timer: EventLoop.Timer?
    private var current: CandleFetch?
    /// Up to where each series was asked for.
    private var completed: [SeriesKey: Timestamp] = [:]
    private var stream: CandleStream?
    /// Counts runs, so that an answer to one that has ended is known.
    private var run = 0
    private var isOpen = false

    init(_ definition: CollectorDefinition, figures: CollectorFigures, in all: Collecting) {
        self.definition = definition
        self.figures = figures
        self.all = all
        lifecycle = CollectorLifecycle(definition.schedule, retry: all.retry)
    }

    // MARK: - Control

    /// Lets it run by its schedule, at once when a run is due.
    func begin() {
        isOpen = true
        handle(.started(lastSuccess: figures.lastSuccess))
    }

    /// Ends it for good.
    func end() {
        isOpen = false
        handle(.stopped)
        stream?.end()
        stream = nil
        streamFault = nil
        completed = [:]
        all.report(definition.id, nil)
    }

    /// Takes another definition; what runs begins anew.
    func change(to definition: CollectorDefinition) {
        end()
        self.definition = definition
        lifecycle = CollectorLifecycle(definition.schedule, retry: all.retry)
        isOpen = true
        // What was added has no success yet.
        handle(.started(lastSuccess: nil))
    }

    /// Somebody wants a run now; false when one is under way.
    func ask() -> Bool {
        if case .collecting = lifecycle.state { return false }
        handle(.asked)
        return true
    }

    // MARK: - The state machine's hands

    private func handle(_ event: CollectorLifecycle.Event) {
        let action = lifecycle.handle(event, at: all.now, dice: .random(in: 0 ... .max))
        switch action {
        case .nothing: break
        case .rest:
            cancelTimer()
            stopRun()
        case .wake(let time):
            cancelTimer()
            let wait = max(0, time.milliseconds - all.now.milliseconds)
            timer = all.loop.schedule(after: .milliseconds(wait)) { [weak self] in self?.handle(.woke) }
        case .attempt:
            cancelTimer()
            attempt()
        }
    }

    private func cancelTimer() {
        if let timer { all.loop.cancel(timer) }
        timer = nil
    }

    private func stopRun() {
        run += 1
        current?.cancel()
        current = nil
    }

    private func attempt() {
        stopRun()
        switch definition.kind {
        case .candles: collectCandles(definition.series[...], run: run)
        case .prices: collectPrices(run: run)
        }
    }

    private func finish(_ run: Int, _ result: Result<Void, CollectFailure>) {
        guard isOpen, run == self.run else { return }
        switch result {
        case .success:
            figures.succeeded += 1
            figures.lastSuccess = all.now
            handle(.succeeded)
            all.report(definition.id, streamFault)
            openStream()
        case .failure(let failure):
            if failure.code == .clock { figures.count([.clock: 1]) }
            figures.lastFailure = all.now
            figures.lastReason = failure.reason
            handle(.failed(pauseMilliseconds: failure.pauseMilliseconds))
            all.log.warning(
                "an attempt failed", ["collector": definition.id, "reason": failure.reason])
            if case .backingOff = lifecycle.state {
                figures.failed += 1
                all.report(definition.id, failure.reason)
            }
        }
        all.store.save(figures, of: definition.id)
    }

    // MARK: - Prices

    private func collectPrices(run: Int) {
        let face = all.coinSpot
        all.caller(definition.venue).ask(face.latestURL) { [weak self] result in
            guard let self, run == self.run else { return }
            switch result {
            case .failure(let failure): finish(run, .failure(failure))
            case .success(let answer):
                guard let reading = face.prices(in: answer.body) else {
                    return finish(
                        run, .failure(CollectFailure(.unreadable, "coinspot answered with no prices")))
                }
                figures.count(reading.refused)
                keep(reading.prices, at: answer.now, run: run)
            }
        }
    }

    private func keep(_ prices: [CoinPrice], at now: Timestamp, run: Int) {
        guard !prices.isEmpty else {
            return finish(run, .failure(CollectFailure(.unreadable, "every price was refused")))
        }
        let slot = Collecting.fiveMinutes.openTime(containing: now)
        let here = LoopBound(self, on: all.loop)
        all.store.keep(prices, slot: slot, received: now) { result in
            here.perform { work in
                if case .success(let added) = result { work.figures.stored += added }
                work.finish(run, result.map { _ in })
            }
        }
    }

    // MARK: - Candles

    /// Fetches what is missing of one series after the other.
    private func collectCandles(_ rest: ArraySlice<(symbol: String, resolution: Resolution)>, run: Int) {
        guard let (symbol, resolution) = rest.first else { return finish(run, .success(())) }
        let series = SeriesKey(venue: definition.venue.id, symbol: symbol, resolution: resolution)
        all.withName(of: symbol, at: definition.venue) { [weak self] result in
            guard let self, run == self.run else { return }
            switch result {
            case .failure(let failure): finish(run, .failure(failure))
            case .success(let name): fetchSeries(series, name, rest.dropFirst(), run: run)
            }
        }
    }

    private func fetchSeries(
        _ series: SeriesKey, _ name: String,
        _ rest: ArraySlice<(symbol: String, resolution: Resolution)>, run: Int
    ) {
        let span = span(of: series.resolution)
        let fetch = CandleFetch(
            series, face: all.face(definition.venue), name: name, caller: all.caller(definition.venue),
            sink: all.sink
        ) { [weak self] page in
            guard let self, run == self.run else { return }
            figures.stored += page.stored
            figures.count(page.refused)
            if !page.covered.isEmpty { handle(.progressed) }
        }
        current = fetch
        fetch.begin(span) { [weak self] result in
            guard let self, run == self.run else { return }
            current = nil
            guard case .success = result else { return finish(run, result) }
            completed[series] = span.upperBound
            stream?.isComplete(series, upTo: span.upperBound)
            collectCandles(rest, run: run)
        }
    }

    /// From where to where candles of a length are to be had now.
    private func span(of resolution: Resolution) -> Range<Timestamp> {
        let end = resolution.openTime(containing: all.now)
        let usual = end.advanced(byMilliseconds: -CollectorDefinition.usualPast * resolution.milliseconds)
        var start = definition.from.map { resolution.openTime(containing: $0) } ?? usual
        if let from = definition.from, start < from {
            start = start.advanced(byMilliseconds: resolution.milliseconds)
        }
        return min(start, end)..<end
    }

    /// Opens the stream once the past is there.
    private func openStream() {
        guard isOpen, definition.isEnabled, definition.kind == .candles, definition.live == .stream,
            stream == nil, let source = all.source(definition.venue)
        else { return }
        let stream = CandleStream(definition, source: source, sink: all.sink) { [weak self] in
            self?.take($0)
        }
        self.stream = stream
        for (series, time) in completed { stream.isComplete(series, upTo: time) }
    }

    private func take(_ news: CandleStream.News) {
        switch news {
        case .kept(let count): figures.stored += count
        case .refused(let reason): figures.count([reason: 1])
        case .gap: _ = ask()
        case .fault(let fault):
            streamFault = fault
            if case .backingOff = lifecycle.state { return }
            all.report(definition.id, fault)
        case .failed(let reason):
            figures.lastFailure = all.now
            figures.lastReason = reason
        }
    }

    // MARK: - Looking

    /// What is shown of it.
    var json: JSONValue {
        let words: String =
            switch lifecycle.state {
            case .stopped: "stopped"
            case .waiting: definition.isEnabled ? "waiting" : "disabled"
            case .collecting, .pausing: "collecting"
            case .backingOff: "backing_off"
            }
        func time(_ time: Timestamp?) -> JSONValue { time.map { .time($0) } ?? .null }
        return .members([
            "id": .string(definition.id), "kind": .string(definition.kind.rawValue),
            "venue": .string(definition.venue.id), "state": .string(words),
            "attempt": attemptNumber.map { .integer($0) } ?? .null,
            "last_success": time(figures.lastSuccess), "last_failure": time(figures.lastFailure),
            "last_reason": .optional(figures.lastReason), "next_due": time(lifecycle.nextDue),
            "failures_in_a_row": .integer(lifecycle.failures),
            "stream":
                stream == nil
                ? .null : .members(["open": .bool(streamFault == nil), "fault": .optional(streamFault)]),
            "counts": .members([
                "succeeded": .integer(figures.succeeded), "failed": .integer(figures.failed),
                "stored": .integer(figures.stored),
            ]),
            "refused": figures.refusedJSON, "settings": definition.json,
        ])
    }

    private var attemptNumber: Int? {
        switch lifecycle.state {
        case .collecting(let attempt), .pausing(let attempt, _): attempt
        case .stopped, .waiting, .backingOff: nil
        }
    }
}
