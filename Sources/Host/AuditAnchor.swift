internal import Identity
internal import Posix
internal import Synchronization

/// Says in the host's log with which record the audit trail ends: at the start, every day and at the end.
///
/// The log can go where the owner of the data folder cannot change it, and a trail that was written anew does not hold the
/// hash that was said; see `bullpen audit verify --head`.
final class AuditAnchor: Sendable {
    private let trail: AuditTrail
    private let log: HostLog
    private let hasEnded = Atomic<Bool>(false)

    init(_ trail: AuditTrail, log: HostLog) {
        self.trail = trail
        self.log = log
    }

    /// Begins, on the loop's thread.
    func begin(on loop: EventLoop) {
        loop.perform { [self] in tick(loop) }
    }

    /// Says it for the last time. Call it before the journal closes.
    func end() async {
        hasEnded.store(true, ordering: .relaxed)
        await say()
    }

    private func tick(_ loop: EventLoop) {
        guard !hasEnded.load(ordering: .relaxed) else { return }
        // Nobody waits for it: it ends with a line in the log.
        Task { await say() }
        loop.schedule(after: .seconds(86_400)) { [self] in tick(loop) }
    }

    private func say() async {
        do throws(IdentityError) {
            let head = try await trail.head()
            log.info("the audit trail ends here", ["record": "\(head.record)", "hash": head.hash])
        } catch {
            log.error("where the audit trail ends cannot be said", ["reason": "\(error)"])
        }
    }
}
