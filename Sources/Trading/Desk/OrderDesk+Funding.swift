/// Money that a position costs, or brings, while it is held.
extension OrderDesk {
    /// Books funding on a strategy's position: limits on losses and on drawdown see it as they see a fee.
    ///
    /// - Parameters:
    ///   - amount: In quote currency; above nought it was received, below it was paid.
    ///   - symbol: What is held; where the strategy never traded it, nothing happens.
    public mutating func funded(
        _ amount: FixedDecimal, for symbol: String, by strategy: StrategyID, at time: Timestamp
    ) -> [DeskAction] {
        var actions = roll(to: time)
        guard let number = gate.strategy(strategy) else { return actions }
        let account = gate.strategies[number].account
        guard let market = gate.market(symbol, at: gate.accounts[account].settings.venue),
            let row = gate.findRow(strategy: number, account: account, market: market)
        else { return actions }
        gate.fund(amount, row: row)
        watchPeaks(ofRow: row, at: time, &actions)
        return actions
    }
}
