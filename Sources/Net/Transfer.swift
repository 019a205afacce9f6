internal import CCurl
internal import CNet
internal import Synchronization

/// One request on its way: libcurl fills it on the client's thread, whoever waits reads it on theirs.
final class Transfer: Sendable {
    /// What the caller is told, in order.
    enum Event: Sendable {
        case head(HTTPHead)
        case bytes([UInt8])
        case end
    }

    let request: HTTPRequest
    let server: String
    private let state = Mutex(State())
    /// Asks the client's thread to look again.
    private let wake: @Sendable () -> Void

    /// What a caller who does not wait gives: called once with the whole response, on the client's thread.
    typealias Completion = @Sendable (Result<HTTPResponse, NetFailure>) -> Void

    private struct State {
        /// How often libcurl began to send the request.
        var beginnings = 0
        /// Whether bytes of the request were sent, in any beginning.
        var hasLeft = false
        var completion: Completion?
        var statusLine = 0
        var headers: [(name: String, value: String)] = []
        var headIsComplete = false
        var headIsTaken = false
        var waitingBytes: [UInt8] = []
        var isPaused = false
        var isTooLarge = false
        var isCancelled = false
        var outcome: Result<Void, NetFailure>?
        var reader: CheckedContinuation<Void, Never>?

        var hasSucceeded: Bool {
            if case .success = outcome { true } else { false }
        }

        /// Whether a reader has something to do now. Of a whole response it wants to know only the end.
        func hasNews(isStream: Bool) -> Bool {
            outcome != nil || isStream && (!waitingBytes.isEmpty || headIsComplete && !headIsTaken)
        }
    }

    init(
        _ request: HTTPRequest, server: String, completion: Completion? = nil,
        wake: @escaping @Sendable () -> Void
    ) {
        self.request = request
        self.server = server
        self.wake = wake
        if let completion { state.withLock { $0.completion = completion } }
    }

    // MARK: - On the client's thread

    /// A connection stands and the request is about to be sent on it.
    ///
    /// - Parameter sentBefore: Whether bytes of it were sent already, on a connection that broke.
    /// - Returns: Whether it may go.
    func begin(sentBefore: Bool) -> Bool {
        state.withLock { state in
            state.hasLeft = state.hasLeft || sentBefore
            guard !state.hasLeft || !request.isSentOnce else { return false }
            state.beginnings += 1
            return true
        }
    }

    /// Takes one header line.
    func receiveHeader(_ line: [UInt8]) {
        let text = String(decoding: line, as: UTF8.self)
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if text.hasPrefix("HTTP/") {
                // A status line begins a new head: the one before was an interim answer such as 100.
                state.headers = []
                state.statusLine = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            } else if let mark = text.firstIndex(of: ":") {
                let value = text[text.index(after: mark)...]
                state.headers.append((String(text[..<mark]), Self.trimmed(value)))
            } else if text == "\r\n" || text == "\n", state.statusLine >= 200 {
                state.headIsComplete = true
                return Self.takeReader(&state)
            }
            return nil
        }
        reader?.resume()
    }

    /// Takes a piece of the body; returns how many bytes were taken, or nil to pause.
    func receiveBody(_ bytes: UnsafeRawBufferPointer, isStream: Bool) -> Int? {
        let (taken, reader) = state.withLock { state -> (Int?, CheckedContinuation<Void, Never>?) in
            if state.waitingBytes.count + bytes.count > request.responseLimit {
                guard isStream, !state.waitingBytes.isEmpty else {
                    state.isTooLarge = true
                    return (0, nil)
                }
                state.isPaused = true
                return (nil, nil)
            }
            unsafe state.waitingBytes.append(contentsOf: bytes)
            return (bytes.count, isStream ? Self.takeReader(&state) : nil)
        }
        reader?.resume()
        return taken
    }

    /// Whether the reader has caught up since the transfer paused.
    func takeResumption() -> Bool {
        state.withLock { state in
            guard state.isPaused, state.waitingBytes.isEmpty else { return false }
            state.isPaused = false
            return true
        }
    }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Ends the transfer with libcurl's code.
    ///
    /// - Parameter sent: Whether bytes of the request were sent in the last beginning.
    func finish(_ result: Int32, sent: Bool) {
        let (reader, completion) = state.withLock {
            state -> (CheckedContinuation<Void, Never>?, (@Sendable () -> Void)?) in
            guard state.outcome == nil else { return (nil, nil) }
            let mayHaveArrived = state.hasLeft || state.beginnings > 0 && sent
            if state.isCancelled {
                state.outcome = .failure(
                    NetFailure(.cancelled, server: server, mayHaveArrived: mayHaveArrived))
            } else if result != 0 {
                state.outcome = .failure(
                    NetFailure(
                        curl: result, server: server, isTooLarge: state.isTooLarge,
                        mayHaveArrived: mayHaveArrived))
            } else if !state.headIsComplete {
                state.outcome = .failure(
                    NetFailure(.interrupted, server: server, mayHaveArrived: mayHaveArrived))
            } else {
                state.outcome = .success(())
            }
            return (Self.takeReader(&state), Self.takeCompletion(&state))
        }
        reader?.resume()
        completion?()
    }

    private static func takeCompletion(_ state: inout State) -> (@Sendable () -> Void)? {
        guard let completion = state.completion, let outcome = state.outcome else { return nil }
        state.completion = nil
        let head = HTTPHead(status: state.statusLine, headers: state.headers)
        let body = state.waitingBytes
        return { completion(outcome.map { HTTPResponse(head: head, body: body) }) }
    }

    // MARK: - On the reader's side

    /// Waits for what comes next. Only one task may wait at a time.
    func next() async throws(NetFailure) -> Event {
        while true {
            if let event = try takeEvent() { return event }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        precondition(state.reader == nil, "two tasks read one response")
                        guard !state.hasNews(isStream: isStream) else { return true }
                        state.reader = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                cancel()
            }
        }
    }

    /// Ends the transfer early.
    func cancel() {
        state.withLock { $0.isCancelled = true }
        wake()
    }

    /// Whether the response is read while it arrives.
    var isStream: Bool { request.timeouts.total == nil }

    private func takeEvent() throws(NetFailure) -> Event? {
        let (result, mustWake) = state.withLock { state -> (Result<Event?, NetFailure>, Bool) in
            if state.headIsComplete, !state.headIsTaken, isStream || state.hasSucceeded {
                state.headIsTaken = true
                return (.success(.head(HTTPHead(status: state.statusLine, headers: state.headers))), false)
            }
            if !state.waitingBytes.isEmpty, isStream || state.hasSucceeded {
                defer { state.waitingBytes = [] }
                return (.success(.bytes(state.waitingBytes)), state.isPaused)
            }
            if case .failure(let failure) = state.outcome { return (.failure(failure), false) }
            guard case .success = state.outcome else { return (.success(nil), false) }
            guard state.headIsTaken else {
                // Only a stream gets here without a head, and `finish` has said so.
                return (.failure(NetFailure(.interrupted, server: server, mayHaveArrived: true)), false)
            }
            return (.success(.end), false)
        }
        if mustWake { wake() }
        return try result.get()
    }

    private static func takeReader(_ state: inout State) -> CheckedContinuation<Void, Never>? {
        defer { state.reader = nil }
        return state.reader
    }

    private static func trimmed(_ text: Substring) -> String {
        let isSpace: (Character) -> Bool = {
            $0 == " " || $0 == "\t" || $0 == "\r\n" || $0 == "\n" || $0 == "\r"
        }
        return String(text.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
