extension Setting {
    /// Every setting, in the order of the file. To add one: a property in ``Configuration`` and a line here.
    public static let all: [Setting] =
        server + data + log + limits + strategy + sandbox + nursery + paper + market + venues + lab
        + hooks
        + promotion + identity + vault

    /// What each section is about.
    public static let sections: KeyValuePairs<String, String> = [
        "server": "Where the host listens, and to whom.",
        "data": "Where the host keeps its data.",
        "log": "The host's own log, logs/host.jsonl in the data folder.",
        "limits": "Limits over all strategies together, until they are changed in the host itself.\n"
            + "Amounts are in the account's own currency.",
        "strategy":
            "What a strategy gets when its strategy.json asks for nothing else, and the most it may have.",
        "sandbox": "The walls around strategies. Their profiles say the rest.",
        "nursery":
            "Interpreters that have their packages loaded, and of which strategies are made in milliseconds.",
        "paper": "The paper venue and the account that it opens at the first start.",
        "market": "The simulated market, the feed called \"simulated\".",
        "venues":
            "Exchanges beyond this machine. A simulator (bullpen simulate) or a proxy takes the place of one\n"
            + "when its address is given here.",
        "lab": "Where strategies are tried out on stored candles.",
        "hooks": "Commands of your choice, run with /bin/sh -c as the user that runs the host.\n"
            + "They find BULLPEN_EVENT, BULLPEN_STRATEGY and BULLPEN_REASON in their environment.",
        "promotion": "Which accounts take only versions that passed the gates of the Lab.",
        "identity": "Logins and sessions.",
        "vault": "The exchanges' keys.",
    ]

    private static let server: [Setting] = [
        .text(
            "server.listen", \.server.listen, .address,
            "The address to listen on. Beyond this machine (0.0.0.0) it needs tls_certificate and tls_key, or\n"
                + "behind_proxy."),
        .integer("server.port", \.server.port, 1...65535, "The TCP port to listen on."),
        .text(
            "server.tls_certificate", \.server.tlsCertificate, .path,
            "A PEM file with the certificate and its chain. Empty: plain HTTP."),
        .text(
            "server.tls_key", \.server.tlsKey, .path, "A PEM file with the private key of tls_certificate."),
        .boolean(
            "server.behind_proxy", \.server.isBehindProxy,
            "A proxy in front of the host speaks TLS. Its X-Forwarded-For and X-Forwarded-Proto are believed."
        ),
        .texts(
            "server.allowed_hosts", \.server.allowedHosts, .hostName, atMost: 64,
            "Names under which browsers may reach the host, besides the address itself and localhost. A request\n"
                + "for another name is refused."),
        .integer(
            "server.upload_limit", \.server.uploadLimitBytes, 65_536...1_073_741_824,
            "The largest upload taken, in bytes."),
    ]

    private static let data: [Setting] = [
        .text(
            "data.folder", \.data.folder, .path,
            "The folder of the journal, the strategies and the logs. Empty: the folder of this file.")
    ]

    private static let log: [Setting] = [
        .choice("log.level", \.log.level, "The least important lines that are written."),
        .integer(
            "log.max_bytes", \.log.maximumBytes, 65_536...1_073_741_824,
            "A log file that grows beyond this many bytes is put aside and a new one begun."),
        .integer(
            "log.files", \.log.files, 1...100, "How many files are kept, the one being written included."),
    ]

    private static let limits: [Setting] = [
        .decimal(
            "limits.order_notional", \.limits.orderNotional, "0", "1000000000000",
            "The most that one order may be worth: price times quantity."),
        .decimal(
            "limits.position_notional", \.limits.positionNotional, "0", "1000000000000",
            "The most that the position in one instrument may be worth, open orders included."),
        .integer(
            "limits.open_orders", \.limits.openOrders, 0...100_000, "How many orders may be open at once."),
        .integer(
            "limits.orders_per_minute", \.limits.ordersPerMinute, 0...1_000_000,
            "How many orders may be placed in any minute."),
        .decimal(
            "limits.price_distance", \.limits.priceDistance, "0.0001", "10",
            "How far from the last price an order's price may lie, as a fraction: 0.1 is ten per cent."),
        .decimal(
            "limits.daily_loss", \.limits.dailyLoss, "0", "1000000000000",
            "The loss since midnight at which new orders are denied."),
        .decimal(
            "limits.leverage", \.limits.leverage, "1", "125", "The highest leverage on a margin account."),
        .texts(
            "limits.instruments", \.limits.instruments, .symbol, atMost: 1000,
            "The instruments that may be traded. An empty list allows every one."),
        .boolean(
            "limits.self_trade_prevention", \.limits.preventsSelfTrades,
            "Deny an order that would trade with a standing order of the same account."),
        .integer(
            "limits.utc_offset_minutes", \.limits.utcOffsetMinutes, -720...840,
            "Whose midnight begins the day of daily_loss, in minutes east of UTC: 330 is India, -300 New York\n"
                + "in winter. Summer time is not followed."),
        .integer(
            "limits.order_to_trade_minutes", \.limits.orderToTradeMinutes, 1...1440,
            "Over which time the limit order_to_trade counts orders and trades."),
        .integer(
            "limits.order_to_trade_minimum", \.limits.orderToTradeMinimum, 0...1_000_000,
            "How many orders pass in that time before order_to_trade holds, whatever became of them."),
    ]

    private static let strategy: [Setting] = [
        .integer(
            "strategy.memory_mb", \.strategy.memoryMebibytes, 16...1_048_576,
            "Memory of a strategy, in MiB. One that needs more is stopped."),
        .decimal(
            "strategy.cpu_share", \.strategy.cpuShare, "0.01", "64",
            "Processor time of a strategy: 0.5 is half a core. One that wants more is slowed down."),
        .integer(
            "strategy.max_memory_mb", \.strategy.maximumMemoryMebibytes, 16...1_048_576,
            "The most memory that a strategy.json may ask for, in MiB."),
        .decimal(
            "strategy.max_cpu_share", \.strategy.maximumCPUShare, "0.01", "64",
            "The most processor time that a strategy.json may ask for, in cores."),
        .duration(
            "strategy.start_timeout", \.strategy.startTimeout, .seconds(1) ... .seconds(3600),
            "How long a strategy may take until it says that it is ready."),
        .duration(
            "strategy.heartbeat_interval", \.strategy.heartbeatInterval,
            .milliseconds(100) ... .seconds(3600),
            "How often a strategy is asked whether it still lives."),
        .duration(
            "strategy.heartbeat_timeout", \.strategy.heartbeatTimeout, .milliseconds(200) ... .seconds(7200),
            "How long it may leave that unanswered before it counts as hung."),
        .duration(
            "strategy.stop_timeout", \.strategy.stopTimeout, .milliseconds(100) ... .seconds(3600),
            "How long it may take to stop before it is killed."),
        .integer(
            "strategy.restart_intensity", \.strategy.restartIntensity, 0...1000,
            "How many restarts within restart_period are made before it is put in quarantine."),
        .duration(
            "strategy.restart_period", \.strategy.restartPeriod, .seconds(1) ... .seconds(86_400),
            "The period in which restarts are counted."),
        .integer(
            "strategy.log_bytes", \.strategy.logBytes, 65_536...10_737_418_240,
            "How much log is kept of one run, in bytes."),
        .integer(
            "strategy.record_bytes", \.strategy.recordBytes, 65_536...10_737_418_240,
            "How much of what a run was told is kept for replay, in bytes, compressed."),
        .integer(
            "strategy.records", \.strategy.records, 1...100_000,
            "Of how many runs of a strategy this is kept. Older ones are removed when a run begins."),
        .integer(
            "strategy.lines_per_second", \.strategy.linesPerSecond, 1...1_000_000,
            "How many lines a second a strategy may write. One that writes more is held back."),
        .integer(
            "strategy.queue_depth", \.strategy.queueDepth, 16...1_000_000,
            "How many lines may wait for a slow strategy. Prices are conflated first; orders never are."),
    ]

    private static let sandbox: [Setting] = [
        .choice(
            "sandbox.without_control_groups", \.sandbox.withoutControlGroups,
            "What to do where the host may not make control groups and a profile does not say: refuse to start,\n"
                + "or rlimits, which bound each process, and the host ends what goes beyond. A share of the\n"
                + "processors is not promised then.")
    ]

    private static let nursery: [Setting] = [
        .boolean(
            "nursery.enabled", \.nursery.isEnabled,
            "Start strategies from nurseries where their profile has one. Without, each loads everything anew."
        ),
        .integer(
            "nursery.starts", \.nursery.startsBeforeRenewal, 1...1_000_000,
            "After how many strategies a nursery is renewed. All that were made of one share its address-space\n"
                + "layout."),
        .duration(
            "nursery.age", \.nursery.age, .seconds(1) ... .seconds(31_536_000),
            "The age at which a nursery is renewed."),
    ]

    private static let paper: [Setting] = [
        .decimal(
            "paper.maker_fee", \.paper.makerFee, "-0.01", "0.1",
            "The fee of an order that waited in the book, as a fraction of its value; below nought is a rebate."
        ),
        .decimal(
            "paper.taker_fee", \.paper.takerFee, "0", "0.1",
            "The fee of an order that took from the book, as a fraction of its value."),
        .decimal(
            "paper.slippage_bps", \.paper.slippageBasisPoints, "0", "1000",
            "How much worse than the last price a market order is filled, in hundredths of a per cent."),
        .decimal(
            "paper.participation", \.paper.participation, "0.000001", "1",
            "The share of a candle's volume that one order may take; the rest is filled later."),
        .decimal(
            "paper.starting_balance", \.paper.startingBalance, "0", "1000000000000",
            "What the account holds at the first start."),
        .text("paper.currency", \.paper.currency, .symbol, "The currency of starting_balance."),
        .choice(
            "paper.kind", \.paper.kind,
            "spot: only what is held can be sold. margin: positions may be short and use leverage."),
        .decimal(
            "paper.leverage", \.paper.leverage, "1", "125",
            "The leverage of a margin account. A spot account has none."),
    ]

    private static let market: [Setting] = [
        .integer(
            "market.seed", \.market.seed, 0...Int.max, "The same seed gives the same prices."),
        .texts(
            "market.symbols", \.market.symbols, .symbol, atMost: 64,
            "The instruments that it trades."),
        .integer(
            "market.speed", \.market.speed, 1...1_000_000,
            "How fast its time runs: 1 is real time, 60 gives a one-minute candle every second."),
    ]

    private static let venues: [Setting] = [
        .text(
            "venues.binance", \.venues.binance, .url,
            "Where Binance answers requests (REST)."),
        .text(
            "venues.binance_streams", \.venues.binanceStreams, .url,
            "Where its market streams are. Empty: the exchange's own for its own address, else the same host."
        ),
        .text(
            "venues.binance_socket_api", \.venues.binanceSocketAPI, .url,
            "Where its WebSocket API is, with the path. Empty: the exchange's own for its own address, else\n"
                + "/ws-api/v3 on the same host."),
        .text(
            "venues.binance_testnet", \.venues.binanceTestnet, .url,
            "Where the test network of Binance answers requests (REST)."),
        .text(
            "venues.binance_testnet_streams", \.venues.binanceTestnetStreams, .url,
            "Where its market streams are. Empty as above."),
        .text(
            "venues.binance_testnet_socket_api", \.venues.binanceTestnetSocketAPI, .url,
            "Where its WebSocket API is, with the path. Empty as above."),
        .text(
            "venues.coindcx", \.venues.coindcx, .url,
            "Where CoinDCX answers requests (REST)."),
        .text(
            "venues.coindcx_market", \.venues.coindcxMarket, .url,
            "Where its candles are. Empty: the exchange's own for its own address, else the same host."),
        .text(
            "venues.coindcx_socket", \.venues.coindcxSocket, .url,
            "Where its Socket.IO is. Empty as above."),
        .text("venues.coinspot", \.venues.coinspot, .url, "Where CoinSpot answers requests."),
        .duration(
            "venues.instruments_refresh", \.venues.instrumentsRefresh, .seconds(5) ... .seconds(86_400),
            "How often the steps and limits of instruments are asked for."),
        .duration(
            "venues.reconcile_interval", \.venues.reconcileInterval, .seconds(1) ... .seconds(3600),
            "How often orders and trades are asked for although the streams are well."),
        .duration(
            "venues.price_age", \.venues.priceAge, .seconds(1) ... .seconds(3600),
            "How old the last price may be for a market order on an exchange. Older, it is denied."),
        .decimal(
            "venues.balance_tolerance", \.venues.balanceTolerance, "0", "1",
            "The part of a holding by which an account may differ from its fills before orders that add risk are denied."
        ),
        .duration(
            "venues.balance_quiet", \.venues.balanceQuiet, .seconds(1) ... .seconds(600),
            "How long such a difference must stand, with trades and orders asked for meanwhile, before it counts."
        ),
    ]

    private static let lab: [Setting] = [
        .integer(
            "lab.parallel_runs", \.lab.parallelRuns, 0...256,
            "How many backtests may be under way at once; each has a processor core of its own. 0: as many as there\n"
                + "are cores."),
        .integer(
            "lab.waiting_runs", \.lab.waitingRuns, 1...100_000, "How many backtests of one user may wait."),
        .integer(
            "lab.kept_runs", \.lab.keptRuns, 1...1_000_000,
            "How many backtests of one user's strategies are kept; the oldest go, those said to be kept excepted."
        ),
        .integer(
            "lab.results_mb", \.lab.resultMebibytes, 16...1_048_576,
            "How many MiB of results are kept, compressed. The oldest go, their figures stay; those of studies have at\n"
                + "most a quarter."),
        .duration(
            "lab.answer_timeout", \.lab.answerTimeout, .seconds(1) ... .seconds(3600),
            "How long a strategy may be silent in a backtest while an answer is waited for, its start included; then\n"
                + "it is taken for hung."),
    ]

    private static let hooks: [Setting] = [
        .text(
            "hooks.on_quarantine", \.hooks.onQuarantine, .free, "Run when a strategy is put in quarantine."),
        .text("hooks.on_halt", \.hooks.onHalt, .free, "Run at the emergency stop."),
        .text(
            "hooks.on_key_notice", \.hooks.onKeyNotice, .free,
            "Run when an exchange's key is about to run out or is old."),
    ]

    private static let promotion: [Setting] = [
        .choice(
            "promotion.required_for", \.promotion.requiredFor,
            "Where only promoted versions are started: nothing; real_money (live accounts, unless the exchange's\n"
                + "address in [venues] is on this machine, as a simulator's is); exchanges (test networks and simulators\n"
                + "too); everything (paper accounts too).")
    ]

    private static let identity: [Setting] = [
        .integer(
            "identity.session_hours", \.identity.sessionHours, 1...720,
            "How many hours a browser stays logged in without being used."),
        .integer(
            "identity.login_attempts", \.identity.loginAttempts, 1...1000,
            "How many wrong passwords in fifteen minutes from one address lock a name out there for fifteen minutes."
        ),
    ]

    private static let vault: [Setting] = [
        .text(
            "vault.key_file", \.vault.keyFile, .path,
            "The file with the master key, mode 0600. Empty: master.key in the data folder. A systemd credential called\n"
                + "bullpen-master-key goes before it.")
    ]
}
