import HTTPMessages
import Host
import Wire

/// The shape of every list: `{"items":[…],"next":cursor|null}`.
enum Lists {
    static func response<Item>(_ page: Page<Item>, _ json: (Item) -> JSONValue) -> HTTPResponse {
        .json(
            .ok, .members(["items": .array(page.items.map(json)), "next": .optional(page.next)]))
    }

    /// A part of a list that is all there; its cursors are places in it.
    static func response<Item: Sendable>(
        all items: [Item], _ page: PageRequest, _ json: (Item) -> JSONValue
    ) throws(FieldFailure) -> HTTPResponse {
        var start = 0
        if let after = page.after {
            guard let place = Int(after), place >= 0, place <= Int(Int32.max) else {
                throw FieldFailure(field: "after", reason: "is not a cursor that this list has given")
            }
            start = place
        }
        let part = items.dropFirst(start).prefix(page.limit)
        let next = start + part.count < items.count && !part.isEmpty ? String(start + part.count) : nil
        return response(Page(items: Array(part), next: next), json)
    }
}
