internal import Exchanges
internal import Trading

/// Why the desk has something to decide.
enum Occasion: Hashable, Sendable {
    /// A strategy asks for something.
    case strategy
    /// A venue, or its adapter, said something.
    case venue
    /// The look at everything, once a second.
    case review
    /// The host has started.
    case recovery
    /// Somebody's wish, by his name.
    case person(String)
    /// Whatever else the host does.
    case host
}

/// One thing that belongs to an order's story and is not in the journal anyway.
///
/// It is noted on the floor as it is, which costs no more than keeping it, and put into words later and elsewhere.
enum StoryFact: Sendable {
    /// What a strategy asked for; worth a line when it is not what was ordered.
    case asked(OrderTerms)
    /// A strategy asks for its order's end.
    case askedCancel
    /// A strategy asks for another quantity or price.
    case askedAmendment(quantity: FixedDecimal?, price: FixedDecimal?)
    /// What a strategy asked of its order was denied.
    case denied(RiskDenial)
    /// The desk's request was handed to the venue's adapter.
    case carried(VenueRequest, Occasion)
    /// What the desk hears of the venue.
    case heard(VenueReport)
    /// A trade that no stream had told, found by a question for trades.
    case foundTrade(VenueTrade)
    /// What the answer to a question brought to light.
    case found(StoryFinding)
    /// The adapter's request, as it left.
    case sent(VenueTrace)
    /// What came back of it, or by a stream.
    case traffic(VenueTrace)
    /// The host started again while the order was as it says.
    case recovered(OrderStatus)
    /// What somebody did about it.
    case person(name: String, did: String)

    /// About how many bytes it holds.
    var bytes: Int {
        switch self {
        case .traffic(let trace), .sent(let trace):
            256 + trace.text.utf8.count + trace.parameters.utf8.count
        case .asked, .askedCancel, .askedAmendment, .denied, .carried, .heard, .foundTrade, .found,
            .recovered, .person:
            256
        }
    }
}

/// A fact of one order's story, where and when it was noted.
struct StoryNote: Sendable {
    let order: OrderID
    /// Milliseconds since the epoch, by the wall clock.
    let time: Int64
    /// The number of the last event of the journal that was decided before.
    let after: Int64
    let fact: StoryFact
}
