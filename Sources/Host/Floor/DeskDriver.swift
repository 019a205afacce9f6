public import Exchanges
internal import Posix
public import Trading

/// The turns of whatever a ``DeskDriver`` lives on: the event loop's, or those of a simulated one.
public protocol LoopTurns: AnyObject {
    /// Calls `body` at the end of this turn, after all that is ready now.
    func atEndOfTurn(_ body: @escaping () -> Void)
    /// Calls `body` once in a later turn, not before `delay` has passed.
    func later(_ delay: Duration, _ body: @escaping () -> Void)
}

/// The event loop keeps the host's turns.
public final class EventLoopTurns: LoopTurns {
    private let loop: EventLoop

    init(of loop: EventLoop) { self.loop = loop }

    /// Calls `body` at the end of the loop's turn.
    public func atEndOfTurn(_ body: @escaping () -> Void) { loop.atEndOfTurn(body) }

    /// Calls `body` by a timer of the loop.
    public func later(_ delay: Duration, _ body: @escaping () -> Void) { loop.schedule(after: delay, body) }
}

/// Carries out what the order desk decides: journal first, then the venue; and tells it what came back.
///
/// It lives on the event loop. Everything decided in one turn of the loop goes to the journal as one group, and no
/// request leaves before the group that it belongs to is durable. While the journal refuses (a full disk), what was
/// decided waits in order, new orders are denied, and cancels still go out: they only reduce what is at stake.
public final class DeskDriver {
    /// Makes facts durable; answers on the event loop, in the order of the calls.
    public typealias Append = ([DeskEvent], _ answer: @escaping (JournalFault?) -> Void) -> Void

    /// Why the journal took nothing, in words.
    public struct JournalFault: Error, Hashable, Sendable {
        /// In words.
        public var reason: String

        /// Carries a reason in words.
        public init(reason: String) { self.reason = reason }
    }

    /// The desk as it stands.
    public private(set) var desk: OrderDesk
    /// Why new orders are denied, while the journal refuses.
    public private(set) var fault: JournalFault?
    /// What the desk says to strategies and people.
    public var onNotice: (StrategyID, StrategyNotice) -> Void = { _, _ in }
    /// What people should see.
    public var onAlarm: (DeskAlarm) -> Void = { _ in }
    /// Facts, as they are decided and before they are durable.
    public var onRecord: (DeskEvent) -> Void = { _ in }
    /// A group became durable, or was refused, after so many nanoseconds.
    public var onDurable: (UInt64) -> Void = { _ in }
    /// The journal refuses, or takes again.
    public var onFault: (JournalFault?) -> Void = { _ in }
    /// A request was handed to its venue's adapter, after everything that it follows from was durable.
    var onCarried: (VenueRequest, Occasion) -> Void = { _, _ in }
    /// A venue, or its adapter, says something, before the desk hears it; with what it answers, if it does. What this
    /// returns is called when the desk has heard it.
    var onReport: (AccountID, VenueReport, Asked?) -> (() -> Void)? = { _, _, _ in nil }
    /// How many facts were decided since this driver began; the journal appends them in this order.
    private(set) var recorded: Int64 = 0

    private var adapters: [VenueID: any ExchangeAdapter] = [:]
    private let venues: (AccountID) -> VenueID?
    private let append: Append
    private let turns: any LoopTurns
    private let now: () -> Timestamp
    private var events: [DeskEvent] = []
    private var sends: [Sending] = []
    private var occasion = Occasion.host

    /// A request that was made of a venue, and why.
    typealias Asked = (request: VenueRequest, occasion: Occasion)

    /// A request that waits for what it follows from to be durable.
    private struct Sending {
        var account: AccountID
        var request: VenueRequest
        var occasion: Occasion
    }
    private var isFlushPlanned = false
    private var isInFlight = false
    private var backlog: [DeskEvent] = []

    /// Takes over a desk, and listens to the adapters.
    ///
    /// - Parameters:
    ///   - venues: Which venue an account is at.
    ///   - turns: Where everything happens; it must outlive the driver.
    ///   - now: The wall clock.
    ///   - append: Where facts are made durable.
    public init(
        desk: OrderDesk, adapters: [any ExchangeAdapter], venues: @escaping (AccountID) -> VenueID?,
        turns: any LoopTurns, now: @escaping () -> Timestamp, append: @escaping Append
    ) {
        self.desk = desk
        self.venues = venues
        self.turns = turns
        self.now = now
        self.append = append
        for adapter in adapters { connect(adapter) }
    }

    /// Takes a venue's adapter in: its accounts' requests go to it, and it is listened to.
    func connect(_ adapter: any ExchangeAdapter) {
        adapters[adapter.venue] = adapter
        adapter.onReport = { [weak self] account, report in self?.reported(account, report) }
    }

    /// Lets the desk decide, and carries out what it decides.
    public func decide(_ body: (inout OrderDesk, Timestamp) -> [DeskAction]) { decide(on: .host, body) }

    /// The same, and says why it has something to decide.
    func decide(on occasion: Occasion, _ body: (inout OrderDesk, Timestamp) -> [DeskAction]) {
        self.occasion = occasion
        carryOut(body(&desk, now()))
        self.occasion = .host
    }

    /// Takes a price into account, before any order that comes of it.
    func priceMoved(_ event: MarketEvent, as symbol: String, on venue: VenueID) {
        carryOut(desk.priceMoved(event, as: symbol, on: venue, at: now()))
    }

    private func reported(_ account: AccountID, _ report: VenueReport, to asked: Asked? = nil) {
        let afterwards = onReport(account, report, asked)
        decide(on: .venue) { desk, now in desk.venueReported(report, on: account, at: now) }
        afterwards?()
    }

    private func carryOut(_ actions: [DeskAction]) {
        guard !actions.isEmpty else { return }
        for action in actions {
            switch action {
            case .record(let event):
                events.append(event)
                recorded += 1
                onRecord(event)
            case .send(let account, let request):
                sends.append(Sending(account: account, request: request, occasion: occasion))
            case .tell(let strategy, let notice): onNotice(strategy, notice)
            case .alarm(let alarm): onAlarm(alarm)
            }
        }
        planFlush()
    }

    private func planFlush() {
        guard !isFlushPlanned, !isInFlight, !events.isEmpty || !sends.isEmpty else { return }
        isFlushPlanned = true
        turns.atEndOfTurn { [weak self] in self?.flush() }
    }

    /// Hands over the group that has gathered. One group is on its way at a time: an event holds the whole state of what
    /// it is about, so a group that failed and is tried again must not come behind a later one.
    private func flush() {
        isFlushPlanned = false
        guard !isInFlight else { return }
        let (events, sends) = (self.events, self.sends)
        (self.events, self.sends) = ([], [])
        guard fault == nil else {
            backlog += events
            return refuse(sends)
        }
        guard !events.isEmpty else { return send(sends) }
        isInFlight = true
        let began = MonotonicClock.nanoseconds
        append(events) { [weak self] failure in
            guard let self else { return }
            isInFlight = false
            onDurable(MonotonicClock.nanoseconds - began)
            if let failure {
                backlog += events
                begin(failure)
                refuse(sends)
            } else {
                send(sends)
            }
            planFlush()
        }
    }

    private func send(_ requests: [Sending]) {
        for sending in requests { carry(sending) }
    }

    private func carry(_ sending: Sending) {
        let (account, request) = (sending.account, sending.request)
        guard let venue = venues(account), let adapter = adapters[venue] else {
            return reported(account, .unanswered(request, reason: "the account has no venue in this host"))
        }
        let asked: Asked = (request, sending.occasion)
        adapter.carryOut(request, on: account) { [weak self] report in
            self?.reported(account, report, to: asked)
        }
        onCarried(request, sending.occasion)
    }

    /// What may leave although the journal refuses: everything but new risk.
    private func refuse(_ requests: [Sending]) {
        let reason = fault?.reason ?? "the journal refuses"
        for sending in requests {
            let account = sending.account
            switch sending.request {
            case .place(let place): reported(account, .unsent(place.clientID, reason: reason))
            case .amend(let order, _): reported(account, .amendRefused(order.clientID, reason: reason))
            case .cancel, .status, .trades, .openOrders, .balances, .decided: carry(sending)
            }
        }
    }

    /// Calls `body` once everything that was decided is durable and what may leave has left.
    public func whenQuiet(_ body: @escaping () -> Void) {
        guard isFlushPlanned || isInFlight || !events.isEmpty else { return body() }
        turns.later(.milliseconds(2)) { [self] in whenQuiet(body) }
    }

    private func begin(_ failure: JournalFault) {
        guard fault == nil else { return }
        fault = failure
        onFault(failure)
        retryLater()
    }

    private func retryLater() {
        turns.later(.milliseconds(500)) { [weak self] in self?.retry() }
    }

    private func retry() {
        let waiting = backlog
        append(waiting) { [weak self] failure in
            guard let self else { return }
            if let failure {
                fault = failure
                return retryLater()
            }
            backlog.removeFirst(waiting.count)
            guard backlog.isEmpty else { return retry() }
            fault = nil
            onFault(nil)
        }
    }
}
