internal import Wire

/// The strategy at the other end of a backtest: its pipes, or in tests something that speaks as if it had some.
///
/// It belongs to the thread that runs the backtest.
protocol BacktestPeer: AnyObject {
    /// Says lines, and waits until they are taken.
    func send(_ bytes: [UInt8]) throws(PeerEnd)
    /// Waits for some bytes, and puts them into `buffer` from `offset` on.
    ///
    /// - Returns: How many came; nought at the end.
    func receive(into buffer: inout [UInt8], from offset: Int) throws(PeerEnd) -> Int
}

/// Why nothing more comes from a strategy.
enum PeerEnd: Error, Hashable {
    /// Its process has ended, or was ended.
    case gone
    /// It said `bye`, with its reason.
    case left(String?)
    /// It broke a rule, in words.
    case broke(String)
    /// Whoever asked for the backtest does not want it any more.
    case cancelled
    /// The candles cannot be read, in words.
    case data(String)
}

/// What a strategy says, cut into messages.
struct PeerReader {
    /// How many lines one answer may have.
    static let answerLines = 10_000
    /// How many bytes one answer may have.
    static let answerBytes = 16 << 20
    /// How many lines are refused before the run ends.
    static let refusedLines = 100

    private static let tooLong =
        "protocol violation: a line of more than \(StrategyProtocol.lineBytes) bytes"

    private let peer: any BacktestPeer
    private var buffer = [UInt8](repeating: 0, count: 4 * StrategyProtocol.lineBytes)
    private var start = 0
    private var end = 0
    private var refusals = 0
    private var answered = 0

    init(_ peer: any BacktestPeer) { self.peer = peer }

    /// What comes from here on is the answer to something else.
    mutating func beginAnswer() { answered = 0 }

    /// Waits for the next line. What is refused goes to `refused`, and the line after it is waited for.
    mutating func next(refused: (LineFailure) -> Void) throws(PeerEnd) -> StrategyMessage {
        while true {
            guard let lineEnd = try lineEnd() else { continue }
            guard lineEnd - start < StrategyProtocol.lineBytes else { throw .broke(Self.tooLong) }
            answered += lineEnd - start
            guard answered <= Self.answerBytes else {
                throw .broke("too much: more than \(Self.answerBytes >> 20) MiB in one answer")
            }
            let line = buffer[start..<lineEnd]
            start = lineEnd + 1
            do throws(LineFailure) {
                return try StrategyMessage(line: line)
            } catch {
                refused(error)
                refusals += 1
                guard refusals <= Self.refusedLines else {
                    throw .broke(
                        "protocol violation: more than \(Self.refusedLines) refused lines; the last: \(error)"
                    )
                }
            }
        }
    }

    /// Whether the next line is this one, its end included; takes it then.
    mutating func takes(_ expected: [UInt8]) throws(PeerEnd) -> Bool {
        while start == end { _ = try lineEnd() }
        guard end - start >= expected.count, buffer[start..<start + expected.count].elementsEqual(expected)
        else {
            return false
        }
        start += expected.count
        return true
    }

    /// Where the next line ends; nil when more was read, or too long a line passed over.
    private mutating func lineEnd() throws(PeerEnd) -> Int? {
        var searched = start
        while true {
            if let found = newline(from: searched) { return found }
            searched = end
            guard end - start < StrategyProtocol.lineBytes else {
                throw .broke(Self.tooLong)
            }
            if start == end {
                (start, end, searched) = (0, 0, 0)
            } else if buffer.count - end < StrategyProtocol.lineBytes {
                buffer.replaceSubrange(0..<(end - start), with: Array(buffer[start..<end]))
                (searched, end, start) = (searched - start, end - start, 0)
            }
            let count = try peer.receive(into: &buffer, from: end)
            guard count > 0 else { throw .gone }
            end += count
        }
    }

    private func newline(from index: Int) -> Int? {
        let bytes = buffer.span
        var index = index
        while index < end {
            if bytes[index] == 0x0A { return index }
            index += 1
        }
        return nil
    }
}
