/// What is wrong with a market's prices, part by part, and what of it was told.
struct MarketFaults {
    private var parts: [String: String] = [:]
    /// Nil before anything was told.
    private var told: String??

    /// What is wrong with a part, such as `instruments` or a symbol; nil when nothing is.
    subscript(part: String) -> String? {
        get { parts[part] }
        set { parts[part] = newValue }
    }

    /// All of it in a line, when that is news; the first time also that nothing is wrong.
    mutating func news() -> MarketNews? {
        let line =
            parts.isEmpty
            ? nil : parts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: "; ")
        guard told != .some(line) else { return nil }
        told = .some(line)
        return .fault(line)
    }
}
