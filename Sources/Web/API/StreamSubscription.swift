import Host
import Synchronization
import Trading
import Wire

/// One subscription of a WebSocket: what the host says of its channel goes to the reader with its number.
final class StreamSubscription: EventSink, MarketSink {
    let number: Int
    let wish: StreamWish
    private let session: SocketSession
    private let isWanted = Atomic<Bool>(true)
    private let start: [UInt8]

    init(_ number: Int, _ wish: StreamWish, _ session: SocketSession) {
        self.number = number
        self.wish = wish
        self.session = session
        start = Array(#","subscription":\#(number)"#.utf8)
    }

    var isOpen: Bool { isWanted.load(ordering: .relaxed) && session.isOpen }

    /// Takes nothing more.
    func end() { isWanted.store(false, ordering: .relaxed) }

    /// What the reader hears first.
    func confirmation(_ id: JSONValue) -> [UInt8] {
        JSONValue.members([
            "type": .string("subscribed"), "id": id, "subscription": .integer(number),
            "channel": .string(wish.channel.name),
        ]).bytes
    }

    func missed(oldest: Int?) {
        session.send(
            JSONValue.members([
                "type": .string("missed"), "subscription": .integer(number),
                "after": wish.after.map { .integer($0) } ?? .null,
                "oldest": oldest.map { .integer($0) } ?? .null,
            ]).bytes)
    }

    // MARK: - Events

    func offer(_ event: HostEvent) -> Bool {
        guard isOpen else { return false }
        var text = Array(#"{"type":"event""#.utf8) + start
        if let sequence = event.sequence { text += Array(#","seq":\#(sequence)"#.utf8) }
        text += Array(#","event":"\#(event.kind.rawValue)","strategy":"#.utf8)
        text += JSONValue.optional(event.strategy).bytes
        text += Array(#","data":"#.utf8) + event.payload
        text.append(UInt8(ascii: "}"))
        return session.send(text)
    }

    // MARK: - Markets

    func offer(_ tick: MarketTick) -> Bool {
        guard isOpen else { return false }
        switch tick.event {
        case .candle(let candle): return session.send(text(candle, tick))
        case .trade(let trade):
            return session.send(
                text(
                    "price", tick,
                    [
                        .init("time", .time(trade.time)), .init("price", .decimal(trade.price)),
                        .init("quantity", .decimal(trade.quantity)),
                    ]), name: "\(number)/\(tick.feed)/\(trade.symbol)/t")
        case .quote(let quote):
            return session.send(
                text(
                    "quote", tick,
                    [
                        .init("time", .time(quote.time)), .init("bid", .decimal(quote.bid)),
                        .init("bid_quantity", .decimal(quote.bidQuantity)), .init("ask", .decimal(quote.ask)),
                        .init("ask_quantity", .decimal(quote.askQuantity)),
                    ]), name: "\(number)/\(tick.feed)/\(quote.symbol)/q")
        }
    }

    private func text(_ candle: Candle, _ tick: MarketTick) -> [UInt8] {
        text(
            "candle", tick,
            [
                .init("resolution", .string(candle.resolution.description)),
                .init("time", .time(candle.openTime)), .init("open", .decimal(candle.open)),
                .init("high", .decimal(candle.high)), .init("low", .decimal(candle.low)),
                .init("close", .decimal(candle.close)), .init("volume", .decimal(candle.volume)),
            ])
    }

    private func text(_ type: String, _ tick: MarketTick, _ members: [JSONValue.Member]) -> [UInt8] {
        var all: [JSONValue.Member] = [
            .init("type", .string(type)), .init("subscription", .integer(number)),
        ]
        if let sequence = tick.sequence { all.append(.init("seq", .integer(sequence))) }
        all += [.init("feed", .string(tick.feed)), .init("symbol", .string(tick.event.symbol))]
        return JSONValue.object(all + members).bytes
    }
}
