/// The table of brackets: those that live, by row and by market, and recent ones that are over.
struct BracketBook: Sendable {
    /// What a price is compared with, at every tick.
    struct Watch: Sendable {
        let id: OrderID
        let row: Int
        let side: Side
        let prices: BracketPrices
    }

    /// How often an exit was tried in vain, and when last.
    struct Tries: Sendable {
        var count = 0
        var at: Timestamp
        /// The exit whose end the operator was told of.
        var alarmed: OrderID?
    }

    private struct Name: Hashable {
        let strategy: Int
        let request: RequestID
    }

    private struct Place {
        let row: Int
        let strategy: Int
    }

    private var brackets: [OrderID: Bracket] = [:]
    private var places: [OrderID: Place] = [:]
    private var names: [Name: OrderID] = [:]
    private var ended = Queue<OrderID>()
    private(set) var live: [Int: [OrderID]] = [:]
    private(set) var watches: [Int: [Watch]] = [:]
    var tries: [OrderID: Tries] = [:]

    /// Whether no bracket lives.
    var isIdle: Bool { live.isEmpty }

    /// Every bracket that is remembered.
    var all: [OrderID: Bracket] { brackets }

    subscript(id: OrderID) -> Bracket? { brackets[id] }

    func row(of id: OrderID) -> Int? { places[id]?.row }

    func bracket(_ request: RequestID, of strategy: Int) -> Bracket? {
        names[Name(strategy: strategy, request: request)].flatMap { brackets[$0] }
    }

    /// Puts a bracket, or all of what it is now, into the table; forgets the one that ended longest ago beyond `limit`.
    mutating func put(_ bracket: Bracket, row: Int, strategy: Int, market: Int, remembering limit: Int) {
        let before = brackets.updateValue(bracket, forKey: bracket.id)
        if before == nil {
            places[bracket.id] = Place(row: row, strategy: strategy)
            names[Name(strategy: strategy, request: bracket.request)] = bracket.id
        }
        let isLive = bracket.status.isLive
        let wasLive = before?.status.isLive ?? false
        if isLive != wasLive {
            if isLive { live[row, default: []].append(bracket.id) } else { leave(row, bracket.id) }
        }
        if isLive != wasLive || before?.status != bracket.status || before?.prices != bracket.prices {
            watch(bracket, row: row, market: market)
        }
        guard !isLive, wasLive || before == nil else { return }
        tries[bracket.id] = nil
        ended.append(bracket.id)
        while ended.count > limit, let oldest = ended.popFirst() {
            // One that lives came back.
            guard let old = brackets[oldest], !old.status.isLive, let place = places[oldest] else { continue }
            brackets[oldest] = nil
            places[oldest] = nil
            names[Name(strategy: place.strategy, request: old.request)] = nil
        }
    }

    private mutating func leave(_ row: Int, _ id: OrderID) {
        live[row]?.removeAll { $0 == id }
        if live[row]?.isEmpty == true { live[row] = nil }
    }

    private mutating func watch(_ bracket: Bracket, row: Int, market: Int) {
        watches[market]?.removeAll { $0.id == bracket.id }
        if bracket.status == .held {
            watches[market, default: []].append(
                Watch(id: bracket.id, row: row, side: bracket.side, prices: bracket.prices))
        } else if watches[market]?.isEmpty == true {
            watches[market] = nil
        }
    }
}
