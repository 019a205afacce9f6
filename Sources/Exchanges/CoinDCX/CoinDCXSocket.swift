import Net
import Posix
import Trading
import Wire

/// One Socket.IO connection to CoinDCX that is kept open until it is stopped. Lives on the event loop.
final class CoinDCXSocket {
    /// What it tells.
    enum News {
        /// Open, and everything that is wanted was asked for; what happened before is not repeated.
        case joined
        case event(name: String, payload: JSONValue)
        /// Gone, for this reason; it tries again by itself.
        case lost(String)
    }

    private let url: String
    private let client: WebSocketClient
    private let loop: EventLoop
    private let backoff: Backoff
    private let inbox: SocketInboxLimits
    private let joins: () -> [JSONValue]?
    private let news: (News) -> Void
    private var dice: SplitMix64
    private var link: WebSocketLink?
    private var session: EngineIOSession?
    /// Counts connections, so that the last words of an old one are not taken for the new one's.
    private var generation = 0
    private var failures = 0
    private var joinedAt: UInt64?
    private var timer: EventLoop.Timer?
    private var isStopped = false

    /// So long must a connection have served for the next attempt to be made at once.
    private static let steadyNanoseconds: UInt64 = 30_000_000_000
    /// How often the documentation wants a message of the client's own.
    private static let greeting = Duration.seconds(25)

    /// Sets a connection up; ``start()`` opens it.
    ///
    /// - Parameters:
    ///   - joins: The payloads of the `join` messages, asked for at each connection; nil when there is no key to join with.
    ///   - news: Called on the loop.
    init(
        _ url: String, client: WebSocketClient, loop: EventLoop, backoff: Backoff, inbox: SocketInboxLimits,
        seed: UInt64,
        joins: @escaping () -> [JSONValue]?, news: @escaping (News) -> Void
    ) {
        self.url = url
        self.client = client
        self.loop = loop
        self.backoff = backoff
        self.inbox = inbox
        self.joins = joins
        self.news = news
        dice = SplitMix64(seed: seed)
    }

    /// Whether channels are joined.
    var isJoined: Bool { joinedAt != nil }

    func start() {
        guard !isStopped, link == nil else { return }
        generation += 1
        let number = generation
        let queue = SocketInbox(inbox, on: loop) { [weak self] in self?.took($0, number) }
        link = client.connect(url, headers: [], limits: WebSocketLimits(messageBytes: 4 << 20)) {
            queue.take($0)
        }
    }

    /// Closes for good.
    func stop() {
        isStopped = true
        generation += 1
        if let timer { loop.cancel(timer) }
        timer = nil
        link?.close()
        link = nil
        session = nil
        joinedAt = nil
    }

    /// Closes and begins anew, as with another key or other channels.
    func restart(_ reason: String) {
        guard link != nil else { return }
        lose(reason)
    }

    private func took(_ event: WebSocketEvent, _ number: Int) {
        guard number == generation, !isStopped else { return }
        switch event {
        case .opened:
            session = EngineIOSession(now: Self.milliseconds)
            watch()
        case .text(let bytes):
            guard var session else { return }
            let limit = session.silenceLimit
            let actions = session.take(bytes, now: Self.milliseconds)
            self.session = session
            // The server has said how long it may be silent.
            if session.silenceLimit < limit { watch() }
            carryOut(actions, number)
        case .binary, .pong: break
        case .closed(_, let reason): lose(reason)
        }
    }

    private func carryOut(_ actions: [EngineIOSession.Action], _ number: Int) {
        for action in actions where number == generation {
            switch action {
            case .send(let text): link?.send(text: Array(text.utf8))
            case .joined: join()
            case .event(let name, let payload): news(.event(name: name, payload: payload))
            case .end(let reason): lose(reason)
            }
        }
    }

    private func join() {
        guard let wanted = joins() else { return lose("there is no active credential to join with") }
        for payload in wanted {
            link?.send(text: Array(EngineIOSession.text(event: "join", payload).utf8))
        }
        joinedAt = MonotonicClock.nanoseconds
        greet(generation)
        news(.joined)
    }

    private func greet(_ number: Int) {
        loop.schedule(after: Self.greeting) { [weak self] in
            guard let self, number == generation, isJoined else { return }
            let greeting = JSONValue.members(["data": .string("Ping message")])
            link?.send(text: Array(EngineIOSession.text(event: "ping", greeting).utf8))
            greet(number)
        }
    }

    /// Looks at the clock when silence will have lasted too long.
    private func watch() {
        guard let session else { return }
        if let timer { loop.cancel(timer) }
        let (number, wait) = (generation, max(1, session.deadline - Self.milliseconds))
        timer = loop.schedule(after: .milliseconds(wait)) { [weak self] in
            guard let self, number == generation, var session = self.session else { return }
            let actions = session.check(now: Self.milliseconds)
            self.session = session
            carryOut(actions, number)
            if number == generation { watch() }
        }
    }

    private func lose(_ reason: String) {
        if let joinedAt, MonotonicClock.nanoseconds - joinedAt >= Self.steadyNanoseconds { failures = 0 }
        failures += 1
        generation += 1
        if let timer { loop.cancel(timer) }
        link?.close()
        link = nil
        session = nil
        joinedAt = nil
        timer = loop.schedule(after: backoff.wait(afterFailures: failures, dice: dice.next())) {
            [weak self] in self?.start()
        }
        news(.lost(reason))
    }

    private static var milliseconds: Int64 { Int64(MonotonicClock.nanoseconds / 1_000_000) }
}
