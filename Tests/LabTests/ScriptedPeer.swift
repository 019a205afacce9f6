import Trading
import Wire

@testable import Lab

/// A strategy in this process that speaks the protocol as one behind pipes does.
protocol Script {
    /// What it says to one line of the host.
    mutating func answer(_ message: HostMessage) -> [StrategyMessage]
}

/// Says what a script says, candle by candle or batch by batch, as the SDKs do.
final class ScriptedPeer: BacktestPeer {
    private var script: any Script
    private let takesBatches: Bool
    private var output: [UInt8] = []
    private var batch: [Candle] = []
    private var first = 0
    private var next = 0
    private var hasActed = false
    /// How many times the host has asked for an answer.
    private(set) var questions = 0

    init(_ script: any Script, batches: Bool) {
        self.script = script
        takesBatches = batches
    }

    func send(_ bytes: [UInt8]) throws(PeerEnd) {
        for line in bytes.split(separator: 0x0A) {
            let message: HostMessage
            do { message = try HostMessage(line: line) } catch { throw .broke("\(error)") }
            take(message)
        }
    }

    func receive(into buffer: inout [UInt8], from offset: Int) throws(PeerEnd) -> Int {
        let count = min(output.count, buffer.count - offset)
        buffer.replaceSubrange(offset..<(offset + count), with: output.prefix(count))
        output.removeFirst(count)
        return count
    }

    private func take(_ message: HostMessage) {
        switch message {
        case .hello:
            say(.ready(sdk: "test", batches: takesBatches))
            consult(message)
        case .ping(let id):
            questions += 1
            say(.pong(id: id))
        case .candles(let batch):
            var rows = batch.series.map { _ in 0 }
            let order = batch.order.isEmpty ? Array(repeating: 0, count: batch.count) : batch.order
            self.batch = order.map { number in
                defer { rows[number] += 1 }
                return batch.series[number].candle(rows[number])
            }
            first = batch.first
            next = first
        case .go(let until):
            questions += 1
            go(until)
        case .stop: say(.bye(reason: nil))
        default: consult(message)
        }
    }

    private func go(_ until: Int) {
        while next <= until {
            consult(.candle(batch[next - first], isHistory: false))
            next += 1
            if hasActed { break }
        }
        hasActed = false
        say(.done(id: next - 1))
    }

    private func consult(_ message: HostMessage) {
        for answer in script.answer(message) {
            switch answer {
            case .log, .metric, .state: break
            default: hasActed = true
            }
            say(answer)
        }
    }

    private func say(_ message: StrategyMessage) { output += message.line }
}

extension CandleBatch.Series {
    /// One of its candles.
    func candle(_ row: Int) -> Candle {
        func decimal(_ value: Int64, _ digits: Int) -> FixedDecimal {
            FixedDecimal(
                units: Int128(value) * (0..<digits).reduce(FixedDecimal.unitsPerOne) { unit, _ in unit / 10 })
        }
        return Candle(
            symbol: symbol, resolution: resolution, openTime: Timestamp(milliseconds: openTimes[row]),
            open: decimal(open[row], priceDigits), high: decimal(high[row], priceDigits),
            low: decimal(low[row], priceDigits), close: decimal(close[row], priceDigits),
            volume: decimal(volume[row], volumeDigits))
    }
}
