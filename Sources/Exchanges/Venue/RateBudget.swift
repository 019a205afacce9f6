public import Trading

/// What may be sent to a venue, and when: several windows at once, shared by everybody who sends.
///
/// The venue counts a request when it arrives, which is some time between sending and answer. So a request counts here
/// from the moment it is sent until a window's length after it was *answered*: whatever the venue's windows are, fixed or
/// sliding and wherever they begin, none of them ever holds more than the limit, however long requests are under way.
/// A part of every window is kept back for cancels.
///
/// Times are nanoseconds of one steady clock.
public struct RateBudget: Sendable {
    /// What a window counts.
    public enum Kind: Hashable, Sendable {
        /// Each call's weight.
        case weight
        /// Orders placed.
        case orders
        /// Every call, as one.
        case requests
    }

    /// One limit of a venue.
    public struct Window: Hashable, Sendable {
        /// What the venue's answers call it, such as `x-mbx-used-weight-1m`; any name that is its own.
        public let name: String
        public let kind: Kind
        /// The most within any ``interval``. At least 1.
        public let limit: Int
        public let interval: Duration
        /// Whether each account has a window of its own; otherwise all share one.
        public let isPerAccount: Bool

        /// Describes a limit.
        public init(
            name: String, kind: Kind, limit: Int, interval: Duration, isPerAccount: Bool = false
        ) {
            precondition(limit >= 1 && interval > .zero)
            self.name = name
            self.kind = kind
            self.limit = min(limit, RateBudget.largest)
            self.interval = interval
            self.isPerAccount = isPerAccount
        }
    }

    /// The most that is counted of anything: a venue may say any number.
    static let largest = 1 << 40

    /// What one call takes.
    public struct Charge: Hashable, Sendable {
        public let weight: Int
        public let orders: Int
        public let account: AccountID?
        /// Whether it may take what is kept back.
        public let isCancel: Bool

        /// Describes what a call takes. Every call is one request besides.
        public init(weight: Int, orders: Int = 0, account: AccountID? = nil, isCancel: Bool = false) {
            precondition(weight >= 0 && orders >= 0)
            self.weight = weight
            self.orders = orders
            self.account = account
            self.isCancel = isCancel
        }

        func amount(_ kind: Kind) -> Int {
            switch kind {
            case .weight: weight
            case .orders: orders
            case .requests: 1
            }
        }
    }

    /// Whether there is room for a call.
    public enum Room: Hashable, Sendable {
        case now
        /// Not before so long.
        case after(Duration)
        /// Only when something that is under way was answered.
        case whenAnswered
        /// It takes more than the window ever has.
        case never(window: String)
    }

    /// A call that was paid for. Give it back with ``settle(_:at:)``.
    public struct Ticket: Sendable {
        fileprivate let parts: [Part]

        fileprivate struct Part: Sendable {
            let key: Key
            let amount: Int
            /// The ledger's count of calls, this one included, and whether nothing else was under way.
            let number: Int
            let wasAlone: Bool
        }
    }

    fileprivate struct Key: Hashable, Sendable {
        let window: String
        let account: AccountID?
    }

    /// The windows, all of which a call has to fit.
    public private(set) var windows: [Window]
    /// How much of each window only cancels may take, in percent.
    public let keptForCancels: Int
    /// Until when nothing may be sent, by the venue's own word; 0 when it has not spoken.
    public private(set) var pausedUntil: UInt64 = 0
    /// Until when an account may place no orders, by the venue's own word.
    private var ordersPausedUntil: [AccountID: UInt64] = [:]
    private var ledgers: [Key: Ledger] = [:]

    /// Makes a budget of which nothing is used.
    public init(windows: [Window], keptForCancels: Int = 10) {
        precondition((0...90).contains(keptForCancels))
        precondition(Set(windows.map(\.name)).count == windows.count, "two windows have one name")
        self.windows = windows
        self.keptForCancels = keptForCancels
    }

    /// Replaces the windows, by those that the venue itself named as a rule. What was used of one that keeps its name
    /// stays used.
    public mutating func setWindows(_ windows: [Window]) {
        precondition(Set(windows.map(\.name)).count == windows.count, "two windows have one name")
        self.windows = windows
        let names = Set(windows.map(\.name))
        ledgers = ledgers.filter { names.contains($0.key.window) }
    }

    /// Whether a call may leave now.
    public func room(for charge: Charge, at now: UInt64) -> Room {
        let until = ordersPausedUntil(for: charge)
        let pause: Room = until > now ? .after(.nanoseconds(Int64(until - now))) : .now
        return Self.narrower(pause, room(for: charge, in: windows, at: now))
    }

    /// Whether a call might leave now if only the windows counted that all accounts share.
    func sharedRoom(for charge: Charge, at now: UInt64) -> Room {
        room(for: charge, in: windows.filter { !$0.isPerAccount }, at: now)
    }

    private func room(for charge: Charge, in windows: [Window], at now: UInt64) -> Room {
        var room = Room.now
        if pausedUntil > now { room = .after(.nanoseconds(Int64(pausedUntil - now))) }
        for window in windows {
            let amount = charge.amount(window.kind)
            guard amount > 0 else { continue }
            let ledger = ledgers[key(window, charge)] ?? Ledger()
            room = Self.narrower(room, roomIn(window, ledger, amount, isCancel: charge.isCancel, at: now))
        }
        return room
    }

    /// Takes what a call needs, or returns nil when there is no room now.
    public mutating func spend(_ charge: Charge, at now: UInt64) -> Ticket? {
        guard room(for: charge, at: now) == .now else { return nil }
        var parts: [Ticket.Part] = []
        for window in windows {
            let amount = charge.amount(window.kind)
            guard amount > 0 else { continue }
            let key = self.key(window, charge)
            var ledger = ledgers[key] ?? Ledger()
            let wasAlone = ledger.underWay == 0
            ledger.spend(amount)
            ledgers[key] = ledger
            parts.append(Ticket.Part(key: key, amount: amount, number: ledger.calls, wasAlone: wasAlone))
        }
        return Ticket(parts: parts)
    }

    /// A call has come to its end, with or without an answer.
    ///
    /// - Parameter wasSent: False when provably nothing left the host: then nothing was used.
    public mutating func settle(_ ticket: Ticket, wasSent: Bool = true, at now: UInt64) {
        for part in ticket.parts {
            guard let window = window(named: part.key.window) else { continue }
            ledgers[part.key]?.settle(part.amount, counts: wasSent, at: now, interval: window.interval)
        }
    }

    /// Takes the venue's word for what is used, from the answer to the call that was settled with `ticket` just now.
    ///
    /// More than we know of is somebody else's use of the same address or account, and is added. Less is believed only
    /// when nothing else was under way since that call left, since otherwise some of ours may not have been counted yet.
    public mutating func report(_ used: [String: Int], for ticket: Ticket, at now: UInt64) {
        for part in ticket.parts {
            guard let used = used[part.key.window], used >= 0, let window = window(named: part.key.window)
            else { continue }
            let isExact =
                part.wasAlone && ledgers[part.key]?.calls == part.number && ledgers[part.key]?.underWay == 0
            ledgers[part.key]?.correct(
                to: min(used, Self.largest), isExact: isExact, at: now, interval: window.interval)
        }
    }

    /// The venue said to wait. A longer wait that stands already stays.
    public mutating func pause(for duration: Duration, at now: UInt64) {
        pausedUntil = max(pausedUntil, now + duration.wholeNanoseconds)
    }

    /// The venue said that an account has placed too many orders. A longer wait that stands already stays.
    public mutating func pauseOrders(of account: AccountID, for duration: Duration, at now: UInt64) {
        ordersPausedUntil[account] = max(
            ordersPausedUntil[account] ?? 0, now + duration.wholeNanoseconds)
    }

    /// Until when a call has to wait because it places an order of an account that may place none; 0 when it need not.
    func ordersPausedUntil(for charge: Charge) -> UInt64 {
        guard charge.orders > 0, let account = charge.account else { return 0 }
        return ordersPausedUntil[account] ?? 0
    }

    /// How much of a window is used now, for gauges.
    public func used(_ window: String, account: AccountID? = nil, at now: UInt64) -> Int {
        guard let found = self.window(named: window) else { return 0 }
        let key = Key(window: window, account: found.isPerAccount ? account : nil)
        return ledgers[key]?.used(at: now, interval: found.interval) ?? 0
    }

    // MARK: - Inside

    private func window(named name: String) -> Window? { windows.first { $0.name == name } }

    private func key(_ window: Window, _ charge: Charge) -> Key {
        Key(window: window.name, account: window.isPerAccount ? charge.account : nil)
    }

    private func roomIn(_ window: Window, _ ledger: Ledger, _ amount: Int, isCancel: Bool, at now: UInt64)
        -> Room
    {
        guard amount <= window.limit else { return .never(window: window.name) }
        let kept = isCancel ? 0 : (window.limit * keptForCancels + 99) / 100
        // A call too large for what is left beside the kept part may go when nothing else is used.
        let limit = max(window.limit - kept, amount)
        return ledger.room(amount, limit: limit, at: now, interval: window.interval)
    }

    private static func narrower(_ one: Room, _ other: Room) -> Room {
        switch (one, other) {
        case (.never, _), (_, .now): one
        case (_, .never), (.now, _): other
        case (.whenAnswered, _): one
        case (_, .whenAnswered): other
        case (.after(let first), .after(let second)): .after(max(first, second))
        }
    }
}

/// What is used of one window.
private struct Ledger: Sendable {
    /// What calls took that have not ended.
    private(set) var underWay = 0
    /// How many calls there were.
    private(set) var calls = 0
    /// What ended calls took, oldest first. What is close together is one entry, with the later time.
    private var ended: [(time: UInt64, amount: Int)] = []

    /// How finely a window is cut: entries closer together than this part of it become one.
    private static let grain = 64

    mutating func spend(_ amount: Int) {
        underWay += amount
        calls += 1
    }

    mutating func settle(_ amount: Int, counts: Bool, at now: UInt64, interval: Duration) {
        underWay = max(0, underWay - amount)
        if counts { add(amount, at: now, interval) }
    }

    mutating func correct(to used: Int, isExact: Bool, at now: UInt64, interval: Duration) {
        forget(before: now, interval)
        let known = underWay + ended.reduce(0) { $0 + $1.amount }
        if used > known {
            add(used - known, at: now, interval)
        } else if isExact, used < known {
            ended = used == 0 ? [] : [(now, used)]
        }
    }

    func used(at now: UInt64, interval: Duration) -> Int {
        let length = interval.wholeNanoseconds
        return underWay + ended.reduce(0) { $0 + ($1.time + length > now ? $1.amount : 0) }
    }

    func room(_ amount: Int, limit: Int, at now: UInt64, interval: Duration) -> RateBudget.Room {
        var used = self.used(at: now, interval: interval)
        guard used + amount > limit else { return .now }
        let length = interval.wholeNanoseconds
        for entry in ended where entry.time + length > now {
            used -= entry.amount
            if used + amount <= limit { return .after(.nanoseconds(Int64(entry.time + length - now))) }
        }
        return .whenAnswered
    }

    private mutating func add(_ amount: Int, at now: UInt64, _ interval: Duration) {
        forget(before: now, interval)
        let time = max(now, ended.last?.time ?? 0)
        let width = interval.wholeNanoseconds / UInt64(Self.grain)
        if ended.count > 1, let last = ended.last, time - ended[ended.count - 2].time < width {
            ended[ended.count - 1] = (time, last.amount + amount)
        } else {
            ended.append((time, amount))
        }
    }

    private mutating func forget(before now: UInt64, _ interval: Duration) {
        let length = interval.wholeNanoseconds
        let gone = ended.firstIndex { $0.time + length > now } ?? ended.count
        ended.removeFirst(gone)
    }
}

extension Duration {
    /// At least 0; as nanoseconds of a steady clock are counted.
    var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
