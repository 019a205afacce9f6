internal import MarketData
internal import Trading
internal import Wire

/// From the strategy's lines to the venue and back.
extension BacktestEngine {
    /// Carries out what the strategy says, at the close of the latest candle.
    mutating func take(_ message: StrategyMessage) {
        switch message {
        case .order(let request, let terms, let bracket): submit(request, terms, bracket)
        case .oco(let request, let symbol, let side, let quantity, let prices):
            decide(symbol, side, quantity, kind: "oco", price: prices.stopLoss ?? prices.takeProfit)
            carry(
                desk.protect(
                    symbol, side: side, quantity: quantity, prices: prices, request: RequestID(request),
                    by: Self.strategy, at: clock, refusal: refusal))
        case .cancel(let request): carry(desk.cancel(RequestID(request), by: Self.strategy, at: clock))
        case .cancelBracket(let request):
            carry(desk.cancelBracket(RequestID(request), by: Self.strategy, at: clock))
        case .amend(let request, let quantity, let price):
            carry(
                desk.amend(
                    RequestID(request), quantity: quantity, price: price, by: Self.strategy, at: clock))
        case .amendBracket(let request, let prices):
            carry(
                desk.amendBracket(RequestID(request), prices: prices, by: Self.strategy, at: clock))
        case .signal(let action, let symbol, _):
            let isSale = action.uppercased().contains("SELL")
            decide(symbol ?? series[0].symbol, isSale ? .sell : .buy, .zero, kind: "signal", price: nil)
        case .log(_, let message): keep(message)
        case .timer(let id, let after, let repeats):
            if !timers.set(id, after: after, repeats: repeats, at: clock) {
                keep("timer \"\(id)\" was refused: 64 timers are set already")
            }
        case .subscribe(let symbol, let resolution, let trades, let quotes):
            subscribe(symbol, resolution, trades: trades, quotes: quotes)
        case .metric, .state, .ready, .pong, .done, .bye: break
        }
    }

    /// A line was refused; an order in it is denied.
    mutating func refuse(_ failure: LineFailure) {
        keep("a line was refused: \(failure)")
        guard failure.type == .order || failure.type == .oco, let request = failure.request else { return }
        HostMessage.order(
            .denied(request: request, reason: "the line was refused: \(failure)", at: clock)
        ).write(to: &outgoing)
    }

    /// Moves the lines that are for the strategy to the end of `lines`.
    mutating func takeOutgoing(into lines: inout [UInt8]) {
        guard !outgoing.isEmpty else { return }
        lines.append(contentsOf: outgoing)
        outgoing.removeAll(keepingCapacity: true)
    }

    private var refusal: String? { isHistory ? "this candle is history" : nil }

    private mutating func submit(_ request: String, _ terms: OrderTerms, _ bracket: BracketPrices?) {
        decide(
            terms.symbol, terms.side, terms.quantity, kind: terms.type.rawValue,
            price: terms.price ?? terms.stopPrice)
        carry(
            desk.submit(
                terms, bracket: bracket, request: RequestID(request), by: Self.strategy, at: clock,
                refusal: refusal))
    }

    private mutating func decide(
        _ symbol: String, _ side: Side, _ quantity: FixedDecimal, kind: String, price: FixedDecimal?
    ) {
        decisions.append(
            .init(time: clock, symbol: symbol, side: side, quantity: quantity, kind: kind, price: price))
    }

    private mutating func subscribe(_ symbol: String, _ resolution: Resolution?, trades: Bool, quotes: Bool) {
        if trades || quotes { keep("a backtest has candles and no trades or quotes of \(symbol)") }
        guard let resolution,
            !series.contains(where: { $0.symbol == symbol && $0.resolution == resolution })
        else { return }
        keep("candles of \(symbol) \(resolution) are not in this backtest: name them in its series")
    }

    // MARK: - What the desk decides

    /// Does what the desk wants, in order; what goes to the venue goes last. The venue answers at once here, and the strategy
    /// must not hear of that before it has heard what came before, as where answers take time.
    mutating func carry(_ actions: [DeskAction]) {
        var sends = false
        for action in actions {
            switch action {
            case .record(.fill(let fill)): note(fill)
            case .record: break
            case .send: sends = true
            case .tell(_, let notice): tell(notice)
            case .alarm(let alarm): keep("\(alarm)")
            }
        }
        guard sends else { return }
        for case .send(_, let request) in actions { send(request) }
    }

    private mutating func tell(_ notice: StrategyNotice) {
        switch notice {
        case .order(let order):
            guard order.intent.request != nil else { return }
            HostMessage.order(OrderReport(order, symbol: order.symbol)).write(to: &outgoing)
        case .fill(let fill, let request):
            HostMessage.fill(FillReport(fill, request: request, symbol: fill.symbol)).write(to: &outgoing)
        case .position(let position):
            HostMessage.position(PositionReport(position, symbol: position.key.symbol)).write(to: &outgoing)
        case .bracket(let bracket):
            HostMessage.bracket(BracketReport(bracket, symbol: bracket.key.symbol)).write(to: &outgoing)
        case .denied(let request, let denial):
            HostMessage.order(.denied(request: request.text, reason: denial.description, at: clock))
                .write(to: &outgoing)
        case .trading: break
        }
    }

    private mutating func send(_ request: VenueRequest) {
        if instant == nil, costs.marketFill == .nextOpen || costs.latencyMilliseconds > 0 || !hasBegun,
            let symbol = request.symbol
        {
            let time = clock.advanced(byMilliseconds: costs.latencyMilliseconds)
            arrivals.append(Arrival(time: time, symbol: symbol, request: request))
        } else {
            arrive(request, at: instant ?? clock)
        }
    }

    /// A request reaches the venue, which answers at once.
    mutating func arrive(_ request: VenueRequest, at time: Timestamp) {
        switch request {
        case .place(let place):
            let (order, events) =
                standing.map { matching.place(place, on: Self.account, at: time, price: $0) }
                ?? matching.place(place, on: Self.account, at: time)
            if order.state == .rejected {
                report(.rejected(place.clientID, reason: order.reason ?? "rejected"), at: time)
            } else {
                // One that filled at once was never open.
                if order.state != .filled { report(.accepted(place.clientID, order.venueOrderID), at: time) }
                report(events, at: time)
            }
        case .cancel(let order):
            do throws(MatchingRefusal) {
                let events = try matching.cancel(order.clientID, on: Self.account, at: time)
                report(events, at: time)
            } catch {
                report(.cancelRefused(order.clientID, reason: error.description), at: time)
            }
        case .amend(let order, let amendment):
            do throws(MatchingRefusal) {
                let events = try matching.amend(
                    order.clientID, to: amendment, on: Self.account, at: time)
                report(.amended(order.clientID, amendment), at: time)
                report(events, at: time)
            } catch {
                report(.amendRefused(order.clientID, reason: error.description), at: time)
            }
        case .status(let order):
            if let known = matching.order(order.clientID, on: Self.account) {
                report(.order(known.venueOrder), at: time)
            } else {
                report(.absent(order.clientID), at: time)
            }
        case .trades: report(.trades([], cursor: nil, isComplete: true), at: time)
        case .openOrders, .balances, .decided: break
        }
    }

    private mutating func report(_ report: VenueReport, at time: Timestamp) {
        carry(desk.venueReported(report, on: Self.account, at: time))
    }

    /// What happened at the venue, in the words of its adapter.
    mutating func report(_ events: [MatchingEvent], at time: Timestamp) {
        for event in events {
            switch event {
            case .traded(let trade, let market):
                let before = standing
                // What follows from it happens where the market stood, which no slippage moves.
                standing = instant == nil ? nil : market
                if desk.holdsBrackets { move(to: market, trade.trade.symbol, at: time) }
                report(.trade(trade.trade), at: time)
                standing = before
            case .ended(let order):
                guard let id = order.clientID else { continue }
                switch order.state {
                case .cancelled:
                    report(.cancelled(id, filled: order.filledQuantity, reason: order.reason), at: time)
                case .expired:
                    report(.expired(id, filled: order.filledQuantity, reason: order.reason), at: time)
                case .open, .filled, .rejected: break
                }
            case .liquidated(_, let shortfall):
                keep("the account was liquidated")
                if shortfall.isPositive { forgive(shortfall) }
            }
        }
    }

    /// Tells the desk a price inside a candle, at which legs of brackets may be reached.
    mutating func move(to price: FixedDecimal, _ symbol: String, at time: Timestamp) {
        let before = standing
        standing = price
        carry(
            desk.priceMoved(
                .trade(MarketTrade(symbol: symbol, time: time, price: price, quantity: .zero)),
                on: Self.venue, at: time))
        standing = before
    }
}

extension VenueRequest {
    /// The instrument that it is about; nil for questions about an account.
    fileprivate var symbol: String? {
        switch self {
        case .place(let place): place.terms.symbol
        case .cancel(let order), .amend(let order, _): order.symbol
        case .status, .trades, .openOrders, .balances, .decided: nil
        }
    }
}
