public import Wire

/// What the faces may ask of the host.
///
/// Whether the asker may is decided before, by `AccessPolicy`, with ``owner(of:)``; `owner` in a list call is the
/// only owner whose things are returned, or nil for everyone's. `by` is the user's name, for the record.
/// Every call may wait; none blocks a thread.
public protocol HostService: CredentialService, DataService, CollectingService, StreamingService {
    // MARK: Strategies

    /// The owner of a strategy. Cheap: it is asked before every call about one strategy.
    func owner(of strategy: String) async throws(HostError) -> String
    /// Strategies in the order of their creation, newest first.
    func strategies(owner: String?, page: PageRequest) async throws(HostError) -> Page<StrategyView>
    /// One strategy with its versions, warnings and status.
    func strategy(_ id: String) async throws(HostError) -> StrategyView
    /// The files of a version as text, for whoever may see the strategy; nil takes the newest version. Files that are
    /// no text have none.
    func source(of strategy: String, version: String?) async throws(HostError) -> [SourceFileView]
    /// Checks a bundle and keeps nothing of it.
    func validate(_ upload: BundleUpload) async throws(HostError) -> ValidationReport
    /// Takes in a new strategy, owned by `by`.
    func upload(_ upload: BundleUpload, by: String) async throws(HostError) -> StrategyView
    /// Takes in a new version of a strategy. A run keeps the version it was started with.
    func uploadVersion(_ upload: BundleUpload, of strategy: String, by: String) async throws(HostError)
        -> StrategyView
    /// Takes in a strategy as a new one, as a new version of the user's own of the same name, or not at all when it has
    /// exactly these files already.
    func takeIn(_ upload: BundleUpload, by: String) async throws(HostError) -> TakenIn
    /// Removes a strategy; a conflict while it runs or anything of it is open.
    func delete(_ strategy: String, by: String) async throws(HostError)

    // MARK: Runs

    /// Starts a run; a conflict while one is under way.
    func start(_ strategy: String, options: StartOptions, by: String) async throws(HostError) -> RunStatusView
    /// Asks the run to stop; nil leaves the strategy's open orders to its own policy.
    func stop(_ strategy: String, orders: OrdersAtEnd?, by: String) async throws(HostError) -> RunStatusView
    /// Stops, then starts again with the same options.
    func restart(_ strategy: String, by: String) async throws(HostError) -> RunStatusView
    /// Keeps the strategy running and denies its orders until it is resumed.
    func pause(_ strategy: String, by: String) async throws(HostError) -> RunStatusView
    /// Ends a pause, or clears a quarantine so that it may be started.
    func resume(_ strategy: String, by: String) async throws(HostError) -> RunStatusView
    /// What the strategy does now and what it has used.
    func status(of strategy: String) async throws(HostError) -> RunStatusView

    // MARK: What a strategy said and did

    /// Log lines, oldest first: those after the cursor (a sequence number), or without one the last of them.
    func logs(of strategy: String, page: PageRequest) async throws(HostError) -> Page<LogLine>
    /// What the sandbox refused the strategy, the latest first, each kind of call once.
    func violations(of strategy: String) async throws(HostError) -> [ViolationView]
    /// Signals, newest first.
    func signals(of strategy: String, page: PageRequest) async throws(HostError) -> Page<SignalView>
    /// Orders, newest first.
    func orders(of strategy: String, page: PageRequest) async throws(HostError) -> Page<OrderView>
    /// Fills, newest first.
    func fills(of strategy: String, page: PageRequest) async throws(HostError) -> Page<FillView>
    /// One signal, of whichever strategy.
    func signal(_ id: String) async throws(HostError) -> SignalView
    /// Hands a signal to the run's `on_signal`.
    func deliver(_ signal: SignalRequest, to strategy: String, by: String) async throws(HostError)
        -> SignalView
    /// Recent candles of the strategy's feed, oldest first; nil takes the strategy's own symbol.
    func candles(of strategy: String, symbol: String?, limit: Int) async throws(HostError) -> [CandleView]
    /// The strategy's equity over time, oldest first, thinned to at most `limit` points.
    func equity(of strategy: String, limit: Int) async throws(HostError) -> [EquityPoint]

    // MARK: The whole floor

    /// Every open position.
    func positions(owner: String?) async throws(HostError) -> [PositionView]
    /// Orders that may still fill, newest first.
    func openOrders(owner: String?, page: PageRequest) async throws(HostError) -> Page<OrderView>
    /// A strategy's stop-losses and take-profits, newest first.
    func brackets(of strategy: String, page: PageRequest) async throws(HostError) -> Page<BracketView>
    /// Those that wait or work, newest first.
    func openBrackets(owner: String?, page: PageRequest) async throws(HostError) -> Page<BracketView>
    /// Takes one away. What it protected is protected no longer.
    func cancelBracket(_ id: String, by: String) async throws(HostError) -> BracketView
    /// Profit and loss: in total, by strategy and by symbol.
    func profit(owner: String?) async throws(HostError) -> ProfitView
    /// Sends `event`s about `topic` to `sink` from now on; with `after`, first everything kept since that id.
    ///
    /// The host offers from its own thread and must drop the sink once an offer returns false.
    func follow(_ topic: EventTopic, after: Int?, sink: any EventSink) async throws(HostError)

    // MARK: Market data, accounts, limits

    /// Puts events into a feed as if its market had sent them, all or none; `body` is the request's body. Returns how many.
    func inject(_ body: JSONValue, by: String) async throws(HostError) -> Int
    /// Every feed.
    func feeds() async throws(HostError) -> [FeedView]
    /// Adds a feed; `settings` is the request's body.
    func addFeed(_ settings: JSONValue, by: String) async throws(HostError) -> FeedView
    /// Changes the given members of a feed.
    func changeFeed(_ id: String, _ settings: JSONValue, by: String) async throws(HostError) -> FeedView
    /// Every account.
    func accounts() async throws(HostError) -> [AccountView]
    /// Adds an account; `settings` is the request's body.
    func addAccount(_ settings: JSONValue, by: String) async throws(HostError) -> AccountView
    /// Changes the given members of an account.
    func changeAccount(_ id: String, _ settings: JSONValue, by: String) async throws(HostError) -> AccountView
    /// What the venue says now that an account holds.
    func balances(of account: String) async throws(HostError) -> [AccountView.Balance]
    /// The limits in force.
    func limits() async throws(HostError) -> LimitsView
    /// Begins the peak anew that the drawdown of a scope counts from: `global`, `venue:ID`, `account:ID`, `strategy:ID`.
    func beginPeak(of scope: String, by: String) async throws(HostError) -> LimitsView
    /// Changes the given limits: `{"global":{…},"venues":{"binance":{…}},"accounts":{"paper":{…}},"strategies":{"id":{…}}}`.
    func changeLimits(_ changes: JSONValue, by: String) async throws(HostError) -> LimitsView

    // MARK: Orders in doubt

    /// The orders of which the venue shows several that could be ours.
    func ambiguousOrders() async throws(HostError) -> [AmbiguityView]
    /// Takes an operator's word for which of the venue's orders one of ours is; nil says that it was never placed.
    func settleOrder(_ id: String, as venueOrder: String?, by: String) async throws(HostError) -> OrderView

    /// Everything that happened to an order, whoever's it is.
    func orderStory(_ id: String) async throws(HostError) -> StoryView

    // MARK: Reconciliation

    /// How every account's books and its venue stand to each other, as it was last found.
    func reconciliations() async throws(HostError) -> [ReconciliationView]
    /// Asks an account's venue now and waits for the answers; books what is external when asked to.
    func reconcile(_ account: String, _ request: ReconcileRequest, by: String) async throws(HostError)
        -> ReconciliationView

    // MARK: Halt and the host itself

    /// Denies every new order in `scope` at once, and flattens when asked.
    func halt(_ request: HaltRequest, by: String) async throws(HostError) -> HaltView
    /// Lifts a halt.
    func resumeTrading(_ scope: HaltScope, by: String) async throws(HostError) -> HaltView
    /// What is halted now, and how far the closing of the owner's positions is.
    func haltState(owner: String?) async throws(HostError) -> HaltView
    /// The sandbox profiles and what each allows.
    func profiles() async throws(HostError) -> [ProfileView]
    /// What this machine can and cannot do.
    func doctor() async throws(HostError) -> [CheckView]
    /// The configuration in force, secrets masked.
    func configuration() async throws(HostError) -> JSONValue
}
