import Net
import Posix
import Trading
import Wire

/// The user data stream of one account, kept open for as long as the account is served.
///
/// It subscribes by signature over the WebSocket API; listen keys ended in February 2026. Source: web-socket-api.md and
/// user-data-stream.md. Before the venue ends a connection at 24 hours another takes its place, and the first is let go
/// only when the second has subscribed, so that nothing falls between them.
final class BinanceUserStream {
    /// What the stream says.
    enum News {
        /// It is open, again or for the first time: what happened before must be asked for.
        case opened
        /// It is not open, in words.
        case fault(String)
        /// The venue did not take our time.
        case clockWrong
        case event(BinanceUserEvent, text: String)
    }

    private let account: AccountID
    private let address: String
    private let sockets: WebSocketClient
    private let loop: EventLoop
    private let life: Duration
    private let limits: WebSocketLimits
    private let inbox: SocketInboxLimits
    private let news: (News) -> Void
    private let parameters: () throws(CallFailure) -> [(name: String, value: String)]
    private let backoff = Backoff(first: .milliseconds(500), longest: .seconds(30))
    private var current: Session?
    private var next: Session?
    private var failures = 0
    private var timer: EventLoop.Timer?
    private var isOpen = false

    /// One connection.
    private final class Session {
        var socket: BinanceSocket?
        var isSubscribed = false
    }

    /// How long the answer to the subscription may take.
    private static let patience = Duration.seconds(10)

    /// Makes a stream that is closed.
    ///
    /// - Parameters:
    ///   - life: The age at which a connection is renewed.
    ///   - limits: How long it may be silent, and what it takes.
    ///   - inbox: How much of what it says may wait for the loop.
    ///   - news: Called on the loop.
    ///   - parameters: The signed parameters of a subscription.
    init(
        account: AccountID, address: String, sockets: WebSocketClient, loop: EventLoop, life: Duration,
        limits: WebSocketLimits, inbox: SocketInboxLimits, news: @escaping (News) -> Void,
        parameters: @escaping () throws(CallFailure) -> [(name: String, value: String)]
    ) {
        self.account = account
        self.address = address
        self.sockets = sockets
        self.loop = loop
        self.life = life
        self.limits = limits
        self.inbox = inbox
        self.news = news
        self.parameters = parameters
    }

    /// Opens it, and again whenever it ends.
    func open() {
        guard !isOpen else { return }
        isOpen = true
        connect()
    }

    /// Closes it for good.
    func close() {
        isOpen = false
        stopTimer()
        for session in [current, next] { session?.socket?.close() }
        (current, next) = (nil, nil)
    }

    /// Lets what is open go and begins anew, as with another key.
    func renew() {
        guard isOpen else { return }
        for session in [current, next] { session?.socket?.close() }
        (current, next) = (nil, nil)
        failures = 0
        connect()
    }

    private func connect() {
        stopTimer()
        let session = Session()
        next = session
        session.socket = BinanceSocket(
            address, sockets: sockets, loop: loop, limits: limits, inbox: inbox
        ) {
            [weak self, weak session] in
            guard let self, let session else { return }
            take($0, of: session)
        }
    }

    private func take(_ event: BinanceSocket.Event, of session: Session) {
        switch event {
        case .opened: subscribe(session)
        case .message(let frame, let text): take(frame, text, of: session)
        case .closed(let reason): ended(session, reason)
        }
    }

    private func subscribe(_ session: Session) {
        let signed: [(name: String, value: String)]
        do throws(CallFailure) {
            signed = try parameters()
        } catch {
            return fail(session, error.venueFailure.description)
        }
        let numbers = ["recvWindow", "timestamp"]
        let members = signed.map { name, value in
            JSONValue.Member(name, numbers.contains(name) ? .number(value) : .string(value))
        }
        session.socket?.send(
            .members([
                "id": .string(Self.request), "method": .string("userDataStream.subscribe.signature"),
                "params": .object(members),
            ]))
        timer = loop.schedule(after: Self.patience) { [weak self, weak session] in
            guard let self, let session, !session.isSubscribed else { return }
            fail(session, "the subscription was not answered")
        }
    }

    private static let request = "user"

    private func take(_ frame: JSONValue, _ text: String, of session: Session) {
        if frame["id"]?.stringValue == Self.request {
            return subscribed(frame, session)
        }
        // Events are wrapped; before 2026 they were not.
        let inner = frame["event"] ?? frame
        guard inner["e"] != nil else { return }
        guard let event = BinanceUserEvent(inner) else {
            // Something happened to an order that cannot be read: opening anew makes everything be asked for.
            return fail(session, "an execution report could not be read")
        }
        if case .ended = event { return ended(session, "the venue ends the stream") }
        news(.event(event, text: text))
    }

    private func subscribed(_ frame: JSONValue, _ session: Session) {
        guard frame["status"]?.intValue == 200 else {
            let code = frame["error"]?["code"]?.intValue
            if code == -1021 { news(.clockWrong) }
            let words = frame["error"]?["msg"]?.stringValue ?? "no reason"
            return fail(session, "the subscription was refused: \(words.prefix(200)) (\(code ?? 0))")
        }
        guard session === next else { return }
        session.isSubscribed = true
        failures = 0
        let isFirst = current == nil
        current?.socket?.close()
        (current, next) = (session, nil)
        stopTimer()
        timer = loop.schedule(after: life) { [weak self] in self?.connect() }
        if isFirst { news(.opened) }
    }

    private func fail(_ session: Session, _ reason: String) {
        session.socket?.close()
        ended(session, reason)
    }

    private func ended(_ session: Session, _ reason: String) {
        guard isOpen, session === current || session === next else { return }
        session.socket?.close()
        if session === current { current = nil }
        if session === next { next = nil }
        if current == nil { news(.fault(reason)) }
        // While one of the two is on its way or open, it will do; a renewal that failed is tried again.
        guard next == nil else { return }
        failures += 1
        stopTimer()
        let wait = backoff.wait(afterFailures: failures, dice: .random(in: 0 ... .max))
        timer = loop.schedule(after: wait) { [weak self] in self?.connect() }
    }

    private func stopTimer() {
        if let timer { loop.cancel(timer) }
        timer = nil
    }
}
