extension Order {
    /// Takes an event and says what follows. The one place where an order changes.
    ///
    /// Rules: the cumulative quantity never falls; an order ends only on evidence; what the venue says late or twice
    /// changes nothing; what cannot be is an alarm and never a guess.
    public mutating func handle(_ event: OrderEvent, at time: Timestamp) -> OrderTransition {
        let before = self
        var transition = OrderTransition()
        switch event {
        case .sent: takeSent()
        case .unsent(let reason): takeUnsent(reason)
        case .accepted(let id): transition = takeAtVenue(id, filled: .zero, told: "accepted")
        case .foundOpen(let id, let filled): transition = takeAtVenue(id, filled: filled, told: "open")
        case .rejected(let reason): transition = takeRejected(reason)
        case .outcomeUnknown(let reason): takeOutcomeUnknown(reason)
        case .absent: transition = takeAbsent()
        case .cancelWanted: transition = takeCancelWanted()
        case .cancelRefused(let reason): transition = takeCancelRefused(reason)
        case .cancelled(let filled, let reason):
            transition = takeEnd(.cancelled, filled: filled, reason: reason)
        case .expired(let filled, let reason): transition = takeEnd(.expired, filled: filled, reason: reason)
        case .reportedFilled(let filled): transition = takeReportedFilled(filled)
        case .filled(let fill, let fee): transition = takeFill(fill, feeInQuote: fee)
        case .inferredUndone(let fill, let fee): takeInferredUndone(fill, feeInQuote: fee)
        case .amendSent(let amendment): takeAmendSent(amendment)
        case .amended(let amendment): transition = takeAmended(amendment)
        case .amendRefused: takeAmendRefused()
        }
        transition.changed = self != before
        // That a request left is not journaled, so it leaves no trace but the status.
        if transition.changed, event != .sent { updatedAt = time }
        return transition
    }

    private mutating func takeSent() {
        switch status {
        case .pending: status = .submitted
        // The answer can outrun the news that the request left.
        case .submitted, .open, .partiallyFilled, .pendingCancel, .filled, .cancelled, .rejected, .denied,
            .expired, .unknown, .notPlaced:
            break
        }
    }

    private mutating func takeUnsent(_ reason: String) {
        switch status {
        case .pending, .submitted:
            status = .notPlaced
            self.reason = reason
        // Whoever has heard of the order knows better.
        case .open, .partiallyFilled, .pendingCancel, .filled, .cancelled, .rejected, .denied, .expired,
            .unknown, .notPlaced:
            break
        }
    }

    private mutating func takeAtVenue(_ id: VenueOrderID, filled: FixedDecimal, told: String)
        -> OrderTransition
    {
        var transition = OrderTransition()
        switch status {
        case .pending, .submitted, .unknown:
            status = filledQuantity.isPositive ? .partiallyFilled : .open
            reason = nil
            leaveIfUnwanted(&transition)
        case .notPlaced:
            status = filledQuantity.isPositive ? .partiallyFilled : .open
            reason = nil
            transition.alarm = .resurrected
            leaveIfUnwanted(&transition)
        case .open, .partiallyFilled, .pendingCancel, .filled, .cancelled, .expired:
            break  // Known, or told late.
        case .rejected, .denied:
            transition.alarm = .contradiction(was: status, told: told)
            transition.asksStatus = status == .rejected && venueOrderID == nil
        }
        if venueOrderID == nil { venueOrderID = id }
        transition.asksTrades = raiseVenueFilled(to: filled)
        return transition
    }

    private mutating func takeRejected(_ reason: String) -> OrderTransition {
        var transition = OrderTransition()
        switch status {
        case .pending, .submitted, .unknown, .open, .partiallyFilled, .pendingCancel, .notPlaced:
            status = .rejected
            self.reason = reason
            amendment = nil
        case .cancelled, .expired, .rejected:
            break
        case .filled, .denied:
            transition.alarm = .contradiction(was: status, told: "rejected: \(reason)")
        }
        return transition
    }

    private mutating func takeOutcomeUnknown(_ reason: String) {
        switch status {
        case .pending, .submitted:
            status = .unknown
            self.reason = reason
        // The venue has spoken by another way; or it is unknown already.
        case .open, .partiallyFilled, .pendingCancel, .filled, .cancelled, .rejected, .denied, .expired,
            .unknown, .notPlaced:
            break
        }
    }

    private mutating func takeAbsent() -> OrderTransition {
        var transition = OrderTransition()
        switch status {
        case .pending, .submitted, .unknown:
            guard venueOrderID == nil, filledQuantity.isZero, venueFilledQuantity.isZero,
                reason != Self.forgotten
            else {
                return contradictAbsence()
            }
            status = .notPlaced
            reason = "the venue does not know the order; it was not sent again"
        case .open, .partiallyFilled, .pendingCancel:
            transition = contradictAbsence()
        case .filled, .cancelled, .rejected, .denied, .expired, .notPlaced:
            break
        }
        return transition
    }

    /// The venue forgot an order that it once acknowledged or filled: unknown, with an alarm the first time.
    private mutating func contradictAbsence() -> OrderTransition {
        var transition = OrderTransition()
        if status != .unknown || reason != Self.forgotten {
            transition.alarm = .contradiction(was: status, told: Self.forgotten)
        }
        status = .unknown
        reason = Self.forgotten
        return transition
    }

    private static let forgotten = "no such order, though it had acknowledged it"

    private mutating func takeCancelWanted() -> OrderTransition {
        var transition = OrderTransition()
        switch status {
        case .open, .partiallyFilled:
            cancelWanted = true
            leaveIfUnwanted(&transition)
        case .pending, .submitted, .unknown:
            cancelWanted = true  // Leaves when the venue has acknowledged the order.
        case .pendingCancel, .filled, .cancelled, .rejected, .denied, .expired, .notPlaced:
            break
        }
        return transition
    }

    /// Sends the cancel of an order that the venue holds and somebody wants gone.
    private mutating func leaveIfUnwanted(_ transition: inout OrderTransition) {
        guard cancelWanted else { return }
        // A change under way stays noted: it may reach the venue before the cancel.
        status = .pendingCancel
        transition.sendsCancel = true
    }

    private mutating func takeCancelRefused(_ reason: String) -> OrderTransition {
        var transition = OrderTransition()
        switch status {
        case .pendingCancel:
            self.reason = "cancel refused: \(reason)"
            transition.asksStatus = true  // Only the venue's own word on the order ends it.
        case .pending, .submitted, .open, .partiallyFilled, .filled, .cancelled, .rejected, .denied, .expired,
            .unknown, .notPlaced:
            break
        }
        return transition
    }

    private mutating func takeEnd(
        _ end: OrderStatus, filled: FixedDecimal?, reason: String?
    ) -> OrderTransition {
        var transition = OrderTransition()
        transition.asksTrades = raiseVenueFilled(to: filled ?? .zero)
        switch status {
        case .pending, .submitted, .open, .partiallyFilled, .pendingCancel, .unknown:
            status = end
            self.reason = reason
            // What a change that nobody answered made of it is the venue's to say.
            if amendment != nil { transition.asksStatus = true }
        case .notPlaced:
            status = end
            self.reason = reason
            transition.alarm = .resurrected
        case .filled, .cancelled, .expired, .rejected:
            break
        case .denied:
            transition.alarm = .contradiction(was: status, told: end.rawValue)
        }
        return transition
    }

    private mutating func takeReportedFilled(_ filled: FixedDecimal) -> OrderTransition {
        var transition = OrderTransition()
        transition.asksTrades = raiseVenueFilled(to: filled)
        switch status {
        case .pending, .submitted, .unknown:
            status = filledQuantity.isPositive ? .partiallyFilled : .open  // Filled once the trades are here.
        case .notPlaced:
            status = .open
            transition.alarm = .resurrected
        case .open, .partiallyFilled, .pendingCancel, .filled, .cancelled, .expired:
            break
        case .rejected, .denied:
            transition.alarm = .contradiction(was: status, told: "filled")
        }
        if status.isWorking, isWhole {
            // Its trades are here already; it was in doubt when the last of them came.
            status = .filled
            cancelWanted = false
        }
        return transition
    }

    private mutating func takeFill(_ fill: Fill, feeInQuote: FixedDecimal) -> OrderTransition {
        var transition = OrderTransition()
        filledQuantity = FixedDecimal.sum(filledQuantity, fill.quantity)
        filledNotional = FixedDecimal.sum(filledNotional, fill.notional)
        fee = FixedDecimal.sum(fee, feeInQuote)
        if fill.isInferred { inferredQuantity = FixedDecimal.sum(inferredQuantity, fill.quantity) }
        if let amendment, filledQuantity > quantity, filledQuantity <= amendment.quantity {
            // Only the changed order can have filled so far.
            quantity = amendment.quantity
            price = amendment.price ?? price
            self.amendment = nil
        }
        let isWhole = isWhole
        switch status {
        case .pending, .submitted, .open, .partiallyFilled, .unknown:
            if status == .unknown { reason = nil }
            status = isWhole ? .filled : .partiallyFilled
            if !isWhole { leaveIfUnwanted(&transition) }
        case .pendingCancel:
            if isWhole { status = .filled }
        case .cancelled, .expired:
            if isWhole {
                status = .filled
            } else if filledQuantity > venueFilledQuantity {
                // More than the venue told when it ended the order: it may live. Ask, and hold the rest reserved.
                status = .partiallyFilled
                transition.asksStatus = true
            }
        case .filled:
            break
        case .notPlaced:
            status = isWhole ? .filled : .partiallyFilled
            transition.alarm = .resurrected
            if !isWhole { leaveIfUnwanted(&transition) }
        case .rejected, .denied:
            transition.alarm = .contradiction(was: status, told: "a fill of \(fill.quantity)")
            status = isWhole ? .filled : .partiallyFilled
            transition.asksStatus = true
        }
        if filledQuantity > quantity {
            transition.alarm = .overfilled(ordered: quantity, filled: filledQuantity)
        }
        if status == .filled {
            if amendment != nil { transition.asksStatus = true }
            cancelWanted = false
        }
        return transition
    }

    /// The status stays: the trade that takes the place of the inferred fill follows at once.
    private mutating func takeInferredUndone(_ fill: Fill, feeInQuote: FixedDecimal) {
        precondition(fill.quantity <= inferredQuantity, "only what was inferred is undone")
        filledQuantity = FixedDecimal.difference(filledQuantity, fill.quantity)
        filledNotional = FixedDecimal.difference(filledNotional, fill.notional)
        fee = FixedDecimal.sum(fee, feeInQuote)
        inferredQuantity = FixedDecimal.difference(inferredQuantity, fill.quantity)
    }

    private mutating func takeAmendSent(_ amendment: Amendment) {
        switch status {
        case .open, .partiallyFilled: self.amendment = amendment
        case .pending, .submitted, .pendingCancel, .filled, .cancelled, .rejected, .denied, .expired,
            .unknown,
            .notPlaced:
            break
        }
    }

    private mutating func takeAmended(_ amendment: Amendment) -> OrderTransition {
        var transition = OrderTransition()
        let wasTooMuch = filledQuantity > quantity
        switch status {
        case .pending, .submitted, .unknown, .open, .partiallyFilled, .pendingCancel:
            quantity = amendment.quantity
            price = amendment.price ?? price
            self.amendment = nil
            if !status.isWorking { status = filledQuantity.isPositive ? .partiallyFilled : .open }
            if filledQuantity >= quantity {
                status = .filled
                cancelWanted = false
            }
        case .filled, .cancelled, .expired:
            // Its end was heard of first. More than it filled it was not for, or it would not have ended so.
            self.amendment = nil
            guard status != .filled || amendment.quantity <= filledQuantity else { break }
            quantity = amendment.quantity
            price = amendment.price ?? price
        case .rejected, .denied, .notPlaced:
            transition.alarm = .contradiction(was: status, told: "amended")
        }
        // The fills beyond the smaller order came before the news that it is smaller.
        if filledQuantity > quantity, !wasTooMuch, transition.alarm == nil {
            transition.alarm = .overfilled(ordered: quantity, filled: filledQuantity)
        }
        return transition
    }

    private mutating func takeAmendRefused() {
        amendment = nil
        switch status {
        case .open, .partiallyFilled, .pendingCancel:
            guard filledQuantity >= quantity else { return }
            status = .filled
            cancelWanted = false
        case .pending, .submitted, .filled, .cancelled, .rejected, .denied, .expired, .unknown, .notPlaced:
            break
        }
    }

    /// Whether all of it is filled. A change under way may have made it larger at the venue; what settles the change says
    /// whether it is whole.
    private var isWhole: Bool { filledQuantity >= max(quantity, amendment?.quantity ?? quantity) }

    /// Notes how much the venue says is filled; true when trades are missing here.
    private mutating func raiseVenueFilled(to filled: FixedDecimal) -> Bool {
        guard filled > venueFilledQuantity else { return false }
        venueFilledQuantity = filled
        return filled > filledQuantity
    }
}
