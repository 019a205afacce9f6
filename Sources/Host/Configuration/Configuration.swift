public import Sandbox
public import Trading

/// Everything an operator can set, typed. A fresh value holds the defaults.
///
/// ``Setting/all`` gives each stored property its name in the file, its range and its explanation; a test holds the
/// two against each other.
public struct Configuration: Hashable, Sendable {
    /// Where the host listens, and to whom.
    public var server = Server()
    /// Where the host keeps its data.
    public var data = DataFolder()
    /// The host's own log.
    public var log = Log()
    /// Limits over all accounts and strategies together.
    public var limits = Limits()
    /// What a strategy gets when its own `strategy.json` asks for nothing else.
    public var strategy = Strategy()
    /// The thread that decides over orders.
    /// The walls around strategies.
    public var sandbox = Sandbox()
    /// What strategies are started from.
    public var nursery = Nursery()
    /// The paper venue.
    public var paper = Paper()
    /// The simulated market.
    public var market = Market()
    /// Exchanges beyond this machine.
    public var venues = Venues()
    /// Where strategies are tried out.
    public var lab = Lab()
    /// Commands of the operator's choice.
    public var hooks = Hooks()
    /// Which accounts take promoted versions only.
    public var promotion = Promotion()
    /// Logins and sessions.
    public var identity = Identity()
    /// The exchanges' keys.
    public var vault = Vault()

    /// The defaults.
    public init() {}

    /// Where the host listens, and to whom.
    public struct Server: Hashable, Sendable {
        public var listen = "127.0.0.1"
        public var port = 8080
        public var tlsCertificate = ""
        public var tlsKey = ""
        public var isBehindProxy = false
        public var allowedHosts: [String] = []
        public var uploadLimitBytes = 33_554_432

        /// Whether only this machine can reach the address.
        public var isLoopback: Bool {
            listen == "::1" || listen == "localhost" || listen.hasPrefix("127.")
        }

        /// Whether connections are encrypted by the host itself.
        public var usesTLS: Bool { !tlsCertificate.isEmpty }

        /// The address that a browser on this machine opens.
        public var address: String {
            let host: String
            switch listen {
            case "0.0.0.0": host = "127.0.0.1"
            case "::": host = "[::1]"
            default: host = listen.contains(":") ? "[\(listen)]" : listen
            }
            return "\(usesTLS ? "https" : "http")://\(host):\(port)"
        }
    }

    /// Where the host keeps its data.
    public struct DataFolder: Hashable, Sendable {
        public var folder = ""
    }

    /// The host's own log.
    public struct Log: Hashable, Sendable {
        /// How much is written down.
        public enum Level: String, CaseIterable, Hashable, Sendable {
            case debug, info, warning, error
        }

        public var level = Level.info
        public var maximumBytes = 10_485_760
        public var files = 5
    }

    /// Limits over all accounts and strategies together. Amounts are in an account's own currency.
    public struct Limits: Hashable, Sendable {
        public var orderNotional = FixedDecimal(10_000)
        public var positionNotional = FixedDecimal(50_000)
        public var openOrders = 200
        public var ordersPerMinute = 600
        public var priceDistance = FixedDecimal(units: FixedDecimal.unitsPerOne / 10)
        public var dailyLoss = FixedDecimal(1_000)
        public var leverage = FixedDecimal(10)
        public var instruments: [String] = []
        public var preventsSelfTrades = false
        /// Where the operator's midnight is, east of UTC.
        public var utcOffsetMinutes = 0
        /// Over which time orders are counted for each trade.
        public var orderToTradeMinutes = 60
        /// How many orders pass in that time whatever became of them.
        public var orderToTradeMinimum = 100
    }

    /// What a strategy gets when its own `strategy.json` asks for nothing else, and the most that it may ask for.
    public struct Strategy: Hashable, Sendable {
        public var memoryMebibytes = 512
        public var cpuShare = FixedDecimal(units: FixedDecimal.unitsPerOne / 2)
        public var maximumMemoryMebibytes = 4096
        public var maximumCPUShare = FixedDecimal(2)
        public var startTimeout = Duration.seconds(30)
        public var heartbeatInterval = Duration.seconds(5)
        public var heartbeatTimeout = Duration.seconds(30)
        public var stopTimeout = Duration.seconds(10)
        public var restartIntensity = 5
        public var restartPeriod = Duration.seconds(600)
        public var logBytes = 10_485_760
        public var recordBytes = 67_108_864
        public var records = 20
        public var linesPerSecond = 1_000
        public var queueDepth = 1024
    }

    /// The walls around strategies.
    public struct Sandbox: Hashable, Sendable {
        /// What stands in for control groups where the host may not make any.
        public var withoutControlGroups = WithoutGroups.refuse
    }

    /// What strategies are started from, warm.
    public struct Nursery: Hashable, Sendable {
        public var isEnabled = true
        public var startsBeforeRenewal = 1_000
        public var age = Duration.seconds(86_400)
    }

    /// The paper venue and its first account.
    public struct Paper: Hashable, Sendable {
        /// What kind of account the paper venue opens.
        public enum Kind: String, CaseIterable, Hashable, Sendable {
            case spot, margin
        }

        public var makerFee = FixedDecimal(units: FixedDecimal.unitsPerOne / 1000)
        public var takerFee = FixedDecimal(units: FixedDecimal.unitsPerOne / 1000)
        public var slippageBasisPoints = FixedDecimal(1)
        public var participation = FixedDecimal(units: FixedDecimal.unitsPerOne / 10)
        public var startingBalance = FixedDecimal(100_000)
        public var currency = "USDT"
        public var kind = Kind.spot
        public var leverage = FixedDecimal(1)
    }

    /// The simulated market.
    public struct Market: Hashable, Sendable {
        public var seed = 1
        public var symbols = ["BTCUSDT", "ETHUSDT", "BTCINR", "ETHINR", "BTCAUD"]
        public var speed = 1
    }

    /// Exchanges beyond this machine: where they are, and how often they are asked.
    public struct Venues: Hashable, Sendable {
        public var binance = "https://api.binance.com"
        public var binanceStreams = ""
        public var binanceSocketAPI = ""
        public var binanceTestnet = "https://testnet.binance.vision"
        public var binanceTestnetStreams = ""
        public var binanceTestnetSocketAPI = ""
        public var coindcx = "https://api.coindcx.com"
        public var coindcxMarket = ""
        public var coindcxSocket = ""
        public var coinspot = "https://www.coinspot.com.au"
        public var instrumentsRefresh = Duration.seconds(60)
        public var reconcileInterval = Duration.seconds(30)
        public var priceAge = Duration.seconds(30)
        /// The part of a holding by which venue and books may differ before risk is only reduced with it.
        public var balanceTolerance = FixedDecimal(units: FixedDecimal.unitsPerOne / 1_000)
        /// How long a difference must stand before it counts.
        public var balanceQuiet = Duration.seconds(5)
    }

    /// Where strategies are tried out.
    public struct Lab: Hashable, Sendable {
        /// Nought for as many as there are processors.
        public var parallelRuns = 0
        public var waitingRuns = 500
        public var keptRuns = 1000
        public var resultMebibytes = 2048
        public var answerTimeout = Duration.seconds(30)
    }

    /// Commands of the operator's choice, run with `/bin/sh -c`.
    public struct Hooks: Hashable, Sendable {
        public var onQuarantine = ""
        public var onHalt = ""
        public var onKeyNotice = ""
    }

    /// Which accounts take promoted versions only.
    public struct Promotion: Hashable, Sendable {
        /// Where a version must have passed the Lab's gates.
        public enum Requirement: String, CaseIterable, Hashable, Sendable {
            /// Nowhere; what is deployed is checked all the same.
            case nothing
            /// On accounts with real money at an exchange that is not on this machine.
            case realMoney = "real_money"
            /// On every account at an exchange, test networks and simulators included.
            case exchanges
            /// On every account.
            case everything
        }

        public var requiredFor = Requirement.realMoney
    }

    /// Logins and sessions.
    public struct Identity: Hashable, Sendable {
        public var sessionHours = 12
        public var loginAttempts = 10
    }

    /// The exchanges' keys.
    public struct Vault: Hashable, Sendable {
        public var keyFile = ""
    }
}
