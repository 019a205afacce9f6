import Exchanges
import Testing
import Trading

func d(_ text: String) -> FixedDecimal { FixedDecimal(text)! }

func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_728_043_200_000 + milliseconds) }

extension SplitMix64 {
    /// True so many times in a hundred.
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

let bitcoin = Instrument(
    symbol: "BTCUSDT", base: "BTC", quote: "USDT", tickSize: d("0.1"), stepSize: d("0.001"),
    minimumNotional: d("5"))

func candle(_ price: String, high: String? = nil, low: String? = nil, volume: String = "1000") -> MarketEvent
{
    .candle(
        Candle(
            symbol: "BTCUSDT", resolution: Resolution("1m")!, openTime: at(0), open: d(price),
            high: d(high ?? price),
            low: d(low ?? price), close: d(price), volume: d(volume)))
}

func order(
    _ side: Side, _ quantity: String, _ price: String? = nil, _ time: TimeInForce = .gtc
) -> OrderTerms {
    OrderTerms(
        symbol: "BTCUSDT", side: side, type: price == nil ? .market : .limit, quantity: d(quantity),
        price: price.map { d($0) }, timeInForce: time)
}

func clientID(_ number: Int) -> ClientOrderID {
    ClientOrderID(prefix: ClientOrderID.Prefix(strategy: "alpha", run: "run"), order: OrderID(Int64(number)))
}

func reference(_ number: Int) -> OrderReference {
    OrderReference(clientID: clientID(number), symbol: "BTCUSDT", venueOrderID: nil)
}

/// The paper venue's books in memory, where a test decides when what becomes durable.
final class MemoryStore: PaperVenueStore {
    /// What a disk would hold.
    struct Disk {
        var state = PaperVenueState()
        var orders: [Int64: MatchingOrder] = [:]
        var trades: [MatchingTrade] = []
    }

    private(set) var disk: Disk
    private var queue: [() -> Void] = []
    private var isBroken = false
    /// How many saves fail from now on.
    var failures = 0

    init(_ disk: Disk = Disk()) { self.disk = disk }

    /// How many calls wait.
    var waiting: Int { queue.count }

    /// Carries out the oldest call.
    func step() {
        guard !queue.isEmpty else { return }
        queue.removeFirst()()
    }

    /// Carries out calls until none is left.
    func settle() {
        while !queue.isEmpty { step() }
    }

    func save(_ changes: MatchingChanges, _ completion: @escaping (Result<Void, PaperStoreFailure>) -> Void) {
        queue.append { [self] in
            guard !isBroken || changes.isEmpty else {
                return completion(.failure(PaperStoreFailure("broken")))
            }
            if failures > 0, !changes.isEmpty {
                failures -= 1
                isBroken = true
                return completion(.failure(PaperStoreFailure("the disk is full")))
            }
            write(changes)
            completion(.success(()))
        }
    }

    private func write(_ changes: MatchingChanges) {
        for account in changes.accounts {
            disk.state.accounts.removeAll { $0.id == account.id }
            disk.state.accounts.append(account)
        }
        for order in changes.orders {
            disk.orders[order.number] = order
            disk.state.lastOrder = max(disk.state.lastOrder, order.number)
        }
        disk.trades += changes.trades
        disk.state.lastTrade = disk.trades.last?.number ?? 0
        disk.state.openOrders = disk.orders.values.filter { $0.state == .open }.sorted {
            $0.number < $1.number
        }
    }

    func load(_ completion: @escaping (Result<PaperVenueState, PaperStoreFailure>) -> Void) {
        queue.append { [self] in
            isBroken = false
            completion(.success(disk.state))
        }
    }

    func order(
        _ id: ClientOrderID, on account: AccountID,
        _ completion: @escaping (Result<MatchingOrder?, PaperStoreFailure>) -> Void
    ) {
        queue.append { [self] in
            completion(.success(disk.orders.values.first { $0.clientID == id && $0.account == account }))
        }
    }

    func openOrders(
        on account: AccountID, _ completion: @escaping (Result<[MatchingOrder], PaperStoreFailure>) -> Void
    ) {
        queue.append { [self] in
            completion(.success(disk.state.openOrders.filter { $0.account == account }))
        }
    }

    func trades(
        on account: AccountID, after number: Int64, limit: Int,
        _ completion: @escaping (Result<[MatchingTrade], PaperStoreFailure>) -> Void
    ) {
        queue.append { [self] in
            completion(
                .success(
                    Array(disk.trades.filter { $0.account == account && $0.number > number }.prefix(limit))))
        }
    }

    func account(
        _ id: AccountID, _ completion: @escaping (Result<MatchingAccount?, PaperStoreFailure>) -> Void
    ) {
        queue.append { [self] in completion(.success(disk.state.accounts.first { $0.id == id })) }
    }
}

/// A flag that a closure can see change.
final class Flag { var isSet = false }
