internal import Trading
internal import Wire

/// Events as the append-only table keeps them: a kind and a JSON object that holds all of the event.

extension DeskEvent {
    /// The kinds, by their words in the table.
    enum Kind: String, Hashable, Sendable, CaseIterable {
        case order, fill, ledger, enrolment, halted, resumed, peak, bracket, holding
        case accountDay = "account_day"
        case flattenBegan = "flatten_began"
        case flattenEnded = "flatten_ended"
        case tradeCursor = "trade_cursor"
        case peakEnded = "peak_ended"
    }

    var kind: Kind {
        switch self {
        case .order: .order
        case .fill: .fill
        case .ledger: .ledger
        case .enrolment: .enrolment
        case .accountDay: .accountDay
        case .halted: .halted
        case .resumed: .resumed
        case .flattenBegan: .flattenBegan
        case .flattenEnded: .flattenEnded
        case .tradeCursor: .tradeCursor
        case .peak: .peak
        case .peakEnded: .peakEnded
        case .bracket: .bracket
        case .holding: .holding
        }
    }

    /// The strategy it is about, if it is about one.
    var strategy: StrategyID? {
        switch self {
        case .order(let order): order.intent.strategy
        case .fill(let fill): fill.strategy
        case .ledger(let record): record.key.strategy
        case .enrolment(let enrolment): enrolment.strategy
        case .flattenBegan(let key, _), .flattenEnded(let key, _, _): key.strategy
        case .bracket(let bracket): bracket.key.strategy
        case .accountDay, .halted, .resumed, .tradeCursor, .peak, .peakEnded, .holding: nil
        }
    }

    /// The order that it is about, if it is about one.
    var order: OrderID? {
        if case .order(let order) = self { return order.id }
        if case .fill(let fill) = self { return fill.order }
        return nil
    }

    /// All of the event but its kind, as a JSON object.
    var text: String {
        var writer = DeskEventWriter()
        switch self {
        case .order(let order): order.write(to: &writer)
        case .fill(let fill): fill.write(to: &writer)
        case .ledger(let record):
            record.key.write(to: &writer)
            writer.add("quantity", record.ledger.quantity)
            writer.add("cost", record.ledger.cost)
            writer.add("realised", record.ledger.realised)
            writer.add("fees", record.ledger.fees)
            writer.add("mark", record.mark)
            writer.add("time", record.time)
        case .enrolment(let enrolment): enrolment.write(to: &writer)
        case .accountDay(let day):
            writer.add("account", day.account.text)
            writer.add("day", day.day)
            writer.add("opening_equity", day.openingEquity)
        case .halted(let halt):
            writer.add("scope", halt.scope.key)
            writer.add("reason", halt.reason)
            writer.add("time", halt.time)
        case .resumed(let scope, let time):
            writer.add("scope", scope.key)
            writer.add("time", time)
        case .flattenBegan(let key, let time):
            key.write(to: &writer)
            writer.add("time", time)
        case .flattenEnded(let key, let reason, let time):
            key.write(to: &writer)
            writer.add("reason", reason)
            writer.add("time", time)
        case .tradeCursor(let account, let cursor):
            writer.add("account", account.text)
            writer.add("cursor", cursor)
        case .peak(let peak):
            writer.add("scope", peak.scope.key)
            writer.add("profit", peak.profit)
            writer.add("time", peak.time)
        case .peakEnded(let scope, let time):
            writer.add("scope", scope.key)
            writer.add("time", time)
        case .bracket(let bracket): bracket.write(to: &writer)
        case .holding(let record):
            writer.add("account", record.account.text)
            writer.add("asset", record.asset)
            writer.add("unowned", record.unowned)
            writer.add("external", record.external)
            if let since = record.since { writer.add("since", since) }
            writer.add("time", record.time)
        }
        return writer.finish()
    }

    /// Reads what ``text`` wrote.
    init(kind: Kind, text: String) throws {
        var reader = try ObjectReader(try JSONParser.parse(text))
        switch kind {
        case .order: self = .order(try Order(desk: &reader))
        case .fill: self = .fill(try Fill(desk: &reader))
        case .ledger:
            let ledger = SubLedger(
                quantity: try reader.decimal("quantity"), cost: try reader.decimal("cost"),
                realised: try reader.decimal("realised"), fees: try reader.decimal("fees"))
            self = .ledger(
                LedgerRecord(
                    key: try LedgerKey(desk: &reader), ledger: ledger,
                    mark: try reader.optionalDecimal("mark"), time: try reader.deskTime("time")))
        case .enrolment: self = .enrolment(try Enrolment(desk: &reader))
        case .accountDay:
            self = .accountDay(
                AccountDay(
                    account: AccountID(try reader.string("account")), day: Int64(try reader.integer("day")),
                    openingEquity: try reader.decimal("opening_equity")))
        case .halted:
            self = .halted(
                HaltRecord(
                    scope: try reader.scope(), reason: try reader.string("reason", bytes: 1 << 16),
                    time: try reader.deskTime("time")))
        case .resumed: self = .resumed(try reader.scope(), at: try reader.deskTime("time"))
        case .flattenBegan:
            self = .flattenBegan(try LedgerKey(desk: &reader), at: try reader.deskTime("time"))
        case .flattenEnded:
            self = .flattenEnded(
                try LedgerKey(desk: &reader), reason: try reader.string("reason", bytes: 1 << 16),
                at: try reader.deskTime("time"))
        case .tradeCursor:
            self = .tradeCursor(
                AccountID(try reader.string("account")), try reader.string("cursor", bytes: 1 << 16))
        case .peak:
            self = .peak(
                EquityPeak(
                    scope: try reader.scope(), profit: try reader.decimal("profit"),
                    time: try reader.deskTime("time")))
        case .peakEnded: self = .peakEnded(try reader.scope(), at: try reader.deskTime("time"))
        case .bracket: self = .bracket(try Bracket(desk: &reader))
        case .holding:
            self = .holding(
                HoldingRecord(
                    account: AccountID(try reader.string("account")), asset: try reader.string("asset"),
                    unowned: try reader.decimal("unowned"), external: try reader.decimal("external"),
                    since: try reader.optionalInteger("since").map { Timestamp(milliseconds: Int64($0)) },
                    time: try reader.deskTime("time")))
        }
        try reader.finish()
    }
}

extension Order {
    fileprivate func write(to writer: inout DeskEventWriter) {
        let terms = intent.terms
        writer.add("id", intent.id.number)
        writer.add("client_id", intent.clientID.text)
        writer.add("strategy", intent.strategy.text)
        writer.add("run", intent.run.text)
        writer.add("account", intent.account.text)
        writer.add("venue", intent.venue.text)
        writer.add("request", intent.request?.text)
        writer.add("origin", intent.origin.rawValue)
        writer.add("symbol", terms.symbol)
        writer.add("side", terms.side.rawValue)
        writer.add("type", terms.type.rawValue)
        writer.add("asked_quantity", terms.quantity)
        writer.add("asked_price", terms.price)
        writer.add("stop_price", terms.stopPrice)
        writer.add("time_in_force", terms.timeInForce.rawValue)
        writer.add("post_only", terms.postOnly)
        writer.add("reduce_only", terms.reduceOnly)
        writer.add("reserve_price", intent.reservePrice)
        writer.add("created_at", intent.createdAt)
        writer.add("status", status.rawValue)
        writer.add("quantity", quantity)
        writer.add("price", price)
        writer.add("filled_quantity", filledQuantity)
        writer.add("filled_notional", filledNotional)
        writer.add("fee", fee)
        writer.add("venue_order_id", venueOrderID?.text)
        writer.add("reason", reason)
        writer.add("cancel_wanted", cancelWanted)
        writer.add("amend_quantity", amendment?.quantity)
        writer.add("amend_price", amendment?.price)
        writer.add("venue_filled_quantity", venueFilledQuantity)
        writer.add("inferred_quantity", inferredQuantity)
        writer.add("updated_at", updatedAt)
    }

    fileprivate init(desk reader: inout ObjectReader) throws {
        guard let clientID = ClientOrderID(try reader.string("client_id")) else {
            throw reader.failure("client_id", "is no client order id")
        }
        let terms = OrderTerms(
            symbol: try reader.string("symbol"), side: try reader.choice("side"),
            type: try reader.choice("type"), quantity: try reader.decimal("asked_quantity"),
            price: try reader.optionalDecimal("asked_price"),
            stopPrice: try reader.optionalDecimal("stop_price"),
            timeInForce: try reader.choice("time_in_force"), postOnly: try reader.bool("post_only"),
            reduceOnly: try reader.bool("reduce_only"))
        let intent = OrderIntent(
            id: OrderID(Int64(try reader.integer("id"))), clientID: clientID,
            strategy: StrategyID(try reader.string("strategy")), run: RunID(try reader.string("run")),
            account: AccountID(try reader.string("account")), venue: VenueID(try reader.string("venue")),
            request: try reader.optionalString("request").map { RequestID($0) },
            origin: try reader.choice("origin"), terms: terms,
            reservePrice: try reader.decimal("reserve_price"), createdAt: try reader.deskTime("created_at"))
        let amendedPrice = try reader.optionalDecimal("amend_price")
        self.init(
            intent: intent, status: try reader.choice("status"), quantity: try reader.decimal("quantity"),
            price: try reader.optionalDecimal("price"),
            filledQuantity: try reader.decimal("filled_quantity"),
            filledNotional: try reader.decimal("filled_notional"), fee: try reader.decimal("fee"),
            venueOrderID: try reader.optionalString("venue_order_id").map { VenueOrderID($0) },
            reason: try reader.optionalString("reason", bytes: 1 << 16),
            cancelWanted: try reader.bool("cancel_wanted"),
            amendment: try reader.optionalDecimal("amend_quantity").map {
                Amendment(quantity: $0, price: amendedPrice)
            },
            venueFilledQuantity: try reader.decimal("venue_filled_quantity"),
            inferredQuantity: try reader.decimal("inferred_quantity"),
            updatedAt: try reader.deskTime("updated_at"))
    }
}

extension Fill {
    fileprivate func write(to writer: inout DeskEventWriter) {
        writer.add("venue", key.venue.text)
        writer.add("account", key.account.text)
        writer.add("symbol", key.symbol)
        writer.add("trade", key.trade.text)
        writer.add("order", order.number)
        writer.add("strategy", strategy.text)
        writer.add("side", side.rawValue)
        writer.add("price", price)
        writer.add("quantity", quantity)
        writer.add("fee", fee)
        writer.add("fee_currency", feeCurrency)
        writer.add("liquidity", liquidity.rawValue)
        writer.add("time", time)
        writer.add("inferred", isInferred)
    }

    fileprivate init(desk reader: inout ObjectReader) throws {
        let key = FillKey(
            venue: VenueID(try reader.string("venue")), account: AccountID(try reader.string("account")),
            symbol: try reader.string("symbol"), trade: TradeID(try reader.string("trade")))
        self.init(
            key: key, order: OrderID(Int64(try reader.integer("order"))),
            strategy: StrategyID(try reader.string("strategy")), side: try reader.choice("side"),
            price: try reader.decimal("price"), quantity: try reader.decimal("quantity"),
            fee: try reader.decimal("fee"), feeCurrency: try reader.string("fee_currency"),
            liquidity: try reader.choice("liquidity"), time: try reader.deskTime("time"),
            isInferred: try reader.bool("inferred"))
    }
}

extension LedgerKey {
    func write(to writer: inout DeskEventWriter) {
        writer.add("strategy", strategy.text)
        writer.add("account", account.text)
        writer.add("symbol", symbol)
    }

    init(desk reader: inout ObjectReader) throws {
        self.init(
            strategy: StrategyID(try reader.string("strategy")),
            account: AccountID(try reader.string("account")), symbol: try reader.string("symbol"))
    }
}

extension Enrolment {
    fileprivate func write(to writer: inout DeskEventWriter) {
        writer.add("strategy", strategy.text)
        writer.add("run", run.text)
        writer.add("account", account.text)
        writer.add("capital", capital)
        writer.add("limits", limits.deskJSON)
        writer.add("is_running", isRunning)
        writer.add("day", day)
        writer.add("day_opening_equity", dayOpeningEquity)
    }

    fileprivate init(desk reader: inout ObjectReader) throws {
        self.init(
            strategy: StrategyID(try reader.string("strategy")), run: RunID(try reader.string("run")),
            account: AccountID(try reader.string("account")), capital: try reader.decimal("capital"),
            limits: try RiskLimits(deskJSON: try reader.required("limits")),
            isRunning: try reader.bool("is_running"), day: Int64(try reader.integer("day")),
            dayOpeningEquity: try reader.decimal("day_opening_equity"))
    }
}

extension RiskLimits {
    /// As the desk's tables keep limits. What is left out is unlimited.
    var deskJSON: JSONValue {
        .members([
            "order_notional": orderNotional.map { .decimal($0) },
            "position_notional": positionNotional.map { .decimal($0) },
            "open_positions": openPositions.map { .integer($0) },
            "open_orders": openOrders.map { .integer($0) },
            "orders_per_minute": ordersPerMinute.map { .integer($0) },
            "price_distance": priceDistance.map { .decimal($0) },
            "daily_loss": dailyLoss.map { .decimal($0) },
            "daily_loss_fraction": dailyLossFraction.map { .decimal($0) },
            "leverage": leverage.map { .decimal($0) }, "exposure": exposure.map { .decimal($0) },
            "drawdown": drawdown.map { .decimal($0) },
            "order_to_trade": orderToTrade.map { .decimal($0) },
            "self_trade_prevention": preventsSelfTrades ? .bool(true) : nil,
            "instruments": instruments.map { .array($0.sorted().map { .string($0) }) },
        ])
    }

    /// Reads what ``deskJSON`` wrote.
    init(deskJSON value: JSONValue) throws {
        var reader = try ObjectReader(value)
        self.init(
            orderNotional: try reader.optionalDecimal("order_notional"),
            positionNotional: try reader.optionalDecimal("position_notional"),
            openPositions: try reader.optionalInteger("open_positions"),
            openOrders: try reader.optionalInteger("open_orders"),
            ordersPerMinute: try reader.optionalInteger("orders_per_minute"),
            priceDistance: try reader.optionalDecimal("price_distance"),
            dailyLoss: try reader.optionalDecimal("daily_loss"),
            dailyLossFraction: try reader.optionalDecimal("daily_loss_fraction"),
            leverage: try reader.optionalDecimal("leverage"),
            instruments: try reader.optionalArray("instruments", count: 100_000).map { array in
                Set(array.compactMap(\.stringValue))
            }, preventsSelfTrades: try reader.optionalBool("self_trade_prevention") ?? false,
            exposure: try reader.optionalDecimal("exposure"),
            drawdown: try reader.optionalDecimal("drawdown"),
            orderToTrade: try reader.optionalDecimal("order_to_trade"))
        try reader.finish()
    }
}

extension ObjectReader {
    mutating func bool(_ name: String) throws(FieldFailure) -> Bool {
        guard let value = try optionalBool(name) else { throw failure(name, "is missing") }
        return value
    }

    /// An instant, before 1970 too: nothing that was journaled is refused.
    mutating func deskTime(_ name: String) throws(FieldFailure) -> Timestamp {
        Timestamp(milliseconds: Int64(try integer(name)))
    }

    fileprivate mutating func scope() throws(FieldFailure) -> RiskScope {
        let key = try string("scope")
        guard let scope = RiskScope(key: key) else { throw failure("scope", "\"\(key)\" is no scope") }
        return scope
    }
}
