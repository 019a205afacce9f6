internal import Wire

/// Hands what happens to those who watch, and keeps the latest of it for those who come back.
///
/// It lives on the floor's event loop. A watcher whose sink refuses an event is dropped; it comes back with the last
/// sequence number it saw and is given what it missed, as far as that is still kept. Log lines are not kept here: a
/// reader of a log resumes from the log itself.
final class EventHub {
    private struct Watcher {
        let topic: EventTopic
        let sink: any EventSink
    }

    /// What happened, not yet written: most of it nobody ever comes back for.
    private struct Happening {
        let kind: HostEvent.Kind
        let strategy: String?
        let owner: String
        let sequence: Int
        let data: () -> JSONValue

        var event: HostEvent { HostEvent(kind, strategy: strategy, sequence: sequence, data: data()) }
    }

    /// How many events are kept for readers that come back.
    private let capacity: Int
    private var watchers: [Watcher] = []
    private var kept: [Happening] = []
    private var lastSequence = 0
    /// The number of the last event that was taken out of ``kept``.
    private var forgotten = 0

    init(capacity: Int = 2048) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    /// How many watchers there are.
    var count: Int { watchers.count }

    /// Tells everyone who watches the strategy, its owner's overview or everything.
    ///
    /// - Parameters:
    ///   - keeps: Whether a reader who comes back should get it; a P&L that another follows in a second need not be.
    ///   - data: The view's JSON. It is made when somebody wants it, so it must follow from values alone. Make the view
    ///     before, and its JSON here: what is kept is the view then, which takes a fraction of its JSON's memory.
    func publish(
        _ kind: HostEvent.Kind, strategy: String?, owner: String, keeps: Bool = true,
        data: @escaping @autoclosure () -> JSONValue
    ) {
        guard keeps || !watchers.isEmpty else { return }
        lastSequence += 1
        let happening = Happening(
            kind: kind, strategy: strategy, owner: owner, sequence: lastSequence, data: data)
        if keeps {
            if kept.count >= 2 * capacity {
                forgotten = kept[kept.count - capacity - 1].sequence
                kept.removeFirst(kept.count - capacity)
            }
            kept.append(happening)
        }
        guard watchers.contains(where: { Self.isMeant(happening, $0.topic) }) else { return }
        let event = happening.event
        offer { Self.isMeant(happening, $0) ? event : nil }
    }

    /// Tells those who watch the strategy or its log of a line in it.
    func publishLog(_ line: LogLine, strategy: String) {
        guard !watchers.isEmpty else { return }
        lastSequence += 1
        let data = line.json
        let numbered = HostEvent(.log, strategy: strategy, sequence: lastSequence, data: data)
        let inLog = HostEvent(.log, strategy: strategy, sequence: line.sequence, data: data)
        offer { topic in
            switch topic {
            case .strategy(strategy): numbered
            case .logs(strategy): inLog
            case .strategy, .logs, .overview, .kinds: nil
            }
        }
    }

    /// Adds a watcher, who is first given what is kept after the event numbered `after`.
    func follow(_ topic: EventTopic, after: Int?, sink: any EventSink) {
        if let after {
            // Numbers begin anew with each start of the host: one that was never given is from before.
            let first = kept.suffix(capacity).first?.sequence
            if after > lastSequence || (after < lastKeptBefore) { sink.missed(oldest: first) }
            for happening in kept.suffix(capacity)
            where happening.sequence > after && Self.isMeant(happening, topic) {
                guard sink.offer(happening.event) else { return }
            }
        }
        watchers.append(Watcher(topic: topic, sink: sink))
        sink.caughtUp()
    }

    /// The number of the last event that was kept and is not any more; nought when all of them are.
    private var lastKeptBefore: Int {
        kept.count > capacity ? kept[kept.count - capacity - 1].sequence : forgotten
    }

    private func offer(_ event: (EventTopic) -> HostEvent?) {
        watchers.removeAll { watcher in
            guard let event = event(watcher.topic) else { return false }
            return !watcher.sink.offer(event)
        }
    }

    private static func isMeant(_ event: Happening, _ topic: EventTopic) -> Bool {
        switch topic {
        case .overview(let wanted):
            switch event.kind {
            case .status, .pnl, .halt, .position:
                wanted == nil || wanted == event.owner || event.strategy == nil
            case .log, .signal, .order, .fill, .bracket: false
            }
        case .strategy(let id): event.strategy == id || event.strategy == nil
        case .logs: false
        case .kinds(let kinds, let wanted):
            kinds.contains(event.kind)
                && (wanted == nil || wanted == event.owner || (event.strategy == nil && event.kind == .halt))
        }
    }
}
