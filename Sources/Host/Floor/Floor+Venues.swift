internal import Exchanges
internal import MarketData
internal import Net
internal import Posix
internal import Secrets
internal import Trading
internal import Wire

/// The exchanges beyond this machine, each made when something first wants it.
extension Floor {
    /// The way out to the network, which a host without exchanges does without.
    final class Outside {
        private var clients: (http: HTTPClient, sockets: WebSocketClient)?

        /// Opens it the first time.
        func open() throws(HostError) -> (http: HTTPClient, sockets: WebSocketClient) {
            if let clients { return clients }
            do throws(SystemCallError) {
                let clients = (http: try HTTPClient(), sockets: try WebSocketClient())
                self.clients = clients
                return clients
            } catch {
                throw .unavailable("connections to exchanges cannot be made: \(error)")
            }
        }
    }

    /// Which venue each account is at, for the desk.
    final class AccountVenues {
        private var venues: [AccountID: VenueID] = [:]

        /// The venue of an account; nil for one that this host does not have.
        subscript(account: AccountID) -> VenueID? {
            get { venues[account] }
            set { venues[account] = newValue }
        }
    }

    /// An exchange's adapter, connected to the desk.
    func live(_ known: KnownVenue, _ environment: VenueEnvironment) throws(HostError) -> any LiveVenue {
        let id = known.id(environment)
        if let venue = venues[id] { return venue }
        let venue = try make(known, environment)
        venue.observer = self
        venue.onHealth = { [around] in around.health.report(id.text, fault: $0.fault) }
        venue.onResumed = { [weak self] account in self?.resumed(account, at: id) }
        venue.onInstruments = { [weak self] in self?.take($0, at: id) }
        around.health.report(id.text)
        desk.connect(venue)
        venues[id] = venue
        return venue
    }

    private func make(
        _ known: KnownVenue, _ environment: VenueEnvironment
    ) throws(HostError) -> any LiveVenue {
        let clients = try outside.open()
        let (settings, keys) = (around.configuration.venues, around.keys)
        switch known {
        case .binance:
            var times = BinanceVenue.Settings()
            times.instrumentsEvery = settings.instrumentsRefresh
            let venue = BinanceVenue(
                venue: known.id(environment), addresses: settings.binance(environment),
                http: clients.http, sockets: clients.sockets, loop: loop, settings: times,
                keys: { keys($0.text) })
            if let onWire = around.instruments.onWire { venue.onSent = { onWire($1) } }
            return venue
        case .coindcx:
            var times = CoinDCXVenue.Settings()
            times.instrumentsEvery = settings.instrumentsRefresh
            return CoinDCXVenue(
                venue: known.id(environment), addresses: settings.coinDCXAddresses, http: clients.http,
                sockets: clients.sockets, loop: loop, settings: times, keys: { keys($0.text) })
        case .coinspot:
            var times = CoinSpotVenue.Settings()
            times.instrumentsEvery = settings.instrumentsRefresh
            return CoinSpotVenue(
                venue: known.id(environment), base: settings.coinspot, http: clients.http, loop: loop,
                settings: times, nonces: around.nonces, keys: { keys($0.text) })
        }
    }

    /// Serves an account at its exchange; says in the log what hinders it.
    ///
    /// - Parameter symbols: What was traded on it so far, each with a time before its first trade.
    func serve(_ account: AccountSetup, symbols: [String: Timestamp] = [:]) {
        guard let exchange = account.exchange else { return }
        do throws(HostError) {
            try live(exchange.venue, exchange.environment).open(AccountID(account.id), symbols: symbols)
        } catch {
            around.log.error("account \(account.id) is not served", ["reason": "\(error)"])
            around.health.report(exchange.id.text, fault: "\(error)")
        }
    }

    /// Tells a venue that takes no names of ours which of an account's orders there are ours. Before that it does nothing.
    func recall(_ account: AccountSetup, from snapshot: DeskSnapshot) {
        guard let exchange = account.exchange,
            let venue = venues[exchange.id] as? any JournalGuidedVenue
        else { return }
        let id = AccountID(account.id)
        venue.restore(
            snapshot.orders.values.filter { $0.intent.account == id }.sorted { $0.id < $1.id },
            fills: snapshot.fills.values.filter { $0.key.account == id }, on: id)
    }

    /// Why nothing can be traded on an account now, in words; nil when something can.
    func hindrance(to account: AccountSetup) -> String? {
        guard let exchange = account.exchange, around.keys(account.id) == nil else { return nil }
        return
            "account \(account.id) has no active credential for \(exchange.words); add one and make it active"
    }

    /// An account's credential came, changed or went.
    func credentialChanged(_ id: String) {
        guard let account = accounts[id], let exchange = account.exchange else { return }
        venues[exchange.id]?.credentialChanged(AccountID(id))
    }

    /// The stream of an account's orders is open; what happened before is asked for by the desk.
    private func resumed(_ account: AccountID, at venue: VenueID) {
        around.log.info("the stream of orders is open", ["account": account.text, "venue": venue.text])
        refreshBalances(of: account.text)
    }

    /// An exchange told instruments, or others than before.
    private func take(_ instruments: [Instrument], at venue: VenueID) {
        desk.decide { desk, _ in
            desk.setInstruments(instruments, at: venue)
            return []
        }
    }

    /// Asks what the accounts at exchanges hold, for those who look at lists of them.
    func refreshBalances() {
        for account in accounts.values where account.exchange != nil && around.keys(account.id) != nil {
            refreshBalances(of: account.id)
        }
    }

    // MARK: - Money

    /// Asks the venue what an account holds; the answer comes on the floor.
    func askBalances(
        of account: AccountSetup, _ completion: @escaping (Result<[VenueBalance], VenueFailure>) -> Void
    ) {
        let id = AccountID(account.id)
        guard let exchange = account.exchange else { return paper.balances(on: id, completion) }
        guard let venue = venues[exchange.id] else {
            return completion(.failure(.unsent("\(exchange.words) is not open")))
        }
        venue.balances(on: id) { [weak self] result in
            if case .success(let held) = result { self?.held[account.id] = held }
            completion(result)
        }
    }

    private func refreshBalances(of id: String) {
        guard let account = accounts[id] else { return }
        // A failure leaves what was known; the venue's health tells of it.
        askBalances(of: account) { _ in }
    }

    /// Lets go of every exchange.
    func endVenues() {
        for venue in venues.values { venue.end() }
    }
}

extension Floor: AdapterObserver {
    func adapter(_ venue: VenueID, sent trace: VenueTrace) { note(trace.order, .sent(trace)) }

    func adapter(_ venue: VenueID, heard trace: VenueTrace) {
        guard trace.order != nil else { return }
        note(trace.order, .traffic(trace))
        around.log.part("venue").debug(
            trace.source,
            [
                "venue": venue.text, "account": trace.account?.text ?? "", "order": trace.order?.text ?? "",
                "status": trace.status.map { "\($0)" } ?? "", "text": trace.text,
            ])
    }

    func adapter(_ venue: VenueID, entered condition: VenueCondition) {
        let log = around.log.part("venue")
        let part = "\(venue.text)-requests"
        switch condition {
        case .paused(let wait, let reason):
            log.warning("\(venue): too many requests; nothing is sent for \(wait)", ["reason": reason])
        case .banned(let wait, let reason):
            let words = "banned for \(wait): \(reason); streams go on"
            log.error("\(venue): \(words)")
            around.health.report(part, fault: words)
            around.audit("host", "venue.banned", venue.text, words)
            tell(
                .venueUnavailable(until: now.advanced(byMilliseconds: wait.milliseconds), reason: words),
                at: venue)
        case .resumed:
            log.info("\(venue): requests go on")
            around.health.report(part)
            tell(.venueAvailable, at: venue)
        case .circuitOpened(let group, let wait, let reason):
            let words = "\(group) failed again and again and are left alone for \(wait): \(reason)"
            log.error("\(venue): \(words)")
            around.health.report(part, fault: words)
        case .circuitClosed(let group):
            log.info("\(venue): \(group) work again")
            around.health.report(part)
        case .credentialsRefused(let account, let wait, let reason):
            let words = "the credential of \(account) was refused and is left alone for \(wait): \(reason)"
            log.error("\(venue): \(words)")
            around.health.report("\(venue.text)-credential-\(account)", fault: words)
            around.audit("host", "credential.refused", account.text, words)
        case .credentialsAccepted(let account):
            log.info("\(venue): the credential of \(account) works again")
            around.health.report("\(venue.text)-credential-\(account)")
        case .clockCompared(let ahead, let uncertainty):
            log.debug("\(venue): its clock is ahead by \(ahead), give or take \(uncertainty)")
        }
    }
}

extension Floor {
    /// Tells the desk something about every account at a venue.
    private func tell(_ report: VenueReport, at venue: VenueID) {
        for account in accounts.values.sorted(by: { $0.id < $1.id }) where account.venue == venue {
            desk.decide { desk, now in
                desk.venueReported(report, on: AccountID(account.id), at: now)
            }
        }
    }
}

extension Configuration.Venues {
    /// Where CoinDCX is, or what takes its place.
    var coinDCXAddresses: CoinDCXAddresses {
        CoinDCXAddresses(rest: coindcx, market: coindcxMarket, socket: coindcxSocket)
    }

    /// Where Binance is, or what takes its place.
    func binance(_ environment: VenueEnvironment) -> BinanceAddresses {
        switch environment {
        case .live:
            BinanceAddresses(rest: binance, streams: binanceStreams, socketAPI: binanceSocketAPI)
        case .testnet:
            BinanceAddresses(
                rest: binanceTestnet, streams: binanceTestnetStreams, socketAPI: binanceTestnetSocketAPI)
        }
    }
}
