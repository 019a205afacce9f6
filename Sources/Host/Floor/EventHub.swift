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

    private struct Kept {
        let event: HostEvent
        let owner: String
    }

    /// How many events are kept for readers that come back.
    private let capacity: Int
    private var watchers: [Watcher] = []
    private var kept: [Kept] = []
    private var lastSequence = 0

    init(capacity: Int = 2048) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    /// How many watchers there are.
    var count: Int { watchers.count }

    /// Tells everyone who watches the strategy, its owner's overview or everything.
    ///
    /// - Parameter keeps: Whether a reader who comes back should get it; a P&L that another follows in a second need
    ///   not be.
    func publish(
        _ kind: HostEvent.Kind, strategy: String?, owner: String, keeps: Bool = true,
        data: @autoclosure () -> JSONValue
    ) {
        guard keeps || !watchers.isEmpty else { return }
        lastSequence += 1
        let event = HostEvent(kind, strategy: strategy, sequence: lastSequence, data: data())
        if keeps {
            if kept.count >= 2 * capacity { kept.removeFirst(kept.count - capacity) }
            kept.append(Kept(event: event, owner: owner))
        }
        offer { Self.isMeant(event, owner, $0) ? event : nil }
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
            case .strategy, .logs, .overview: nil
            }
        }
    }

    /// Adds a watcher, who is first given what is kept after the event numbered `after`.
    func follow(_ topic: EventTopic, after: Int?, sink: any EventSink) {
        if let after {
            for item in kept.suffix(capacity) where Self.isMeant(item.event, item.owner, topic) {
                guard let sequence = item.event.sequence, sequence > after else { continue }
                guard sink.offer(item.event) else { return }
            }
        }
        watchers.append(Watcher(topic: topic, sink: sink))
    }

    private func offer(_ event: (EventTopic) -> HostEvent?) {
        watchers.removeAll { watcher in
            guard let event = event(watcher.topic) else { return false }
            return !watcher.sink.offer(event)
        }
    }

    private static func isMeant(_ event: HostEvent, _ owner: String, _ topic: EventTopic) -> Bool {
        switch topic {
        case .overview(let wanted):
            switch event.kind {
            case .status, .pnl, .halt, .position: wanted == nil || wanted == owner || event.strategy == nil
            case .log, .signal, .order, .fill: false
            }
        case .strategy(let id): event.strategy == id || event.strategy == nil
        case .logs: false
        }
    }
}
