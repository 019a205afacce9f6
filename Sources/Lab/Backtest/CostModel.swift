public import Trading

/// What trading costs in a backtest, and how orders meet the candles.
///
/// ``slippage``, ``halfSpreadTicks`` and ``impact`` are models of what a taker loses against the price of the candle: each is
/// off unless set, and those that are set add up. What waits at its limit fills at its limit.
public struct CostModel: Hashable, Sendable {
    /// What is assumed of the way a price took inside a candle, when both a stop and a target of one position lie in it.
    public enum Intrabar: String, Hashable, Sendable, CaseIterable {
        /// What is worse for the strategy comes first.
        case pessimistic
        /// Open, low, high, close when the candle rose; open, high, low, close when it fell.
        case byDirection = "by_direction"
        /// What is better comes first; only for comparison.
        case optimistic
    }

    /// When a market order that answers a candle fills.
    public enum MarketFill: String, Hashable, Sendable, CaseIterable {
        /// At the open of the next candle.
        case nextOpen = "next_open"
        /// At the close of the candle that was answered; only for comparison with others.
        case sameClose = "same_close"
    }

    /// Part of the notional, for orders that waited in the book. 0 to 0.1.
    public var makerFee: FixedDecimal
    /// Part of the notional, for orders that took. 0 to 0.1.
    public var takerFee: FixedDecimal
    /// Part of the price by which market and stop orders fill worse. 0 to 0.1.
    public var slippage: FixedDecimal
    /// How many of the instrument's ticks they fill worse besides: half of a fixed spread. 0 to 10,000.
    public var halfSpreadTicks: Int
    /// What they fill worse besides for taking much of a candle's volume; nil when their size makes no difference.
    public var impact: MarketImpact?
    /// How long an order takes to the venue, in milliseconds; it meets the first candle that opens afterwards. 0 to a day.
    public var latencyMilliseconds: Int64
    /// The part of a candle's volume that orders may fill in it; nil for no bound. Above 0, at most 1.
    public var volumeShare: FixedDecimal?
    public var intrabar: Intrabar
    public var marketFill: MarketFill
    /// For perpetuals: paid by longs to shorts at each ``fundingHours``, part of the notional; nil for spot. −0.1 to 0.1.
    public var fundingRate: FixedDecimal?
    /// Hours between funding payments, counted from midnight UTC. A divisor of 24.
    public var fundingHours: Int

    /// Describes costs. Without arguments there are none, and market orders fill at the next open.
    public init(
        makerFee: FixedDecimal = .zero, takerFee: FixedDecimal = .zero, slippage: FixedDecimal = .zero,
        latencyMilliseconds: Int64 = 0, volumeShare: FixedDecimal? = nil, intrabar: Intrabar = .pessimistic,
        marketFill: MarketFill = .nextOpen, fundingRate: FixedDecimal? = nil, fundingHours: Int = 8,
        halfSpreadTicks: Int = 0, impact: MarketImpact? = nil
    ) {
        self.makerFee = makerFee
        self.takerFee = takerFee
        self.slippage = slippage
        self.latencyMilliseconds = latencyMilliseconds
        self.volumeShare = volumeShare
        self.intrabar = intrabar
        self.marketFill = marketFill
        self.fundingRate = fundingRate
        self.fundingHours = fundingHours
        self.halfSpreadTicks = halfSpreadTicks
        self.impact = impact
    }
}
