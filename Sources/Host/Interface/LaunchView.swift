public import Wire

/// How a running strategy was started.
public struct LaunchView: Hashable, Sendable {
    /// Whether a nursery made it, from an interpreter that had everything loaded.
    public var isWarm: Bool
    /// From the request to its walls standing.
    public var duration: Duration

    /// Describes a start.
    public init(isWarm: Bool, duration: Duration) {
        self.isWarm = isWarm
        self.duration = duration
    }

    /// As the API writes it: milliseconds with one digit after the point.
    public var json: JSONValue {
        let tenths = Int((min(max(0, duration / .microseconds(100)), 1e9)).rounded())
        return .members([
            "door": .string(isWarm ? "warm" : "cold"),
            "milliseconds": .number("\(tenths / 10).\(tenths % 10)"),
        ])
    }
}
