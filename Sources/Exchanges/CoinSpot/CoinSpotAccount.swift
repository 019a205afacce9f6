import Posix
import Trading

/// What the adapter knows of one account, and what waits there.
final class CoinSpotAccount {
    let id: AccountID
    /// Before the first trade of this host on the account.
    private(set) var start: Timestamp
    var ledger: CoinSpotLedger
    /// Whether the journal's orders were told: before that, an order that is not known proves nothing.
    var isRestored = false
    var isClosed = false
    /// Whether the key may place orders; nil while that is not known.
    var mayTrade: Bool?
    /// How often nonces went over to a finer unit.
    var leaps = 0
    /// Questions that were refused in a row.
    var refusals = 0
    /// The open orders of the last look, for whoever asks between.
    var standing: [String: CoinSpotOpenOrder] = [:]
    /// Since when every deal was seen.
    var seenSince: Timestamp?
    var lookedNanoseconds: UInt64?
    var isLooking = false
    var wanted: [CoinSpotLook] = []
    /// Orders that wait for another on their side to be answered.
    var queue: [Waiting] = []
    var isHealthy = false
    var pollTimer: EventLoop.Timer?
    /// When the next look is due, by the steady clock; nil while none is planned.
    var pollDue: UInt64?

    /// Which deals a question for trades was answered with, and from when on every one was.
    fileprivate var paged = Recent<TradeID, Bool>(limit: 50_000)
    fileprivate var pagedFrom: Timestamp?

    struct Waiting {
        let request: PlaceRequest
        let until: UInt64
        let completion: (Result<VenueOrderID, VenueFailure>) -> Void
    }

    /// Trades of this host may be as old as that.
    func begin(at time: Timestamp?) {
        guard let time else { return }
        start = min(start, time.advanced(byMilliseconds: -60_000))
    }

    init(_ id: AccountID, start: Timestamp, settings: CoinSpotVenue.Settings.Matching) {
        self.id = id
        // The clocks need not agree.
        self.start = start.advanced(byMilliseconds: -60_000)
        var own = CoinSpotLedger.Settings()
        own.skew = settings.skew
        own.arrival = settings.arrival
        own.settling = settings.settling
        own.grace = settings.grace
        own.gone = settings.gone
        ledger = CoinSpotLedger(settings: own)
    }
}

extension CoinSpotAccount {
    /// Takes note of deals that an answer from `place` on held.
    func seen(_ deals: [CoinSpotDeal], from place: Timestamp) {
        pagedFrom = pagedFrom ?? place
        for deal in deals { paged[deal.trade] = true }
    }

    /// Whether a deal showed up after later ones had been told.
    func isLate(_ deal: CoinSpotDeal) -> Bool {
        guard let pagedFrom else { return false }
        return deal.time >= pagedFrom && paged[deal.trade] == nil
    }
}

/// Somebody who wants the two lists, read after asking.
struct CoinSpotLook {
    /// From when on deals are wanted; nil for those that may be new.
    let since: Timestamp?
    let completion: (Result<Lists, CallFailure>) -> Void

    /// What was read.
    struct Lists {
        let open: [CoinSpotOpenOrder]
        let deals: [CoinSpotDeal]
        /// From when on these are all deals.
        let since: Timestamp
    }
}
