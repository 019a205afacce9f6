internal import Supervisor
internal import Trading
internal import Wire

/// Stop-losses and take-profits that the desk holds: asked for by strategies, seen and taken away by people.
extension Floor {
    /// Hands a pair of legs for a position that is there to the desk.
    func protect(
        _ symbol: String, side: Side, quantity: FixedDecimal, prices: BracketPrices, request: String,
        by strategy: FloorStrategy
    ) {
        guard let listed = venueSymbol(symbol, of: strategy) else { return }
        desk.decide { desk, now in
            desk.protect(
                listed, side: side, quantity: quantity, prices: prices, request: RequestID(request),
                by: StrategyID(strategy.id), at: now, refusal: refusal(for: strategy))
        }
    }

    /// Tells a strategy and those who watch it what a bracket is now.
    func told(_ bracket: Bracket, _ strategy: FloorStrategy) {
        strategy.runner?.send(.bracket(BracketReport(bracket)))
        hub.publish(
            .bracket, strategy: strategy.id, owner: strategy.owner, data: BracketView(bracket).json)
        let what = "bracket \(bracket.id) of \(Feed.symbol(bracket.key.symbol))"
        switch bracket.status {
        case .triggered where bracket.exit == nil:
            log(strategy, .info, .host, "\(what): \(bracket.reason ?? "triggered")")
        case .failed: log(strategy, .error, .host, "\(what) failed: \(bracket.reason ?? "")")
        case .expired, .cancelled: log(strategy, .info, .host, "\(what) ended: \(bracket.reason ?? "")")
        case .waiting, .held, .triggered, .done: break
        }
    }

    /// The brackets that wait or work, newest first; of one owner's strategies, or of all.
    func liveBrackets(owner: String?) -> [Bracket] {
        desk.desk.liveBrackets().reversed().filter {
            owner == nil || strategies[$0.key.strategy.text]?.owner == owner
        }
    }

    /// Takes a bracket away for an operator.
    func cancelBracket(_ id: OrderID, by user: String) throws(HostError) -> BracketView {
        guard let bracket = desk.desk.bracket(id) else { throw .notFound(kind: "bracket", id: "\(id)") }
        guard bracket.status.isLive else {
            throw .conflict("bracket \(id) is \(bracket.status.rawValue) already")
        }
        desk.decide { $0.cancelBracket(id, reason: "cancelled by \(user)", at: $1) }
        return BracketView(desk.desk.bracket(id) ?? bracket)
    }
}

extension BracketReport {
    /// A bracket as its strategy hears of it, under the feed's own symbol.
    init(_ bracket: Bracket) {
        self.init(
            request: bracket.request.text, bracket: bracket.id.description,
            symbol: Feed.symbol(bracket.key.symbol), side: bracket.side, quantity: bracket.quantity,
            prices: bracket.prices, status: bracket.status, leg: bracket.leg,
            exit: bracket.exit?.description, reason: bracket.reason, time: bracket.updatedAt)
    }
}
