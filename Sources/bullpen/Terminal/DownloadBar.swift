/// How far something is, on standard error: bars done, bars a second, time left. Without a terminal it says nothing.
struct DownloadBar {
    private let isOn: Bool

    /// - Parameter isOn: Whether anything is to be shown, when there is a terminal.
    init(isOn: Bool) { self.isOn = isOn && Console.isTerminal(2) }

    /// Shows how far it is, in the place of what it showed before.
    func show(done: Int, of total: Int, rate: Int, secondsLeft: Int?) {
        guard isOn else { return }
        Console.writeError(
            "\r\u{1B}[K" + Self.text(done: done, of: total, rate: rate, secondsLeft: secondsLeft))
    }

    /// Takes the line away.
    func end() { if isOn { Console.writeError("\r\u{1B}[K") } }

    /// `[#####---------------]  25 %  2,500 of 10,000 bars  500/s  15 s left`.
    static func text(done: Int, of total: Int, rate: Int, secondsLeft: Int?) -> String {
        let done = min(done, total)
        let width = 24
        let filled = total > 0 ? done * width / total : 0
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
        let percent = total > 0 ? done * 100 / total : 0
        let left = secondsLeft.map { "  \(time($0)) left" } ?? ""
        return "[\(bar)] \(percent) %  \(grouped(done)) of \(grouped(total)) bars  \(grouped(rate))/s\(left)"
    }

    private static func time(_ seconds: Int) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min \(seconds % 60) s"
        default: "\(seconds / 3600) h \(seconds / 60 % 60) min"
        }
    }

    /// With commas between thousands.
    private static func grouped(_ number: Int) -> String {
        var text = ""
        for (place, digit) in String(number).reversed().enumerated() {
            if place > 0, place % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }
}
