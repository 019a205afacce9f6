public import Wire

/// Something that happened, for whoever watches.
public struct HostEvent: Hashable, Sendable {
    /// What kind of thing happened; the name of the server-sent event.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case status, log, signal, order, fill, position, bracket, pnl, halt
    }

    public let kind: Kind
    /// The strategy it is about; nil for the whole floor.
    public let strategy: String?
    /// Where it stands in its stream, so that a reader can resume behind it; nil when it cannot.
    ///
    /// Above nought and growing within a topic; a log line's is its `seq`.
    public let sequence: Int?
    /// The view's JSON text, made once for all readers.
    public let payload: [UInt8]

    /// Describes an event; `data` is the view's `json`.
    public init(_ kind: Kind, strategy: String?, sequence: Int? = nil, data: JSONValue) {
        self.kind = kind
        self.strategy = strategy
        self.sequence = sequence
        payload = data.bytes
    }
}

/// What a watcher wants to hear of.
public enum EventTopic: Hashable, Sendable {
    /// Status, P&L and halts of every strategy of one owner, or of all: the list page.
    case overview(owner: String?)
    /// Everything about one strategy, log lines included.
    case strategy(String)
    /// Only the log lines of one strategy; sequence numbers are the lines' `seq`.
    case logs(strategy: String)
    /// Events of these kinds about every strategy of one owner, or of all, and about the whole floor.
    case kinds(Set<HostEvent.Kind>, owner: String?)
}

/// Where the host puts events for one watcher.
///
/// Offers come from the host's own thread, so taking one never waits.
public protocol EventSink: AnyObject, Sendable {
    /// Takes the event; false when the watcher has left or has fallen too far behind, and must be dropped.
    func offer(_ event: HostEvent) -> Bool
    /// Whether the watcher is still there. The host asks now and then, to forget watchers of a silent topic.
    var isOpen: Bool { get }
    /// Some of what the watcher wanted to resume behind is not kept any more; `oldest` is the first that is, nil when
    /// nothing is. Called before anything is offered.
    func missed(oldest: Int?)
    /// What was kept has been offered; all later offers are of what happens from now on.
    func caughtUp()
}

extension EventSink {
    /// Nothing: most watchers read the present state anyway.
    public func missed(oldest: Int?) {}
    /// Nothing.
    public func caughtUp() {}
}
