internal import Journal
internal import MarketData
internal import Posix
internal import Sandbox
public import Trading
public import Wire

/// Feeds, accounts, limits, the halt switch and the host itself.
extension Host {
    /// Puts events into a feed as if its market had sent them, all or none; `body` is the request's body. Returns how many.
    public func inject(_ body: JSONValue, by user: String) async throws(HostError) -> Int {
        try await floor { floor throws(HostError) in try floor.inject(body) }
    }

    /// Puts events that were made in this process into a feed that takes events.
    ///
    /// - Throws: ``HostError/conflict(_:)`` when the feed makes its own prices or lacks the symbol.
    public func inject(
        _ events: [MarketEvent], into feed: String?, by user: String
    ) async throws(HostError) -> Int {
        try await floor { floor throws(HostError) in try floor.inject(events, into: feed ?? Feed.injected) }
    }

    /// Puts events into a feed and does not wait until it has taken them; what it refuses is logged.
    public func post(_ events: [MarketEvent], into feed: String) {
        floor.soon { floor in
            do throws(HostError) {
                _ = try floor.inject(events, into: feed)
            } catch {
                floor.around.log.warning("events were refused", ["feed": feed, "reason": "\(error)"])
            }
        }
    }

    /// Every feed.
    public func feeds() async throws(HostError) -> [FeedView] {
        try await floor { floor throws(HostError) in
            // The one that a start takes unless told otherwise comes first.
            floor.feeds.values.sorted {
                ($0.id == Feed.principal ? 0 : 1, $0.id) < ($1.id == Feed.principal ? 0 : 1, $1.id)
            }.map { floor.view(of: $0) }
        }
    }

    /// Adds a feed; `settings` is the request's body.
    public func addFeed(_ settings: JSONValue, by user: String) async throws(HostError) -> FeedView {
        let feed = try Self.checked { () throws(FieldFailure) in try FeedDefinition(settings) }
        try await floor { floor throws(HostError) in
            guard floor.feeds[feed.id] == nil else { throw .conflict("there is a feed \(feed.id) already") }
            // Opened once to see that it can be, before it is kept.
            try floor.openAnew(feed)
        }
        try await store.save(feed: feed.id, settings: feed.json)
        audit(user, "feed.add", feed.id, feed.json.text)
        return try await floor { floor throws(HostError) in floor.view(of: floor.feeds[feed.id]!) }
    }

    /// Changes the given members of a feed.
    public func changeFeed(
        _ id: String, _ settings: JSONValue, by user: String
    ) async throws(HostError) -> FeedView {
        let changed = try await floor { floor throws(HostError) in
            guard let feed = floor.feeds[id] else { throw .notFound(kind: "feed", id: id) }
            let changed = try Self.checked { () throws(FieldFailure) in
                try feed.market.definition.changed(by: settings)
            }
            try floor.change(feed, to: changed)
            return changed
        }
        try await store.save(feed: id, settings: changed.json)
        audit(user, "feed.change", id, settings.text)
        return try await floor { floor throws(HostError) in floor.view(of: floor.feeds[id]!) }
    }

    /// Every account.
    public func accounts() async throws(HostError) -> [AccountView] {
        try await accountViews(nil)
    }

    /// Adds an account; `settings` is the request's body.
    public func addAccount(_ settings: JSONValue, by user: String) async throws(HostError) -> AccountView {
        let defaults = AccountSetup.defaults(loaded.configuration.paper)[0]
        let account = try Self.checked { () throws(FieldFailure) in
            try AccountSetup(
                settings, defaults: defaults, isNew: true, venues: loaded.configuration.venues,
                at: Timestamp(milliseconds: WallClock.milliseconds))
        }
        try await floor { floor throws(HostError) in
            guard floor.accounts[account.id] == nil else {
                throw .conflict("there is an account \(account.id) already")
            }
        }
        try await store.save(account: account.id, settings: account.json)
        audit(user, "account.add", account.id, account.json.text)
        try await floor { floor throws(HostError) in
            floor.addNew(account)
        }
        return try await accountView(account.id)
    }

    /// Changes the given members of an account.
    public func changeAccount(
        _ id: String, _ settings: JSONValue, by user: String
    ) async throws(HostError) -> AccountView {
        let venues = loaded.configuration.venues
        let account = try await floor { floor throws(HostError) in
            guard let account = floor.accounts[id] else { throw .notFound(kind: "account", id: id) }
            return try Self.checked { () throws(FieldFailure) in
                try AccountSetup(settings, defaults: account, isNew: false, venues: venues, at: floor.now)
            }
        }
        try await store.save(account: id, settings: account.json)
        audit(user, "account.change", id, settings.text)
        try await floor { floor throws(HostError) in floor.add(account) }
        return try await accountView(id)
    }

    /// What the venue says now that an account holds.
    ///
    /// - Throws: ``HostError/unavailable(_:)`` with the venue's words when it does not say.
    public func balances(of id: String) async throws(HostError) -> [AccountView.Balance] {
        let result: Result<[AccountView.Balance], HostError> = await withCheckedContinuation { continuation in
            // The continuation waits for it.
            Task {
                do throws(HostError) {
                    try await floor { floor throws(HostError) in
                        guard let account = floor.accounts[id] else {
                            throw .notFound(kind: "account", id: id)
                        }
                        floor.askBalances(of: account) { answer in
                            continuation.resume(
                                returning: answer.map { $0.map(AccountView.Balance.init) }.mapError {
                                    .unavailable("the balance of \(id) is not known: \($0)")
                                })
                        }
                    }
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// The limits in force.
    public func limits() async throws(HostError) -> LimitsView {
        try await floor { floor throws(HostError) in floor.limitsView }
    }

    /// Begins the peak anew that the drawdown of a scope counts from: `global`, `venue:ID`, `account:ID`, `strategy:ID`.
    ///
    /// - Throws: ``HostError/conflict(_:)`` when there is no limit on its drawdown.
    public func beginPeak(of scope: String, by user: String) async throws(HostError) -> LimitsView {
        guard let known = LimitSetup.Scope(scope) else {
            throw .invalid(
                FieldFailure(
                    field: "scope",
                    reason: "must be \"global\", \"venue:ID\", \"account:ID\" or \"strategy:ID\""))
        }
        let view = try await floor { floor throws(HostError) in
            try floor.beginPeak(of: known)
            return floor.limitsView
        }
        audit(user, "limits.peak", scope, "")
        return view
    }

    /// Changes the given limits: `{"global":{…},"venues":{"binance":{…}},"accounts":{"paper":{…}},"strategies":{"id":{…}}}`.
    public func changeLimits(_ changes: JSONValue, by user: String) async throws(HostError) -> LimitsView {
        let changed = try await floor { floor throws(HostError) in
            try Self.checked { () throws(FieldFailure) in
                try floor.limits.changes(changes, exists: floor.exists)
            }
        }
        try await store.save(limits: changed.map { ($0.scope.text, $0.limits.json) })
        audit(user, "limits.change", "", changes.text)
        return try await floor { floor throws(HostError) in
            floor.take(changed)
            return floor.limitsView
        }
    }

    /// The orders of which the venue shows several that could be ours.
    public func ambiguousOrders() async throws(HostError) -> [AmbiguityView] {
        try await floor { floor throws(HostError) in floor.ambiguousOrders }
    }

    /// Takes an operator's word for which of the venue's orders one of ours is; nil says that it was never placed.
    public func settleOrder(
        _ id: String, as venueOrder: String?, by user: String
    ) async throws(HostError) -> OrderView {
        guard let number = Int64(numberedID: id) else { throw .notFound(kind: "order", id: id) }
        audit(
            user, "order.settle", id, venueOrder.map { "it is \($0) at the venue" } ?? "it was never placed")
        return try await floor { floor throws(HostError) in
            try floor.settle(OrderID(number), as: venueOrder.map { VenueOrderID($0) }, by: user)
        }
    }

    /// Denies every new order in `scope` at once, and flattens when asked.
    public func halt(_ request: HaltRequest, by user: String) async throws(HostError) -> HaltView {
        let reason = request.reason ?? "halted by \(user)"
        audit(user, "halt", request.scope.text, reason + (request.flatten ? " (flatten)" : ""))
        hooks.halted(scope: request.scope.text, reason: reason, by: user)
        return try await floor { floor throws(HostError) in
            try floor.halt(request, reason: reason, by: user)
            return floor.haltView
        }
    }

    /// Lifts a halt.
    public func resumeTrading(_ scope: HaltScope, by user: String) async throws(HostError) -> HaltView {
        audit(user, "resume", scope.text, "")
        return try await floor { floor throws(HostError) in
            try floor.resume(scope)
            return floor.haltView
        }
    }

    /// What is halted now, and how far the closing of the owner's positions is.
    public func haltState(owner: String?) async throws(HostError) -> HaltView {
        try await floor { floor throws(HostError) in floor.haltState(owner: owner) }
    }

    /// The sandbox profiles and what each allows.
    public func profiles() async throws(HostError) -> [ProfileView] {
        launcher.profiles.values.sorted { $0.name < $1.name }.map { profile in
            ProfileView(profile, launcher)
        }
    }

    /// What this machine can and cannot do.
    public func doctor() async throws(HostError) -> [CheckView] {
        launcher.launcher.report.rows.map { CheckView($0) } + [Doctor.userIDs(launcher.launcher.userIDs)]
    }

    /// The configuration in force, secrets masked.
    public func configuration() async throws(HostError) -> JSONValue {
        loaded.json
    }

    /// One account, with what the venue says it holds.
    private func accountView(_ id: String) async throws(HostError) -> AccountView {
        guard let view = try await accountViews(id).first else { throw .notFound(kind: "account", id: id) }
        return view
    }

    /// One account, or all of them, with what the venue says they hold.
    private func accountViews(_ id: String?) async throws(HostError) -> [AccountView] {
        let result: Result<[AccountView], HostError> = await withCheckedContinuation { continuation in
            // The continuation waits for it.
            Task {
                do throws(HostError) {
                    try await floor { floor throws(HostError) in
                        let wanted = floor.accounts.values.filter { id == nil || $0.id == id }
                        floor.views(of: wanted.sorted { $0.id < $1.id }) {
                            continuation.resume(returning: .success($0))
                        }
                    }
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// A field's failure in the host's words.
    static func checked<Result>(
        _ body: () throws(FieldFailure) -> Result
    ) throws(HostError) -> Result {
        do throws(FieldFailure) {
            return try body()
        } catch {
            throw .invalid(error)
        }
    }
}
