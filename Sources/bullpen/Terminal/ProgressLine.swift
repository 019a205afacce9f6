import Posix

/// How far long work is: one line that is written over and over on a terminal, a line now and then elsewhere.
///
/// It goes to standard error, so that standard output holds what was asked for.
struct ProgressLine {
    private let title: String
    private let unit: String
    private let isTerminal: Bool
    private let isSilent: Bool
    private let start = MonotonicClock.nanoseconds
    private var lastShown: UInt64 = 0
    private var isOpen = false

    /// - Parameters:
    ///   - title: What is under way, such as `import`.
    ///   - unit: What is counted, such as `bars`.
    ///   - isSilent: Whether nothing is written at all, as for programs.
    init(_ title: String, unit: String = "bars", isSilent: Bool = false) {
        self.title = title
        self.unit = unit
        self.isSilent = isSilent
        isTerminal = Console.isTerminal(2)
    }

    /// Shows it, if the last time was long enough ago.
    ///
    /// - Parameters:
    ///   - count: How many are done.
    ///   - fraction: How much of all is done, from 0 to 1; nil when nobody knows.
    mutating func show(_ count: Int, fraction: Double?) {
        let now = MonotonicClock.nanoseconds
        guard !isSilent,
            now - max(lastShown, isTerminal ? 0 : start) >= (isTerminal ? 100_000_000 : 5_000_000_000)
        else { return }
        lastShown = now
        let text = Self.text(
            title, count, unit, fraction: fraction, seconds: Double(now - start) / 1e9, withBar: isTerminal)
        Console.writeError(isTerminal ? "\r\(text)\u{1B}[K" : text + "\n")
        isOpen = isTerminal
    }

    /// Takes the line away, so that what follows stands alone.
    mutating func end() {
        if isOpen { Console.writeError("\r\u{1B}[K") }
        isOpen = false
    }

    /// Such as `import [######··············]  30 %  157,680 bars  402,000 bars/s  1 s left`.
    static func text(
        _ title: String, _ count: Int, _ unit: String, fraction: Double?, seconds: Double, withBar: Bool
    ) -> String {
        var words = [title]
        if let fraction {
            let share = min(1, max(0, fraction))
            let filled = Int(share * 20)
            let percent = String(Int(share * 100))
            if withBar {
                words.append(
                    "[" + String(repeating: "#", count: filled) + String(repeating: "·", count: 20 - filled)
                        + "]")
            }
            words.append(String(repeating: " ", count: 3 - percent.count) + percent + " %")
        }
        words.append("\(grouped(count)) \(unit)")
        if seconds > 0.2 {
            words.append("\(grouped(Int(Double(count) / seconds))) \(unit)/s")
            if let fraction, fraction > 0.005 {
                words.append("\(time(seconds * (1 - fraction) / fraction)) left")
            }
        }
        return words.joined(separator: "  ")
    }

    /// With commas between thousands.
    static func grouped(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(number).reversed().enumerated() {
            if index > 0, index % 3 == 0, digit != "-" { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    private static func time(_ seconds: Double) -> String {
        let whole = Int(min(max(0, seconds), 1e9).rounded(.up))
        return switch whole {
        case ..<60: "\(whole) s"
        case ..<3600: "\(whole / 60) min \(whole % 60) s"
        default: "\(whole / 3600) h \(whole / 60 % 60) min"
        }
    }
}
