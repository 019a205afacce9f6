import Exchanges
import Testing
import Trading

@testable import Host

@Suite("What was found by asking")
struct StoryFindingTests {
    private static func intent() -> OrderIntent {
        OrderIntent(
            id: OrderID(1),
            clientID: ClientOrderID(prefix: .init(strategy: "s", run: "r"), order: OrderID(1)),
            strategy: "s", run: "r", account: "a", venue: "v", request: "1", origin: .strategy,
            terms: OrderTerms(
                symbol: "BTCUSDT", side: .buy, type: .limit, quantity: FixedDecimal(2),
                price: FixedDecimal(100)),
            reservePrice: FixedDecimal(100), createdAt: Timestamp(milliseconds: 100))
    }

    private func order(_ events: OrderEvent...) -> Order {
        var order = Order(intent: Self.intent())
        for event in events { _ = order.handle(event, at: Timestamp(milliseconds: 200)) }
        return order
    }

    private func lines(_ old: Order, _ new: Order, _ question: StoryFinding.Question, _ occasion: Occasion)
        -> [StoryLine]
    {
        StoryFinding.all(from: old, to: new, by: question, on: occasion).map { $0.line(at: 300) }
    }

    private static let change = Amendment(quantity: FixedDecimal(5), price: nil)

    @Test func `an outcome, a cancel and a change say what was asked for, why, and what it was`() {
        let unknown = order(.sent, .outcomeUnknown(reason: "timeout"))
        let open = order(.sent, .accepted("v-1"))
        let outcome = lines(unknown, open, .status, .review)
        #expect(
            outcome.map(\.text)
                == ["found by asking the venue what became of the order, since it is time: unknown → open"])
        #expect(outcome.map(\.source) == [.audit] && outcome.map(\.kind) == [.found])
        #expect(
            outcome[0].details?.text == #"{"unknown":"outcome","asked":"status","was":"unknown","is":"open"}"#
        )
        let leaving = order(.sent, .accepted("v-1"), .cancelWanted)
        let gone = order(.sent, .accepted("v-1"), .cancelWanted, .cancelled(filled: nil, reason: nil))
        #expect(
            lines(leaving, gone, .status, .venue).map(\.text)
                == ["found by asking the venue what became of the order: pending cancel → cancelled"])
        let changing = order(.sent, .accepted("v-1"), .amendSent(Self.change))
        let changed = order(.sent, .accepted("v-1"), .amendSent(Self.change), .amended(Self.change))
        let taken = lines(changing, changed, .openOrders, .recovery)
        #expect(
            taken.map(\.text)
                == ["found by asking the venue for the open orders, after a start: the change took place"])
        #expect(taken.map(\.source) == [.recovery])
        let kept = order(.sent, .accepted("v-1"), .amendSent(Self.change), .amendRefused(reason: "no"))
        let untaken = lines(changing, kept, .status, .person("ann"))
        #expect(untaken.map { $0.text.hasSuffix(", as ann wants: the change did not take place") } == [true])
    }

    @Test func `what was in no doubt, or still is, was not found`() {
        let unknown = order(.sent, .outcomeUnknown(reason: "timeout"))
        let open = order(.sent, .accepted("v-1"))
        let leaving = order(.sent, .accepted("v-1"), .cancelWanted)
        #expect(!open.isInDoubt && unknown.isInDoubt && leaving.isInDoubt)
        for (old, new) in [(unknown, unknown), (open, leaving), (leaving, leaving), (open, open)] {
            #expect(lines(old, new, .status, .review) == [])
        }
        #expect(StoryFinding.Question(.balances) == nil)
    }

    @Test func `the summary says so while it is still as it was found`() {
        let unknown = order(.sent, .outcomeUnknown(reason: "timeout"))
        let open = order(.sent, .accepted("v-1"))
        let line = lines(unknown, open, .status, .review)[0]
        let states: [(Int64, Order)] = [(1, order()), (2, unknown), (3, open)]
        let events = states.map {
            OrderStory.Event(id: $0.0, time: Timestamp(milliseconds: 300), event: .order($0.1))
        }
        func summary(_ order: Order) -> String {
            OrderStory(order, events: events, notes: [(after: 3, line: line)]).view(leftOut: 0, lost: 0)
                .summary
        }
        #expect(summary(open) == "open, found by asking")
        #expect(summary(order(.sent, .accepted("v-1"), .cancelWanted)) == "pending cancel")
    }

    // MARK: - Who answers what

    /// A venue that takes every order without an answer, and knows each when it is asked.
    private final class Mute: ExchangeAdapter {
        let venue: VenueID = "v"
        var onReport: ((AccountID, VenueReport) -> Void)?

        func instruments(_ completion: @escaping (Result<[Instrument], VenueFailure>) -> Void) {}
        func place(
            _ request: PlaceRequest, on account: AccountID,
            _ completion: @escaping (Result<VenueOrderID, VenueFailure>) -> Void
        ) { completion(.failure(.outcomeUnknown("timeout"))) }
        func cancel(
            _ order: OrderReference, on account: AccountID,
            _ completion: @escaping (Result<Void, VenueFailure>) -> Void
        ) {}
        func amend(
            _ order: OrderReference, to amendment: Amendment, on account: AccountID,
            _ completion: @escaping (Result<Amendment, VenueFailure>) -> Void
        ) {}
        func status(
            of order: OrderReference, on account: AccountID,
            _ completion: @escaping (Result<VenueOrder?, VenueFailure>) -> Void
        ) {
            completion(
                .success(
                    VenueOrder(
                        clientID: order.clientID, venueOrderID: "v-1", symbol: order.symbol, side: .buy,
                        quantity: FixedDecimal(2), price: FixedDecimal(100), filledQuantity: .zero,
                        averagePrice: nil, state: .open, reason: nil, time: Timestamp(milliseconds: 300))))
        }
        func openOrders(
            on account: AccountID, _ completion: @escaping (Result<[VenueOrder], VenueFailure>) -> Void
        ) {}
        func trades(
            on account: AccountID, after cursor: String?,
            _ completion: @escaping (Result<TradePage, VenueFailure>) -> Void
        ) {}
        func balances(
            on account: AccountID, _ completion: @escaping (Result<[VenueBalance], VenueFailure>) -> Void
        ) {}
    }

    /// Turns that end when a test says so.
    private final class Turns: LoopTurns {
        private var ends: [() -> Void] = []

        func atEndOfTurn(_ body: @escaping () -> Void) { ends.append(body) }
        func later(_ delay: Duration, _ body: @escaping () -> Void) {}
        func run() {
            while !ends.isEmpty {
                let bodies = ends
                ends = []
                for body in bodies { body() }
            }
        }
    }

    @Test func `the driver says which request a report answers, and of news that it answers none`() throws {
        let (adapter, turns) = (Mute(), Turns())
        let now = Timestamp(milliseconds: 200)
        var desk = OrderDesk(at: now)
        desk.setInstruments(
            [
                Instrument(
                    symbol: "BTCUSDT", base: "BTC", quote: "USDT", tickSize: .one, stepSize: .one,
                    minimumNotional: .zero)
            ], at: "v")
        desk.setAccount(
            AccountSettings(
                id: "a", venue: "v", kind: .spot, currency: "USDT", balance: FixedDecimal(10_000)))
        _ = try desk.enrol("s", run: "r", on: "a", capital: FixedDecimal(10_000), at: now)
        let driver = DeskDriver(
            desk: desk, adapters: [adapter], venues: { _ in "v" }, turns: turns, now: { now },
            append: { _, answer in answer(nil) })
        var heard: [String] = []
        driver.onReport = { _, report, asked in
            let before = driver.desk.order(OrderID(1))?.status
            let request: String
            switch asked?.request {
            case .place: request = "place"
            case .status: request = "status by \(asked!.occasion == .review ? "review" : "other")"
            case nil: request = "nobody"
            default: request = "other"
            }
            return {
                let after = driver.desk.order(OrderID(1))?.status
                heard.append("\(request): \(before?.rawValue ?? "-") → \(after?.rawValue ?? "-")")
            }
        }
        driver.decide { desk, now in
            desk.submit(Self.intent().terms, request: "1", by: "s", at: now)
        }
        turns.run()
        #expect(heard.contains("place: submitted → unknown") || heard.contains("place: pending → unknown"))
        #expect(heard.last == "status by other: unknown → open", "\(heard)")
        adapter.onReport?("a", .cancelled(Self.intent().clientID, filled: nil, reason: nil))
        #expect(heard.last?.hasPrefix("nobody: ") == true, "\(heard)")
    }
}
