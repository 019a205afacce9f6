import Wire

extension Server {
    /// The path of a strategy that the user named by its id or by its name.
    ///
    /// An id is taken as it is. A name must be the name of exactly one strategy.
    func path(ofStrategy reference: String) async throws -> String {
        do {
            _ = try await get("/strategies/\(reference.asPathPiece)")
            return "/strategies/\(reference.asPathPiece)"
        } catch let failure as CommandFailure where failure.code == .notFound {
            let named = try await items("/strategies").filter { $0["name"]?.stringValue == reference }
            guard let id = named.first?["id"]?.stringValue else { throw failure }
            guard named.count == 1 else {
                let ids = named.compactMap { $0["id"]?.stringValue }.joined(separator: ", ")
                throw CommandFailure(
                    .notFound, "\(named.count) strategies are called \"\(reference)\": \(ids)")
            }
            return "/strategies/\(id.asPathPiece)"
        }
    }

    /// The items of a list: all of them page by page, or the first `limit`.
    func items(_ path: String, limit: Int? = nil) async throws -> [JSONValue] {
        var items: [JSONValue] = []
        var cursor: String?
        let mark: Character = path.contains("?") ? "&" : "?"
        repeat {
            let size = min(1000, (limit ?? .max) - items.count)
            let after = cursor.map { "&after=\($0.asPathPiece)" } ?? ""
            let page = try await get("\(path)\(mark)limit=\(size)\(after)")
            items += page["items"]?.arrayValue ?? []
            cursor = page["next"]?.stringValue
        } while cursor != nil && items.count < limit ?? .max
        return items
    }
}

extension Command.Operand {
    static let strategy = Command.Operand(name: "strategy", explanation: "The strategy's id, or its name.")
}
