import Exchanges
import Testing
import Trading

@Suite("Paper venue")
struct PaperVenueTests {
    private let store = MemoryStore()
    private let venue: PaperVenue

    init() {
        venue = PaperVenue(
            store: store, instruments: [bitcoin], settings: MatchingSettings(slippageBasisPoints: 0)
        ) { at(1) }
        venue.openAccount("paper", kind: .spot, currency: "USDT", balance: d("1000"))
        store.settle()
        venue.marketMoved(candle("100"))
        store.settle()
    }

    @Test(arguments: [(minutes: 5, isReplay: false), (minutes: 60, isReplay: true)])
    func `where prices are not of the present, an order trades at the time of its price`(
        _ minutes: Int64, _ isReplay: Bool
    ) {
        let store = MemoryStore()
        let present = Timestamp(milliseconds: at(0).milliseconds + (minutes + 1) * 60_000)
        let venue = PaperVenue(
            store: store, instruments: [bitcoin], settings: MatchingSettings(slippageBasisPoints: 0)
        ) { present }
        venue.openAccount("paper", kind: .spot, currency: "USDT", balance: d("1000"))
        store.settle()
        var times: [Timestamp] = []
        venue.onReport = { _, report in
            if case .trade(let trade) = report { times.append(trade.time) }
        }
        venue.marketMoved(candle("100"))
        venue.place(PlaceRequest(clientID: clientID(1), terms: order(.buy, "1")), on: "paper") { _ in }
        store.settle()
        #expect(times == [isReplay ? Timestamp(milliseconds: at(0).milliseconds + 60_000) : present])
    }

    @Test func `it says nothing before its own commit is durable`() {
        var said: [String] = []
        venue.onReport = { _, _ in said.append("trade") }
        venue.place(PlaceRequest(clientID: clientID(1), terms: order(.buy, "2")), on: "paper") { _ in
            said.append("placed")
        }
        venue.status(of: reference(1), on: "paper") { said.append((try? $0.get())?.state.rawValue ?? "none") }
        #expect(said.isEmpty)
        store.step()
        #expect(said == ["placed", "trade"])
        store.step()
        #expect(said == ["placed", "trade", "filled"])
    }

    @Test
    func `an order is matched against the prices before it, also those that wait for a moment of leisure`() {
        var moments: [() -> Void] = []
        let store = MemoryStore()
        let venue = PaperVenue(
            store: store, instruments: [bitcoin], settings: MatchingSettings(slippageBasisPoints: 0),
            atLeisure: { moments.append($0) }
        ) { at(1) }
        venue.openAccount("paper", kind: .spot, currency: "USDT", balance: d("1000"))
        store.settle()
        var traded: [FixedDecimal] = []
        venue.onReport = { _, report in
            if case .trade(let trade) = report { traded.append(trade.price) }
        }
        for price in ["100", "90"] { venue.marketMoved(candle(price)) }
        #expect(moments.count == 1)
        venue.place(PlaceRequest(clientID: clientID(1), terms: order(.buy, "1")), on: "paper") { _ in }
        venue.marketMoved(candle("80"))
        store.settle()
        #expect(traded == [d("90")])

        venue.place(
            PlaceRequest(clientID: clientID(2), terms: order(.buy, "1", "70")), on: "paper"
        ) { _ in }
        venue.marketMoved(candle("60"))
        store.settle()
        #expect(traded.count == 1)
        for moment in moments { moment() }
        store.settle()
        #expect(traded.count == 2)
    }

    @Test func `killed before its commit it never had the order; killed after, it has it`() {
        venue.place(PlaceRequest(clientID: clientID(1), terms: order(.buy, "2")), on: "paper") { _ in }
        let before = store.disk
        store.settle()
        #expect(before.orders.isEmpty && before.trades.isEmpty)
        #expect(store.disk.orders.count == 1 && store.disk.trades.count == 1)
    }

    @Test func `what it cannot keep is refused, all that builds on it too, and then it goes on`() {
        var answers: [Result<VenueOrderID, VenueFailure>] = []
        store.failures = 1
        for number in 1...2 {
            venue.place(PlaceRequest(clientID: clientID(number), terms: order(.buy, "1")), on: "paper") {
                answers.append($0)
            }
        }
        store.settle()
        #expect(answers.count == 2)
        for answer in answers {
            guard case .failure(.refused) = answer else {
                Issue.record("\(answer)")
                continue
            }
        }
        #expect(store.disk.orders.isEmpty)
        venue.place(PlaceRequest(clientID: clientID(3), terms: order(.buy, "1")), on: "paper") {
            answers.append($0)
        }
        store.settle()
        #expect(throws: Never.self) { try answers.last?.get() }
        #expect(store.disk.trades.count == 1)
    }

    @Test func `a stop that fired without volume has fired for good`() throws {
        venue.place(PlaceRequest(clientID: clientID(1), terms: order(.buy, "2")), on: "paper") { _ in }
        let stop = OrderTerms(
            symbol: "BTCUSDT", side: .sell, type: .stop, quantity: d("2"), stopPrice: d("95"))
        venue.place(PlaceRequest(clientID: clientID(2), terms: stop), on: "paper") { _ in }
        venue.marketMoved(candle("94", volume: "0"))
        store.settle()
        #expect(store.disk.state.openOrders.map(\.isTriggered) == [true])
        let next = MemoryStore(store.disk)
        let venue = PaperVenue(store: next, instruments: [bitcoin]) { at(2) }
        next.settle()
        venue.marketMoved(candle("99"))
        next.settle()
        #expect(next.disk.orders[2]?.state == .filled)
    }
}
