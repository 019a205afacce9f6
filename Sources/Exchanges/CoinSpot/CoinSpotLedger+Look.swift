import Trading

/// What the lists show, and what follows.
extension CoinSpotLedger {
    /// Takes the two lists, both asked for after every answer that was taken before, and the deals first: an order that
    /// filled between the two questions then looks as if its deals were late, and not as if they were somebody's.
    ///
    /// - Parameters:
    ///   - open: Every open order of the account.
    ///   - deals: Every deal since the earliest that could be of an order that has not ended, counted.
    ///   - since: From when on these are all deals; nil when that is not known.
    mutating func look(
        open: [CoinSpotOpenOrder], deals: [CoinSpotDeal], since: Timestamp? = nil, at now: Timestamp
    ) -> [Finding] {
        var findings: [Finding] = []
        let standing = Dictionary(open.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        noteOpen(standing, at: now)
        var fresh = deals.filter { dealOwners[$0.trade] == nil }
        fresh = takeChanged(fresh, listed: deals, since: since, &findings)
        fresh = take(fresh, &findings) { $0.ownerByID($1) }
        findMoved(standing, &findings)
        fresh = take(fresh, &findings) { $0.ownerByWhole($1) }
        fresh = take(fresh, &findings) { $0.ownerByEvidence($1) }
        fresh = search(standing, fresh, at: now, &findings)
        fresh = take(fresh, &findings) { $0.ownerByRate($1, at: now) }
        leave(fresh, at: now, &findings)
        noteForeign(standing, at: now)
        end(at: now, &findings)
        forget(at: now)
        forgetTold(before: now.advanced(byMilliseconds: -settings.reread))
        lookedAt = now
        return findings
    }

    private mutating func noteOpen(_ standing: [String: CoinSpotOpenOrder], at now: Timestamp) {
        for (id, placement) in placements where placement.state == .placed {
            guard let venueID = placement.venueID else { continue }
            if let order = standing[venueID] {
                if order.amount < placement.amount { amountsShrink = true }
                placements[id]?.openAmount = order.amount
                if placement.wantedRate == order.rate { placements[id]?.wantedRate = nil }
                placements[id]?.rate = order.rate
                placements[id]?.goneSince = nil
                placements[id]?.missing = 0
            } else {
                placements[id]?.goneSince = placement.goneSince ?? now
                placements[id]?.missing += 1
            }
        }
        for (id, known) in foreign {
            if let order = standing[id] {
                if order.amount < known.order.amount { amountsShrink = true }
                foreign[id]?.amount = order.amount
            } else if known.goneSince == nil {
                foreign[id]?.goneSince = now
            }
        }
    }

    // MARK: Whose a deal is

    private enum Owner: Hashable {
        case ours(ClientOrderID)
        /// Somebody else's, of an order that was seen or not.
        case foreign(String?)
    }

    /// Gives every deal of which `owner` knows whose it is to its order; returns the rest.
    private mutating func take(
        _ deals: [CoinSpotDeal], _ findings: inout [Finding], by owner: (Self, CoinSpotDeal) -> Owner?
    ) -> [CoinSpotDeal] {
        var rest: [CoinSpotDeal] = []
        for deal in deals {
            if let owner = owner(self, deal) {
                give(deal, to: owner, &findings)
            } else {
                rest.append(deal)
            }
        }
        return rest
    }

    private mutating func give(_ deal: CoinSpotDeal, to owner: Owner, _ findings: inout [Finding]) {
        held[deal.trade] = nil
        told[deal.trade] = deal
        switch owner {
        case .ours(let id):
            if let dealID = deal.id, owners[dealID] == id { dealsNameOrders = true }
            dealOwners[deal.trade] = .some(id)
            placements[id]?.book(deal)
            findings.append(.deal(deal, id, order: placements[id]?.venueID ?? ""))
        case .foreign(let id):
            if let id, deal.id == id { dealsNameOrders = true }
            dealOwners[deal.trade] = .some(nil)
            if let id, let known = foreign[id] { foreign[id]?.accounted = known.accounted.plus(deal.amount) }
            findings.append(.deal(deal, nil, order: id ?? deal.id ?? "deal:\(deal.trade)"))
        }
    }

    /// By the order's id, where deals carry it.
    private func ownerByID(_ deal: CoinSpotDeal) -> Owner? {
        guard let id = deal.id else { return nil }
        if let ours = owners[id] { return .ours(ours) }
        return foreign[id].map { _ in .foreign(id) }
    }

    /// A deal that says exactly what one order of ours is known to owe.
    private func ownerByWhole(_ deal: CoinSpotDeal) -> Owner? {
        guard mayBeFound(deal), deal.id == nil || !isSought(deal) else { return nil }
        let fitting = placements.values.filter {
            $0.state == .placed && explained($0) == deal.amount && fits(deal, $0) && isExact(deal, $0)
        }
        return earliest(fitting).map { .ours($0.clientID) }
    }

    /// A deal at an order's rate, or better, of an order that is gone or has shrunk by as much. Somebody else's orders
    /// that were seen count as well; of several the earliest, for that is who is served first.
    private func ownerByEvidence(_ deal: CoinSpotDeal) -> Owner? {
        guard mayBeFound(deal), deal.id == nil || !isSought(deal) else { return nil }
        let ours = placements.values.filter {
            $0.state == .placed && deal.amount <= explained($0) && fits(deal, $0)
        }
        let exact = earliest(ours.filter { isExact(deal, $0) })
        let others = foreign.values.filter {
            $0.order.pair == deal.pair && $0.order.side == deal.side && $0.order.rate == deal.rate
                && deal.amount <= $0.explained
        }
        let other = others.min {
            ($0.order.created ?? .distantPast, $0.order.id) < ($1.order.created ?? .distantPast, $1.order.id)
        }
        switch (exact, other) {
        case (.some(let own), .none): return .ours(own.clientID)
        case (.none, .some(let other)): return .foreign(other.order.id)
        case (.some(let own), .some(let other)):
            let isOthers = (other.order.created ?? .distantPast) < own.sentAt
            return isOthers ? .foreign(other.order.id) : .ours(own.clientID)
        case (.none, .none): return earliest(ours).map { .ours($0.clientID) }
        }
    }

    /// Without evidence: a deal at the rate of an order of ours that stands, in case the list of open orders does not show
    /// what remains; and a late deal of one that has ended.
    private func ownerByRate(_ deal: CoinSpotDeal, at now: Timestamp) -> Owner? {
        guard mayBeFound(deal), !isSought(deal) else { return nil }
        let isContested = foreign.values.contains {
            $0.order.pair == deal.pair && $0.order.side == deal.side && $0.order.rate == deal.rate
        }
        guard !isContested else { return nil }
        let fitting = placements.values.filter { placement in
            guard deal.amount <= placement.unaccounted, fits(deal, placement) else { return false }
            switch placement.state {
            case .placed:
                guard !amountsShrink, placement.goneSince == nil else { return false }
                let isArrival = deal.time <= placement.leftBy.advanced(byMilliseconds: settings.arrival)
                return isExact(deal, placement) || isArrival
            case .ended(.cancelled), .ended(.expired):
                guard let ended = placement.endedAt else { return false }
                return isExact(deal, placement)
                    && deal.time <= ended.advanced(byMilliseconds: settings.skew)
            case .ended, .preparing, .sending, .unanswered, .notPlaced: return false
            }
        }
        return earliest(fitting).map { .ours($0.clientID) }
    }

    /// What is left is somebody else's, unless something may still say that it is ours.
    private mutating func leave(_ deals: [CoinSpotDeal], at now: Timestamp, _ findings: inout [Finding]) {
        for deal in deals {
            let isSought = isSought(deal)
            let mayBeOurs =
                mayBeFound(deal)
                && placements.values.contains {
                    $0.state == .placed && fits(deal, $0) && deal.amount <= $0.unaccounted
                }
            let looks = held[deal.trade, default: 0]
            if isSought || mayBeOurs && looks < 3 {
                held[deal.trade] = looks + 1
            } else {
                give(deal, to: .foreign(nil), &findings)
            }
        }
    }

    /// Whether a deal may be found by what it says: where deals carry the ids of orders, an id that is not ours rules it
    /// out.
    private func mayBeFound(_ deal: CoinSpotDeal) -> Bool { deal.id == nil || !dealsNameOrders }

    /// Whether a deal may be of an order whose answer is missing. Its id, if it has one, may then be the one that is looked
    /// for.
    private func isSought(_ deal: CoinSpotDeal) -> Bool {
        placements.values.contains {
            ($0.state == .unanswered || $0.state == .sending) && fits(deal, $0) && deal.amount <= $0.amount
        }
    }

    /// How much of an order deals may account for, by what the list of open orders shows.
    private func explained(_ placement: Placement) -> FixedDecimal {
        placement.goneSince == nil ? placement.owed : placement.unaccounted
    }

    /// Whether a deal could be of an order, by market, side, time and rate.
    private func fits(_ deal: CoinSpotDeal, _ placement: Placement) -> Bool {
        guard deal.pair == placement.pair, deal.side == placement.side,
            deal.time >= placement.sentAt.advanced(byMilliseconds: -settings.skew),
            (deal.isInstant ?? placement.isInstant) == placement.isInstant
        else { return false }
        guard let rate = placement.rate else { return true }
        return placement.side == .buy ? deal.rate <= rate : deal.rate >= rate
    }

    private func isExact(_ deal: CoinSpotDeal, _ placement: Placement) -> Bool {
        placement.rate.map { $0 == deal.rate } ?? true
    }

    private func earliest(_ fitting: [Placement]) -> Placement? {
        fitting.min { ($0.sentAt, $0.clientID.text) < ($1.sentAt, $1.clientID.text) }
    }

    // MARK: Orders whose answer was lost

    /// What could be an order whose answer was lost.
    private struct Candidate: Hashable {
        /// The venue's id, or one made of a deal that has none.
        let id: String
        let deals: [CoinSpotDeal]
        /// Whether it says all that was ordered.
        let isWhole: Bool
    }

    /// Looks for orders without an answer, and for those that counted as not placed.
    private mutating func search(
        _ standing: [String: CoinSpotOpenOrder], _ deals: [CoinSpotDeal], at now: Timestamp,
        _ findings: inout [Finding]
    ) -> [CoinSpotDeal] {
        let sought = placements.values.filter { $0.state == .unanswered || isRemembered($0, at: now) }
            .sorted { ($0.sentAt, $0.clientID.text) < ($1.sentAt, $1.clientID.text) }
        guard !sought.isEmpty else { return deals }
        var found: [ClientOrderID: [Candidate]] = [:]
        var claims: [String: Int] = [:]
        for placement in sought {
            let candidates = candidates(for: placement, standing, deals)
            found[placement.clientID] = candidates
            for candidate in candidates { claims[candidate.id, default: 0] += 1 }
        }
        var rest = deals
        for placement in sought {
            let candidates = found[placement.clientID] ?? []
            let isClaimed = candidates.contains { claims[$0.id, default: 0] > 1 }
            guard
                let adopted = decide(placement, candidates, isClaimed: isClaimed, at: now, &findings)
            else { continue }
            placed(placement.clientID, as: adopted.id)
            findings.append(.adopted(placement.clientID, adopted.id))
            if standing[adopted.id] == nil { placements[placement.clientID]?.goneSince = now }
            for deal in adopted.deals { give(deal, to: .ours(placement.clientID), &findings) }
            rest.removeAll { adopted.deals.contains($0) }
        }
        return rest
    }

    /// The one order that it is, or nil, with what else follows.
    private mutating func decide(
        _ placement: Placement, _ candidates: [Candidate], isClaimed: Bool, at now: Timestamp,
        _ findings: inout [Finding]
    ) -> Candidate? {
        // A person was asked already. That fewer fit by now may be that person's doing, and proves nothing.
        guard placement.candidates.isEmpty,
            now >= placement.leftBy.advanced(byMilliseconds: settings.settling)
        else { return nil }
        let isOver = now >= placement.leftBy.advanced(byMilliseconds: settings.grace)
        guard placement.state == .unanswered else {
            // One that counted as not placed is taken up again only when there is no doubt at all.
            return candidates.count == 1 && candidates[0].isWhole && !isClaimed ? candidates[0] : nil
        }
        switch candidates.count {
        case 0:
            guard isOver else { return nil }
            placements[placement.clientID]?.state = .notPlaced
            placements[placement.clientID]?.endedAt = now
            findings.append(.notPlaced(placement.clientID))
            return nil
        case 1 where candidates[0].isWhole && !isClaimed:
            return candidates[0]
        case 1 where !isClaimed && !isOver:
            // The rest of it may show up yet.
            return nil
        default:
            let ids = candidates.map(\.id).sorted()
            placements[placement.clientID]?.candidates = ids
            findings.append(.ambiguous(placement.clientID, ids))
            return nil
        }
    }

    private func isRemembered(_ placement: Placement, at now: Timestamp) -> Bool {
        guard placement.state == .notPlaced, let ended = placement.endedAt else { return false }
        return now < ended.advanced(byMilliseconds: settings.memory)
    }

    private func candidates(
        for placement: Placement, _ standing: [String: CoinSpotOpenOrder], _ deals: [CoinSpotDeal]
    ) -> [Candidate] {
        let orders = standing.values.filter {
            owners[$0.id] == nil && foreign[$0.id] == nil && fits($0, placement)
        }
        let arrivedBy = placement.leftBy.advanced(byMilliseconds: settings.arrival)
        let fitting = deals.filter { deal in
            fits(deal, placement) && deal.amount <= placement.amount
                // One that counts as not placed cannot have filled long after it would have arrived.
                && (placement.state == .unanswered || deal.time <= arrivedBy)
        }
        let nameless = fitting.filter { $0.id == nil }
        var candidates = orders.map { order in
            Candidate(
                id: order.id, deals: fitting.filter { $0.id == order.id },
                isWhole: isWhole(order, placement, fitting))
        }
        let byID = Dictionary(grouping: fitting.filter { $0.id != nil && standing[$0.id ?? ""] == nil }) {
            $0.id ?? ""
        }
        for (id, group) in byID {
            let sum = Self.sum(group)
            guard sum <= placement.amount else { continue }
            candidates.append(
                Candidate(
                    id: id, deals: group,
                    isWhole: sum == placement.amount && group.allSatisfy { isLikely($0, placement) }))
        }
        let whole = nameless.filter { $0.amount == placement.amount }
        candidates += whole.map {
            Candidate(id: "deal:\($0.trade)", deals: [$0], isWhole: isLikely($0, placement))
        }
        // Parts of an order that stands with the rest count there. Without one they may be all of it.
        if let first = nameless.first, whole.isEmpty, orders.isEmpty {
            candidates.append(
                Candidate(
                    id: "deal:\(first.trade)", deals: nameless,
                    isWhole: Self.sum(nameless) == placement.amount
                        && nameless.allSatisfy { isLikely($0, placement) }))
        }
        return candidates
    }

    /// Whether an order that stands and the deals that may be its own say together what was ordered. With deals that carry
    /// its id the amount may also be that of the order; with others it must be what remains.
    private func isWhole(
        _ order: CoinSpotOpenOrder, _ placement: Placement, _ deals: [CoinSpotDeal]
    ) -> Bool {
        let nameless = Self.sum(deals.filter { $0.id == nil })
        let named = Self.sum(deals.filter { $0.id == order.id })
        if nameless.isZero, order.amount == placement.amount { return true }
        return order.amount.plus(named).plus(nameless) == placement.amount
    }

    /// Whether nothing speaks against a deal being of an order whose answer was lost: it is at the order's rate, or at a
    /// better one in the moment when the order must have arrived; and nobody else's is known that it could be of.
    private func isLikely(_ deal: CoinSpotDeal, _ placement: Placement) -> Bool {
        guard deal.id != nil && dealsNameOrders || !isContested(deal, by: placement) else { return false }
        return isExact(deal, placement)
            || deal.time <= placement.leftBy.advanced(byMilliseconds: settings.skew)
    }

    /// Whether another order may have had a deal that carries no id.
    private func isContested(_ deal: CoinSpotDeal, by placement: Placement) -> Bool {
        foreign.values.contains {
            $0.order.pair == deal.pair && $0.order.side == deal.side && $0.order.rate == deal.rate
                && deal.amount <= $0.order.amount.less($0.accounted)
        }
            || placements.values.contains {
                $0.clientID != placement.clientID && $0.state == .placed && fits(deal, $0)
                    && deal.amount <= $0.unaccounted
            }
    }

    private static func sum(_ deals: [CoinSpotDeal]) -> FixedDecimal {
        deals.reduce(FixedDecimal.zero) { $0.plus($1.amount) }
    }

    /// Whether an order in the book could be one that was sent: market, side, rate, amount and time.
    private func fits(_ order: CoinSpotOpenOrder, _ placement: Placement) -> Bool {
        guard order.pair == placement.pair, order.side == placement.side, order.rate == placement.rate,
            order.amount <= placement.amount
        else { return false }
        guard let created = order.created else { return true }
        return created >= placement.sentAt.advanced(byMilliseconds: -settings.skew)
            && created <= placement.leftBy.advanced(byMilliseconds: settings.arrival + settings.skew)
    }

    /// An order of ours whose change left it with another id.
    private mutating func findMoved(
        _ standing: [String: CoinSpotOpenOrder], _ findings: inout [Finding]
    ) {
        for placement in placements.values
        where placement.state == .placed && placement.mayHaveMoved && placement.goneSince != nil {
            let fitting = standing.values.filter { order in
                owners[order.id] == nil && foreign[order.id] == nil && order.pair == placement.pair
                    && order.side == placement.side && order.amount <= placement.unaccounted
                    && (order.rate == placement.rate || order.rate == placement.wantedRate)
                    && (order.created ?? placement.sentAt)
                        >= placement.sentAt.advanced(byMilliseconds: -settings.skew)
            }
            guard fitting.count == 1, let order = fitting.first else { continue }
            placed(placement.clientID, as: order.id)
            placements[placement.clientID]?.rate = order.rate
            placements[placement.clientID]?.wantedRate = nil
            placements[placement.clientID]?.openAmount = order.amount
            placements[placement.clientID]?.goneSince = nil
            placements[placement.clientID]?.missing = 0
            findings.append(.moved(placement.clientID, order.id))
        }
    }

    /// Notes somebody else's orders, so that they are not taken for ours later. One that may be ours is left open.
    private mutating func noteForeign(_ standing: [String: CoinSpotOpenOrder], at now: Timestamp) {
        for (id, order) in standing where owners[id] == nil && foreign[id] == nil {
            let isSought = placements.values.contains { placement in
                switch placement.state {
                case .unanswered, .sending: fits(order, placement)
                case .notPlaced: isRemembered(placement, at: now) && fits(order, placement)
                // What is there before it is sent is not it.
                case .preparing, .placed, .ended: false
                }
            }
            if !isSought { foreign[id] = Foreign(order: order, amount: order.amount) }
        }
    }

    // MARK: Ends

    private mutating func end(at now: Timestamp, _ findings: inout [Finding]) {
        for placement in placements.values where placement.state == .placed {
            let id = placement.clientID
            if placement.accounted >= placement.amount {
                placements[id]?.state = .ended(.filled)
                placements[id]?.endedAt = now
                findings.append(.ended(id, .filled, filled: placement.accounted))
                continue
            }
            // An instant order is done when it is taken; its deals come when they come.
            guard let goneSince = placement.goneSince, placement.missing >= 2, !placement.isInstant else {
                continue
            }
            let wait: Int64
            if placement.owed.isPositive {
                wait = settings.owed
            } else {
                wait = placement.isCancelled ? 0 : settings.gone
            }
            guard now >= goneSince.advanced(byMilliseconds: wait) else { continue }
            placements[id]?.state = .ended(.cancelled)
            placements[id]?.endedAt = now
            findings.append(
                .ended(id, .cancelled, filled: placement.accounted.plus(placement.owed)))
        }
    }

    private mutating func forget(at now: Timestamp) {
        for (id, placement) in placements {
            guard let ended = placement.endedAt else { continue }
            let memory = placement.state == .notPlaced ? settings.memory : settings.history
            if now >= ended.advanced(byMilliseconds: memory) { placements[id] = nil }
        }
        for (id, known) in foreign {
            guard let gone = known.goneSince,
                known.explained.isZero || now >= gone.advanced(byMilliseconds: settings.memory)
            else { continue }
            foreign[id] = nil
        }
    }
}

extension CoinSpotLedger.Placement {
    fileprivate mutating func book(_ deal: CoinSpotDeal) {
        accounted = accounted.plus(deal.amount)
        // A deal is within the bounds of a market, so that its worth is in range.
        worth = worth.plus((try? deal.rate.multiplied(by: deal.amount, rounding: .nearestEven)) ?? .zero)
        lastDeal = max(lastDeal ?? deal.time, deal.time)
    }

    /// The mean rate of the deals; nil before the first.
    var averageRate: FixedDecimal? {
        // A mean lies between rates that are in range.
        accounted.isPositive ? try? worth.divided(by: accounted, rounding: .nearestEven) : nil
    }
}

extension Timestamp {
    fileprivate static let distantPast = Timestamp(milliseconds: .min)
}

extension FixedDecimal {
    /// The sum of amounts that ``TradingBounds`` keeps small.
    func plus(_ other: Self) -> Self { Self(units: units + other.units) }

    /// What is left of an amount, never less than nought; of balances of any size, all that there can be.
    func less(_ other: Self) -> Self { self > other ? (try? self - other) ?? Self(units: .max) : .zero }
}
