public import Trading
public import Wire

/// What a strategy does now.
public struct RunStatusView: Hashable, Sendable {
    /// Where in its life a strategy stands.
    public enum State: String, Hashable, Sendable, CaseIterable {
        case stopped, starting, ready, running, paused, stopping
        case backingOff = "backing_off"
        case quarantined
    }

    /// What the run has used since its start.
    public struct Usage: Hashable, Sendable {
        public var cpuSeconds = 0.0
        public var memoryBytes = 0
        public var memoryPeakBytes = 0
        public var memoryLimitBytes = 0
        public var cpuThrottledSeconds = 0.0
        /// The share of the last minute for which it was held back, from 0 to 1.
        public var cpuThrottledShare = 0.0
        public var linesIn = 0
        public var linesOut = 0
        public var linesDropped = 0

        /// Nothing used yet.
        public init() {}

        /// As the API writes it.
        public var json: JSONValue {
            .members([
                "cpu_seconds": .seconds(cpuSeconds), "memory_bytes": .integer(memoryBytes),
                "memory_peak_bytes": .integer(memoryPeakBytes),
                "memory_limit_bytes": .integer(memoryLimitBytes),
                "cpu_throttled_seconds": .seconds(cpuThrottledSeconds),
                "cpu_throttled_share": .seconds(cpuThrottledShare), "lines_in": .integer(linesIn),
                "lines_out": .integer(linesOut), "lines_dropped": .integer(linesDropped),
            ])
        }
    }

    public var strategy: String
    public var state: State
    public var run: String?
    /// When it came into this state.
    public var since: Timestamp
    /// Why it is in this state, in words.
    public var reason: String?
    public var restarts = 0
    /// When it will be started again, while it backs off.
    public var nextStart: Timestamp?
    public var pid: Int?
    public var feed: String?
    public var account: String?
    /// Where its account is, so that a halt of the venue can be shown with it.
    public var venue: String?
    /// Of its account: what its money is in.
    public var currency: String?
    public var capital: FixedDecimal?
    public var version: String?
    public var usage = Usage()
    /// How its limits are kept, while it runs.
    public var limits: EnforcementView?
    /// How it was started, while it runs.
    public var start: LaunchView?
    public var equity: FixedDecimal?
    public var realisedProfit: FixedDecimal = .zero
    public var unrealisedProfit: FixedDecimal = .zero
    public var positions: [PositionView] = []
    /// What the strategy last said with `metric`, by name.
    public var metrics: [String: FixedDecimal] = [:]
    /// How often the sandbox refused it something in this run.
    public var violations = 0

    /// Describes a strategy's state; set the rest where it is known.
    public init(strategy: String, state: State, run: String? = nil, since: Timestamp, reason: String? = nil) {
        self.strategy = strategy
        self.state = state
        self.run = run
        self.since = since
        self.reason = reason
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "strategy": .string(strategy), "state": .string(state.rawValue), "run": .optional(run),
            "since": .time(since), "reason": .optional(reason), "restarts": .integer(restarts),
            "next_start": .orNull(nextStart), "pid": .orNull(pid), "feed": .optional(feed),
            "account": .optional(account), "venue": .optional(venue), "currency": .optional(currency),
            "capital": .orNull(capital),
            "version": .optional(version),
            "usage": usage.json, "limits": limits?.json ?? .null, "start": start?.json ?? .null,
            "equity": .orNull(equity),
            "realised_pnl": .decimal(realisedProfit),
            "unrealised_pnl": .decimal(unrealisedProfit), "position": .array(positions.map(\.json)),
            "metrics": .object(
                metrics.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .decimal($0.value)) }),
            "violations": .integer(violations),
        ])
    }
}

/// A signal that a strategy gave or was given.
public struct SignalView: Hashable, Sendable {
    /// Which way it went.
    public enum Direction: String, Hashable, Sendable, CaseIterable {
        /// The strategy said it.
        case outgoing = "out"
        /// It was delivered to the strategy.
        case incoming = "in"
    }

    public var id: String
    public var strategy: String
    public var run: String?
    public var direction: Direction
    public var action: String
    public var symbol: String?
    public var data: JSONValue
    public var time: Timestamp

    /// Describes a signal.
    public init(
        id: String, strategy: String, run: String?, direction: Direction, action: String, symbol: String?,
        data: JSONValue, time: Timestamp
    ) {
        self.id = id
        self.strategy = strategy
        self.run = run
        self.direction = direction
        self.action = action
        self.symbol = symbol
        self.data = data
        self.time = time
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members([
            "id": .string(id), "strategy": .string(strategy), "run": .optional(run),
            "direction": .string(direction.rawValue), "action": .string(action), "symbol": .optional(symbol),
            "data": data, "time": .time(time),
        ])
    }
}
