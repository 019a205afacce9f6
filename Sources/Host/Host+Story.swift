internal import Journal
internal import Trading

/// An order's whole story.
extension Host {
    /// Everything that happened to an order, whoever's it is, with what was noted until now.
    public func orderStory(_ id: String) async throws(HostError) -> StoryView {
        guard let number = Int64(numberedID: id) else { throw .notFound(kind: "order", id: id) }
        try await floor { floor throws(HostError) in floor.story.flush() }
        await stories?.settle()
        guard let order = try deskStore.order(OrderID(number)) else {
            throw .notFound(kind: "order", id: id)
        }
        let events = try deskStore.events(of: order.id)
        let kept: StoryStore.Lines
        do {
            kept = try stories?.lines(of: order.id) ?? StoryStore.Lines()
        } catch {
            throw .unavailable("the order's story could not be read: \(error)")
        }
        return OrderStory(order, events: events, notes: kept.lines)
            .view(leftOut: kept.leftOut, lost: kept.lost)
    }
}
