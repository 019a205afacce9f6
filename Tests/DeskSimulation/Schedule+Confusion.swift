import Exchanges
import Host
import Trading

/// S11: which of several orders is ours?
extension Schedule {
    /// Somebody places the same order by hand at the same moment, and the venue tells no client ids.
    func confuse(_ request: PlaceRequest, on account: AccountID) {
        twins += 1
        guard let twin = ClientOrderID("twin-\(twins)") else { return }
        confused[request.clientID] = (account, twin)
        clock.after(latency()) { [unowned self] in
            _ = venue.place(PlaceRequest(clientID: twin, terms: request.terms), on: account, at: clock.now)
        }
    }

    /// The orders that could be the one that is asked about; nil when there is no question.
    func candidates(for id: ClientOrderID) -> [VenueOrder]? {
        guard let (account, twin) = confused[id] else { return nil }
        let now = clock.now
        return [twin, id].compactMap { venue.status(of: $0, on: account, at: now) }
    }

    /// The operator looks at the venue's own page and decides.
    func operatorDecides(on id: ClientOrderID) {
        guard let (account, _) = confused[id] else { return }
        clock.after(Int64(random.between(200, 1_500)), life: lives) { [unowned self] in
            guard let life, let number = id.order else { return }
            confused[id] = nil
            let found = venue.status(of: id, on: account, at: clock.now)
            life.driver?.decide { desk, now in
                desk.settleAmbiguity(of: number, as: found?.venueOrderID, at: now)
            }
        }
    }
}
