import Trading
import Wire

/// Tells a strategy again what a run was told, and hears what it asks for now.
///
/// A plain value: lines in, lines out. The strategy is told what truly happened, also where it asks for something else
/// now; so each difference is one of that moment, and none follows from another.
struct ReplayConductor {
    /// What the strategy hears when it asks for something that the run did not.
    static let denial = "this is a replay, and the run did not ask for it"
    /// How often it may ask anew after a denial, within one line.
    private static let rounds = 3

    private var matcher: ReplayMatcher
    private(set) var steps = 0
    private var time: Timestamp
    private var heard: [ReplayDecision] = []
    private var roundsLeft = ReplayConductor.rounds

    init(_ script: ReplayScript) {
        matcher = ReplayMatcher(script.decisions)
        time = script.start
        for order in script.hello.orders { matcher.knows(order.request) }
        for bracket in script.hello.brackets { matcher.knows(bracket.request) }
    }

    /// The line as this strategy is told it, its end included; nil when it is about something that only the run asked
    /// for.
    mutating func tell(_ line: [UInt8], at time: Timestamp) throws -> [UInt8]? {
        steps += 1
        self.time = time
        roundsLeft = Self.rounds
        let newline: [UInt8] = [0x0A]
        guard Self.kindsAboutRequests.contains(where: { line.starts(with: $0) }) else {
            return line + newline
        }
        let value = try JSONParser.parse(line)
        guard case .object(let members) = value, let request = value["request"]?.stringValue, !request.isEmpty
        else { return line + newline }
        if let own = matcher.replayedRequest[request] {
            guard own != request else { return line + newline }
            let renamed = members.map {
                $0.name == "request" ? JSONValue.Member("request", .string(own)) : $0
            }
            return JSONValue.object(renamed).bytes + newline
        }
        // A fill changed the position that it has; an order of the run's alone is nothing that it knows.
        let isFill = line.starts(with: Self.kindsAboutRequests[1])
        return matcher.isMadeByRun(request) && !isFill ? nil : line + newline
    }

    private static let kindsAboutRequests = ["order", "fill", "bracket"].map {
        Array(#"{"type":"\#($0)""#.utf8)
    }

    /// Takes a line of the strategy's.
    mutating func hear(_ message: StrategyMessage) {
        guard heard.count < 10_000,
            let decision = ReplayDecision(step: steps, time: time, message: message)
        else { return }
        heard.append(decision)
    }

    /// The strategy is through with the line.
    ///
    /// - Returns: What it is told about what only it asked for; it may ask again in answer.
    mutating func conclude() -> [[UInt8]] {
        let alone = matcher.take(heard)
        heard = []
        guard roundsLeft > 0 else { return [] }
        roundsLeft -= 1
        return alone.map { HostMessage.order(Self.denied($0, at: time)).line }
    }

    private static func denied(_ decision: ReplayDecision, at time: Timestamp) -> OrderReport {
        var report = OrderReport(
            request: decision.request, order: "", symbol: "", side: .buy, type: .market, quantity: .zero,
            timeInForce: .gtc, status: .denied, filledQuantity: .zero, reason: denial, time: time)
        if case .order(_, let terms, _) = decision.message {
            report.symbol = terms.symbol
            report.side = terms.side
            report.type = terms.type
            report.quantity = terms.quantity
            report.price = terms.price
            report.stopPrice = terms.stopPrice
            report.timeInForce = terms.timeInForce
        }
        return report
    }

    /// How many decisions were the same.
    var same: Int { matcher.same }

    /// What came out otherwise so far.
    var differences: [ReplayReport.Difference] {
        matcher.differences(until: steps).map {
            ReplayReport.Difference(time: $0.time, was: $0.was, now: $0.now)
        }
    }
}
