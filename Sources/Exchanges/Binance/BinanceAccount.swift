import Trading

/// What the adapter remembers of one account. All of it can be asked for again, so none of it is kept.
final class BinanceAccount {
    let id: AccountID
    let stream: BinanceUserStream
    /// The symbols that may have been traded, each with a time before its first trade.
    var symbols: [String: Timestamp]
    /// What is known of orders' replacements.
    private(set) var replacements: [ClientOrderID: Replacement] = [:]

    /// Orders whose every replacement this host knows: it placed them itself, or saw their end.
    private var settled: Set<ClientOrderID> = []
    private var names: [VenueOrderID: ClientOrderID] = [:]
    private var remembered: [VenueOrderID] = []
    private let limit: Int

    /// An order's replacements: Binance changes a price by cancelling and placing anew, under another name.
    struct Replacement: Hashable {
        /// The number of the one that stands now, nought for the order itself.
        var current: Int
        /// The number of one that was asked for and may stand, with the time until when it may still turn up.
        var asked: (number: Int, until: Timestamp)?

        static func == (left: Self, right: Self) -> Bool {
            left.current == right.current && left.asked?.number == right.asked?.number
                && left.asked?.until == right.asked?.until
        }

        func hash(into hasher: inout Hasher) { hasher.combine(current) }
    }

    init(
        _ id: AccountID, stream: BinanceUserStream, symbols: [String: Timestamp], limit: Int = 50_000
    ) {
        self.id = id
        self.stream = stream
        self.symbols = symbols
        self.limit = limit
    }

    /// Notes that a symbol may be traded from `time` on.
    func trades(_ symbol: String, since time: Timestamp) {
        if symbols[symbol].map({ time < $0 }) ?? true { symbols[symbol] = time }
    }

    /// Notes whose order a number of the venue is; trades tell the number alone.
    func remember(_ order: VenueOrderID, as name: ClientOrderID?) {
        guard let name, names.updateValue(name, forKey: order) == nil else { return }
        remembered.append(order)
        guard remembered.count > limit else { return }
        for old in remembered.prefix(limit / 2) { names[old] = nil }
        remembered.removeFirst(limit / 2)
    }

    /// Notes an order as the venue has it.
    func remember(_ order: BinanceOrder) {
        remember(order.order.venueOrderID, as: order.order.clientID)
        if let id = order.order.clientID { note(order.replacement, of: id) }
    }

    /// Whose order a number of the venue is.
    func name(of order: VenueOrderID) -> ClientOrderID? { names[order] }

    /// The number of the replacement that stands for an order, as far as is known.
    func replacement(of order: ClientOrderID) -> Int { replacements[order]?.current ?? 0 }

    /// The replacement was seen at the venue.
    func note(_ number: Int, of order: ClientOrderID) {
        guard number > replacement(of: order) else { return }
        var known = replacements[order] ?? Replacement(current: number)
        known.current = number
        if let asked = known.asked, asked.number <= number { known.asked = nil }
        replacements[order] = known
        if replacements.count > limit { replacements = [order: known] }
    }

    /// Every replacement that the order ever had or will have is known here.
    func settle(_ order: ClientOrderID) {
        if settled.count > limit { settled = [] }
        settled.insert(order)
    }

    /// Whether a host before this one may have asked for a replacement that nobody here knows of.
    func mayHavePast(_ order: ClientOrderID) -> Bool { !settled.contains(order) }

    /// The order's next replacement is about to be asked for.
    func ask(_ number: Int, of order: ClientOrderID, until time: Timestamp) {
        var known = replacements[order] ?? Replacement(current: number - 1)
        known.asked = (number, time)
        replacements[order] = known
    }

    /// The replacement that was asked for does not and will not stand.
    func drop(_ number: Int, of order: ClientOrderID) {
        guard var known = replacements[order], known.asked?.number == number else { return }
        known.asked = nil
        replacements[order] = known.current == 0 ? nil : known
    }

    /// Whether the end of an order's `number`th version may be nothing but the beginning of the next.
    func mayBeReplaced(_ number: Int, of order: ClientOrderID, at time: Timestamp) -> Bool {
        guard let known = replacements[order] else { return false }
        if number < known.current { return true }
        return known.asked.map { number < $0.number && time <= $0.until } ?? false
    }
}
