import Identity
import Journal
import Posix
import Secrets
import Synchronization
import Trading

/// What has to be looked after while the host runs: uses of keys, ends of keys.
extension KeyVault {
    /// Writes into the audit trail which keys have signed, and how often: the first use at once, then gathered over
    /// ``Settings/useMilliseconds``. Call it every second or so, and with `all` before the journal closes.
    public func recordUses(all: Bool = false) {
        let now = now()
        let lines = state.withLock { state in
            state.entries.keys.compactMap { state.entries[$0]?.usesToRecord(now, settings, isForced: all) }
        }
        for line in lines { write(line, at: now) }
    }

    /// The same for one key, before it changes.
    func recordUses(of id: String) {
        let now = now()
        let line = state.withLock { $0.entries[id]?.usesToRecord(now, settings, isForced: true) }
        if let line { write(line, at: now) }
    }

    private func write(_ uses: Entry.Uses, at now: Int64) {
        let log = log
        do throws(WriteFailure) {
            try writer.submit { database in
                try AuditTrail.insert(
                    database, now, "host", "key.use", uses.credential.id,
                    "\(uses.count) signatures for account \(uses.credential.account ?? "none") "
                        + "(\(uses.credential.maskedKey)) from \(uses.since) to \(uses.until)")
                try database.run(
                    "UPDATE credentials SET last_used_at = ? WHERE id = ?", uses.until, uses.credential.id)
            } completion: { result in
                guard case .failure(let failure) = result else { return }
                log.error(
                    "uses of a key are not in the audit trail",
                    ["credential": uses.credential.id, "count": String(uses.count), "reason": "\(failure)"])
            }
        } catch {
            log.error(
                "uses of a key are not in the audit trail",
                ["credential": uses.credential.id, "count": String(uses.count), "reason": "\(error)"])
        }
    }

    /// What is to be said now about credentials that run out or are old, each of it once: an end 14, 3 and 1 days ahead and
    /// when it has come, an age when it is reached and every week after that. It stands in the audit trail by then.
    public func review() async throws(VaultFailure) -> [KeyNotice] {
        let time = time
        let due = state.withLock { state in
            state.entries.values.filter { !$0.stored.notices(at: time).isEmpty }.map(\.credential.id)
        }
        var notices: [KeyNotice] = []
        for id in due.sorted() {
            let (stored, said) = try await write { database in
                var stored = try VaultStore.get(id, in: database)
                let said = stored.notices(at: time)
                for notice in said {
                    if let rank = notice.kind.rank {
                        stored.noticedRank = rank
                    } else {
                        stored.remindedAt = time
                    }
                    try AuditTrail.insert(
                        database, time.milliseconds, "host", "key.notice", id, notice.kind.words)
                }
                return (try VaultStore.put(stored, in: database), said)
            }
            state.withLock { $0.put(stored) }
            notices += said
        }
        return notices
    }
}

extension VaultStore.Stored {
    /// What was not said yet.
    fileprivate func notices(at now: Timestamp) -> [KeyNotice] {
        var kinds: [KeyNotice.Kind] = []
        if let kind = KeyNotice.Kind.expiry(of: credential, at: now), let rank = kind.rank,
            rank < noticedRank ?? .max
        {
            kinds.append(kind)
        }
        let week = KeyNotice.Kind.reminderDays * KeyNotice.Kind.day
        if let kind = KeyNotice.Kind.rotation(of: credential, at: now),
            remindedAt.map({ now.milliseconds - $0.milliseconds >= week }) ?? true
        {
            kinds.append(kind)
        }
        return kinds.map { KeyNotice(credential: credential, kind: $0) }
    }
}

extension KeyVault.Entry {
    /// Uses of a key that one line of the audit trail is about. Times are milliseconds since the epoch.
    struct Uses: Sendable {
        var credential: Credential
        var count: Int
        var since: Int64
        var until: Int64
    }

    /// Counts what was signed since the last look, and gives what is due for a line.
    mutating func usesToRecord(_ now: Int64, _ settings: KeyVault.Settings, isForced: Bool) -> Uses? {
        let signatures = use.take()
        if signatures > 0 {
            uses += signatures
            usedSince = usedSince ?? now
            usedUntil = now
            stored.credential.lastUsedAt = Timestamp(milliseconds: now)
        }
        guard uses > 0, let since = usedSince, let until = usedUntil,
            isForced || now - (usesRecordedAt ?? .min / 2) >= settings.useMilliseconds
        else { return nil }
        defer {
            uses = 0
            usedSince = nil
            usesRecordedAt = now
        }
        return Uses(credential: credential, count: uses, since: since, until: until)
    }
}
