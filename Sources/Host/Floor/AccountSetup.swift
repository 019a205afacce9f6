internal import Exchanges
internal import MarketData
internal import Trading
internal import Wire

/// What an operator sets about an account: the object that `POST /accounts` takes and the database keeps.
struct AccountSetup: Hashable, Sendable {
    var id: String
    var kind: AccountView.Kind
    var currency: String
    var balance: FixedDecimal
    var leverage: FixedDecimal
    /// What the venue takes at most of a trade, as a fraction; the configuration's, for every account.
    var feeRate: FixedDecimal
    /// What one unit of its currency counts against limits over several accounts.
    var worth = FixedDecimal.one
    /// The exchange that it is an account at; nil for the paper venue.
    var exchange: Exchange?

    /// An account at an exchange.
    struct Exchange: Hashable, Sendable {
        var venue: KnownVenue
        var environment: VenueEnvironment
        /// What was traded before is none of this host's business.
        var since: Timestamp
        /// How old the last price may be for a market order.
        var priceAgeMilliseconds: Int64

        var id: VenueID { venue.id(environment) }
        /// How long after an order's making it may still not be shown.
        var absenceGraceMilliseconds: Int64 {
            switch venue {
            case .binance: BinanceVenue.Settings().absenceGraceMilliseconds
            case .coindcx: CoinDCXVenue.Settings().absenceGraceMilliseconds
            case .coinspot: CoinSpotVenue.Settings().absenceGraceMilliseconds
            }
        }
        /// In words.
        var words: String { "\(venue.rawValue) \(environment.rawValue)" }
    }

    /// The paper venue.
    static let paper: VenueID = "paper"

    /// The venue as the desk knows it.
    var venue: VenueID { exchange?.id ?? Self.paper }

    /// The accounts of a new data folder: one for each currency that the simulated market is quoted in.
    static func defaults(_ paper: Configuration.Paper) -> [AccountSetup] {
        [(paper.currency, "paper"), ("INR", "paper-inr"), ("AUD", "paper-aud")].enumerated()
            .filter { $0.offset == 0 || $0.element.0 != paper.currency }
            .map { _, element in
                AccountSetup(
                    id: element.1, kind: paper.kind == .spot ? .spot : .margin, currency: element.0,
                    balance: paper.startingBalance, leverage: paper.leverage,
                    feeRate: max(paper.makerFee, paper.takerFee), exchange: nil)
            }
    }

    /// Those that were saved, and the defaults that were not.
    static func all(
        _ rows: [(id: String, settings: String)], _ configuration: Configuration, at now: Timestamp
    ) throws -> [AccountSetup] {
        let defaults = defaults(configuration.paper)
        let saved = try rows.map { row in
            try AccountSetup(
                try JSONParser.parse(row.settings), defaults: defaults[0], isNew: true,
                venues: configuration.venues, at: now)
        }
        return defaults.filter { account in !saved.contains { $0.id == account.id } } + saved
    }

    private init(
        id: String, kind: AccountView.Kind, currency: String, balance: FixedDecimal, leverage: FixedDecimal,
        feeRate: FixedDecimal, exchange: Exchange?
    ) {
        self.id = id
        self.kind = kind
        self.currency = currency
        self.balance = balance
        self.leverage = leverage
        self.feeRate = feeRate
        self.exchange = exchange
    }

    /// Reads the body of a request. What a position hangs on cannot be changed later: venue, kind, currency and balance.
    ///
    /// - Parameter now: When an account at an exchange begins, unless told otherwise.
    init(
        _ json: JSONValue, defaults: AccountSetup, isNew: Bool, venues: Configuration.Venues,
        at now: Timestamp
    ) throws(FieldFailure) {
        var reader = try ObjectReader(json)
        self = defaults
        if let id = try reader.optionalString("id", bytes: 32) {
            guard isNew || id == defaults.id else { throw reader.failure("id", "cannot be changed") }
            guard !id.isEmpty,
                id.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D })
            else { throw reader.failure("id", "must be 1 to 32 of a-z, 0-9 and -") }
            self.id = id
        } else if isNew {
            throw reader.failure("id", "is missing")
        }
        try readVenue(&reader, isNew: isNew, venues: venues, at: now)
        if let kind = try reader.optionalChoice("kind", as: AccountView.Kind.self) {
            try Self.mayChange("kind", isNew || kind == defaults.kind, &reader)
            self.kind = kind
        }
        if let currency = try reader.optionalString("currency", bytes: 12) {
            try Self.mayChange("currency", isNew || currency == defaults.currency, &reader)
            guard (2...12).contains(currency.utf8.count),
                currency.utf8.allSatisfy({ (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) })
            else { throw reader.failure("currency", "must be 2 to 12 of A-Z and 0-9, such as \"USDT\"") }
            self.currency = currency
        }
        if let balance = try Self.decimal("balance", 0, 1_000_000_000_000, &reader) {
            try Self.mayChange("balance", isNew || balance == defaults.balance, &reader)
            self.balance = balance
        }
        leverage = try Self.decimal("leverage", 1, 125, &reader) ?? leverage
        worth = try Self.decimal("worth", 0, 1_000_000_000, &reader) ?? worth
        guard worth.isPositive else { throw reader.failure("worth", "must be above 0") }
        try reader.finish()
        if let exchange { try checkSpot(at: exchange) }
        guard kind == .margin || leverage == .one else {
            throw FieldFailure(field: "leverage", reason: "must be 1 on a spot account")
        }
    }

    private mutating func readVenue(
        _ reader: inout ObjectReader, isNew: Bool, venues: Configuration.Venues, at now: Timestamp
    ) throws(FieldFailure) {
        let old = exchange
        let word = try reader.optionalString("venue", bytes: 32)
        guard let word = word ?? old?.venue.rawValue, word != Self.paper.text else {
            try Self.mayChange("venue", isNew || old == nil, &reader)
            return
        }
        guard let venue = KnownVenue(rawValue: word) else {
            let known = ([Self.paper.text] + KnownVenue.allCases.map(\.rawValue)).map { "\"\($0)\"" }
            throw reader.failure(
                "venue", "\"\(word)\" is not there; this version has \(known.joined(separator: ", "))")
        }
        var asked = reader
        let isToldEnvironment = asked.optional("environment") != nil
        let told = try FeedDefinition.environment(of: venue, &reader)
        let environment = isToldEnvironment ? told : old?.environment ?? told
        try Self.mayChange(
            "venue", isNew || (old?.venue == venue && old?.environment == environment), &reader)
        exchange = Exchange(
            venue: venue, environment: environment,
            since: try reader.optionalTime("since") ?? old?.since ?? now,
            priceAgeMilliseconds: venues.priceAge.milliseconds)
        guard isNew else { return }
        // What is set for the paper venue means nothing at an exchange.
        (kind, leverage, feeRate, balance) = (.spot, .one, Self.fee(at: venue), .zero)
    }

    /// What an exchange takes at most of a trade on spot, tax included, set aside with every buy.
    private static func fee(at venue: KnownVenue) -> FixedDecimal {
        let thousandths: Int128
        switch venue {
        case .binance: thousandths = 1
        // Half a percent, and the tax on it.
        case .coindcx: thousandths = 6
        // Of an instant order, as which market orders go; in the book it takes a tenth of that.
        case .coinspot: thousandths = 10
        }
        return FixedDecimal(units: FixedDecimal.unitsPerOne / 1000 * thousandths)
    }

    private func checkSpot(at exchange: Exchange) throws(FieldFailure) {
        guard kind == .spot else {
            throw FieldFailure(
                field: "kind",
                reason:
                    "must be \"spot\": this host trades no margin at \(exchange.venue.rawValue), only what is held"
            )
        }
        guard leverage == .one else {
            throw FieldFailure(
                field: "leverage",
                reason:
                    "must be 1: this host uses no leverage at \(exchange.venue.rawValue), only what is held")
        }
        guard balance.isPositive else {
            throw FieldFailure(
                field: "balance",
                reason: "is missing: how much \(currency) of this account strategies may share, above 0")
        }
    }

    /// The settings as the database writes them.
    var json: JSONValue {
        .members([
            "id": .string(id), "venue": exchange.map { .string($0.venue.rawValue) },
            "environment": exchange.map { .string($0.environment.rawValue) },
            "kind": .string(kind.rawValue), "currency": .string(currency),
            "balance": .decimal(balance), "leverage": .decimal(leverage),
            "worth": .decimal(worth), "since": exchange.map { .time($0.since) },
        ])
    }

    /// The account as the order desk knows it.
    var settings: AccountSettings {
        AccountSettings(
            id: AccountID(id), venue: venue,
            kind: kind == .spot
                ? .spot
                : .margin(
                    leverage: leverage, maintenance: FixedDecimal(units: FixedDecimal.unitsPerOne / 200)),
            currency: currency, balance: balance, feeRate: feeRate, worth: worth,
            // An exchange may not show an order yet that it has; the paper venue answers in order.
            absenceGraceMilliseconds: exchange?.absenceGraceMilliseconds ?? 0,
            priceAgeMilliseconds: exchange?.priceAgeMilliseconds)
    }

    private static func mayChange(
        _ name: String, _ may: Bool, _ reader: inout ObjectReader
    ) throws(FieldFailure) {
        guard may else {
            throw reader.failure(name, "cannot be changed after the account was made; make another")
        }
    }

    private static func decimal(
        _ name: String, _ low: Int, _ high: Int, _ reader: inout ObjectReader
    ) throws(FieldFailure) -> FixedDecimal? {
        guard let value = try reader.optionalDecimal(name) else { return nil }
        guard FixedDecimal(low) <= value, value <= FixedDecimal(high) else {
            throw reader.failure(name, "is \(value), allowed are \(low) to \(high)")
        }
        return value
    }
}

extension MatchingSettings {
    /// The paper venue as the configuration has it.
    init(_ paper: Configuration.Paper) {
        self.init(
            makerFee: paper.makerFee, takerFee: paper.takerFee, participation: paper.participation)
        // A basis point is a ten-thousandth.
        slippage = FixedDecimal(units: paper.slippageBasisPoints.units / 10_000)
    }
}
