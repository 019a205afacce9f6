internal import Trading

/// What venues hold against what the books say, and what is not known.
extension Host {
    /// How every account stands, as it was last found.
    public func reconciliations() async throws(HostError) -> [ReconciliationView] {
        try await floor { floor throws(HostError) in
            floor.accounts.keys.sorted().compactMap { floor.reconciliation(of: $0) }
        }
    }

    /// Asks the venue now about everything on an account, waits for the answers, and books what is external when asked to.
    ///
    /// A difference is shown twice by the venue before it counts, so this takes some seconds more when there is one; what is
    /// not decided after half a minute is told as it is then.
    ///
    /// - Throws: ``HostError/conflict(_:)`` when other differences stand than the asker expects; nothing is booked then.
    public func reconcile(
        _ id: String, _ request: ReconcileRequest, by user: String
    ) async throws(HostError) -> ReconciliationView {
        let seen = try await look(at: id)
        guard request.accepts else { return seen }
        if let expected = request.expected, Set(expected) != Set(seen.differences) {
            throw .conflict("on \(id) now stands \(Self.words(seen.differences)); nothing was booked")
        }
        guard !seen.differences.isEmpty else { return seen }
        audit(user, "account.reconcile", id, "booked as external: \(Self.words(seen.differences))")
        return try await floor { floor throws(HostError) in
            try floor.acceptDifferences(of: id, seen.differences)
        }
    }

    private static func words(_ differences: [ReconciliationView.Accepted]) -> String {
        differences.isEmpty ? "no difference" : differences.map(\.words).joined(separator: ", ")
    }

    private func look(at id: String) async throws(HostError) -> ReconciliationView {
        let result: Result<ReconciliationView, HostError> = await withCheckedContinuation { continuation in
            // The continuation waits for it.
            Task {
                do throws(HostError) {
                    try await floor { floor throws(HostError) in
                        guard floor.accounts[id] != nil else { throw .notFound(kind: "account", id: id) }
                        floor.reconcile(id) { continuation.resume(returning: $0) }
                    }
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
