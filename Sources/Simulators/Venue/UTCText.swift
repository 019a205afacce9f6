import Trading

/// Instants in the form `2026-07-04T05:06:07.000Z`.
enum UTCText {
    static func text(_ time: Timestamp) -> String { time.utcText(to: .milliseconds, between: "T") + "Z" }

    /// Reads `2026-07-04`, or an instant in seconds or milliseconds since the epoch.
    static func time(_ text: String) -> Timestamp? {
        if let number = Int64(text) {
            return Timestamp(milliseconds: number < 100_000_000_000 ? number * 1000 : number)
        }
        let parts = text.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, text.utf8.count == 10,
            let date = CivilDate(year: parts[0], month: parts[1], day: parts[2])
        else { return nil }
        return Timestamp(milliseconds: date.utcDay * 86_400_000)
    }
}
