extension MatchingEngine {
    /// Why an order would be refused if it came now, or nil. Nothing happens.
    public func refusal(of terms: OrderTerms, on account: AccountID, at time: Timestamp) -> MatchingRefusal? {
        let order = MatchingOrder(
            number: lastOrder + 1, account: account, clientID: nil, terms: terms, state: .open,
            filledQuantity: .zero, filledNotional: .zero, isTriggered: false, locked: .zero, reason: nil,
            createdAt: time, updatedAt: time)
        do throws(MatchingRefusal) {
            _ = try check(order)
            return nil
        } catch {
            return error
        }
    }

    /// Pays money or coins in, or with a negative amount out.
    ///
    /// - Throws: ``MatchingRefusal/insufficientBalance(currency:needed:free:)`` when less is free than goes out.
    public mutating func deposit(
        _ amount: FixedDecimal, of currency: String, on id: AccountID
    ) throws(MatchingRefusal) {
        guard let account = accounts[id] else { throw .unknownAccount(id) }
        let free = account.free(currency)
        guard !FixedDecimal.sum(free, amount).isNegative else {
            throw .insufficientBalance(currency: currency, needed: FixedDecimal.opposite(amount), free: free)
        }
        changeAccount(id) { $0.add(amount, of: currency) }
    }

    /// Books funding: what is received when above nought, what is paid below. A margin account owes what it does not have,
    /// and is liquidated when it is worth too little for that.
    ///
    /// - Throws: ``MatchingRefusal/insufficientBalance(currency:needed:free:)`` when less is free on a spot account.
    public mutating func fund(
        _ amount: FixedDecimal, of currency: String, on id: AccountID
    ) throws(MatchingRefusal) {
        guard let account = accounts[id] else { throw .unknownAccount(id) }
        guard case .margin = account.kind else { return try deposit(amount, of: currency, on: id) }
        changeAccount(id) { $0.add(amount, of: currency) }
    }

    /// The best prices as they stand; nil before the first.
    public func market(of symbol: String) -> (bid: FixedDecimal, ask: FixedDecimal, last: FixedDecimal)? {
        currentMarket(of: symbol).map { ($0.bid, $0.ask, $0.last) }
    }

    /// What can be bought and sold at once.
    public func offered(_ symbol: String) -> (buyable: FixedDecimal, sellable: FixedDecimal)? {
        currentMarket(of: symbol).map { ($0.buyable, $0.sellable) }
    }
}
