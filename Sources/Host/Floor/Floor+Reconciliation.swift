internal import Posix
internal import Trading

/// Reconciliation as somebody asks for it.
extension Floor {
    /// How an account stands; nil when there is none.
    func reconciliation(of id: String) -> ReconciliationView? {
        guard let account = accounts[id], let found = desk.desk.reconciliation(of: AccountID(id)) else {
            return nil
        }
        return ReconciliationView(
            desk: found, venue: account.exchange?.venue.rawValue ?? AccountSetup.paper.text,
            environment: account.exchange?.environment.rawValue)
    }

    /// Asks the venue now and calls `completion` once that is decided, or half a minute has passed.
    func reconcile(_ id: String, _ completion: @escaping (Result<ReconciliationView, HostError>) -> Void) {
        desk.decide { desk, now in desk.reconcileNow(AccountID(id), at: now) }
        wait(for: id, tries: 600, completion)
    }

    private func wait(
        for id: String, tries: Int, _ completion: @escaping (Result<ReconciliationView, HostError>) -> Void
    ) {
        loop.schedule(after: .milliseconds(50)) { [weak self] in
            guard let self, !isDraining else {
                return completion(.failure(.unavailable("the host is stopping")))
            }
            guard tries == 0 || !desk.desk.isAuditing(AccountID(id)) else {
                return wait(for: id, tries: tries - 1, completion)
            }
            guard let view = reconciliation(of: id) else {
                return completion(.failure(.notFound(kind: "account", id: id)))
            }
            completion(.success(view))
        }
    }

    /// Books what is external on an account, if it is what the asker has seen.
    func acceptDifferences(
        of id: String, _ seen: [ReconciliationView.Accepted]
    ) throws(HostError) -> ReconciliationView {
        guard let before = reconciliation(of: id) else { throw .notFound(kind: "account", id: id) }
        guard before.differences == seen else {
            throw .conflict("what differs on \(id) changed this very moment; nothing was booked")
        }
        desk.decide { desk, now in desk.acceptDifferences(on: AccountID(id), at: now) }
        guard var view = reconciliation(of: id) else { throw .notFound(kind: "account", id: id) }
        view.accepted = seen
        return view
    }
}
