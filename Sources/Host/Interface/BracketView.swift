public import Trading
public import Wire

/// A stop-loss and a take-profit as people see them.
public struct BracketView: Hashable, Sendable {
    public var bracket: Bracket

    /// Wraps a bracket.
    public init(_ bracket: Bracket) {
        self.bracket = bracket
    }

    /// The host's id of it.
    public var id: String { bracket.id.description }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "id": .string(id), "strategy": .string(bracket.key.strategy.text),
            "run": .string(bracket.run.text), "request": .string(bracket.request.text),
            "account": .string(bracket.key.account.text), "symbol": .string(bracket.key.symbol),
            "side": .string(bracket.side.rawValue), "quantity": .decimal(bracket.quantity),
            "stop_loss": .orNull(bracket.prices.stopLoss), "take_profit": .orNull(bracket.prices.takeProfit),
            "status": .string(bracket.status.rawValue), "leg": .optional(bracket.leg?.rawValue),
            "entry": .optional(bracket.hasEntry ? id : nil), "exit": .optional(bracket.exit?.description),
            "armed_quantity": .decimal(bracket.armed), "closed_quantity": .decimal(bracket.closed),
            "reason": .optional(bracket.reason), "created_at": .time(bracket.createdAt),
            "updated_at": .time(bracket.updatedAt),
        ])
    }
}
