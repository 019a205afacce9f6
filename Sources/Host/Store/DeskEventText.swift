internal import Trading
internal import Wire

/// Events as the append-only table keeps them: a kind and a JSON object that holds all of the event.

extension DeskEvent {
    /// The kinds, by their words in the table.
    enum Kind: String, Hashable, Sendable, CaseIterable {
        case order, fill, ledger, enrolment, halted, resumed
        case accountDay = "account_day"
        case flattenBegan = "flatten_began"
        case flattenEnded = "flatten_ended"
        case tradeCursor = "trade_cursor"
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
        case .accountDay, .halted, .resumed, .tradeCursor: nil
        }
    }

    /// All of the event but its kind.
    var json: JSONValue {
        switch self {
        case .order(let order): order.deskJSON
        case .fill(let fill): fill.deskJSON
        case .ledger(let record):
            record.key.deskJSON([
                "quantity": .decimal(record.ledger.quantity), "cost": .decimal(record.ledger.cost),
                "realised": .decimal(record.ledger.realised), "fees": .decimal(record.ledger.fees),
                "mark": record.mark.map { .decimal($0) }, "time": .time(record.time),
            ])
        case .enrolment(let enrolment): enrolment.deskJSON
        case .accountDay(let day):
            .members([
                "account": .string(day.account.text), "day": .integer(day.day),
                "opening_equity": .decimal(day.openingEquity),
            ])
        case .halted(let halt):
            .members([
                "scope": .string(halt.scope.key), "reason": .string(halt.reason), "time": .time(halt.time),
            ])
        case .resumed(let scope, let time): .members(["scope": .string(scope.key), "time": .time(time)])
        case .flattenBegan(let key, let time): key.deskJSON(["time": .time(time)])
        case .flattenEnded(let key, let reason, let time):
            key.deskJSON(["reason": .string(reason), "time": .time(time)])
        case .tradeCursor(let account, let cursor):
            .members(["account": .string(account.text), "cursor": .string(cursor)])
        }
    }

    /// Reads what ``json`` wrote.
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
        }
        try reader.finish()
    }
}

extension Order {
    fileprivate var deskJSON: JSONValue {
        let terms = intent.terms
        return .members([
            "id": .integer(intent.id.number), "client_id": .string(intent.clientID.text),
            "strategy": .string(intent.strategy.text), "run": .string(intent.run.text),
            "account": .string(intent.account.text), "venue": .string(intent.venue.text),
            "request": intent.request.map { .string($0.text) }, "origin": .string(intent.origin.rawValue),
            "symbol": .string(terms.symbol), "side": .string(terms.side.rawValue),
            "type": .string(terms.type.rawValue), "asked_quantity": .decimal(terms.quantity),
            "asked_price": terms.price.map { .decimal($0) },
            "stop_price": terms.stopPrice.map { .decimal($0) },
            "time_in_force": .string(terms.timeInForce.rawValue), "post_only": .bool(terms.postOnly),
            "reduce_only": .bool(terms.reduceOnly), "reserve_price": .decimal(intent.reservePrice),
            "created_at": .time(intent.createdAt), "status": .string(status.rawValue),
            "quantity": .decimal(quantity), "price": price.map { .decimal($0) },
            "filled_quantity": .decimal(filledQuantity), "filled_notional": .decimal(filledNotional),
            "fee": .decimal(fee), "venue_order_id": venueOrderID.map { .string($0.text) },
            "reason": reason.map { .string($0) }, "cancel_wanted": .bool(cancelWanted),
            "amend_quantity": amendment.map { .decimal($0.quantity) },
            "amend_price": amendment?.price.map { .decimal($0) },
            "venue_filled_quantity": .decimal(venueFilledQuantity),
            "inferred_quantity": .decimal(inferredQuantity), "updated_at": .time(updatedAt),
        ])
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
    fileprivate var deskJSON: JSONValue {
        .members([
            "venue": .string(key.venue.text), "account": .string(key.account.text),
            "symbol": .string(key.symbol), "trade": .string(key.trade.text), "order": .integer(order.number),
            "strategy": .string(strategy.text), "side": .string(side.rawValue), "price": .decimal(price),
            "quantity": .decimal(quantity), "fee": .decimal(fee), "fee_currency": .string(feeCurrency),
            "liquidity": .string(liquidity.rawValue), "time": .time(time), "inferred": .bool(isInferred),
        ])
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
    fileprivate func deskJSON(_ members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        let key: [JSONValue.Member] = [
            JSONValue.Member("strategy", .string(strategy.text)),
            JSONValue.Member("account", .string(account.text)), JSONValue.Member("symbol", .string(symbol)),
        ]
        return .object(
            key + members.compactMap { name, value in value.map { JSONValue.Member(name, $0) } })
    }

    fileprivate init(desk reader: inout ObjectReader) throws {
        self.init(
            strategy: StrategyID(try reader.string("strategy")),
            account: AccountID(try reader.string("account")), symbol: try reader.string("symbol"))
    }
}

extension Enrolment {
    fileprivate var deskJSON: JSONValue {
        .members([
            "strategy": .string(strategy.text), "run": .string(run.text), "account": .string(account.text),
            "capital": .decimal(capital), "limits": limits.deskJSON, "is_running": .bool(isRunning),
            "day": .integer(day), "day_opening_equity": .decimal(dayOpeningEquity),
        ])
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
            "leverage": leverage.map { .decimal($0) },
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
            })
        try reader.finish()
    }
}

extension ObjectReader {
    fileprivate mutating func bool(_ name: String) throws(FieldFailure) -> Bool {
        guard let value = try optionalBool(name) else { throw failure(name, "is missing") }
        return value
    }

    /// An instant, before 1970 too: nothing that was journaled is refused.
    fileprivate mutating func deskTime(_ name: String) throws(FieldFailure) -> Timestamp {
        Timestamp(milliseconds: Int64(try integer(name)))
    }

    fileprivate mutating func scope() throws(FieldFailure) -> RiskScope {
        let key = try string("scope")
        guard let scope = RiskScope(key: key) else { throw failure("scope", "\"\(key)\" is no scope") }
        return scope
    }
}
