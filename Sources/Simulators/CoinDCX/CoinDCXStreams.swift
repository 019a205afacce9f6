import MarketData
import Posix
import Trading
import Wire

/// CoinDCX's sockets: Socket.IO 4 packets on Engine.IO 4, WebSocket transport only. On the loop.
final class CoinDCXStreams {
    private let core: VenueCore
    private let market: CoinDCXMarket
    private let orders: CoinDCXOrders
    private var connections: [ObjectIdentifier: CoinDCXConnection] = [:]
    private var timer: EventLoop.Timer?
    private var ticks: Int64 = 0
    private var books: [String: Book] = [:]

    /// The last book that was told, and its version, which has no gaps.
    private struct Book {
        var version: Int64
        var bids: [FixedDecimal: FixedDecimal]
        var asks: [FixedDecimal: FixedDecimal]
    }

    private static let levels = 50

    init(_ core: VenueCore, _ market: CoinDCXMarket, _ orders: CoinDCXOrders) {
        self.core = core
        self.market = market
        self.orders = orders
        tick()
    }

    func stop() {
        if let timer { core.loop.cancel(timer) }
        timer = nil
    }

    func disconnect() { for connection in Array(connections.values) { connection.drop() } }

    func connect(_ call: Call) {
        guard let socket = call.upgrade() else { return }
        let connection = CoinDCXConnection(socket, core)
        connections[ObjectIdentifier(connection)] = connection
        connection.onJoin = { [weak self, weak connection] channel in
            if let connection { self?.joined(connection, channel) }
        }
        connection.begin { [weak self] in self?.connections[ObjectIdentifier($0)] = nil }
    }

    // MARK: - The user's own

    func tell(_ event: BookEvent) {
        guard connections.values.contains(where: { $0.account != nil }) else { return }
        switch event {
        case .opened(let order), .ended(let order), .amended(let order): tell(order)
        case .traded(let order, let trade):
            send(
                order.account, "trade-update",
                .array([
                    .members([
                        "o": .string(orders.id(order)), "c": .string(order.clientID),
                        "t": .string(String(trade.number)),
                        "s": .string(order.terms.symbol), "p": .decimal(trade.price),
                        "q": .decimal(trade.quantity),
                        "T": .time(trade.time), "m": .bool(trade.isMaker), "f": .decimal(trade.fee),
                        "e": .string(core.instrument(order.terms.symbol).map { market.code($0) } ?? "B"),
                        "x": .string(CoinDCXOrders.state(order)),
                    ])
                ]))
            tell(order)
        case .balances(let account, let currencies): tellBalances(account, currencies)
        case .deposited: break  // The balances that follow say it.
        }
    }

    private func tell(_ order: BookOrder) {
        send(order.account, "order-update", .array([orders.shown(order)]))
    }

    private func tellBalances(_ account: AccountID, _ currencies: [String]) {
        let balances = core.books.balances(account)
        send(
            account, "balance-update",
            .array(
                currencies.map { currency in
                    let balance = balances[currency] ?? .init(total: .zero, locked: .zero)
                    return .members([
                        "id": .string("\(account.text)-\(currency)"),
                        "balance": .decimal(balance.total.minus(balance.locked)),
                        "locked_balance": .decimal(balance.locked), "currency_id": .string(currency),
                        "currency_short_name": .string(currency),
                    ])
                }))
    }

    private func send(_ account: AccountID, _ event: String, _ data: JSONValue) {
        for connection in Array(connections.values) where connection.account == account {
            connection.send(event, data, stream: "user", channel: "coindcx")
        }
    }

    // MARK: - Everybody's

    private func send(_ channel: String, _ event: String, _ make: () -> JSONValue?) {
        let listeners = connections.values.filter { $0.channels.contains(channel) }
        guard !listeners.isEmpty, let data = make() else { return }
        for connection in listeners { connection.send(event, data, stream: "market", channel: channel) }
    }

    func tell(_ event: Tape.Event) {
        guard !connections.isEmpty else { return }
        switch event {
        case .trade(let trade): tell(trade)
        case .quote: break  // The clock tells of books.
        case .minute(let minute): tellClosed(minute)
        }
    }

    private func tell(_ trade: PublicTrade) {
        guard let instrument = core.instrument(trade.symbol) else { return }
        let pair = market.pair(instrument)
        send("\(pair)@trades", "new-trade") {
            .members([
                "T": .time(trade.time), "p": .decimal(trade.price), "q": .decimal(trade.quantity),
                "m": .integer(trade.isBuyerMaker ? 1 : 0), "s": .string(pair), "pr": .string("spot"),
            ])
        }
        send("\(pair)@prices", "price-change") {
            // The symbol is not inside.
            .members(["T": .time(trade.time), "p": .decimal(trade.price), "pr": .string("spot")])
        }
    }

    private func tellClosed(_ minute: Candle) {
        let end = minute.closeTime
        for (word, interval) in CoinDCXMarket.intervals {
            guard let length = interval, length.openTime(containing: end) == end,
                let instrument = core.instrument(minute.symbol)
            else { continue }
            let channel = "\(market.pair(instrument))_\(word)"
            send(channel, "candlestick") {
                let candle =
                    length == minute.resolution
                    ? minute : core.tape.closedCandle(minute.symbol, length, at: end)
                return candle.map { self.candle($0, word, channel, instrument, isClosed: true) }
            }
        }
    }

    private func candle(
        _ candle: Candle, _ word: String, _ channel: String, _ instrument: Instrument, isClosed: Bool
    ) -> JSONValue {
        let quote = candle.close.times(candle.volume)
        return .members([
            "t": .time(candle.openTime), "T": .time(candle.closeTime.advanced(byMilliseconds: -1)),
            "o": .decimal(candle.open), "c": .decimal(candle.close), "h": .decimal(candle.high),
            "l": .decimal(candle.low), "v": .decimal(candle.volume), "n": .integer(0), "x": .bool(isClosed),
            "q": .decimal(quote), "V": .decimal(candle.volume.over(FixedDecimal(2))),
            "Q": .decimal(quote.over(FixedDecimal(2))), "i": .string(word), "s": .string(candle.symbol),
            "channel": .string(channel), "eT": .time(core.now), "ecode": .string(market.code(instrument)),
            "pr": .string("spot"),
        ])
    }

    // MARK: - By the clock

    private func tick() {
        ticks += 1
        if !connections.isEmpty {
            for instrument in core.instruments {
                tellBook(instrument)
                if ticks % 2 == 0 { tellOpenCandles(instrument) }
            }
            if ticks % 2 == 0 { tellPrices("currentPrices@spot@1s") }
            if ticks % 20 == 0 { tellPrices("currentPrices@spot@10s") }
            if ticks % 120 == 0 { tellDays() }
        }
        timer = core.loop.schedule(after: .milliseconds(500)) { [weak self] in self?.tick() }
    }

    private func tellOpenCandles(_ instrument: Instrument) {
        for (word, interval) in CoinDCXMarket.intervals {
            guard let length = interval else { continue }
            let channel = "\(market.pair(instrument))_\(word)"
            send(channel, "candlestick") {
                core.tape.openCandle(instrument.symbol, length).map {
                    candle($0, word, channel, instrument, isClosed: false)
                }
            }
        }
    }

    private func book(_ symbol: String) -> (
        bids: [FixedDecimal: FixedDecimal], asks: [FixedDecimal: FixedDecimal]
    ) {
        let book = core.tape.depth(symbol, Self.levels)
        return (
            Dictionary(book.bids.map { ($0.price, $0.quantity) }) { first, _ in first },
            Dictionary(book.asks.map { ($0.price, $0.quantity) }) { first, _ in first }
        )
    }

    private static func rows(_ levels: [FixedDecimal: FixedDecimal]) -> JSONValue {
        .object(levels.map { .init($0.key.description, .decimal($0.value)) })
    }

    /// Sends what changed in a book; a level of quantity nought is gone.
    private func tellBook(_ instrument: Instrument) {
        let symbol = instrument.symbol
        let (bids, asks) = book(symbol)
        guard let before = books[symbol] else {
            books[symbol] = Book(version: 1, bids: bids, asks: asks)
            return
        }
        func change(
            _ old: [FixedDecimal: FixedDecimal], _ new: [FixedDecimal: FixedDecimal]
        ) -> [FixedDecimal: FixedDecimal] {
            var change = new.filter { old[$0.key] != $0.value }
            for price in old.keys where new[price] == nil { change[price] = .zero }
            return change
        }
        let (bidChange, askChange) = (change(before.bids, bids), change(before.asks, asks))
        guard !bidChange.isEmpty || !askChange.isEmpty else { return }
        let version = before.version + 1
        books[symbol] = Book(version: version, bids: bids, asks: asks)
        for count in [10, 20, 50] {
            let channel = "\(market.pair(instrument))@orderbook@\(count)"
            send(channel, "depth-update") {
                .members([
                    "ts": .time(core.now), "vs": .integer(version), "bids": Self.rows(bidChange),
                    "asks": Self.rows(askChange), "pr": .string("spot"),
                    "s": .string(market.pair(instrument)),
                ])
            }
        }
    }

    /// Whoever joins a book's channel gets the whole of it first.
    private func joined(_ connection: CoinDCXConnection, _ channel: String) {
        for instrument in core.instruments {
            guard channel.hasPrefix("\(market.pair(instrument))@orderbook@") else { continue }
            if books[instrument.symbol] == nil {
                let (bids, asks) = book(instrument.symbol)
                books[instrument.symbol] = Book(version: 1, bids: bids, asks: asks)
            }
            guard let book = books[instrument.symbol] else { continue }
            connection.send(
                "depth-snapshot",
                .members([
                    "ts": .time(core.now), "vs": .integer(book.version), "bids": Self.rows(book.bids),
                    "asks": Self.rows(book.asks), "pr": .string("spot"),
                    "s": .string(market.pair(instrument)),
                ]), stream: "market", channel: channel)
        }
    }

    private func tellPrices(_ channel: String) {
        send(channel, "currentPrices@spot#update") {
            .members([
                "ts": .time(core.now), "vs": .integer(ticks), "pr": .string("spot"),
                "prices": .object(
                    core.instruments.map {
                        .init($0.symbol, .decimal(core.tape.lastPrice($0.symbol) ?? .zero))
                    }),
            ])
        }
    }

    private func tellDays() {
        send("priceStats@spot@60s", "priceStats@spot#update") {
            .members([
                "ts": .time(core.now), "pr": .string("spot"),
                "prices": .object(
                    core.instruments.compactMap { instrument in
                        core.tape.day(instrument.symbol).map {
                            .init(
                                instrument.symbol,
                                .members([
                                    "h": .decimal($0.high), "l": .decimal($0.low), "v": .decimal($0.volume),
                                ]))
                        }
                    }),
            ])
        }
    }
}

/// One client's socket. On the loop.
final class CoinDCXConnection {
    private let core: VenueCore
    private let pipe: EventPipe
    private let sid: String
    private var hasJoinedNamespace = false
    /// Whose private channel is joined.
    private(set) var account: AccountID?
    private(set) var channels: Set<String> = []
    var onJoin: (String) -> Void = { _ in }
    private var pingTimer: EventLoop.Timer?
    private var pongTimer: EventLoop.Timer?

    init(_ socket: WebSocket, _ core: VenueCore) {
        self.core = core
        pipe = EventPipe(socket, core)
        sid = core.dice.hexadecimal(20)
    }

    func begin(_ ended: @escaping (CoinDCXConnection) -> Void) {
        pipe.socket.onText = { [self] in take($0) }
        pipe.socket.onClose = { [self] in
            for timer in [pingTimer, pongTimer].compactMap({ $0 }) { core.loop.cancel(timer) }
            ended(self)
        }
        let open = JSONValue.members([
            "sid": .string(sid), "upgrades": .array([]),
            "pingInterval": .integer(core.settings.integer(CoinDCXSettings.pingInterval)),
            "pingTimeout": .integer(core.settings.integer(CoinDCXSettings.pingTimeout)),
            "maxPayload": .integer(1_000_000),
        ])
        pipe.answer(Array("0".utf8) + open.bytes)
        schedulePing()
    }

    func drop() { pipe.socket.drop() }

    /// Sends an event; its data are JSON as text inside JSON.
    func send(_ event: String, _ data: JSONValue, stream: String, channel: String) {
        let packet = JSONValue.array([
            .string(event), .members(["event": .string(event), "data": .string(data.text)]),
        ])
        pipe.deliver(Array("42".utf8) + packet.bytes, stream: stream, name: channel, event: event)
    }

    private func schedulePing() {
        let pause = core.settings.integer(CoinDCXSettings.pingInterval)
        pingTimer = core.loop.schedule(after: .milliseconds(pause)) { [weak self] in self?.ping() }
    }

    private func ping() {
        pipe.answer(Array("2".utf8))
        let limit = core.settings.integer(CoinDCXSettings.pingTimeout)
        pongTimer = core.loop.schedule(after: .milliseconds(limit)) { [weak self] in
            // One that fell silent does not close either: its client must notice.
            guard let self, !pipe.isSilent else { return }
            drop()
        }
    }

    private func take(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        switch text.first {
        case "3":
            if let pongTimer { core.loop.cancel(pongTimer) }
            pongTimer = nil
            schedulePing()
        case "1": pipe.socket.close()
        case "4": packet(text.dropFirst())
        // A client that pings itself speaks the protocol before.
        default: drop()
        }
    }

    private func packet(_ text: Substring) {
        switch text.first {
        case "0":
            hasJoinedNamespace = true
            pipe.answer(Array("40{\"sid\":\"\(sid)\"}".utf8))
        case "1": pipe.socket.close()
        case "2" where hasJoinedNamespace:
            // What is not understood is passed over.
            guard let packet = try? JSONParser.parse(String(text.dropFirst())), let parts = packet.arrayValue,
                let event = parts.first?.stringValue
            else { return }
            take(event, parts.count > 1 ? parts[1] : .null)
        default: drop()
        }
    }

    private func take(_ event: String, _ data: JSONValue) {
        guard let channel = data["channelName"]?.stringValue else { return }
        switch event {
        case "join": join(channel, data)
        case "leave":
            channels.remove(channel)
            if channel == "coindcx" { account = nil }
        default: break
        }
    }

    private func join(_ channel: String, _ data: JSONValue) {
        guard channel == "coindcx" else {
            // A wrong name is answered with silence, and so is a right one.
            channels.insert(channel)
            return onJoin(channel)
        }
        let signed = Array("{\"channel\":\"coindcx\"}".utf8)
        guard let name = data["apiKey"]?.stringValue, let key = core.keyring[name],
            let signature = data["authSignature"]?.stringValue,
            Hashes.isSame(Hashes.hmac(.sha256, key: key.secret, signed), signature.lowercased())
        else {
            pipe.answer(Array("41".utf8))
            return pipe.socket.close()
        }
        account = key.account
    }
}
