import Posix
import Trading
import Wire

/// One connection of the WebSocket API: requests and answers, and user data. On the loop.
final class BinanceSocketAPI {
    private let venue: BinanceVenue
    private let pipe: EventPipe
    private let isInMicroseconds: Bool
    /// Whose events are wanted, by the number of the subscription.
    private(set) var subscriptions: [Int: AccountID] = [:]
    private var nextSubscription = 0
    private var watchman: SocketWatchman?

    init(_ socket: WebSocket, _ venue: BinanceVenue, isInMicroseconds: Bool) {
        self.venue = venue
        self.isInMicroseconds = isInMicroseconds
        pipe = EventPipe(socket, venue.core)
    }

    func begin() {
        let socket = pipe.socket
        socket.onText = { [self] in received($0) }
        socket.onClose = { [self] in
            watchman?.stop()
            venue.users.remove(self)
        }
        watchman = SocketWatchman(pipe, venue.core)
        venue.users.add(self)
        do throws(BinanceError) {
            try venue.gate.admit(socket.peer, weight: 2)
        } catch {
            socket.close(1008, error.message)
        }
    }

    func drop() { pipe.socket.drop() }

    /// Says that the server goes, and closes.
    func shutDown() {
        let event = JSONValue.members(["e": .string("serverShutdown"), "E": .time(venue.core.now)])
        pipe.answer(JSONValue.members(["event": event]).bytes)
        pipe.socket.close(1001, "serverShutdown")
    }

    private func received(_ text: [UInt8]) {
        let value: JSONValue
        do throws(JSONParser.Failure) {
            value = try JSONParser.parse(text)
        } catch {
            return send(id: .null, status: 400, .failure(BinanceError(-1135, "Invalid JSON Request")))
        }
        let id = value["id"] ?? .null
        guard let method = value["method"]?.stringValue else {
            return send(
                id: id, status: 400,
                .failure(BinanceError(-1102, "Mandatory parameter 'method' was not sent.")))
        }
        let fate = venue.core.faults.fate(method: "WS", path: method)
        later(fate.before) { [self] in carryOut(id, method, value["params"], fate) }
    }

    private func carryOut(
        _ id: JSONValue, _ method: String, _ parameters: JSONValue?, _ fate: FaultBoard.RequestFate
    ) {
        switch fate.end {
        case .dropBefore: return drop()
        case .hang(false): return
        case .status(let rule) where !rule.isProcessed:
            return later(fate.after) { [self] in sendFault(id, rule) }
        case .normal, .dropAfter, .truncate, .hang, .status: break
        }
        let outcome = outcome(method, parameters)
        later(fate.after) { [self] in
            switch fate.end {
            case .normal, .dropBefore: send(id: id, status: 200, outcome)
            case .dropAfter: drop()
            case .truncate:
                let whole = frame(id: id, status: 200, outcome)
                pipe.answer(Array(whole.prefix(whole.count / 2)))
            case .hang: break
            case .status(let rule): sendFault(id, rule)
            }
        }
    }

    private func later(_ milliseconds: Int, _ body: @escaping () -> Void) {
        guard milliseconds > 0 else { return body() }
        venue.core.loop.schedule(after: .milliseconds(milliseconds), body)
    }

    private func outcome(_ method: String, _ parameters: JSONValue?) -> Result<JSONValue, BinanceError> {
        do throws(BinanceError) {
            var request = try BinanceRequest(parameters: parameters)
            request.isInMicroseconds = isInMicroseconds
            switch method {
            case "userDataStream.subscribe.signature": return .success(try subscribe(&request))
            case "userDataStream.unsubscribe": return .success(try unsubscribe(request))
            case "session.logon":
                throw BinanceError(-4056, "HMAC_SHA256 API key is not supported.")
            case "userDataStream.subscribe":
                throw BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", status: 401)
            default:
                guard let operation = venue.operation(ofSocket: method) else {
                    throw BinanceError(-1020, "This operation is not supported.")
                }
                return .success(try venue.run(operation, &request, peer: pipe.socket.peer))
            }
        } catch {
            return .failure(error)
        }
    }

    // MARK: - User data

    private func subscribe(_ request: inout BinanceRequest) throws(BinanceError) -> JSONValue {
        try venue.gate.admit(pipe.socket.peer, weight: 2)
        try venue.gate.authenticate(&request)
        guard let account = request.account else { throw .missing("apiKey") }
        guard !subscriptions.values.contains(account) else {
            throw BinanceError(-2035, "User Data Stream subscription already active.")
        }
        guard nextSubscription <= 65_535 else { throw BinanceError(-2042, "Subscription ids are used up.") }
        let id = nextSubscription
        nextSubscription += 1
        subscriptions[id] = account
        return .members(["subscriptionId": .integer(id)])
    }

    private func unsubscribe(_ request: BinanceRequest) throws(BinanceError) -> JSONValue {
        if let id = try request.integer("subscriptionId") {
            guard subscriptions.removeValue(forKey: Int(id)) != nil else {
                throw BinanceError(-2036, "User Data Stream subscription not active.")
            }
        } else {
            guard !subscriptions.isEmpty else {
                throw BinanceError(-2036, "User Data Stream subscription not active.")
            }
            subscriptions = [:]
        }
        return .object([])
    }

    /// Sends an event to every subscription of its account.
    func tell(_ event: JSONValue, of account: AccountID) {
        for (id, owner) in subscriptions where owner == account {
            let wrapped = JSONValue.members(["subscriptionId": .integer(id), "event": event])
            pipe.deliver(wrapped.bytes, stream: "user", name: "user", event: event["e"]?.stringValue ?? "")
        }
    }

    // MARK: - Frames

    private func sendFault(_ id: JSONValue, _ rule: FaultRule) {
        let usual = BinanceVenue.usual(rule.status)
        var error = BinanceError(rule.code ?? usual.code, rule.message ?? usual.message, status: rule.status)
        if let seconds = rule.retryAfter {
            error.data = .members([
                "serverTime": .time(venue.core.now),
                "retryAfter": .integer(venue.core.now.milliseconds + Int64(seconds) * 1000),
            ])
        }
        send(id: id, status: rule.status, .failure(error))
    }

    private func send(id: JSONValue, status: Int, _ outcome: Result<JSONValue, BinanceError>) {
        pipe.answer(frame(id: id, status: status, outcome))
    }

    private func frame(id: JSONValue, status: Int, _ outcome: Result<JSONValue, BinanceError>) -> [UInt8] {
        var members: [JSONValue.Member] = [.init("id", id)]
        switch outcome {
        case .success(let result): members += [.init("status", .integer(status)), .init("result", result)]
        case .failure(let error):
            members += [.init("status", .integer(error.status)), .init("error", error.json)]
        }
        let limit = venue.core.settings.integer(BinanceSettings.weightPerMinute)
        members.append(
            .init(
                "rateLimits",
                .array([
                    .members([
                        "rateLimitType": .string("REQUEST_WEIGHT"), "interval": .string("MINUTE"),
                        "intervalNum": .integer(1), "limit": .integer(limit),
                        "count": .integer(venue.gate.usedWeight(pipe.socket.peer)),
                    ])
                ])))
        return JSONValue.object(members).bytes
    }
}

/// Sees to it that a socket is alive, and does not live for ever. On the loop.
final class SocketWatchman {
    private let pipe: EventPipe
    private let core: VenueCore
    private var timers: [EventLoop.Timer] = []
    private var unanswered: EventLoop.Timer?
    private var payload: [UInt8] = []

    init(_ pipe: EventPipe, _ core: VenueCore) {
        self.pipe = pipe
        self.core = core
        pipe.socket.onPong = { [weak self] in self?.answered($0) }
        let life = core.settings.integer(BinanceSettings.lifeSeconds)
        timers.append(
            core.loop.schedule(after: .seconds(life)) { [weak pipe] in pipe?.socket.close(1001, "24 hours") })
        schedule()
    }

    func stop() {
        for timer in timers { core.loop.cancel(timer) }
        if let unanswered { core.loop.cancel(unanswered) }
        timers = []
        unanswered = nil
    }

    private func schedule() {
        let pause = core.settings.integer(BinanceSettings.pingSeconds)
        timers =
            timers.prefix(1) + [core.loop.schedule(after: .seconds(pause)) { [weak self] in self?.ping() }]
    }

    private func ping() {
        payload = Array(String(core.now.milliseconds).utf8)
        pipe.ping(payload)
        schedule()
        guard unanswered == nil else { return }
        let limit = core.settings.integer(BinanceSettings.pongSeconds)
        unanswered = core.loop.schedule(after: .seconds(limit)) { [weak pipe] in
            pipe?.socket.close(1008, "no pong")
        }
    }

    private func answered(_ answer: [UInt8]) {
        // An unsolicited pong is allowed and does not count.
        guard answer == payload, let timer = unanswered else { return }
        core.loop.cancel(timer)
        unanswered = nil
    }
}

/// The user data of everybody who subscribed. On the loop.
final class BinanceUserStreams {
    private let core: VenueCore
    private var sockets: [ObjectIdentifier: BinanceSocketAPI] = [:]
    private var executions: Int64 = 0

    init(_ core: VenueCore) { self.core = core }

    func add(_ socket: BinanceSocketAPI) { sockets[ObjectIdentifier(socket)] = socket }
    func remove(_ socket: BinanceSocketAPI) { sockets[ObjectIdentifier(socket)] = nil }
    func disconnect(isAnnounced: Bool) {
        for socket in Array(sockets.values) { isAnnounced ? socket.shutDown() : socket.drop() }
    }

    func tell(_ event: BookEvent, cancelName: String?) {
        switch event {
        case .opened(let order): report(order, "NEW", nil, nil)
        case .traded(let order, let trade): report(order, "TRADE", trade, nil)
        case .ended(let order):
            let isCancel = order.state == .cancelled
            report(
                order, isCancel ? "CANCELED" : "EXPIRED", nil,
                isCancel ? cancelName ?? core.dice.hexadecimal(22) : nil)
        case .amended(let order): report(order, "REPLACED", nil, nil)
        case .balances(let account, let currencies): tellBalances(account, currencies)
        case .deposited(let account, let currency, let amount):
            send(
                .members([
                    "e": .string("balanceUpdate"), "E": .time(core.now), "a": .string(currency),
                    "d": BinanceJSON.amount(amount), "T": .time(core.now),
                ]), account)
        }
    }

    private func report(_ order: BookOrder, _ kind: String, _ trade: BookTrade?, _ cancelName: String?) {
        executions += 1
        guard isHeard(order.account) else { return }
        send(
            BinanceJSON.report(
                order, kind, trade, cancelName: cancelName, execution: executions, at: core.now),
            order.account)
    }

    private func tellBalances(_ account: AccountID, _ currencies: [String]) {
        guard isHeard(account) else { return }
        let balances = core.books.balances(account)
        send(
            .members([
                "e": .string("outboundAccountPosition"), "E": .time(core.now), "u": .time(core.now),
                "B": .array(
                    currencies.map { currency in
                        let balance = balances[currency] ?? .init(total: .zero, locked: .zero)
                        return .members([
                            "a": .string(currency),
                            "f": BinanceJSON.amount(balance.total.minus(balance.locked)),
                            "l": BinanceJSON.amount(balance.locked),
                        ])
                    }),
            ]), account)
    }

    private func isHeard(_ account: AccountID) -> Bool {
        sockets.values.contains { $0.subscriptions.values.contains(account) }
    }

    private func send(_ event: JSONValue, _ account: AccountID) {
        for socket in Array(sockets.values) { socket.tell(event, of: account) }
    }
}
