import Posix
import Trading
import Wire

/// What the simulators of all exchanges have in common. On the loop.
final class VenueCore {
    let loop: EventLoop
    let settings: VenueSettings
    let keyring: Keyring
    let books: Books
    let tape: Tape
    let faults: FaultBoard
    /// As fractions of an order's value.
    let makerFee: FixedDecimal
    let takerFee: FixedDecimal
    var dice: Dice
    /// What an instrument was said to be, in the exchange's word; those that were not are trading.
    var statuses: [String: String] = [:]

    init(
        loop: EventLoop, settings: VenueSettings, keyring: Keyring, books: Books, tape: Tape,
        faults: FaultBoard,
        makerFee: FixedDecimal, takerFee: FixedDecimal, seed: UInt64
    ) {
        self.makerFee = makerFee
        self.takerFee = takerFee
        self.loop = loop
        self.settings = settings
        self.keyring = keyring
        self.books = books
        self.tape = tape
        self.faults = faults
        dice = Dice(seed: seed, stream: 0)
    }

    /// The exchange's clock.
    var now: Timestamp {
        Timestamp(milliseconds: WallClock.milliseconds + settings.milliseconds(VenueSetting.clockOffset))
    }

    func instrument(_ symbol: String) -> Instrument? { books.listing[symbol] }

    var instruments: [Instrument] { books.listing.values.sorted { $0.symbol < $1.symbol } }
}

/// One exchange's wire protocol over the common core. On the loop.
protocol WireVenue: AnyObject {
    /// Answers a request; nil when it has become a WebSocket or will be answered later by the venue itself.
    func answer(_ call: Call) -> Answer?
    /// How this exchange says something that went wrong by order.
    func faultAnswer(_ fault: FaultRule) -> Answer
    func booksChanged(_ event: BookEvent)
    func marketMoved(_ event: Tape.Event)
    /// Every WebSocket is cut, after a word about it where the protocol has one and it is asked for.
    func disconnectStreams(isAnnounced: Bool)
    func stop()
}

/// Lets the ordered faults befall each request before and after the venue has it. On the loop.
final class FrontDoor {
    private let core: VenueCore
    private let venue: any WireVenue
    private(set) var requests = 0

    init(_ core: VenueCore, _ venue: any WireVenue) {
        self.core = core
        self.venue = venue
    }

    func received(_ call: Call) {
        requests += 1
        let method = call.wantsWebSocket ? "WS" : call.method
        let fate = core.faults.fate(method: method, path: call.path)
        later(fate.before) { [self] in carryOut(call, fate) }
    }

    private func carryOut(_ call: Call, _ fate: FaultBoard.RequestFate) {
        switch fate.end {
        case .dropBefore(let reset): return call.drop(reset: reset)
        case .hang(false): return call.fallSilent()
        case .status(let rule) where !rule.isProcessed:
            return later(fate.after) { [self] in call.answer(venue.faultAnswer(rule)) }
        case .normal, .dropAfter, .truncate, .hang, .status: break
        }
        guard let answer = venue.answer(call) else { return }
        later(fate.after) { [self] in
            switch fate.end {
            case .normal, .dropBefore: call.answer(answer)
            case .dropAfter(let reset): call.drop(reset: reset)
            case .truncate(let bytes): call.cut(answer, after: bytes ?? answer.body.count / 2)
            case .hang: call.fallSilent()
            case .status(let rule): call.answer(venue.faultAnswer(rule))
            }
        }
    }

    private func later(_ milliseconds: Int, _ body: @escaping () -> Void) {
        guard milliseconds > 0 else { return body() }
        core.loop.schedule(after: .milliseconds(milliseconds), body)
    }
}

/// What an exchange pushes to one client, with the ordered faults on the way. On the loop.
final class EventPipe {
    let socket: WebSocket
    private let core: VenueCore
    private var heldBack: [UInt8]?
    private var toLose = 0
    private(set) var isSilent = false

    init(_ socket: WebSocket, _ core: VenueCore) {
        self.socket = socket
        self.core = core
    }

    /// Sends an event of a stream.
    ///
    /// - Parameters:
    ///   - stream: `user` or `market`.
    ///   - name: The stream's whole name, such as `btcusdt@trade`.
    ///   - event: The event's kind, as its protocol names it.
    func deliver(_ text: [UInt8], stream: String, name: String, event: String) {
        let fate = core.faults.fate(stream: stream, name: name, event: event)
        if fate.silences {
            isSilent = true
            socket.answersPings = false
        }
        if fate.disconnects { return socket.drop() }
        toLose += fate.lost
        guard !isSilent else { return }
        if toLose > 0 {
            toLose -= 1
            return
        }
        if fate.isHeldBack, heldBack == nil {
            heldBack = text
            return
        }
        let behind = heldBack
        heldBack = nil
        guard fate.delay > 0 else { return send(text, copies: fate.copies, behind) }
        core.loop.schedule(after: .milliseconds(fate.delay)) { [weak self] in
            self?.send(text, copies: fate.copies, behind)
        }
    }

    /// Sends an answer, or whatever else is no event.
    func answer(_ text: [UInt8]) {
        if !isSilent { socket.send(text: text) }
    }

    func ping(_ payload: [UInt8]) {
        if !isSilent { socket.ping(payload) }
    }

    private func send(_ text: [UInt8], copies: Int, _ behind: [UInt8]?) {
        for _ in 0..<copies { socket.send(text: text) }
        if let behind { socket.send(text: behind) }
    }
}

/// Counts in windows of a fixed length, as exchanges do.
struct WindowCounter {
    let milliseconds: Int64
    private var window: Int64 = -1
    private(set) var count = 0

    init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Adds to the window that holds `time`. Returns the sum.
    mutating func add(_ amount: Int, at time: Timestamp) -> Int {
        let now = time.milliseconds / milliseconds
        if now != window { (window, count) = (now, 0) }
        count += amount
        return count
    }

    /// The sum of the window that holds `time`.
    func sum(at time: Timestamp) -> Int { time.milliseconds / milliseconds == window ? count : 0 }

    /// Whole seconds until the window ends, at least one.
    func secondsLeft(at time: Timestamp) -> Int {
        Int((milliseconds - time.milliseconds % milliseconds + 999) / 1000)
    }
}
