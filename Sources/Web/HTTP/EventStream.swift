public import Host
import Synchronization

/// Server-sent events on their way to one reader.
///
/// Anyone may put events in, from any thread and without waiting; the server takes them out while the reader keeps
/// up. A reader that lets more than the limit pile up is dropped: it comes back with `Last-Event-ID`.
public final class EventStream: EventSink {
    private struct State {
        var waiting: [UInt8] = []
        var isOpen = true
        var isAnnounced = false
        var announce: (@Sendable () -> Void)?
        var onEnd: (@Sendable () -> Void)?
    }

    private let limit: Int
    private let isAllowed: @Sendable () -> Bool
    private let state: Mutex<State>

    /// - Parameters:
    ///   - limit: The most bytes that may wait for the reader.
    ///   - isAllowed: Whether the reader may still read; asked now and then, on the server's thread.
    ///   - onEnd: Called once when the reader has gone.
    public init(
        limit: Int = 512 << 10, isAllowed: @escaping @Sendable () -> Bool = { true },
        onEnd: (@Sendable () -> Void)? = nil
    ) {
        self.limit = limit
        self.isAllowed = isAllowed
        state = Mutex(State(onEnd: onEnd))
    }

    /// Takes an event; false when the reader has gone or is too slow.
    public func offer(_ event: HostEvent) -> Bool {
        var frame = Array("event: \(event.kind.rawValue)\n".utf8)
        if let sequence = event.sequence { frame += Array("id: \(sequence)\n".utf8) }
        frame += Array("data: ".utf8)
        frame += event.payload
        frame += [0x0A, 0x0A]
        return put(frame)
    }

    /// Whether somebody still reads.
    public var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Ends the stream; what is waiting is still sent when the server ends it, not when the reader was too slow.
    public func close() {
        let announce = state.withLock { state in
            state.isOpen = false
            return state.announce
        }
        announce?()
    }

    /// Takes a whole frame; false when the reader has gone or is too slow.
    func put(_ frame: [UInt8]) -> Bool {
        let (isTaken, announce) = state.withLock { state -> (Bool, (@Sendable () -> Void)?) in
            guard state.isOpen else { return (false, nil) }
            guard state.waiting.count + frame.count <= limit else {
                state.isOpen = false
                state.waiting = []
                return (false, state.announce)
            }
            state.waiting += frame
            guard !state.isAnnounced else { return (true, nil) }
            state.isAnnounced = true
            return (true, state.announce)
        }
        announce?()
        return isTaken
    }

    // MARK: - The server's side

    /// Calls `announce` whenever something is there to be taken, from whichever thread put it there.
    func attach(_ announce: @escaping @Sendable () -> Void) {
        let isReady = state.withLock { state in
            state.announce = announce
            return !state.waiting.isEmpty || !state.isOpen
        }
        if isReady { announce() }
    }

    /// Everything that waits, and whether the stream has ended behind it.
    func take() -> (frames: [UInt8], hasEnded: Bool) {
        state.withLock { state in
            defer {
                state.waiting = []
                state.isAnnounced = false
            }
            return (state.waiting, !state.isOpen)
        }
    }

    /// Ends the stream when its reader may not read any more.
    func checkPermission() {
        if !isAllowed() { close() }
    }

    /// The reader has gone: nothing more is taken and the server is not told.
    func abandon() {
        let onEnd = state.withLock { state in
            state.isOpen = false
            state.waiting = []
            state.announce = nil
            defer { state.onEnd = nil }
            return state.onEnd
        }
        onEnd?()
    }
}
