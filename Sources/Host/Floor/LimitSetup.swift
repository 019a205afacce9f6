internal import Trading
internal import Wire

/// The limits that the operator has set, for everything, for venues, for accounts and for strategies.
struct LimitSetup: Hashable, Sendable {
    var global: RiskLimits
    var venues: [String: RiskLimits] = [:]
    var accounts: [String: RiskLimits] = [:]
    var strategies: [String: RiskLimits] = [:]

    /// A change as the request names it, by scope.
    struct Change: Hashable, Sendable {
        var scope: Scope
        var limits: RiskLimits
    }

    /// Whose limits they are.
    enum Scope: Hashable, Sendable {
        case global
        case venue(String)
        case account(String)
        case strategy(String)

        /// As the database and the audit trail write it.
        var text: String {
            switch self {
            case .global: "global"
            case .venue(let id): "venue:\(id)"
            case .account(let id): "account:\(id)"
            case .strategy(let id): "strategy:\(id)"
            }
        }

        /// Reads ``text``.
        init?(_ text: String) {
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            switch (parts.first, parts.count) {
            case ("global", 1): self = .global
            case ("venue", 2): self = .venue(parts[1])
            case ("account", 2): self = .account(parts[1])
            case ("strategy", 2): self = .strategy(parts[1])
            default: return nil
            }
        }
    }

    /// The limits in force at a start: what was saved over what the configuration file says.
    init(global: RiskLimits, saved rows: [(scope: String, limits: String)]) throws {
        self.init(global: global)
        for row in rows {
            guard let scope = Scope(row.scope) else { continue }
            self[scope] = try RiskLimits.none.changed(by: try JSONParser.parse(row.limits), path: row.scope)
        }
    }

    private init(global: RiskLimits) {
        self.global = global
    }

    /// The limits of a scope; none where nothing was set.
    subscript(scope: Scope) -> RiskLimits {
        get {
            switch scope {
            case .global: global
            case .venue(let id): venues[id] ?? .none
            case .account(let id): accounts[id] ?? .none
            case .strategy(let id): strategies[id] ?? .none
            }
        }
        set {
            switch scope {
            case .global: global = newValue
            case .venue(let id): venues[id] = newValue
            case .account(let id): accounts[id] = newValue
            case .strategy(let id): strategies[id] = newValue
            }
        }
    }

    /// Reads `{"global":{…},"venues":{"binance":{…}},"accounts":{"paper":{…}},"strategies":{"id":{…}}}` over what is set.
    ///
    /// - Parameter exists: Whether there is such a venue, account or strategy.
    func changes(_ json: JSONValue, exists: (Scope) -> Bool) throws(FieldFailure) -> [Change] {
        var reader = try ObjectReader(json)
        var changes: [Change] = []
        if let value = reader.optional("global") {
            changes.append(Change(scope: .global, limits: try global.changed(by: value, path: "global")))
        }
        let kinds = [
            ("venues", Scope.venue), ("accounts", Scope.account), ("strategies", Scope.strategy),
        ]
        for (name, make) in kinds {
            guard let value = reader.optional(name) else { continue }
            guard case .object(let members) = value else {
                throw reader.failure(name, "must be an object, not \(value.kind)")
            }
            for member in members {
                let scope = make(member.name)
                let path = "\(name).\(member.name)"
                guard exists(scope) else { throw FieldFailure(field: path, reason: "is not there") }
                changes.append(
                    Change(scope: scope, limits: try self[scope].changed(by: member.value, path: path)))
            }
        }
        try reader.finish()
        return changes
    }
}

extension LimitSetup.Scope {
    /// The interface's word for a scope of the desk.
    init(_ scope: RiskScope) {
        switch scope {
        case .everything: self = .global
        case .venue(let id): self = .venue(id.text)
        case .account(let id): self = .account(id.text)
        case .strategy(let id): self = .strategy(id.text)
        }
    }
}

extension RiskScope {
    /// The desk's word for a scope of the interface.
    init(_ scope: LimitSetup.Scope) {
        switch scope {
        case .global: self = .everything
        case .venue(let id): self = .venue(VenueID(id))
        case .account(let id): self = .account(AccountID(id))
        case .strategy(let id): self = .strategy(StrategyID(id))
        }
    }
}

extension RiskLimits {
    /// The limits that the configuration file sets for everything.
    init(_ limits: Configuration.Limits) {
        self.init(
            orderNotional: limits.orderNotional, positionNotional: limits.positionNotional,
            openOrders: limits.openOrders, ordersPerMinute: limits.ordersPerMinute,
            priceDistance: limits.priceDistance, dailyLoss: limits.dailyLoss, leverage: limits.leverage,
            instruments: limits.instruments.isEmpty ? nil : Set(limits.instruments),
            preventsSelfTrades: limits.preventsSelfTrades)
    }

    /// The limits as the interface and the database write them; null means no limit.
    var json: JSONValue {
        .object([
            .init("order_notional", .orNull(orderNotional)),
            .init("position_notional", .orNull(positionNotional)), .init("exposure", .orNull(exposure)),
            .init("open_positions", .orNull(openPositions)), .init("open_orders", .orNull(openOrders)),
            .init("orders_per_minute", .orNull(ordersPerMinute)),
            .init("price_distance", .orNull(priceDistance)), .init("daily_loss", .orNull(dailyLoss)),
            .init("daily_loss_fraction", .orNull(dailyLossFraction)), .init("drawdown", .orNull(drawdown)),
            .init("order_to_trade", .orNull(orderToTrade)), .init("leverage", .orNull(leverage)),
            .init("self_trade_prevention", .bool(preventsSelfTrades)),
            .init(
                "instruments", instruments.map { .array($0.sorted().map { .string($0) }) } ?? .null),
        ])
    }

    /// These limits with the members of `json` put in their place; null takes a limit away.
    func changed(by json: JSONValue, path: String) throws(FieldFailure) -> RiskLimits {
        var reader = try ObjectReader(json, path: path)
        var limits = self
        func isNull(_ name: String) -> Bool { json[name] == .null }
        func amount(
            _ name: String, _ old: FixedDecimal?, _ reader: inout ObjectReader
        ) throws(FieldFailure) -> FixedDecimal? {
            guard let value = try reader.optionalDecimal(name) else { return isNull(name) ? nil : old }
            guard value.isPositive else {
                throw reader.failure(name, "must be above 0, or null for no limit")
            }
            return value
        }
        func count(_ name: String, _ old: Int?, _ reader: inout ObjectReader) throws(FieldFailure) -> Int? {
            try reader.optionalInteger(name, in: 0...1_000_000) ?? (isNull(name) ? nil : old)
        }
        limits.orderNotional = try amount("order_notional", orderNotional, &reader)
        limits.positionNotional = try amount("position_notional", positionNotional, &reader)
        limits.openPositions = try count("open_positions", openPositions, &reader)
        limits.openOrders = try count("open_orders", openOrders, &reader)
        limits.ordersPerMinute = try count("orders_per_minute", ordersPerMinute, &reader)
        limits.priceDistance = try amount("price_distance", priceDistance, &reader)
        limits.dailyLoss = try amount("daily_loss", dailyLoss, &reader)
        limits.dailyLossFraction = try amount("daily_loss_fraction", dailyLossFraction, &reader)
        limits.leverage = try amount("leverage", leverage, &reader)
        limits.exposure = try amount("exposure", exposure, &reader)
        limits.orderToTrade = try amount("order_to_trade", orderToTrade, &reader)
        limits.drawdown = try amount("drawdown", drawdown, &reader)
        if let drawdown = limits.drawdown, drawdown > .one {
            throw reader.failure("drawdown", "must be a fraction of at most 1, or null for no limit")
        }
        if let prevents = try reader.optionalBool("self_trade_prevention") {
            limits.preventsSelfTrades = prevents
        } else if isNull("self_trade_prevention") {
            limits.preventsSelfTrades = false
        }
        if let values = try reader.optionalArray("instruments", count: 1000) {
            limits.instruments = Set(values.compactMap(\.stringValue))
            guard limits.instruments?.count == values.count else {
                throw reader.failure("instruments", "must be an array of different symbols")
            }
        } else if isNull("instruments") {
            limits.instruments = nil
        }
        try reader.finish()
        return limits
    }

    /// The tighter of both, limit by limit.
    func tightened(by other: RiskLimits) -> RiskLimits {
        func least<Value: Comparable>(_ left: Value?, _ right: Value?) -> Value? {
            guard let left, let right else { return left ?? right }
            return min(left, right)
        }
        var both = RiskLimits(
            orderNotional: least(orderNotional, other.orderNotional),
            positionNotional: least(positionNotional, other.positionNotional),
            openPositions: least(openPositions, other.openPositions),
            openOrders: least(openOrders, other.openOrders),
            ordersPerMinute: least(ordersPerMinute, other.ordersPerMinute),
            priceDistance: least(priceDistance, other.priceDistance),
            dailyLoss: least(dailyLoss, other.dailyLoss),
            dailyLossFraction: least(dailyLossFraction, other.dailyLossFraction),
            leverage: least(leverage, other.leverage),
            preventsSelfTrades: preventsSelfTrades || other.preventsSelfTrades,
            exposure: least(exposure, other.exposure), drawdown: least(drawdown, other.drawdown),
            orderToTrade: least(orderToTrade, other.orderToTrade))
        switch (instruments, other.instruments) {
        case (nil, let set), (let set, nil): both.instruments = set
        case (let left?, let right?): both.instruments = left.intersection(right)
        }
        return both
    }
}
