import Trading

/// Pages of a market's active orders, put together.
struct CoinDCXOrderPages {
    /// How many orders a page is asked for.
    static let size = 200
    /// The most pages of one market: 10,000 orders, a hundred times what CoinDCX lets an account have open.
    static let limit = 50

    private var seen: Set<VenueOrderID> = []
    private(set) var open: [CoinDCXOrder] = []
    private(set) var count = 0

    /// Takes a page.
    ///
    /// - Returns: Whether there is another one to be asked for. A venue that does not know pages gives the same orders again,
    ///   ended ones too: a page with nothing new is the last.
    mutating func take(_ page: [CoinDCXOrder]) -> Bool {
        count += 1
        let fresh = page.filter { seen.insert($0.id).inserted }
        open += fresh.filter { $0.state == .open }
        return page.count >= Self.size && !fresh.isEmpty
    }
}
