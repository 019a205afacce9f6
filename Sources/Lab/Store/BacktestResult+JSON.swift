import Analytics
import Journal
import Trading
import Wire

extension BacktestResult.End {
    /// The state that a run is in afterwards.
    public var state: LabRun.State {
        switch self {
        case .completed: .completed
        case .cancelled: .cancelled
        case .failed: .failed
        }
    }

    /// Why it ended before its time, in words; nil for a run that reached its end.
    public var cause: String? {
        switch self {
        case .completed: nil
        case .cancelled: "cancelled"
        case .failed(let cause): cause
        }
    }
}

/// A result as it is kept: rows without names, compressed.
extension BacktestResult {
    /// The largest result that is kept or read, before compression.
    public static let maximumBytes = 512 << 20

    /// What two runs of one job on one machine or another must have in common: the SHA-256 of what the strategy decided and
    /// what came of it. The log and the time that it took are no part of it.
    public var fingerprint: String { Fingerprint.sha256(JSONValue.array(outcome).bytes) }

    /// The result in the form of ``unpack(_:)``.
    public func packed() -> [UInt8] { CompressedBytes.pack(keptJSON.bytes) }

    /// Reads what ``packed()`` wrote.
    ///
    /// - Returns: Nil for anything else.
    public static func unpack(_ packed: [UInt8]) -> BacktestResult? {
        guard let bytes = CompressedBytes.unpack(packed, limit: maximumBytes) else { return nil }
        do {
            let limits = JSONParser.Limits(bytes: maximumBytes)
            return try BacktestResult(kept: JSONParser.parse(bytes, limits: limits))
        } catch {
            return nil
        }
    }

    private var keptJSON: JSONValue {
        .members([
            "form": .integer(1), "job": job.json, "data_hashes": .array(dataHashes.map { .string($0) }),
            "outcome": .array(outcome), "log": .array(log.map { .string($0) }),
            "milliseconds": .integer(milliseconds),
        ])
    }

    private var outcome: [JSONValue] {
        var values: [JSONValue] = [
            .string(end.state.rawValue), .optional(end.cause), .integer(bars), .decimal(finalEquity),
            .array(fills.map(Self.row)), .array(trades.map(Self.row)),
            .array(equity.map { .array([.time($0.time), .decimal($0.equity)]) }),
            .array(decisions.map(Self.row)),
        ]
        // Runs without it have the fingerprint that they had before there was any.
        if fundingPayments > 0 { values += [.decimal(funding), .integer(fundingPayments)] }
        return values
    }

    private init(kept value: JSONValue) throws(FieldFailure) {
        var reader = try ObjectReader(value)
        _ = try reader.integer("form", in: 1...1)
        let job = try BacktestJob(reader.required("job"))
        var outcome = RowReader(try reader.required("outcome"))
        let state: LabRun.State = try outcome.choice()
        let cause = try outcome.optionalText()
        let end: End =
            switch state {
            case .completed: .completed
            case .cancelled: .cancelled
            case .failed, .queued, .running, .interrupted: .failed(cause ?? "")
            }
        let (bars, finalEquity) = (try outcome.integer(), try outcome.decimal())
        let fills = try outcome.rows { r throws(FieldFailure) in try r.fill() }
        let trades = try outcome.rows { r throws(FieldFailure) in try r.trade() }
        let equity = try outcome.rows { r throws(FieldFailure) in
            EquityPoint(time: try r.time(), equity: try r.decimal())
        }
        let decisions = try outcome.rows { r throws(FieldFailure) in try r.decision() }
        let hasFunding = !outcome.isAtEnd
        self.init(
            job: job, dataHashes: try reader.texts("data_hashes"), end: end, bars: bars,
            finalEquity: finalEquity, fills: fills, trades: trades, equity: equity, decisions: decisions,
            log: try reader.texts("log"), milliseconds: try reader.integer("milliseconds"),
            funding: hasFunding ? try outcome.decimal() : .zero,
            fundingPayments: hasFunding ? try outcome.integer() : 0)
    }

    // MARK: - Rows

    private static func row(_ fill: Fill) -> JSONValue {
        .array([
            .time(fill.time), .string(fill.symbol), .string(fill.side.rawValue), .decimal(fill.price),
            .decimal(fill.quantity), .decimal(fill.fee), .string(fill.feeCurrency),
            .string(fill.liquidity.rawValue), .integer(fill.order.number), .string(fill.key.trade.text),
            .string(fill.key.venue.text), .string(fill.key.account.text), .string(fill.strategy.text),
            .bool(fill.isInferred),
        ])
    }

    private static func row(_ trade: ClosedTrade) -> JSONValue {
        .array([
            .string(trade.symbol), .bool(trade.isLong), .time(trade.entryTime), .time(trade.exitTime),
            .decimal(trade.entryPrice), .decimal(trade.exitPrice), .decimal(trade.quantity),
            .decimal(trade.fees), .decimal(trade.profit), .real(trade.adverseExcursion),
            .real(trade.favourableExcursion),
        ])
    }

    private static func row(_ decision: Decision) -> JSONValue {
        .array([
            .time(decision.time), .string(decision.symbol), .string(decision.side.rawValue),
            .decimal(decision.quantity), .string(decision.kind),
            decision.price.map { .decimal($0) } ?? .null,
        ])
    }
}

extension JSONValue {
    /// A floating-point number in the shortest text that gives the same number again; null for nil and what is no number.
    static func real(_ value: Double?) -> JSONValue {
        guard let value, value.isFinite else { return .null }
        return .number(value.description)
    }
}

extension ObjectReader {
    /// An array of texts, which must be there.
    fileprivate mutating func texts(_ name: String) throws(FieldFailure) -> [String] {
        let values = try optionalArray(name, count: .max) ?? []
        var texts: [String] = []
        for value in values {
            guard let text = value.stringValue else { throw failure(name, "holds \(value.kind)") }
            texts.append(text)
        }
        return texts
    }
}

/// Takes the values of a row one after another.
private struct RowReader {
    private let values: [JSONValue]
    private var next = 0

    init(_ value: JSONValue) { values = value.arrayValue ?? [] }

    var isAtEnd: Bool { next == values.count }

    private mutating func take() throws(FieldFailure) -> JSONValue {
        guard next < values.count else { throw FieldFailure(field: "", reason: "a row is too short") }
        defer { next += 1 }
        return values[next]
    }

    private func wrong() -> FieldFailure {
        FieldFailure(field: "", reason: "value \(next) of a row is not what it should be")
    }

    mutating func text() throws(FieldFailure) -> String {
        guard let text = try take().stringValue else { throw wrong() }
        return text
    }

    mutating func optionalText() throws(FieldFailure) -> String? { try take().stringValue }

    mutating func integer() throws(FieldFailure) -> Int {
        guard let number = try take().intValue else { throw wrong() }
        return number
    }

    mutating func bool() throws(FieldFailure) -> Bool {
        guard let value = try take().boolValue else { throw wrong() }
        return value
    }

    mutating func time() throws(FieldFailure) -> Timestamp {
        Timestamp(milliseconds: Int64(try integer()))
    }

    mutating func decimal() throws(FieldFailure) -> FixedDecimal {
        guard let value = FixedDecimal(try text()) else { throw wrong() }
        return value
    }

    mutating func optionalDecimal() throws(FieldFailure) -> FixedDecimal? {
        guard let text = try optionalText() else { return nil }
        guard let value = FixedDecimal(text) else { throw wrong() }
        return value
    }

    mutating func real() throws(FieldFailure) -> Double? {
        guard case .number(let text) = try take() else { return nil }
        return Double(text)
    }

    mutating func choice<Choice: RawRepresentable<String>>() throws(FieldFailure) -> Choice {
        guard let choice = Choice(rawValue: try text()) else { throw wrong() }
        return choice
    }

    mutating func rows<Element>(
        _ read: (inout RowReader) throws(FieldFailure) -> Element
    ) throws(FieldFailure) -> [Element] {
        guard let rows = try take().arrayValue else { throw wrong() }
        var elements: [Element] = []
        elements.reserveCapacity(rows.count)
        for row in rows {
            var reader = RowReader(row)
            elements.append(try read(&reader))
        }
        return elements
    }

    mutating func fill() throws(FieldFailure) -> Fill {
        let (time, symbol, side) = (try time(), try text(), try choice() as Side)
        let (price, quantity, fee) = (try decimal(), try decimal(), try decimal())
        let (currency, liquidity) = (try text(), try choice() as Liquidity)
        let (order, trade) = (OrderID(Int64(try integer())), TradeID(try text()))
        let (venue, account) = (VenueID(try text()), AccountID(try text()))
        return Fill(
            key: FillKey(venue: venue, account: account, symbol: symbol, trade: trade), order: order,
            strategy: StrategyID(try text()), side: side, price: price, quantity: quantity, fee: fee,
            feeCurrency: currency, liquidity: liquidity, time: time, isInferred: try bool())
    }

    mutating func trade() throws(FieldFailure) -> ClosedTrade {
        ClosedTrade(
            symbol: try text(), isLong: try bool(), entryTime: try time(), exitTime: try time(),
            entryPrice: try decimal(), exitPrice: try decimal(), quantity: try decimal(),
            fees: try decimal(), profit: try decimal(), adverseExcursion: try real(),
            favourableExcursion: try real())
    }

    mutating func decision() throws(FieldFailure) -> BacktestResult.Decision {
        BacktestResult.Decision(
            time: try time(), symbol: try text(), side: try choice(), quantity: try decimal(),
            kind: try text(), price: try optionalDecimal())
    }
}
