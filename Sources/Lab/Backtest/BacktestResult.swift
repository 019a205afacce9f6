public import Analytics
public import Trading

/// What came of a backtest, also of one that did not reach its end.
public struct BacktestResult: Hashable, Sendable {
    /// How it ended.
    public enum End: Hashable, Sendable {
        case completed
        /// Somebody cancelled it; what is here is what came until then.
        case cancelled
        /// The strategy ended or broke a rule; the cause in words.
        case failed(String)
    }

    /// Something that the strategy asked for, in order: the trace by which two runs are compared.
    public struct Decision: Hashable, Sendable {
        /// The close of the candle that was answered.
        public let time: Timestamp
        public let symbol: String
        public let side: Side
        public let quantity: FixedDecimal
        /// The order's type in the protocol's words, or `signal`.
        public let kind: String
        /// The limit or stop price, where it has one.
        public let price: FixedDecimal?

        /// Describes a decision.
        public init(
            time: Timestamp, symbol: String, side: Side, quantity: FixedDecimal, kind: String,
            price: FixedDecimal?
        ) {
            self.time = time
            self.symbol = symbol
            self.side = side
            self.quantity = quantity
            self.kind = kind
            self.price = price
        }
    }

    public let job: BacktestJob
    /// SHA-256 of each series' candles in the span, in the job's order; see `CandleSource`.
    public let dataHashes: [String]
    public let end: End
    /// Candles of the main series that were answered.
    public let bars: Int
    public let finalEquity: FixedDecimal
    public let fills: [Fill]
    public let trades: [ClosedTrade]
    /// At each close of the main series, thinned to at most 20,000 points that hold every extreme of their span.
    public let equity: [EquityPoint]
    public let decisions: [Decision]
    /// The last lines of the strategy's log. At most 1,000.
    public let log: [String]
    /// How long it took, without the start of the strategy, in milliseconds. Not a part of what is repeated.
    public let milliseconds: Int
    /// What was received as funding less what was paid, in quote currency; each trade's fees have their part of it.
    public let funding: FixedDecimal
    /// How often funding fell due while something was held, for each instrument.
    public let fundingPayments: Int

    /// Describes an outcome.
    public init(
        job: BacktestJob, dataHashes: [String], end: End, bars: Int, finalEquity: FixedDecimal, fills: [Fill],
        trades: [ClosedTrade], equity: [EquityPoint], decisions: [Decision], log: [String], milliseconds: Int,
        funding: FixedDecimal = .zero, fundingPayments: Int = 0
    ) {
        self.job = job
        self.dataHashes = dataHashes
        self.end = end
        self.bars = bars
        self.finalEquity = finalEquity
        self.fills = fills
        self.trades = trades
        self.equity = equity
        self.decisions = decisions
        self.log = log
        self.milliseconds = milliseconds
        self.funding = funding
        self.fundingPayments = fundingPayments
    }
}
