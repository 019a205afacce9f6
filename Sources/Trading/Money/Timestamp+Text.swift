/// Instants as people read them.
extension Timestamp {
    /// How much of the time of day is written.
    public enum TextPrecision: Sendable {
        case minutes, seconds, milliseconds
    }

    /// The instant in UTC, such as `2026-07-04 05:06:07`; digits beyond the precision are left out, not rounded.
    ///
    /// - Parameter mark: What stands between the date and the time of day; ISO 8601 wants a `T`.
    public func utcText(to precision: TextPrecision = .seconds, between mark: String = " ") -> String {
        let remainder = Int(milliseconds % 86_400_000)
        let ofDay = remainder < 0 ? remainder + 86_400_000 : remainder
        var text = "\(CivilDate(utcDay: utcDay))\(mark)"
        text += CivilDate.digits(ofDay / 3_600_000, 2) + ":" + CivilDate.digits(ofDay / 60_000 % 60, 2)
        if precision != .minutes { text += ":" + CivilDate.digits(ofDay / 1000 % 60, 2) }
        if precision == .milliseconds { text += "." + CivilDate.digits(ofDay % 1000, 3) }
        return text
    }
}
