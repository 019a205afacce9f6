import Glibc

/// Colours, on a terminal that wants them.
struct Style: Sendable {
    private let isOn: Bool

    /// - Parameter isOn: Whether it is a terminal. `NO_COLOR` and `TERM=dumb` turn colours off all the same.
    init(isOn: Bool) {
        self.isOn = isOn && Self.isWelcome
    }

    private static let isWelcome: Bool = {
        let refusal = unsafe getenv("NO_COLOR").map { unsafe String(cString: $0) } ?? ""
        let terminal = unsafe getenv("TERM").map { unsafe String(cString: $0) } ?? ""
        return refusal.isEmpty && terminal != "dumb"
    }()

    func bold(_ text: String) -> String { paint(text, "1") }
    func dim(_ text: String) -> String { paint(text, "2") }
    func red(_ text: String) -> String { paint(text, "31") }
    func green(_ text: String) -> String { paint(text, "32") }
    func yellow(_ text: String) -> String { paint(text, "33") }

    /// Good words green, bad ones red, those in between yellow.
    func judged(_ word: String) -> String {
        switch word {
        case "running", "ready", "filled", "ok": green(word)
        case "quarantined", "denied", "rejected", "unknown", "missing", "error", "degraded": red(word)
        case "starting", "paused", "stopping", "backing_off", "partially_filled", "pending", "warning":
            yellow(word)
        default: word
        }
    }

    private func paint(_ text: String, _ code: String) -> String {
        isOn && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
