import Synchronization
import Wire

/// Something that happened in the Lab, for whoever watches.
public struct LabEvent: Hashable, Sendable {
    /// The name of the server-sent event: `run` when a run's state changed, `progress` while it is under way.
    public let name: String
    /// Grows from event to event.
    public let sequence: Int
    /// The JSON text, made once for all readers.
    public let payload: [UInt8]
}

/// Where the Lab puts events for one watcher. Taking one never waits; offers come from any thread.
public protocol LabEventSink: AnyObject, Sendable {
    /// Takes the event; false when the watcher has left or has fallen too far behind, and is dropped.
    func offer(_ event: LabEvent) -> Bool
    /// Nothing more will come.
    func close()
}

/// What a watcher wants to hear of.
public enum LabTopic: Hashable, Sendable {
    /// One run, by its number.
    case run(Int64)
    /// Every run of one owner's strategies, or of everyone's.
    case runs(owner: String?)
}

/// Hands what happens to those who watch.
final class LabEvents: Sendable {
    private struct State {
        var watchers: [(topic: LabTopic, sink: any LabEventSink)] = []
        var sequence = 0
    }

    private let state = Mutex(State())

    /// Tells everyone who watches the run, its owner's runs or all.
    func publish(_ name: String, run: Int64, owner: String, _ data: @autoclosure () -> JSONValue) {
        let meant = state.withLock { state -> (sinks: [any LabEventSink], sequence: Int)? in
            let sinks = state.watchers.filter { Self.isMeant(run, owner, $0.topic) }.map(\.sink)
            guard !sinks.isEmpty else { return nil }
            state.sequence += 1
            return (sinks, state.sequence)
        }
        guard let meant else { return }
        let event = LabEvent(name: name, sequence: meant.sequence, payload: data().bytes)
        let gone = meant.sinks.filter { !$0.offer(event) }
        guard !gone.isEmpty else { return }
        state.withLock { state in
            state.watchers.removeAll { watcher in gone.contains { $0 === watcher.sink } }
        }
    }

    /// Adds a watcher, who is first given `events` of the present.
    func follow(_ topic: LabTopic, sink: any LabEventSink, first: [(name: String, data: JSONValue)]) {
        for (name, data) in first {
            let sequence = state.withLock { state in
                state.sequence += 1
                return state.sequence
            }
            guard sink.offer(LabEvent(name: name, sequence: sequence, payload: data.bytes)) else { return }
        }
        state.withLock { $0.watchers.append((topic, sink)) }
    }

    /// Ends the streams of those who watch one run only, after its last event.
    func end(run: Int64) {
        let sinks = state.withLock { state in
            let sinks = state.watchers.filter { $0.topic == .run(run) }.map(\.sink)
            state.watchers.removeAll { $0.topic == .run(run) }
            return sinks
        }
        for sink in sinks { sink.close() }
    }

    private static func isMeant(_ run: Int64, _ owner: String, _ topic: LabTopic) -> Bool {
        switch topic {
        case .run(let wanted): wanted == run
        case .runs(let wanted): wanted == nil || wanted == owner
        }
    }
}
