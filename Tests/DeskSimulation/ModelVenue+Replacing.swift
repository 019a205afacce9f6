import Exchanges
import Trading

/// E12: a venue that cannot change an order. It places another under a name of its own and cancels the first, and is not
/// always quick with that: for a while both may fill.
extension ModelVenue {
    /// What such a venue keeps in mind.
    struct Replacing {
        /// How long what was replaced stays open beside the new order; nought when it goes first.
        let lingering: (ClientOrderID) -> Int64
        /// Lets something happen after so long, and says when that is.
        let later: (Int64, @escaping (Int64) -> Void) -> Void
        /// The names of what stands for an order, by the name that it was first placed under; the last is the one that
        /// questions are answered by.
        fileprivate var names: [ClientOrderID: [ClientOrderID]] = [:]
        fileprivate var firsts: [ClientOrderID: ClientOrderID] = [:]
        /// Orders of which two were open at once, and how long.
        fileprivate(set) var overlaps: [ClientOrderID: Int64] = [:]

        init(
            lingering: @escaping (ClientOrderID) -> Int64,
            later: @escaping (Int64, @escaping (Int64) -> Void) -> Void
        ) {
            self.lingering = lingering
            self.later = later
        }
    }

    /// The name under which an order stands now.
    func latest(_ id: ClientOrderID) -> ClientOrderID { replacing?.names[id]?.last ?? id }

    /// The name under which an order was first placed.
    func first(_ id: ClientOrderID?) -> ClientOrderID? { id.map { replacing?.firsts[$0] ?? $0 } }

    /// Whether another stands in its place.
    func isReplaced(_ order: MatchingOrder) -> Bool {
        guard let id = order.clientID, let first = first(id) else { return false }
        return latest(first) != id
    }

    /// How much of an order filled under earlier names.
    func filledBefore(_ id: ClientOrderID, on account: AccountID) -> FixedDecimal {
        guard let names = replacing?.names[id] else { return .zero }
        return ([id] + names.dropLast()).reduce(.zero) { total, name in
            sum(total, engine.order(name, on: account)?.filledQuantity ?? .zero)
        }
    }

    func replace(
        _ id: ClientOrderID, with amendment: Amendment, on account: AccountID
    ) -> Result<Amendment, VenueFailure> {
        let old = latest(id)
        guard let order = engine.order(old, on: account), order.state == .open, order.filledQuantity.isZero
        else { return .failure(.refused("only an open order of which nothing has traded is replaced")) }
        let number = (replacing?.names[id]?.count ?? 0) + 1
        guard let name = ClientOrderID("\(id)_\(number)"), let replacing else {
            return .failure(.refused("there is no name for it"))
        }
        var terms = order.terms
        terms.quantity = amendment.quantity
        terms.price = amendment.price ?? terms.price
        let lingering = replacing.lingering(id)
        if lingering == 0 { endReplaced(old, on: account, isTold: false) }
        self.replacing?.firsts[name] = id
        let (new, events) = engine.place(
            PlaceRequest(clientID: name, terms: terms), on: account, at: World.time(now))
        guard new.state != .rejected else {
            absorb(events)
            if lingering == 0, let gone = engine.order(old, on: account) { onEnd(account, gone) }
            return .failure(.refused(new.reason ?? "rejected"))
        }
        self.replacing?.names[id, default: []].append(name)
        absorb(events)
        if lingering > 0 {
            replacing.later(lingering) { [unowned self] time in
                now = time
                guard endReplaced(old, on: account, isTold: true), self.order(id, on: account)?.state == .open
                else { return }
                let known = self.replacing?.overlaps[id] ?? 0
                self.replacing?.overlaps[id] = max(known, lingering)
            }
        }
        return .success(Amendment(quantity: new.terms.quantity, price: new.terms.price))
    }

    /// Cancels what was replaced. False when it was not open any more.
    @discardableResult
    private func endReplaced(_ id: ClientOrderID, on account: AccountID, isTold: Bool) -> Bool {
        do throws(MatchingRefusal) {
            let events = try engine.cancel(id, on: account, at: World.time(now))
            // What goes first is told when the new one cannot be placed, and else by nobody.
            if isTold { absorb(events) } else { _ = engine.takeChanges() }
            return true
        } catch {
            return false
        }
    }
}
