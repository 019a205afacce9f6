public import Trading

/// A venue that takes no name of ours with an order, and so must be told at the start which of its orders are ours.
///
/// The journal is the one place that keeps this: it holds each order's terms before it is sent, and the venue's id as soon
/// as that is known.
public protocol JournalGuidedVenue: LiveVenue {
    /// Takes the journal's orders and fills of an account: those that have not ended, and recent ones that have. Call it
    /// once after ``LiveVenue/open(_:symbols:)`` and before the first question about orders.
    func restore(_ orders: [Order], fills: [Fill], on account: AccountID)
}
