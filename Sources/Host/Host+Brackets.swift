internal import Trading

/// Stop-losses and take-profits, for people.
extension Host {
    /// A strategy's brackets, newest first.
    public func brackets(
        of strategy: String, page: PageRequest
    ) async throws(HostError) -> Page<BracketView> {
        _ = try await owner(of: strategy)
        return try deskStore.brackets(of: strategy, page: page).map { BracketView($0) }
    }

    /// The brackets that wait or work, newest first.
    public func openBrackets(owner: String?, page: PageRequest) async throws(HostError) -> Page<BracketView> {
        let before = try page.number(below: .max)
        let brackets = try await floor { floor throws(HostError) in
            floor.liveBrackets(owner: owner).filter { $0.id.number < before }.prefix(page.limit + 1)
                .map { BracketView($0) }
        }
        return page.cut(brackets, cursor: \.id)
    }

    /// Takes a bracket away. What it protected is protected no longer.
    public func cancelBracket(_ id: String, by user: String) async throws(HostError) -> BracketView {
        guard let number = Int64(numberedID: id) else { throw .notFound(kind: "bracket", id: id) }
        let view = try await floor { floor throws(HostError) in
            try floor.cancelBracket(OrderID(number), by: user)
        }
        audit(user, "bracket.cancel", id, "")
        return view
    }
}
