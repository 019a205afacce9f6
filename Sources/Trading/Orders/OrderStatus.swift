/// Where an order stands.
///
/// An order ends only on the venue's evidence, or on ours that it never left (`denied`, `not_placed`).
public enum OrderStatus: String, Hashable, Sendable, CaseIterable {
    /// The intent is journaled; nothing has left the host.
    case pending
    /// Bytes may have left; no answer yet.
    case submitted
    /// At the venue, nothing filled.
    case open
    /// At the venue, a part filled.
    case partiallyFilled = "partially_filled"
    /// A cancel has left; the order may still fill.
    case pendingCancel = "pending_cancel"
    /// All of it filled.
    case filled
    /// Ended by a cancel; what had filled stays.
    case cancelled
    /// The venue refused it.
    case rejected
    /// This host refused it; nothing left.
    case denied
    /// Ended by the venue's rules, such as time in force.
    case expired
    /// It may be at the venue or not. Keeps its reservation until the venue tells.
    case unknown
    /// Proven never to have reached the venue. Not sent again.
    case notPlaced = "not_placed"

    /// Whether the order can no longer trade, as far as is proven.
    public var isTerminal: Bool {
        switch self {
        case .pending, .submitted, .open, .partiallyFilled, .pendingCancel, .unknown: false
        case .filled, .cancelled, .rejected, .denied, .expired, .notPlaced: true
        }
    }

    /// Whether the venue has said that it holds the order.
    public var isWorking: Bool {
        switch self {
        case .open, .partiallyFilled, .pendingCancel: true
        case .pending, .submitted, .unknown, .filled, .cancelled, .rejected, .denied, .expired, .notPlaced:
            false
        }
    }
}
