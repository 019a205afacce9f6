/// Peaks of equity, which limits on drawdown are reckoned from.
extension OrderDesk {
    /// How far everything that has a limit on drawdown has fallen; strategies first, then accounts, venues, all.
    public var drawdowns: [Drawdown] { gate.holders.compactMap { gate.drawdown(of: $0) } }

    /// Begins the peak of a scope anew, at the equity of now. Without a limit on its drawdown nothing happens.
    public mutating func beginPeak(of scope: RiskScope, at time: Timestamp) -> [DeskAction] {
        var actions = roll(to: time)
        guard let holder = gate.holder(of: scope), gate.drawdownLimit(of: holder) != nil else {
            return actions
        }
        let recorded = gate[holder]?.recorded
        gate[holder] = nil
        gate.watch(holder, at: time)
        gate[holder]?.recorded = recorded
        recordPeak(of: holder, &actions)
        return actions
    }

    /// A price moved: whoever holds something of the market may be worth more than ever, or have fallen too far.
    mutating func watchPeaks(ofMarket market: Int, at time: Timestamp, _ actions: inout [DeskAction]) {
        guard gate.watchesPeaks else { return }
        for row in gate.markets[market].rows where !gate.rows[row].ledger.quantity.isZero {
            let strategy = gate.rows[row].strategy
            guard gate.strategies[strategy].account == gate.rows[row].account else { continue }
            watch(.strategy(strategy), at: time, &actions)
        }
        let venue = gate.venue(gate.markets[market].venue)
        for account in gate.venues[venue].accounts { watch(.account(account), at: time, &actions) }
        watch(.venue(venue), at: time, &actions)
        watch(.everything, at: time, &actions)
    }

    /// A trade was booked on a row: it counts for the ratio of orders to trades, and equity may have changed.
    mutating func noteTrade(_ fill: Fill, on row: Int, at time: Timestamp, _ actions: inout [DeskAction]) {
        if !fill.isInferred, entries[fill.order] != nil { gate.noteRatio(row, trades: 1, at: time) }
        watchPeaks(ofRow: row, at: time, &actions)
    }

    /// The money of a row changed, and with it that of everything it is part of.
    mutating func watchPeaks(ofRow row: Int, at time: Timestamp, _ actions: inout [DeskAction]) {
        guard gate.watchesPeaks else { return }
        let (strategy, account) = (gate.rows[row].strategy, gate.rows[row].account)
        if gate.strategies[strategy].account == account { watch(.strategy(strategy), at: time, &actions) }
        watch(.account(account), at: time, &actions)
        watch(.venue(gate.accounts[account].venue), at: time, &actions)
        watch(.everything, at: time, &actions)
    }

    private mutating func watch(
        _ holder: RiskGate.Holder, at time: Timestamp, _ actions: inout [DeskAction]
    ) {
        guard gate.drawdownLimit(of: holder) != nil else { return }
        gate.watch(holder, at: time)
        guard gate[holder]?.isTold == false, let drawdown = gate.drawdown(of: holder), drawdown.isPassed
        else {
            return
        }
        gate[holder]?.isTold = true
        // Whatever happens next, this peak must not be forgotten.
        recordPeak(of: holder, &actions)
        actions.append(.alarm(.drawdown(drawdown)))
    }

    /// Writes down the peaks that have risen since the last time. Once a second: a rising market has many.
    mutating func reviewPeaks(at time: Timestamp, _ actions: inout [DeskAction]) {
        for holder in gate.holders {
            if gate.drawdownLimit(of: holder) != nil {
                watch(holder, at: time, &actions)
                recordPeak(of: holder, &actions)
            } else if gate[holder] != nil {
                endPeak(of: holder, at: time, &actions)
            }
        }
    }

    /// Forgets a peak: there is no limit on it any more, or it was of another account.
    mutating func endPeak(of holder: RiskGate.Holder, at time: Timestamp, _ actions: inout [DeskAction]) {
        guard let watch = gate[holder] else { return }
        gate[holder] = nil
        if watch.recorded != nil { actions.append(.record(.peakEnded(watch.peak.scope, at: time))) }
    }

    private mutating func recordPeak(of holder: RiskGate.Holder, _ actions: inout [DeskAction]) {
        guard let watch = gate[holder], watch.recorded != watch.peak else { return }
        gate[holder]?.recorded = watch.peak
        actions.append(.record(.peak(watch.peak)))
    }

    /// Puts the peaks of the journal in their places.
    mutating func restorePeaks(_ peaks: [RiskScope: EquityPeak]) {
        for (scope, peak) in peaks {
            // One of a strategy or venue that is gone is of no use.
            guard let holder = gate.holder(of: scope) else { continue }
            gate[holder] = PeakWatch(peak: peak, recorded: peak)
        }
        gate.lookForDrawdownLimits()
    }

    /// The peaks as the journal has them.
    var recordedPeaks: [RiskScope: EquityPeak] {
        var peaks: [RiskScope: EquityPeak] = [:]
        for holder in gate.holders {
            if let peak = gate[holder]?.recorded { peaks[peak.scope] = peak }
        }
        return peaks
    }
}
