import Trading

/// Deals that are told otherwise than they were. Without an id a deal is known by what it says, so that one that says
/// something else looks like another trade.
extension CoinSpotLedger {
    /// Takes out the deals that are earlier ones told otherwise, and tells them under the names of those: the first telling
    /// holds, and whoever keeps the books says so.
    ///
    /// One is taken for such when an earlier deal of the same moment, market and side, with the same amount or the same
    /// rate, is no longer listed, though deals from before it are, and no other earlier deal fits.
    ///
    /// - Parameters:
    ///   - fresh: Deals that were not seen before.
    ///   - listed: All deals of the list.
    ///   - since: From when on the list holds every deal; nil when that is not known, and then none is taken out.
    mutating func takeChanged(
        _ fresh: [CoinSpotDeal], listed: [CoinSpotDeal], since: Timestamp?, _ findings: inout [Finding]
    ) -> [CoinSpotDeal] {
        guard let since, !fresh.isEmpty else { return fresh }
        let names = Set(listed.map(\.trade))
        var gone = told.values.filter { $0.time >= since && !names.contains($0.trade) }
        guard !gone.isEmpty else { return fresh }
        return fresh.filter { deal in
            let earlier = gone.filter { $0.isToldOtherwise(by: deal) }
            guard earlier.count == 1, let first = earlier.first, let owner = dealOwners[first.trade] else {
                return true
            }
            gone.removeAll { $0 == first }
            told[first.trade] = nil
            told[deal.trade] = deal
            firstNames[deal.trade] = name(of: first)
            dealOwners[deal.trade] = .some(owner)
            findings.append(.deal(deal, owner, order: self.owner(of: deal)?.order ?? ""))
            return false
        }
    }

    /// The name under which a deal was told first.
    func name(of deal: CoinSpotDeal) -> TradeID { firstNames[deal.trade] ?? deal.trade }

    /// Lets go of deals that are older than what is read again.
    mutating func forgetTold(before time: Timestamp) {
        guard told.values.contains(where: { $0.time < time }) else { return }
        told = told.filter { $0.value.time >= time }
    }
}

extension CoinSpotDeal {
    /// Whether another deal may be this one with other data.
    fileprivate func isToldOtherwise(by other: CoinSpotDeal) -> Bool {
        pair == other.pair && side == other.side && time == other.time
            && (amount == other.amount || rate == other.rate)
            && (id == nil || other.id == nil || id == other.id)
    }
}
