internal import Posix
internal import Synchronization
internal import Vault

/// Looks after the vault while the host runs: uses of keys go to the audit trail, and what people should know about keys to
/// the log, the health and a hook of theirs.
final class KeyUpkeep: Sendable {
    private let vault: KeyVault
    private let log: HostLog
    private let hooks: Hooks
    private let health: HealthBoard
    private let hasEnded = Atomic<Bool>(false)

    /// How often ends and ages are looked at, in seconds.
    private static let reviewSeconds = 60

    init(_ vault: KeyVault, log: HostLog, hooks: Hooks, health: HealthBoard) {
        self.vault = vault
        self.log = log
        self.hooks = hooks
        self.health = health
        if let reason = vault.closedReason {
            log.error("the vault is closed", ["reason": reason])
        }
        report()
    }

    /// Begins, on the loop's thread.
    func begin(on loop: EventLoop) {
        loop.perform { [self] in tick(loop, 0) }
    }

    /// Writes down the last uses. Call it before the journal closes.
    func end() {
        hasEnded.store(true, ordering: .relaxed)
        vault.recordUses(all: true)
    }

    /// Says in the health whether the keys can be used.
    func report() {
        let faults = vault.credentials().filter { $0.isActive }.compactMap(\.fault)
        health.report("vault", fault: vault.closedReason.map { "it is closed: \($0)" } ?? faults.first)
    }

    private func tick(_ loop: EventLoop, _ second: Int) {
        guard !hasEnded.load(ordering: .relaxed) else { return }
        vault.recordUses()
        // Nobody waits for it: what it has to say goes to the log, the trail and the hook.
        if second % Self.reviewSeconds == 0 { Task { await review() } }
        loop.schedule(after: .seconds(1)) { [self] in tick(loop, second + 1) }
    }

    private func review() async {
        report()
        do throws(VaultFailure) {
            for notice in try await vault.review() {
                let credential = notice.credential
                log.warning(
                    notice.words, ["credential": credential.id, "owner": credential.owner])
                hooks.keyNotice(
                    credential: credential.id, venue: credential.venue, owner: credential.owner,
                    kind: notice.kind.name, reason: notice.words)
            }
        } catch {
            log.error("keys were not reviewed", ["reason": "\(error)"])
        }
    }
}
