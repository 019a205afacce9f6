public import Wire

/// An order of ours whose answer was lost, at a venue that shows several which could be it.
public struct AmbiguityView: Hashable, Sendable {
    public var order: OrderView
    /// What the venue calls those that could be it.
    public var candidates: [String]

    /// Describes a doubt.
    public init(order: OrderView, candidates: [String]) {
        self.order = order
        self.candidates = candidates
    }

    /// As the API writes it.
    public var json: JSONValue {
        .members(["order": order.json, "candidates": .array(candidates.map { .string($0) })])
    }
}
