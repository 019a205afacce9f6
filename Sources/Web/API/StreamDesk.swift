import HTTPMessages
import Host
import Identity
import Posix
import Synchronization
import Trading
import Wire

/// What one WebSocket has subscribed to: it reads the reader's messages and answers them.
final class StreamDesk: Sendable {
    /// Subscriptions of one connection at once, and messages of it within ten seconds.
    private static let subscriptionLimit = 64
    private static let messageLimit = 200
    private static let window: UInt64 = 10_000_000_000

    private struct State {
        var subscriptions: [Int: StreamSubscription] = [:]
        var lastNumber = 0
        var windowStart: UInt64 = 0
        var messages = 0
        var hasEnded = false
    }

    private let host: any HostService
    private let principal: Principal
    private let state = Mutex(State())

    init(host: any HostService, principal: Principal) {
        self.host = host
        self.principal = principal
    }

    /// The reader has gone.
    func end() {
        let open = state.withLock { state in
            state.hasEnded = true
            defer { state.subscriptions = [:] }
            return state.subscriptions.values.map(\.self)
        }
        for subscription in open { subscription.end() }
    }

    /// Takes a message, on the server's thread.
    func take(_ text: [UInt8], of session: SocketSession) {
        guard isCalm() else { return session.close(1008, "too many messages") }
        var id = JSONValue.null
        do {
            let json = try JSONParser.parse(text, limits: .init(bytes: 16 << 10, depth: 8))
            var reader = try ObjectReader(json)
            id = reader.optional("id") ?? .null
            switch id {
            case .null, .number, .string: break
            case .bool, .array, .object: throw reader.failure("id", "must be a number or a text")
            }
            switch try reader.string("type", bytes: 16) {
            case "subscribe": try subscribe(&reader, id, session)
            case "unsubscribe": try unsubscribe(&reader, id, session)
            case "ping":
                try reader.finish()
                session.send(
                    JSONValue.members([
                        "type": .string("pong"), "id": id, "time": .integer(WallClock.milliseconds),
                    ]).bytes)
            case let other:
                throw reader.failure(
                    "type", "\"\(other)\" is not one of \"subscribe\", \"unsubscribe\", \"ping\"")
            }
        } catch {
            Self.refuse(error, id, session)
        }
    }

    /// Whether the reader sends no more than he may.
    private func isCalm() -> Bool {
        let now = MonotonicClock.nanoseconds
        return state.withLock { state in
            if now - state.windowStart > Self.window { (state.windowStart, state.messages) = (now, 0) }
            state.messages += 1
            return state.messages <= Self.messageLimit
        }
    }

    /// Says what was wrong with a message; the connection goes on.
    private static func refuse(_ error: any Error, _ id: JSONValue, _ session: SocketSession) {
        let known = APIError(error)
        session.send(
            JSONValue.members([
                "type": .string("error"), "id": id, "code": .string(known?.code ?? "internal"),
                "message": .string(known?.message ?? "something went wrong in the host"),
                "field": .optional(known?.field),
            ]).bytes)
    }

    // MARK: - Subscriptions

    private func subscribe(
        _ reader: inout ObjectReader, _ id: JSONValue, _ session: SocketSession
    ) throws(any Error) {
        let wish = try StreamWish(&reader)
        try reader.finish()
        let added = state.withLock { state -> StreamSubscription? in
            guard !state.hasEnded, state.subscriptions.count < Self.subscriptionLimit else { return nil }
            state.lastNumber += 1
            let added = StreamSubscription(state.lastNumber, wish, session)
            state.subscriptions[state.lastNumber] = added
            return added
        }
        guard let subscription = added else {
            throw APIError(
                .tooManyRequests, "too_many_subscriptions",
                "a connection has at most \(Self.subscriptionLimit) subscriptions; end one first")
        }
        // It ends with the host's answer; the subscription says what became of it.
        Task.detached { [self] in
            do {
                try await check(wish)
                session.send(subscription.confirmation(id))
                try await follow(subscription)
            } catch {
                forget(subscription.number)
                Self.refuse(error, id, session)
            }
        }
    }

    /// Refuses what there is not, or what the reader may not know of, before anything is confirmed.
    private func check(_ wish: StreamWish) async throws {
        switch wish.channel {
        case .market(let topic):
            guard let feed = topic.feed else { return }
            guard try await host.feeds().contains(where: { $0.id == feed }) else {
                throw HostError.notFound(kind: "feed", id: feed)
            }
        case .strategy(let id):
            let owner = try await host.owner(of: id)
            guard AccessPolicy.permits(principal, .viewStrategy, owner: owner) else {
                throw HostError.notFound(kind: "strategy", id: id)
            }
        case .orders, .strategies: return
        }
    }

    private func follow(_ subscription: StreamSubscription) async throws {
        let owner = AccessPolicy.visibleOwner(for: principal)
        let after = subscription.wish.after
        switch subscription.wish.channel {
        case .market(let topic): try await host.followMarket(topic, after: after, sink: subscription)
        case .orders:
            let kinds: Set<HostEvent.Kind> = [.order, .fill, .bracket]
            try await host.follow(.kinds(kinds, owner: owner), after: after, sink: subscription)
        case .strategies:
            let kinds: Set<HostEvent.Kind> = [.status, .signal, .position, .pnl, .halt]
            try await host.follow(.kinds(kinds, owner: owner), after: after, sink: subscription)
        case .strategy(let id): try await host.follow(.strategy(id), after: after, sink: subscription)
        }
    }

    private func unsubscribe(
        _ reader: inout ObjectReader, _ id: JSONValue, _ session: SocketSession
    ) throws(FieldFailure) {
        let number = try reader.integer("subscription", in: 1...Int(Int32.max))
        try reader.finish()
        guard let subscription = forget(number) else {
            throw FieldFailure(field: "subscription", reason: "there is no subscription \(number)")
        }
        subscription.end()
        session.send(
            JSONValue.members([
                "type": .string("unsubscribed"), "id": id, "subscription": .integer(number),
            ]).bytes)
    }

    @discardableResult
    private func forget(_ number: Int) -> StreamSubscription? {
        state.withLock { $0.subscriptions.removeValue(forKey: number) }
    }
}

/// What a reader subscribes to.
struct StreamWish: Hashable, Sendable {
    enum Channel: Hashable, Sendable {
        case market(MarketTopic)
        case orders
        case strategies
        case strategy(String)

        /// As the reader calls it.
        var name: String {
            switch self {
            case .market(let topic): topic.kind.rawValue
            case .orders: "orders"
            case .strategies: "strategies"
            case .strategy: "strategy"
            }
        }
    }

    let channel: Channel
    /// The number that the reader saw last; nil begins with what happens now.
    let after: Int?

    init(_ reader: inout ObjectReader) throws(FieldFailure) {
        let name = try reader.string("channel", bytes: 16)
        switch name {
        case "prices", "candles": channel = .market(try Self.topic(name, &reader))
        case "orders": channel = .orders
        case "strategies": channel = .strategies
        case "strategy": channel = .strategy(try reader.string("strategy", bytes: 128))
        default:
            throw reader.failure(
                "channel",
                "\"\(name)\" is not one of \"prices\", \"candles\", \"orders\", \"strategies\", \"strategy\"")
        }
        after = try reader.optionalInteger("after", in: 0...Int(Int64.max))
        guard after == nil || name != "prices" else {
            throw reader.failure("after", "prices cannot be resumed: the latest counts")
        }
    }

    private static func topic(_ name: String, _ reader: inout ObjectReader) throws(FieldFailure)
        -> MarketTopic
    {
        var topic = MarketTopic(name == "prices" ? .prices : .candles)
        topic.feed = try reader.optionalString("feed", bytes: 64)
        topic.symbol = try reader.optionalString("symbol", bytes: 32)
        if name == "candles", let text = try reader.optionalString("resolution", bytes: 8) {
            guard let resolution = Resolution(text) else {
                throw reader.failure("resolution", "must be a length such as \"1m\", not \"\(text)\"")
            }
            topic.resolution = resolution
        }
        return topic
    }
}
