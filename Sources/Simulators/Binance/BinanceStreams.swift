import HTTPMessages
import MarketData
import Posix
import Trading
import Wire

/// What one stream carries.
struct BinanceStreamName {
    enum Kind: Equatable {
        case trade, aggregateTrade, bookTicker, ticker, miniTicker, averagePrice
        case candles(word: String, Resolution)
        case levels(Int, isFast: Bool)
        case changes(isFast: Bool)
    }

    /// In upper case; empty for all symbols.
    let symbol: String
    let kind: Kind

    /// Reads `btcusdt@trade`; nil when there is no such stream here.
    init?(_ text: String) {
        if text == "!miniTicker@arr" {
            (symbol, kind) = ("", .miniTicker)
            return
        }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count >= 2, parts[0] == parts[0].lowercased(),
            let kind = Self.kind(parts[1], Array(parts[2...]))
        else {
            return nil
        }
        symbol = parts[0].uppercased()
        self.kind = kind
    }

    private static func kind(_ word: String, _ rest: [String]) -> Kind? {
        let isFast = rest == ["100ms"]
        guard rest.isEmpty || isFast && word.hasPrefix("depth") else { return nil }
        switch word {
        case "trade": return .trade
        case "aggTrade": return .aggregateTrade
        case "bookTicker": return .bookTicker
        case "ticker": return .ticker
        case "miniTicker": return .miniTicker
        case "avgPrice": return .averagePrice
        case "depth": return .changes(isFast: isFast)
        case "depth5", "depth10", "depth20": return Int(word.dropFirst(5)).map { .levels($0, isFast: isFast) }
        default:
            guard word.hasPrefix("kline_") else { return nil }
            let interval = String(word.dropFirst(6))
            return BinanceMarket.intervals[interval].map { .candles(word: interval, $0) }
        }
    }
}

/// All market stream connections. On the loop.
final class BinanceStreams {
    private let core: VenueCore
    private let market: BinanceMarket
    private var connections: [ObjectIdentifier: BinanceStreamConnection] = [:]
    private var timer: EventLoop.Timer?
    private var ticks: Int64 = 0
    private var books: [String: Book] = [:]
    /// What changed since it was told last; one for each pace.
    private var changes: [String: Changes] = [:]

    /// A book as it stands.
    private struct Book {
        let id: Int64
        let bids: [FixedDecimal: FixedDecimal]
        let asks: [FixedDecimal: FixedDecimal]
    }

    /// Prices whose quantity changed, those included that came and went in between.
    private struct Changes {
        var first: Int64
        var bids: Set<FixedDecimal> = []
        var asks: Set<FixedDecimal> = []
    }

    init(_ core: VenueCore, _ market: BinanceMarket) {
        self.core = core
        self.market = market
        tick()
    }

    func stop() {
        if let timer { core.loop.cancel(timer) }
        timer = nil
    }

    func disconnect(isAnnounced: Bool) {
        for connection in Array(connections.values) {
            isAnnounced ? connection.shutDown() : connection.drop()
        }
    }

    /// `/ws/<name>`, `/ws`, `/stream?streams=<a>/<b>`.
    func connect(_ call: Call) {
        let segments = call.head.target.segments
        let isCombined = segments.first == "stream"
        let names =
            isCombined
            ? (call.query("streams") ?? "").split(separator: "/").map { String($0) }
            : segments.dropFirst().filter { !$0.isEmpty }
        guard let socket = call.upgrade(messageLimit: 64 << 10) else { return }
        // The changes begin here for whoever is the first to listen.
        for instrument in core.instruments { noteBook(instrument.symbol) }
        let connection = BinanceStreamConnection(socket, core, names: names, isCombined: isCombined)
        connections[ObjectIdentifier(connection)] = connection
        connection.begin { [weak self] in self?.connections[ObjectIdentifier($0)] = nil }
    }

    // MARK: - Events

    func tell(_ event: Tape.Event) {
        guard !connections.isEmpty else { return }
        switch event {
        case .trade(let trade): tell(trade)
        case .quote(let quote): tell(quote)
        case .minute(let candle): tellClosed(candle)
        }
    }

    /// Sends to every stream of that symbol and kind; `make` is asked once at most.
    private func send(
        _ symbol: String, _ event: String, where fits: (BinanceStreamName.Kind) -> Bool,
        _ make: (BinanceStreamName.Kind) -> JSONValue?
    ) {
        for connection in Array(connections.values) {
            for (name, stream) in connection.streams where stream.symbol == symbol && fits(stream.kind) {
                if let payload = make(stream.kind) { connection.send(payload, name: name, event: event) }
            }
        }
    }

    private func tell(_ trade: PublicTrade) {
        let amount = BinanceJSON.amount
        send(trade.symbol, "trade", where: { $0 == .trade }) { _ in
            .members([
                "e": .string("trade"), "E": .time(core.now), "s": .string(trade.symbol),
                "t": .integer(trade.id),
                "p": amount(trade.price), "q": amount(trade.quantity), "T": .time(trade.time),
                "m": .bool(trade.isBuyerMaker), "M": .bool(true),
            ])
        }
        send(trade.symbol, "aggTrade", where: { $0 == .aggregateTrade }) { _ in
            .members([
                "e": .string("aggTrade"), "E": .time(core.now), "s": .string(trade.symbol),
                "a": .integer(trade.id),
                "p": amount(trade.price), "q": amount(trade.quantity), "f": .integer(trade.id),
                "l": .integer(trade.id),
                "T": .time(trade.time), "m": .bool(trade.isBuyerMaker), "M": .bool(true),
            ])
        }
    }

    private func tell(_ quote: Quote) {
        noteBook(quote.symbol)
        let amount = BinanceJSON.amount
        send(quote.symbol, "bookTicker", where: { $0 == .bookTicker }) { _ in
            .members([
                "u": .integer(market.bookIDs[quote.symbol] ?? 0), "s": .string(quote.symbol),
                "b": amount(quote.bid),
                "B": amount(quote.bidQuantity), "a": amount(quote.ask), "A": amount(quote.askQuantity),
            ])
        }
    }

    /// A minute has closed, and with it perhaps longer candles.
    private func tellClosed(_ minute: Candle) {
        let end = minute.closeTime
        send(minute.symbol, "kline", where: { Self.isCandle($0) }) { kind in
            guard case .candles(let word, let length) = kind, length.openTime(containing: end) == end else {
                return nil
            }
            let candle =
                length == minute.resolution ? minute : core.tape.closedCandle(minute.symbol, length, at: end)
            return candle.map { kline($0, word, isClosed: true) }
        }
    }

    private static func isCandle(_ kind: BinanceStreamName.Kind) -> Bool {
        if case .candles = kind { true } else { false }
    }

    private func kline(_ candle: Candle, _ word: String, isClosed: Bool) -> JSONValue {
        let amount = BinanceJSON.amount
        let quote = BinanceMarket.quoteVolume(candle)
        let trades = core.tape.trades(candle.symbol, 1000).filter {
            $0.time >= candle.openTime && $0.time < candle.closeTime
        }
        return .members([
            "e": .string("kline"), "E": .time(core.now), "s": .string(candle.symbol),
            "k": .members([
                "t": .time(candle.openTime), "T": .time(candle.closeTime.advanced(byMilliseconds: -1)),
                "s": .string(candle.symbol), "i": .string(word), "f": .integer(trades.first?.id ?? -1),
                "L": .integer(trades.last?.id ?? -1), "o": amount(candle.open), "c": amount(candle.close),
                "h": amount(candle.high), "l": amount(candle.low), "v": amount(candle.volume),
                "n": .integer(trades.count), "x": .bool(isClosed), "q": amount(quote),
                "V": amount(candle.volume.over(FixedDecimal(2))), "Q": amount(quote.over(FixedDecimal(2))),
                "B": .string("0"),
            ]),
        ])
    }

    // MARK: - By the clock

    private func tick() {
        ticks += 1
        if !connections.isEmpty {
            tellBooks(isFast: true)
            if ticks % 10 == 0 {
                tellBooks(isFast: false)
                tellFigures()
            }
            if ticks % 20 == 0 { tellOpenCandles() }
        }
        timer = core.loop.schedule(after: .milliseconds(100)) { [weak self] in self?.tick() }
    }

    private func tellOpenCandles() {
        for instrument in core.instruments {
            send(instrument.symbol, "kline", where: { Self.isCandle($0) }) { kind in
                guard case .candles(let word, let length) = kind else { return nil }
                return core.tape.openCandle(instrument.symbol, length).map {
                    kline($0, word, isClosed: false)
                }
            }
        }
    }

    private func tellBooks(isFast: Bool) {
        for instrument in core.instruments {
            let symbol = instrument.symbol
            send(symbol, "depth", where: { if case .levels(_, isFast) = $0 { true } else { false } }) {
                kind in
                guard case .levels(let count, _) = kind else { return nil }
                return market.book(symbol, count)
            }
            guard let change = difference(symbol, isFast: isFast) else { continue }
            send(symbol, "depthUpdate", where: { $0 == .changes(isFast: isFast) }) { _ in change }
        }
    }

    private func key(_ symbol: String, isFast: Bool) -> String { isFast ? symbol + "/fast" : symbol }

    /// Compares a book with what it was.
    private func noteBook(_ symbol: String) {
        let levels = core.tape.depth(symbol, BinanceMarket.levels)
        let book = Book(
            id: market.bookIDs[symbol] ?? 1_000_000,
            bids: Dictionary(levels.bids.map { ($0.price, $0.quantity) }) { first, _ in first },
            asks: Dictionary(levels.asks.map { ($0.price, $0.quantity) }) { first, _ in first })
        let before = books[symbol]
        books[symbol] = book
        guard let before else {
            for isFast in [true, false] {
                changes[key(symbol, isFast: isFast)] = Changes(first: book.id + 1)
            }
            return
        }
        func touched(
            _ old: [FixedDecimal: FixedDecimal], _ new: [FixedDecimal: FixedDecimal]
        ) -> [FixedDecimal] {
            old.keys.filter { new[$0] != old[$0] } + new.keys.filter { old[$0] == nil }
        }
        let (bids, asks) = (touched(before.bids, book.bids), touched(before.asks, book.asks))
        for isFast in [true, false] {
            changes[key(symbol, isFast: isFast)]?.bids.formUnion(bids)
            changes[key(symbol, isFast: isFast)]?.asks.formUnion(asks)
        }
    }

    /// What changed in a book since it was told last at this pace; nil when nothing did.
    private func difference(_ symbol: String, isFast: Bool) -> JSONValue? {
        let key = key(symbol, isFast: isFast)
        guard let book = books[symbol], let change = changes[key], book.id >= change.first else { return nil }
        changes[key] = Changes(first: book.id + 1)
        func rows(_ prices: Set<FixedDecimal>, _ levels: [FixedDecimal: FixedDecimal]) -> JSONValue {
            .array(
                prices.sorted().map {
                    .array([BinanceJSON.amount($0), BinanceJSON.amount(levels[$0] ?? .zero)])
                })
        }
        return .members([
            "e": .string("depthUpdate"), "E": .time(core.now), "s": .string(symbol),
            "U": .integer(change.first), "u": .integer(book.id), "b": rows(change.bids, book.bids),
            "a": rows(change.asks, book.asks),
        ])
    }

    private func tellFigures() {
        let amount = BinanceJSON.amount
        var all: [JSONValue] = []
        for instrument in core.instruments {
            let symbol = instrument.symbol
            let figures = market.figures(symbol)
            let mini: [JSONValue.Member] = [
                .init("E", .time(core.now)), .init("s", .string(symbol)), .init("c", amount(figures.last)),
                .init("o", amount(figures.open)), .init("h", amount(figures.high)),
                .init("l", amount(figures.low)),
                .init("v", amount(figures.volume)), .init("q", amount(figures.quoteVolume)),
            ]
            let small = JSONValue.object([.init("e", .string("24hrMiniTicker"))] + mini)
            all.append(small)
            send(symbol, "24hrMiniTicker", where: { $0 == .miniTicker }) { _ in small }
            send(symbol, "24hrTicker", where: { $0 == .ticker }) { _ in
                .object(
                    [.init("e", .string("24hrTicker"))] + mini + [
                        .init("p", amount(figures.change)),
                        .init("P", .string(figures.percent.text(digits: 3))),
                        .init("w", amount(figures.average)), .init("x", amount(figures.open)),
                        .init("Q", amount(figures.trades.last?.quantity ?? .zero)),
                        .init("b", amount(figures.quote?.bid ?? .zero)),
                        .init("B", amount(figures.quote?.bidQuantity ?? .zero)),
                        .init("a", amount(figures.quote?.ask ?? .zero)),
                        .init("A", amount(figures.quote?.askQuantity ?? .zero)),
                        .init("O", .time(figures.openTime)), .init("C", .time(figures.closeTime)),
                        .init("F", .integer(figures.trades.first?.id ?? -1)),
                        .init("L", .integer(figures.trades.last?.id ?? -1)),
                        .init("n", .integer(figures.trades.count)),
                    ])
            }
            send(symbol, "avgPrice", where: { $0 == .averagePrice }) { _ in
                .members([
                    "e": .string("avgPrice"), "E": .time(core.now), "s": .string(symbol), "i": .string("5m"),
                    "w": amount(market.averagePrice(symbol)), "T": .time(core.now),
                ])
            }
        }
        send("", "24hrMiniTicker", where: { $0 == .miniTicker }) { _ in .array(all) }
    }
}

/// One connection of the market streams. On the loop.
final class BinanceStreamConnection {
    private let core: VenueCore
    private let pipe: EventPipe
    private(set) var streams: [String: BinanceStreamName] = [:]
    /// Every name that was asked for; those that do not exist are silent.
    private var names: [String] = []
    private var isCombined: Bool
    private var received = WindowCounter(milliseconds: 1000)
    private var watchman: SocketWatchman?

    private static let streamLimit = 1024

    init(_ socket: WebSocket, _ core: VenueCore, names: [String], isCombined: Bool) {
        self.core = core
        self.isCombined = isCombined
        pipe = EventPipe(socket, core)
        subscribe(names)
    }

    func begin(_ ended: @escaping (BinanceStreamConnection) -> Void) {
        pipe.socket.onText = { [self] in take($0) }
        pipe.socket.onClose = { [self] in
            watchman?.stop()
            ended(self)
        }
        watchman = SocketWatchman(pipe, core)
    }

    func drop() { pipe.socket.drop() }

    /// Says that the server goes, and closes.
    func shutDown() {
        let event = JSONValue.members(["e": .string("serverShutdown"), "E": .time(core.now)])
        send(event, name: "!serverShutdown", event: "serverShutdown")
        pipe.socket.close(1001, "serverShutdown")
    }

    func send(_ payload: JSONValue, name: String, event: String) {
        let message = isCombined ? JSONValue.members(["stream": .string(name), "data": payload]) : payload
        pipe.deliver(message.bytes, stream: "market", name: name, event: event)
    }

    private func subscribe(_ more: [String]) {
        for name in more where !names.contains(name) {
            names.append(name)
            streams[name] = BinanceStreamName(name)
        }
    }

    private func take(_ text: [UInt8]) {
        guard received.add(1, at: core.now) <= core.settings.integer(BinanceSettings.messagesPerSecond) else {
            return pipe.socket.close(1008, "Too many requests")
        }
        let value: JSONValue
        do throws(JSONParser.Failure) {
            value = try JSONParser.parse(text)
        } catch {
            return refuse(3, "Invalid JSON: \(error)", id: .null)
        }
        let id = value["id"] ?? .null
        let list = value["params"]?.arrayValue
        switch value["method"]?.stringValue {
        case "SUBSCRIBE":
            guard let more = list?.compactMap(\.stringValue), more.count == list?.count else {
                return refuse(2, "Invalid request: params must be an array of strings", id: id)
            }
            guard names.count + more.count <= Self.streamLimit else {
                return refuse(2, "Invalid request: too many streams", id: id)
            }
            subscribe(more)
            answer(.null, id: id)
        case "UNSUBSCRIBE":
            guard let fewer = list?.compactMap(\.stringValue), fewer.count == list?.count else {
                return refuse(2, "Invalid request: params must be an array of strings", id: id)
            }
            names.removeAll { fewer.contains($0) }
            for name in fewer { streams[name] = nil }
            answer(.null, id: id)
        case "LIST_SUBSCRIPTIONS": answer(.array(names.map { .string($0) }), id: id)
        case "GET_PROPERTY":
            guard list == [.string("combined")] else { return refuse(0, "Unknown property", id: id) }
            answer(.bool(isCombined), id: id)
        case "SET_PROPERTY":
            guard let list, list.count == 2, list[0] == .string("combined") else {
                return refuse(0, "Unknown property", id: id)
            }
            guard let value = list[1].boolValue else {
                return refuse(1, "Invalid value type: expected Boolean", id: id)
            }
            isCombined = value
            answer(.null, id: id)
        default: refuse(2, "Invalid request: unknown method", id: id)
        }
    }

    private func answer(_ result: JSONValue, id: JSONValue) {
        pipe.answer(JSONValue.members(["result": result, "id": id]).bytes)
    }

    private func refuse(_ code: Int, _ words: String, id: JSONValue) {
        pipe.answer(JSONValue.members(["code": .integer(code), "msg": .string(words), "id": id]).bytes)
    }
}
