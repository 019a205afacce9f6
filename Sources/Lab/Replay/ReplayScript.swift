public import Journal
public import Trading
public import Wire

/// What a recording of a run holds, as far as a replay needs it: how it began, what it asked for, and how much of it is
/// missing. The lines themselves stay in their file and are read one by one.
public struct ReplayScript: Sendable {
    /// Why a recording cannot be replayed.
    public enum Flaw: Error, Hashable, Sendable, CustomStringConvertible {
        case noHello
        case broken(String)

        /// The reason in words.
        public var description: String {
            switch self {
            case .noHello:
                "its beginning is not in the recording: there is none, or it was given up for newer lines"
            case .broken(let reason): "its recording cannot be read: \(reason)"
            }
        }
    }

    /// The most lines that are replayed.
    public static let maximumSteps = 5_000_000
    /// The most decisions that are compared.
    public static let maximumDecisions = 200_000

    /// What the run was told first.
    public let hello: Hello
    /// When it was told that.
    public let start: Timestamp
    /// How many lines it was told that a replay tells again.
    public let steps: Int
    /// What it asked for, in order.
    public let decisions: [ReplayDecision]
    /// What is missing or was passed over, in words.
    public let remarks: [String]

    /// Reads a run's recording.
    public init(recording: RunRecording) throws(Flaw) {
        var reading = Reading()
        do {
            let isWhole = try recording.forEach { try reading.take($0) }
            if !isWhole {
                reading.remarks.append("the recording ends in the middle of a block, as after a crash")
            }
        } catch {
            throw .broken("\(error)")
        }
        guard let (hello, start) = reading.hello else { throw .noHello }
        self.hello = hello
        self.start = start
        steps = reading.steps
        decisions = reading.decisions
        remarks = reading.allRemarks
    }

    /// Whether a replay tells this line again. Heartbeats are the host's own business, and a replay has its own.
    static func isTold(_ line: [UInt8]) -> Bool {
        !line.starts(with: Self.ping) && !line.starts(with: Self.hello)
    }

    private static let ping = Array(#"{"type":"ping""#.utf8)
    private static let hello = Array(#"{"type":"hello""#.utf8)

    private struct Reading {
        var hello: (Hello, Timestamp)?
        var steps = 0
        var decisions: [ReplayDecision] = []
        var remarks: [String] = []
        var lost = 0

        mutating func take(_ entry: RunRecording.Entry) throws -> Bool {
            switch entry {
            case .line(let time, .toStrategy, let line):
                if hello == nil {
                    guard case .hello(let first) = try HostMessage(line: line[...]) else { return false }
                    hello = (first, time)
                } else if ReplayScript.isTold(line) {
                    steps += 1
                }
            case .line(let time, .fromStrategy, let line):
                guard
                    let decision = ReplayDecision(
                        step: steps, time: time, message: try StrategyMessage(line: line[...]))
                else { break }
                decisions.append(decision)
            case .lost(_, let lines): lost += lines
            case .dropped(_, let bytes):
                remarks.append("\(bytes) compressed bytes at its beginning were given up for newer lines")
            case .cursor: break
            }
            if steps >= ReplayScript.maximumSteps || decisions.count >= ReplayScript.maximumDecisions {
                remarks.append("the recording is longer than a replay takes; its first part is compared")
                return false
            }
            return true
        }

        var allRemarks: [String] {
            lost == 0
                ? remarks
                : remarks + ["\(lost) lines were not recorded, because the disk did not keep up"]
        }
    }
}
