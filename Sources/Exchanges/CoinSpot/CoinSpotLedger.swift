import Trading

/// Which of the venue's orders and deals are ours: CoinSpot takes no name of ours with an order and has no call for the
/// status of one.
///
/// A pure value: what was sent and what the two lists of the account show goes in, findings come out. The rules:
///
/// - An order whose answer was lost is looked for by its *fingerprint*: market, side, rate, amount, and the time in which
///   it can have arrived. Exactly one that fits is it. More than one: the market is frozen on this account and a person is
///   asked. None, when the grace is over: it was not placed. It is never sent again.
/// - While an answer is missing, nothing else is sent to the same side of the same market, so that there are never two of
///   ours to be told apart.
/// - What was there before an order was sent, and what is another order's already, never fits.
///
/// It holds nothing that must be durable: after a start it is told the journal's orders with ``restore(_:fills:)``.
struct CoinSpotLedger: Sendable {
    /// Times, in milliseconds.
    struct Settings: Hashable, Sendable {
        /// How far the venue's clock may be from ours.
        var skew: Int64 = 2_000
        /// How long after it left a request may still be carried out.
        var arrival: Int64 = 30_000
        /// So long after the sending the lists are believed to be complete enough to decide.
        var settling: Int64 = 3_000
        /// So long after the sending an order that no list shows was not placed. More than ``arrival``.
        var grace: Int64 = 45_000
        /// How long an order that nobody cancelled may be gone from the list of open ones before its deals have to be
        /// there.
        var gone: Int64 = 15_000
        /// The same, when the list had shown that a part of it was filled.
        var owed: Int64 = 60_000
        /// For how long deals are listed again at each look, at least.
        var reread: Int64 = 3_600_000
        /// How long one that counts as not placed is still looked for.
        var memory: Int64 = 600_000
        /// How long one that ended is remembered.
        var history: Int64 = 86_400_000
    }

    /// An order of ours.
    struct Placement: Hashable, Sendable {
        enum State: Hashable, Sendable {
            /// The lists are read before it is sent.
            case preparing
            /// On its way; no answer yet.
            case sending
            /// Nobody knows.
            case unanswered
            /// The venue has or had it under its id.
            case placed
            case ended(VenueOrder.State)
            case notPlaced
        }

        let clientID: ClientOrderID
        let pair: CoinSpotPair
        let side: Side
        /// Nil for an instant order.
        var rate: FixedDecimal?
        let amount: FixedDecimal
        var sentAt: Timestamp
        /// Until when it can have left; later than ``sentAt`` when only the journal knows of it.
        var leftBy: Timestamp
        var state: State
        var venueID: String?
        /// How much of it deals account for.
        var accounted = FixedDecimal.zero
        /// The worth of those deals, and when the last of them was.
        var worth = FixedDecimal.zero
        var lastDeal: Timestamp?
        /// What the list of open orders last said of it; nil before it was seen there.
        var openAmount: FixedDecimal?
        /// Since when it is not in the list of open orders.
        var goneSince: Timestamp?
        /// How many looks have missed it.
        var missing = 0
        /// The venue took a request to cancel it.
        var isCancelled = false
        /// Its rate was changed, or may have been: its id may be another.
        var mayHaveMoved = false
        /// The rate that a change without an answer would give it.
        var wantedRate: FixedDecimal?
        /// When it ended, or was found not to be placed.
        var endedAt: Timestamp?
        /// What fits it, when that is more than one.
        var candidates: [String] = []

        var isInstant: Bool { rate == nil }
        var unaccounted: FixedDecimal { amount.less(accounted) }

        /// Deals that the list of open orders speaks for and that were not seen yet.
        var owed: FixedDecimal {
            guard let openAmount, openAmount < amount else { return .zero }
            return amount.less(openAmount).less(accounted)
        }
    }

    /// What a look at the lists brought.
    enum Finding: Hashable, Sendable {
        /// An order whose answer was lost is there, under this id.
        case adopted(ClientOrderID, String)
        /// No list shows it, and it can no longer arrive.
        case notPlaced(ClientOrderID)
        /// More than one order fits it.
        case ambiguous(ClientOrderID, [String])
        /// A deal, with the order that it belongs to when it is ours.
        case deal(CoinSpotDeal, ClientOrderID?, order: String)
        /// An order of ours has ended, with so much filled.
        case ended(ClientOrderID, VenueOrder.State, filled: FixedDecimal)
        /// An order of ours goes under another id now.
        case moved(ClientOrderID, String)
    }

    /// Why an order may not be sent now.
    enum Obstacle: Error, Hashable, Sendable, CustomStringConvertible {
        case unanswered(ClientOrderID)
        case frozen(ClientOrderID, [String])

        var description: String {
            switch self {
            case .unanswered(let id):
                "order \(id) on the same side of this market is not answered yet"
            case .frozen(let id, let candidates):
                "this market is frozen: \(candidates.joined(separator: ", ")) all fit order \(id), whose answer was lost"
            }
        }
    }

    let settings: Settings
    var placements: [ClientOrderID: Placement] = [:]
    /// Whose each order is, by the venue's id.
    var owners = Recent<String, ClientOrderID>(limit: 50_000)
    /// Somebody else's orders that were seen to stand, and how much of each deals account for.
    var foreign: [String: Foreign] = [:]
    /// Whose each deal is; nil for somebody else's.
    var dealOwners = Recent<TradeID, ClientOrderID?>(limit: 100_000)
    /// Deals of the time that is read again, by what they say now; see ``takeChanged(_:listed:since:_:)``.
    var told: [TradeID: CoinSpotDeal] = [:]
    /// Under which name a deal that is told otherwise by now was told first.
    var firstNames = Recent<TradeID, TradeID>(limit: 1_000)
    /// How many looks a deal has waited for something to say whose it is.
    var held: [TradeID: Int] = [:]
    /// Whether the ids of deals are those of orders: known once one was.
    var dealsNameOrders = false
    /// Whether the list of open orders shows what remains: known once an amount was seen below what was ordered.
    var amountsShrink = false
    /// When the lists were last seen.
    var lookedAt: Timestamp?

    struct Foreign: Hashable, Sendable {
        let order: CoinSpotOpenOrder
        var amount: FixedDecimal
        var accounted = FixedDecimal.zero
        var goneSince: Timestamp?

        /// How much more of it deals may account for.
        var explained: FixedDecimal {
            (goneSince == nil ? order.amount.less(amount) : order.amount).less(accounted)
        }
    }

    init(settings: Settings = Settings()) { self.settings = settings }

    // MARK: - What was sent

    /// What keeps an order from being sent, or nil.
    func obstacle(to pair: CoinSpotPair, _ side: Side) -> Obstacle? {
        for placement in placements.values where placement.pair == pair {
            if !placement.candidates.isEmpty, placement.state == .unanswered {
                return .frozen(placement.clientID, placement.candidates)
            }
        }
        for placement in placements.values where placement.pair == pair && placement.side == side {
            switch placement.state {
            case .preparing, .sending, .unanswered: return .unanswered(placement.clientID)
            case .placed, .ended, .notPlaced: break
            }
        }
        return nil
    }

    /// An order is to leave: its side of the market is taken.
    mutating func preparing(
        _ id: ClientOrderID, _ pair: CoinSpotPair, _ side: Side, rate: FixedDecimal?, amount: FixedDecimal,
        at time: Timestamp
    ) {
        placements[id] = Placement(
            clientID: id, pair: pair, side: side, rate: rate, amount: amount, sentAt: time, leftBy: time,
            state: .preparing)
    }

    /// The order leaves now.
    mutating func sending(_ id: ClientOrderID, at time: Timestamp) {
        guard placements[id]?.state == .preparing else { return }
        placements[id]?.sentAt = time
        placements[id]?.leftBy = time
        placements[id]?.state = .sending
    }

    /// The venue took it, under this id.
    mutating func placed(_ id: ClientOrderID, as venueID: String) {
        guard placements[id] != nil else { return }
        placements[id]?.state = .placed
        placements[id]?.candidates = []
        placements[id]?.venueID = venueID
        owners[venueID] = id
        foreign[venueID] = nil
    }

    /// It was provably not placed: it never left, or the venue said no.
    mutating func dropped(_ id: ClientOrderID) { placements[id] = nil }

    /// Its answer was lost; until now it can have left.
    mutating func lostAnswer(_ id: ClientOrderID, at time: Timestamp) {
        guard placements[id]?.state == .sending else { return }
        placements[id]?.state = .unanswered
        placements[id]?.leftBy = time
    }

    /// The venue took the request to cancel it.
    mutating func cancelled(_ id: ClientOrderID) { placements[id]?.isCancelled = true }

    /// Its rate was changed, and with it perhaps its id.
    mutating func edited(_ id: ClientOrderID, to rate: FixedDecimal, as venueID: String?) {
        guard placements[id] != nil else { return }
        placements[id]?.rate = rate
        placements[id]?.wantedRate = nil
        if let venueID, venueID != placements[id]?.venueID { placed(id, as: venueID) }
    }

    /// The answer to a change of its rate was lost.
    mutating func lostEdit(_ id: ClientOrderID, to rate: FixedDecimal) {
        placements[id]?.wantedRate = rate
        placements[id]?.mayHaveMoved = true
    }

    /// A person has decided about an order that several fit: it is this one, or, with nil, none.
    mutating func decide(_ id: ClientOrderID, as venueID: String?) {
        guard placements[id]?.state == .unanswered else { return }
        if let venueID {
            placed(id, as: venueID)
        } else {
            placements[id]?.state = .notPlaced
            placements[id]?.candidates = []
            // What was decided about is nobody's of ours, and is not taken up again.
            placements[id]?.endedAt = .init(milliseconds: 0)
        }
    }

    /// Goes on where the last host left off, with the journal's orders and fills of the account.
    mutating func restore(_ orders: [Order], fills: [Fill], pair: (String) -> CoinSpotPair?) {
        var lastDeals: [OrderID: Timestamp] = [:]
        for fill in fills { lastDeals[fill.order] = max(lastDeals[fill.order] ?? fill.time, fill.time) }
        for order in orders {
            guard let pair = pair(order.symbol), placements[order.intent.clientID] == nil else { continue }
            let terms = order.intent.terms
            var placement = Placement(
                clientID: order.intent.clientID, pair: pair, side: order.side,
                rate: terms.type == .market ? nil : order.price, amount: order.quantity,
                sentAt: order.intent.createdAt,
                // It may have waited for its turn.
                leftBy: order.intent.createdAt.advanced(byMilliseconds: settings.arrival),
                state: .unanswered)
            placement.accounted = order.filledQuantity
            placement.worth = order.filledNotional
            placement.lastDeal = lastDeals[order.id]
            placement.mayHaveMoved = order.price != terms.price || order.amendment != nil
            if let id = order.venueOrderID?.text {
                placement.venueID = id
                placement.state = .placed
                owners[id] = order.intent.clientID
                if id.hasPrefix(Self.instant) { placement.goneSince = order.updatedAt }
            }
            switch order.status {
            case .filled: placement.state = .ended(.filled)
            case .cancelled: placement.state = .ended(.cancelled)
            case .expired: placement.state = .ended(.expired)
            case .rejected, .denied: placement.state = .ended(.rejected)
            case .notPlaced: placement.state = .notPlaced
            case .pending, .submitted, .open, .partiallyFilled, .pendingCancel, .unknown: break
            }
            if case .ended = placement.state { placement.endedAt = order.updatedAt }
            if placement.state == .notPlaced { placement.endedAt = order.updatedAt }
            placements[order.intent.clientID] = placement
        }
        let names = Dictionary(
            orders.map { ($0.id, $0.intent.clientID) }, uniquingKeysWith: { first, _ in first })
        for fill in fills where !fill.isInferred {
            dealOwners[fill.key.trade] = .some(names[fill.order])
            guard let pair = pair(fill.symbol) else { continue }
            let deal = CoinSpotDeal(
                id: nil, pair: pair, side: fill.side, amount: fill.quantity, rate: fill.price, time: fill.time
            )
            // Of several that say the same the first stands for all: they are not told apart by their data.
            if deal.trade == fill.key.trade { told[deal.trade] = deal }
        }
    }

    /// What an instant order goes under, for which CoinSpot has no id.
    static let instant = "instant:"
}
