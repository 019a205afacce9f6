import Catalogue
import FoundationEssentials
import MarketData
import Posix
import Sandbox
import Trading
import Wire

/// Plays the host to one strategy for a short while: history, candles, fills, a signal, timers, and the end.
///
/// It stands in for a host where only the strategy's process is of interest; nothing is checked, reserved or written
/// down, and every order fills at once.
final class StrategyRehearsal {
    /// What a strategy's folder holds, as far as a rehearsal needs it.
    struct Script {
        let folder: String
        let name: String
        let config: StrategyConfig

        /// Reads a folder with a strategy in it.
        init(folder: String, profile: String) throws(CommandFailure) {
            self.folder = folder
            name = folder.split(separator: "/").last.map(String.init) ?? folder
            let path = folder + "/strategy.json"
            guard let data = FileManager.default.contents(atPath: path) else {
                throw CommandFailure(.notFound, "there is no strategy in \(folder): it has no strategy.json")
            }
            var bounds = ConfigBounds()
            bounds.profiles = [profile]
            let (config, problems) = ConfigReader.read(Array(data), bounds: bounds)
            if let problem = problems.first(where: { $0.field != "profile" }) {
                throw CommandFailure(.badConfiguration, "\(path): \(problem.message)")
            }
            self.config = config
        }

        /// The file that the profile runs.
        var entry: String { config.entry ?? "strategy.py" }
    }

    /// How many candles it gets after the history.
    private static let candles = 90

    private let script: Script
    private let relay: ConfinedRelay
    private var market: SimulatedMarket
    private var rest: [UInt8] = []
    private var remaining = StrategyRehearsal.candles
    private var lastPrice = FixedDecimal.one
    private var held: [String: FixedDecimal] = [:]
    private var fills = 0
    /// What it logged last, for when it ends badly.
    var lastWords: String { log.suffix(12).joined(separator: "\n") }
    private var log: [String] = []
    /// Whether it said that it was ready.
    private(set) var wasReady = false

    init(_ script: Script, _ relay: ConfinedRelay) throws(CommandFailure) {
        self.script = script
        self.relay = relay
        let start = Timestamp(milliseconds: 1_767_225_600_000)  // The same market each time.
        do {
            market = try SimulatedMarket(
                seed: 7, start: start, options: .init(resolutions: [script.config.resolution]))
        } catch {
            throw CommandFailure(.error, "\(error)")
        }
        relay.onOutput = { [unowned self] in take($0) }
        relay.onErrors = { [unowned self] in keep(String(decoding: $0, as: UTF8.self)) }
    }

    /// Goes through it all.
    func run() async throws(CommandFailure) -> DeathReport {
        relay.send(HostMessage.hello(hello).line)
        let (report, isLate) = try await relay.run(until: MonotonicClock.nanoseconds + 300_000_000_000)
        if isLate { log.append("(it was killed after five minutes)") }
        return report
    }

    private var hello: Hello {
        Hello(
            strategy: script.name, run: "rehearsal", mode: .lab, time: market.now, entry: script.entry,
            parameters: script.config.parametersJSON, config: script.config.json,
            instruments: market.instruments,
            account: AccountView(
                currency: "USDT", equity: FixedDecimal(10_000), available: FixedDecimal(10_000),
                kind: .margin,
                leverage: FixedDecimal(5)),
            positions: [], orders: [], state: .null, heartbeatMilliseconds: 5000)
    }

    private func keep(_ words: String) {
        log = (log + words.split(separator: "\n").map(String.init)).suffix(100)
    }

    private func take(_ bytes: [UInt8]) {
        rest += bytes
        while let end = rest.firstIndex(of: 0x0A) {
            let line = Array(rest[..<end])
            rest.removeSubrange(...end)
            // What is no line of the protocol is no concern of a rehearsal.
            if let message = try? StrategyMessage(line: line) { answer(message) }
        }
    }

    private func answer(_ message: StrategyMessage) {
        switch message {
        case .ready:
            wasReady = true
            sendHistory()
            tell(.ping(id: 0))
        case .pong: goOn()
        case .order(let request, let terms, _): fill(request, terms)
        case .timer(let id, let after, _): if after > 0 { tell(.timer(id: id, time: market.now)) }
        case .log(_, let message): keep(message)
        case .oco, .cancel, .cancelBracket, .amend, .amendBracket, .signal, .metric, .state, .subscribe,
            .done, .bye:
            break
        }
    }

    private func tell(_ message: HostMessage) { relay.send(message.line) }

    private func sendHistory() {
        let config = script.config
        // A pair that the simulated market does not have has no history.
        let history =
            (try? market.history(
                symbol: config.symbol, resolution: config.resolution, count: config.lookbackPeriod,
                before: market.now)) ?? []
        for candle in history { tell(.candle(candle, isHistory: true)) }
    }

    private func goOn() {
        guard remaining > 0 else {
            return tell(.stop(reason: "the rehearsal is over", deadlineMilliseconds: 5000))
        }
        remaining -= 1
        let length = script.config.resolution.milliseconds
        for event in market.advance(to: Timestamp(milliseconds: market.now.milliseconds + length)) {
            guard event.symbol == script.config.symbol, case .candle(let candle) = event else { continue }
            lastPrice = candle.close
            tell(.candle(candle, isHistory: false))
        }
        if remaining % 30 == 0 {
            tell(
                .signal(
                    IncomingSignal(id: "s\(remaining)", time: market.now, action: "BUY", data: .members([:])))
            )
        }
        tell(.ping(id: Self.candles - remaining))
    }

    private func fill(_ request: String, _ terms: OrderTerms) {
        fills += 1
        func report(_ status: OrderReport.Status, _ filled: FixedDecimal) -> HostMessage {
            .order(
                OrderReport(
                    request: request, order: "o\(fills)", symbol: terms.symbol, side: terms.side,
                    type: terms.type,
                    quantity: terms.quantity, price: terms.price, stopPrice: terms.stopPrice,
                    timeInForce: terms.timeInForce, status: status, filledQuantity: filled,
                    averagePrice: filled.isPositive ? lastPrice : nil, time: market.now))
        }
        tell(report(.open, .zero))
        let before = held[terms.symbol] ?? .zero
        // An amount beyond all bounds is not filled.
        guard let after = try? terms.side == .buy ? before + terms.quantity : before - terms.quantity else {
            return
        }
        held[terms.symbol] = after
        tell(report(.filled, terms.quantity))
        tell(
            .fill(
                FillReport(
                    order: "o\(fills)", request: request, trade: "t\(fills)", symbol: terms.symbol,
                    side: terms.side,
                    price: lastPrice, quantity: terms.quantity, fee: .zero, feeCurrency: "USDT",
                    liquidity: .taker,
                    time: market.now)))
        tell(
            .position(
                PositionReport(
                    symbol: terms.symbol, quantity: after, averagePrice: lastPrice, realisedProfit: .zero,
                    unrealisedProfit: .zero, fees: .zero, time: market.now)))
    }
}
