public import Trading
public import Wire

/// What is halted, and how far the closing of positions is.
public struct HaltView: Hashable, Sendable {
    /// One halt in force.
    public struct Halt: Hashable, Sendable {
        public var scope: HaltScope
        public var reason: String?
        public var by: String
        public var since: Timestamp

        /// Describes a halt.
        public init(scope: HaltScope, reason: String?, by: String, since: Timestamp) {
            self.scope = scope
            self.reason = reason
            self.by = by
            self.since = since
        }
    }

    public var halts: [Halt]
    /// What is being closed, and how what the halts cover was; nil where it was not asked for.
    public var flatten: FlattenView?

    /// Describes what is halted; empty when nothing is.
    public init(halts: [Halt], flatten: FlattenView? = nil) {
        self.halts = halts
        self.flatten = flatten
    }

    /// Whether everything is halted.
    public var isHalted: Bool { halts.contains { $0.scope == .all } }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "halted": .bool(isHalted),
            "halts": .array(
                halts.map {
                    .members([
                        "scope": .string($0.scope.text), "reason": .optional($0.reason),
                        "by": .string($0.by), "since": .time($0.since),
                    ])
                }),
            "flatten": flatten?.json,
        ])
    }
}

/// How far the closing of positions is.
public struct FlattenView: Hashable, Sendable {
    /// What is still to be cancelled and closed for one strategy, account and symbol.
    public struct Item: Hashable, Sendable {
        public var progress: FlattenProgress
        /// Where its account is.
        public var venue: String

        /// Wraps what the desk knows.
        public init(_ progress: FlattenProgress, venue: String) {
            self.progress = progress
            self.venue = venue
        }

        /// As the API writes it.
        public var json: JSONValue {
            .members([
                "account": .string(progress.key.account.text), "venue": .string(venue),
                "symbol": .string(progress.key.symbol),
                "strategy": .string(progress.key.strategy.text), "state": .string(progress.step.rawValue),
                "quantity": .decimal(progress.quantity),
                "orders": .array(
                    progress.orders.map {
                        .members([
                            "id": .string($0.id.description), "side": .string($0.side.rawValue),
                            "remaining": .decimal($0.remainingQuantity),
                            "status": .string($0.status.rawValue),
                            "closes": .bool($0.intent.origin == .desk),
                        ])
                    }),
                "attempts": .integer(progress.attempts), "reason": .optional(progress.reason),
            ])
        }
    }

    public var items: [Item]

    /// Describes closings; none when nothing is closed.
    public init(items: [Item]) { self.items = items }

    /// How many are under way.
    public var left: Int { items.count { !$0.progress.step.isEnd } }
    /// How many were given up.
    public var stuck: Int { items.count { $0.progress.step == .stuck } }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "done": .bool(left == 0), "left": .integer(left), "stuck": .integer(stuck),
            "items": .array(items.map(\.json)),
        ])
    }
}
