@testable import Trading

/// Reads a decimal in a test.
func d(_ text: String) -> FixedDecimal { FixedDecimal(text)! }

/// An instant, in milliseconds after noon of some UTC day.
func at(_ milliseconds: Int64) -> Timestamp {
    Timestamp(milliseconds: 20_000 * 86_400_000 + 43_200_000 + milliseconds)
}

extension SplitMix64 {
    /// True so many times in a hundred.
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

let bitcoin = Instrument(
    symbol: "BTCUSDT", base: "BTC", quote: "USDT", tickSize: d("0.1"), stepSize: d("0.001"),
    minimumNotional: d("5"))
let ether = Instrument(
    symbol: "ETHUSDT", base: "ETH", quote: "USDT", tickSize: d("0.01"), stepSize: d("0.01"),
    minimumNotional: d("5"))

func market(_ side: Side, _ quantity: String, _ symbol: String = "BTCUSDT", reduceOnly: Bool = false)
    -> OrderTerms
{
    OrderTerms(symbol: symbol, side: side, type: .market, quantity: d(quantity), reduceOnly: reduceOnly)
}

func limit(
    _ side: Side, _ quantity: String, _ price: String, _ symbol: String = "BTCUSDT", postOnly: Bool = false,
    reduceOnly: Bool = false, timeInForce: TimeInForce = .gtc
) -> OrderTerms {
    OrderTerms(
        symbol: symbol, side: side, type: .limit, quantity: d(quantity), price: d(price),
        timeInForce: timeInForce, postOnly: postOnly, reduceOnly: reduceOnly)
}

func trade(_ price: String, _ symbol: String = "BTCUSDT", at time: Timestamp = at(0)) -> MarketEvent {
    .trade(MarketTrade(symbol: symbol, time: time, price: d(price), quantity: d("1")))
}

extension [DeskAction] {
    var records: [DeskEvent] {
        compactMap { action in
            if case .record(let event) = action { event } else { nil }
        }
    }

    var requests: [VenueRequest] {
        compactMap { action in
            if case .send(_, let request) = action { request } else { nil }
        }
    }

    var alarms: [DeskAlarm] {
        compactMap { action in
            if case .alarm(let alarm) = action { alarm } else { nil }
        }
    }

    var notices: [StrategyNotice] {
        compactMap { action in
            if case .tell(_, let notice) = action { notice } else { nil }
        }
    }

    /// The orders as they were told to strategies, in order.
    var toldOrders: [Order] {
        notices.compactMap { notice in
            if case .order(let order) = notice { order } else { nil }
        }
    }

    var placed: [PlaceRequest] {
        requests.compactMap { request in
            if case .place(let place) = request { place } else { nil }
        }
    }
}

/// A desk with one account and one strategy, at a price of 100, and words for what happens to it.
struct DeskFixture {
    var desk: OrderDesk
    var journal = DeskSnapshot()
    var trades = 0
    let strategy: StrategyID = "alpha"
    let account: AccountID = "paper"

    init(
        kind: AccountKind = .spot, capital: String = "10000", limits: RiskLimits = .none,
        global: RiskLimits = .none, accountLimits: RiskLimits = .none, price: String? = "100",
        balance: String = "100000", grace: Int64 = 0, settings: OrderDesk.Settings = .init()
    ) throws {
        desk = OrderDesk(limits: global, settings: settings, at: at(0))
        Self.setUp(&desk, kind: kind, accountLimits: accountLimits, balance: balance, grace: grace)
        keep(
            try desk.enrol(
                strategy, run: "run-1", on: account, capital: d(capital), limits: limits, at: at(0)))
        if let price { keep(desk.priceMoved(trade(price), on: "paper", at: at(0))) }
    }

    static func setUp(
        _ desk: inout OrderDesk, kind: AccountKind = .spot, accountLimits: RiskLimits = .none,
        balance: String = "100000", grace: Int64 = 0
    ) {
        desk.setInstruments([bitcoin, ether], at: "paper")
        desk.setAccount(
            AccountSettings(
                id: "paper", venue: "paper", kind: kind, currency: "USDT", balance: d(balance),
                feeRate: d("0.001"), marketAllowance: d("0.01"), absenceGraceMilliseconds: grace),
            limits: accountLimits)
    }

    /// Keeps the records, as the journal would.
    @discardableResult
    mutating func keep(_ actions: [DeskAction]) -> [DeskAction] {
        for record in actions.records { journal.apply(record) }
        return actions
    }

    @discardableResult
    mutating func submit(_ request: RequestID, _ terms: OrderTerms, after: Int64 = 0) -> [DeskAction] {
        keep(desk.submit(terms, request: request, by: strategy, at: at(after)))
    }

    @discardableResult
    mutating func report(_ report: VenueReport, after: Int64 = 0) -> [DeskAction] {
        keep(desk.venueReported(report, on: account, at: at(after)))
    }

    func order(_ request: RequestID) -> Order { desk.order(request: request, of: strategy)! }

    func clientID(_ request: RequestID) -> ClientOrderID { order(request).intent.clientID }

    /// Submits and has the venue accept.
    mutating func open(_ request: RequestID, _ terms: OrderTerms) {
        submit(request, terms)
        report(.accepted(clientID(request), VenueOrderID("v-\(request)")))
    }

    /// A trade of an order as the venue tells it.
    func venueTrade(
        _ request: RequestID, _ quantity: String, _ price: String = "100", trade: TradeID, fee: String = "0",
        currency: String = "USDT"
    ) -> VenueTrade {
        let order = order(request)
        return VenueTrade(
            trade: trade, clientID: order.intent.clientID, venueOrderID: VenueOrderID("v-\(request)"),
            symbol: order.symbol, side: order.side, price: d(price), quantity: d(quantity), fee: d(fee),
            feeCurrency: currency, liquidity: .taker, time: at(0))
    }

    @discardableResult
    mutating func fill(
        _ request: RequestID, _ quantity: String, _ price: String = "100", trade: TradeID? = nil,
        fee: String = "0", currency: String = "USDT"
    ) -> [DeskAction] {
        trades += 1
        return report(
            .trade(
                venueTrade(
                    request, quantity, price, trade: trade ?? TradeID("t\(trades)"), fee: fee,
                    currency: currency)))
    }

    /// A status answer of the venue.
    func venueOrder(_ request: RequestID, _ state: VenueOrder.State, filled: String) -> VenueOrder {
        let order = order(request)
        return VenueOrder(
            clientID: order.intent.clientID, venueOrderID: VenueOrderID("v-\(request)"), symbol: order.symbol,
            side: order.side, quantity: order.quantity, price: order.price, filledQuantity: d(filled),
            averagePrice: nil, state: state, reason: nil, time: at(0))
    }

    var position: SubLedger {
        desk.gate.rows.first { desk.gate.markets[$0.market].instrument.symbol == "BTCUSDT" }?.ledger
            ?? SubLedger()
    }
}

extension OrderDesk {
    /// What must hold at every moment; the words of what does not.
    var flaws: [String] {
        var flaws: [String] = []
        var liveOrders = 0
        for (number, row) in gate.rows.enumerated() {
            var claim = Claim()
            for entry in entries.values where entry.row == number {
                let own = entry.order.claim
                claim.buys = FixedDecimal.sum(claim.buys, own.buys)
                claim.sells = FixedDecimal.sum(claim.sells, own.sells)
                claim.exitBuys = FixedDecimal.sum(claim.exitBuys, own.exitBuys)
                claim.exitSells = FixedDecimal.sum(claim.exitSells, own.exitSells)
                claim.buyNotional = FixedDecimal.sum(claim.buyNotional, own.buyNotional)
                claim.liveOrders += own.liveOrders
                claim.unknownOrders += own.unknownOrders
            }
            liveOrders += claim.liveOrders
            if claim != row.claim {
                flaws.append("reservations of row \(number): \(row.claim), not \(claim)")
            }
            var sum = FixedDecimal.zero
            for fill in fills.values
            where gate.key(of: number).strategy == fill.strategy
                && gate.key(of: number).symbol == fill.symbol
                && gate.key(of: number).account == fill.key.account
            {
                let signed = fill.side == .buy ? fill.quantity : FixedDecimal.opposite(fill.quantity)
                sum = FixedDecimal.sum(sum, signed)
                if fill.feeCurrency == gate.markets[row.market].instrument.base {
                    sum = FixedDecimal.difference(sum, fill.fee)
                }
            }
            if sum != row.ledger.quantity { flaws.append("position \(row.ledger.quantity), fills \(sum)") }
            let live = Set(
                entries.values.filter { $0.row == number && !$0.order.status.isTerminal }.map(\.order.id))
            if live != Set(row.live) { flaws.append("live orders of row \(number) differ") }
        }
        for (number, account) in gate.accounts.enumerated() {
            var (cash, notional) = (FixedDecimal.zero, FixedDecimal.zero)
            for row in gate.rows where row.account == number {
                cash = FixedDecimal.sum(cash, row.ledger.cashFlow)
                notional = FixedDecimal.sum(notional, row.claim.buyNotional)
            }
            if cash != account.cashFlow { flaws.append("cash of \(account.settings.id)") }
            if notional != account.buyNotional { flaws.append("reserved money of \(account.settings.id)") }
        }
        for (number, cell) in gate.cells.enumerated() {
            var sum = RiskGate.Cell(account: cell.account, market: cell.market, mark: cell.mark)
            let nothing = RiskGate.Part(ledger: SubLedger(), worst: .zero)
            for row in gate.rows where row.cell == number { sum.replace(nothing, by: row.part) }
            if sum != cell { flaws.append("sums of cell \(number)") }
        }
        let occupied = gate.rows.count { $0.part.worst.isPositive }
        if occupied != gate.occupied { flaws.append("occupied rows \(gate.occupied), not \(occupied)") }
        if liveOrders != gate.liveOrders { flaws.append("live orders \(gate.liveOrders), not \(liveOrders)") }
        return flaws
    }
}
