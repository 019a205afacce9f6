internal import MarketData
internal import Posix
internal import Trading
internal import Wire

/// One backtest at work: candles to the strategy, its answers into the books.
///
/// It lives on a thread of its own, which waits for the strategy.
struct BacktestRun {
    /// How many candles are read, and at most given, at a time.
    static let blockCandles = 2_048

    let job: BacktestJob
    private(set) var engine: BacktestEngine
    /// Candles of the main series that were answered.
    private(set) var bars = 0

    private let source: any CandleSource
    private let peer: any BacktestPeer
    private var reader: PeerReader
    private let progress: (BacktestProgress) -> Bool
    private let total: Int
    private let candleLines: [CandleLine]
    /// The number of the next candle of this run.
    private var number = 0
    /// Whether the strategy knows batches, and is to have them.
    private var takesBatches = false
    /// How far it may go at a time.
    private var stride = BatchStride()
    /// The line that answers the latest ping.
    private var pong = Array(#"{"type":"pong","id":"#.utf8)
    private let pongHead: Int
    /// Memory for lines of batches.
    private var batchLines: [UInt8] = []

    init(
        _ job: BacktestJob, engine: BacktestEngine, source: any CandleSource, peer: any BacktestPeer,
        progress: @escaping (BacktestProgress) -> Bool
    ) {
        self.job = job
        self.engine = engine
        self.source = source
        self.peer = peer
        self.progress = progress
        reader = PeerReader(peer)
        pongHead = pong.count
        candleLines = job.series.map { CandleLine($0) }
        total = Int((job.end.milliseconds - job.start.milliseconds) / job.series[0].resolution.milliseconds)
    }

    /// Greets the strategy and waits until it is ready.
    mutating func greet(_ hello: Hello) throws(PeerEnd) {
        try peer.send(HostMessage.hello(hello).line)
        while true {
            let message = try next()
            if case .ready(_, let batches) = message {
                takesBatches = batches && job.mode == .batched
                return
            }
            if case .bye(let reason) = message { throw .left(reason) }
            engine.take(message)
        }
    }

    /// Goes through all candles.
    mutating func run() throws(PeerEnd) {
        try giveHistory()
        var stream = CandleStream(
            source, job.series, from: job.start, to: job.end, pieceSize: Self.blockCandles)
        while let block = try read({ () throws(MarketFileFailure) in try stream.next() }) {
            if takesBatches { try giveBatch(block) } else { try goThrough(block) }
            try tellProgress()
        }
        var rest: [UInt8] = []
        engine.takeOutgoing(into: &rest)
        if !rest.isEmpty { try peer.send(rest) }
    }

    /// Lets the strategy end in good order; what it says last still counts for the log.
    mutating func stop(reason: String) throws(PeerEnd) {
        try peer.send(HostMessage.stop(reason: reason, deadlineMilliseconds: 5_000).line)
        for _ in 0..<PeerReader.answerLines {
            let message = try next()
            if case .bye = message { return }
            if case .log = message { engine.take(message) }
        }
    }

    private func tellProgress() throws(PeerEnd) {
        guard progress(BacktestProgress(bars: bars, total: max(total, bars))) else { throw .cancelled }
    }

    private func read<Value>(
        _ body: () throws(MarketFileFailure) -> Value
    ) throws(PeerEnd) -> Value {
        do throws(MarketFileFailure) { return try body() } catch { throw .data(error.description) }
    }

    // MARK: - History

    private mutating func giveHistory() throws(PeerEnd) {
        guard job.warmUp > 0 else { return }
        var history: [(candle: Candle, series: Int)] = []
        for (index, series) in job.series.enumerated() {
            let end = series.opens(closingAfter: job.start, by: job.end).lowerBound
            history += try read { () throws(MarketFileFailure) in
                try source.history(of: series, before: end, count: job.warmUp).map { ($0, index) }
            }
        }
        history.sort { ($0.candle.closeTime, $0.series) < ($1.candle.closeTime, $1.series) }
        engine.isHistory = true
        var lines: [UInt8] = []
        for (index, (candle, series)) in history.enumerated() {
            engine.advance(over: candle, series: series)
            engine.takeOutgoing(into: &lines)
            HostMessage.candle(candle, isHistory: true).write(to: &lines)
            // Not so much at once that neither side would read any more.
            guard index % 200 == 199 || index == history.count - 1 else { continue }
            try ask(&lines)
        }
        engine.isHistory = false
    }

    // MARK: - One candle, one answer

    private mutating func goThrough(_ block: CandleStream.Block) throws(PeerEnd) {
        var lines: [UInt8] = []
        lines.reserveCapacity(1024)
        // How long it has waited for the strategy since it told of its progress.
        var slowness: UInt64 = 0
        // Up to here nothing happens by itself; what was said may change that.
        var quietEnd = -1
        // The first candle that the books have not gone past: of quiet ones they do when they must.
        var next = 0
        for index in 0..<block.count {
            let series = block.series(index)
            if index > quietEnd {
                engine.pass(block, from: next, through: index - 1)
                engine.mark()
                engine.advance(over: block[index], series: series)
                next = index + 1
                quietEnd = engine.quietEnd(of: block, after: index)
                engine.takeOutgoing(into: &lines)
            }
            candleLines[series].write(block.pieces[series], block.row(index), to: &lines)
            let asked = MonotonicClock.nanoseconds
            let first = next
            if try ask(&lines, before: { $0.pass(block, from: first, through: index) }) {
                (quietEnd, next) = (-1, index + 1)
            }
            if series == 0 { bars += 1 }
            slowness += MonotonicClock.nanoseconds - asked
            if slowness > BatchStride.slow {
                slowness = 0
                try tellProgress()
            }
            if engine.fills.count > engine.fillLimit {
                throw .broke("more than \(engine.fillLimit) fills")
            }
        }
        engine.pass(block, from: next, through: block.count - 1)
    }

    // MARK: - Many candles a line

    /// Gives all candles of a block at once, and lets the strategy go through them from one act to the next.
    private mutating func giveBatch(_ block: CandleStream.Block) throws(PeerEnd) {
        let first = number
        number += block.count
        var lines: [UInt8] = []
        swap(&lines, &batchLines)
        defer { batchLines = lines }
        lines.removeAll(keepingCapacity: true)
        HostMessage.candles(block.batch(first: first)).write(to: &lines)
        guard lines.count <= StrategyProtocol.batchBytes else { throw .data("a line of candles is too long") }
        var index = 0
        while index < block.count {
            engine.mark()
            engine.advance(over: block[index], series: block.series(index))
            engine.takeOutgoing(into: &lines)
            let end = min(engine.quietEnd(of: block, after: index), index + stride.candles - 1)
            HostMessage.go(until: first + end).write(to: &lines)
            let asked = MonotonicClock.nanoseconds
            try peer.send(lines)
            lines.removeAll(keepingCapacity: true)
            let (messages, done) = try answer(in: (first + index)...(first + end))
            let isSlow = stride.took(
                MonotonicClock.nanoseconds - asked, for: done - first - index + 1)
            engine.pass(block, from: index + 1, through: done - first)
            if !messages.isEmpty {
                engine.mark()
                for message in messages { engine.take(message) }
            }
            bars += block.countOfMain(index...(done - first))
            index = done - first + 1
            if isSlow { try tellProgress() }
            if engine.fills.count > engine.fillLimit {
                throw .broke("more than \(engine.fillLimit) fills")
            }
        }
    }

    /// What the strategy says until it is done, and the number of the candle at which it is.
    private mutating func answer(
        in allowed: ClosedRange<Int>
    ) throws(PeerEnd) -> (messages: [StrategyMessage], done: Int) {
        var messages: [StrategyMessage] = []
        reader.beginAnswer()
        for _ in 0..<PeerReader.answerLines {
            let message = try next()
            switch message {
            case .done(let id):
                guard allowed.contains(id) else {
                    throw .broke(
                        "protocol violation: done with candle \(id), asked for were "
                            + "\(allowed.lowerBound) to \(allowed.upperBound)")
                }
                return (messages, id)
            case .bye(let reason): throw .left(reason)
            default: messages.append(message)
            }
        }
        throw .broke("too many lines: more than \(PeerReader.answerLines) in answer to candles")
    }

    /// Says lines with a ping behind them, and takes the answers up to its pong. True when there were any.
    ///
    /// - Parameter before: What the books need before they take the first of them.
    @discardableResult
    private mutating func ask(
        _ lines: inout [UInt8], before: (inout BacktestEngine) -> Void = { _ in }
    ) throws(PeerEnd) -> Bool {
        number += 1
        lines.append(text: #"{"type":"ping","id":"#)
        let digits = lines.count
        lines.append(whole: Int64(number))
        lines.append(text: "}\n")
        pong.removeLast(pong.count - pongHead)
        pong.append(contentsOf: lines[digits...])
        try peer.send(lines)
        lines.removeAll(keepingCapacity: true)
        reader.beginAnswer()
        for count in 0..<PeerReader.answerLines {
            // Nearly always it is this line, to the letter.
            if try reader.takes(pong) { return count > 0 }
            let message = try next()
            switch message {
            case .pong(number): return count > 0
            case .bye(let reason): throw .left(reason)
            default:
                if count == 0 {
                    before(&engine)
                    engine.mark()
                }
                engine.take(message)
            }
        }
        throw .broke("too many lines: more than \(PeerReader.answerLines) in answer to one candle")
    }

    private mutating func next() throws(PeerEnd) -> StrategyMessage {
        var refused: [LineFailure] = []
        defer { for failure in refused { engine.refuse(failure) } }
        return try reader.next { refused.append($0) }
    }
}
