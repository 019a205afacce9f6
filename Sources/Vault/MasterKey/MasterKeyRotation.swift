import Glibc
import Identity
public import Journal
public import Posix
public import Secrets
import Trading

/// Puts another master key in the place of the one in force, while a host runs or not.
///
/// The credentials themselves are not opened: their data keys are wrapped anew, all in one transaction, which also names the
/// key in force. A new key file lies beside the old one before that transaction, and takes its place after it; whoever
/// opens the vault takes the file that the database names. So it may be cut short anywhere: the vault opens with the old key
/// until the transaction is durable, and with the new one from then on. Running it again finishes what was left.
public enum MasterKeyRotation {
    /// Where the new key comes from.
    public enum Target: Sendable {
        /// A random one, in the file that the sources name.
        case newFile
        /// The one in this file, which becomes a systemd credential or the key file by the operator's own hands.
        case file(String)
        /// From these words.
        case passphrase(LockedBytes)
    }

    /// How far it has come, for tests that end the process there.
    public enum Step: String, Hashable, Sendable, CaseIterable {
        /// The new key file is durable.
        case keyWritten
        /// One credential is wrapped anew, in a transaction that is still open.
        case rewrapped
        /// The new key is in force.
        case committed
        /// The old key file has its second name.
        case formerKept
        /// The new key file is in its place.
        case inPlace
    }

    /// What was done.
    public struct Summary: Hashable, Sendable {
        /// How many credentials were wrapped anew.
        public let credentials: Int
        /// Where the key before lies now, for backups that were made with it; nil when it was no file.
        public let formerFile: String?
        /// Whether an earlier rotation was finished instead of beginning another.
        public let finishedEarlier: Bool
    }

    /// Rotates.
    ///
    /// - Parameters:
    ///   - database: A connection of the caller's own to the journal's database, whose schema is in order.
    ///   - user: Who does it, for the audit trail.
    ///   - now: Milliseconds since the epoch.
    ///   - reached: Called after each step.
    /// - Throws: ``VaultFailure`` in words. Nothing has changed then, but for a new key file that nobody uses.
    public static func run(
        on database: Database, sources: MasterKeySources, to target: Target, by user: String,
        now: Int64 = WallClock.milliseconds, cost: PassphraseKey = .standard,
        reached: (Step) -> Void = { _ in }
    ) throws(VaultFailure) -> Summary {
        let record = try translating { try VaultStore.masterKey(in: database) }
        guard let record else {
            throw .conflict("the vault has no master key yet: bullpen vault init makes one")
        }
        guard let old = try sources.key(for: record) else { throw .closed("its master key is missing") }
        if old.path == sources.nextFile {
            try putInPlace(sources, reached)
            return Summary(credentials: 0, formerFile: kept(sources.formerFile), finishedEarlier: true)
        }
        var parameters: PassphraseParameters?
        let new: MasterKey
        switch target {
        case .newFile: new = try newFile(sources)
        case .file(let path):
            guard let bytes = try KeyFile.read(path) else { throw .conflict("there is no file \(path)") }
            new = MasterKey(bytes, .file, path: path)
        case .passphrase(let words):
            let made = try PassphraseParameters.make(cost)
            new = try made.key(from: words)
            parameters = made
        }
        guard new.id != old.id else { throw .conflict("that is the master key in force already") }
        reached(.keyWritten)
        let successor = MasterKeyRecord(id: new.id, origin: new.origin, parameters: parameters)
        let count = try translating {
            try database.transaction {
                try rewrap(database, from: old, to: new, successor, by: user, now, reached)
            }
        }
        reached(.committed)
        guard case .newFile = target else {
            return Summary(credentials: count, formerFile: nil, finishedEarlier: false)
        }
        try putInPlace(sources, reached)
        return Summary(credentials: count, formerFile: kept(sources.formerFile), finishedEarlier: false)
    }

    /// Gives the new key file the old one's place, and keeps the old one under another name. Does what is left of that.
    static func putInPlace(
        _ sources: MasterKeySources, _ reached: (Step) -> Void = { _ in }
    ) throws(VaultFailure) {
        if unsafe access(sources.file, F_OK) == 0 {
            guard unsafe unlink(sources.formerFile) == 0 || errno == ENOENT else {
                throw failure("unlink", sources.formerFile)
            }
            guard unsafe link(sources.file, sources.formerFile) == 0 || errno == EEXIST else {
                throw failure("link", sources.formerFile)
            }
            try KeyFile.synchronize(folderOf: sources.file)
        }
        reached(.formerKept)
        // Another process may have done it in between.
        guard unsafe rename(sources.nextFile, sources.file) == 0 || errno == ENOENT else {
            throw failure("rename", sources.nextFile)
        }
        try KeyFile.synchronize(folderOf: sources.file)
        reached(.inPlace)
    }

    /// A new key beside the one in force. One that is there already was never in force, or it would have been taken.
    private static func newFile(_ sources: MasterKeySources) throws(VaultFailure) -> MasterKey {
        guard unsafe unlink(sources.nextFile) == 0 || errno == ENOENT else {
            throw failure("unlink", sources.nextFile)
        }
        try KeyFile.make(sources.nextFile)
        guard let bytes = try KeyFile.read(sources.nextFile) else {
            throw .storage("the new key file \(sources.nextFile) has gone")
        }
        return MasterKey(bytes, .file, path: sources.nextFile)
    }

    private static func rewrap(
        _ database: Database, from old: MasterKey, to new: MasterKey, _ successor: MasterKeyRecord,
        by user: String, _ now: Int64, _ reached: (Step) -> Void
    ) throws -> Int {
        try VaultStore.check(old, in: database)
        let all = try VaultStore.all(in: database)
        for stored in all {
            let id = stored.credential.id
            var stored = stored
            stored.envelope = try KeyVault.opening(id) { () throws(SecretFailure) in
                try stored.envelope.rewrapped(id, from: old, to: new)
            }
            _ = try VaultStore.put(stored, in: database)
            reached(.rewrapped)
        }
        try VaultStore.setMasterKey(successor, at: Timestamp(milliseconds: now), in: database)
        try AuditTrail.insert(
            database, now, user, "vault.rekey", new.id,
            "\(all.count) credentials, from \(old.origin.words) to \(new.origin.words)")
        return all.count
    }

    private static func kept(_ path: String) -> String? {
        unsafe access(path, F_OK) == 0 ? path : nil
    }

    private static func failure(_ call: String, _ path: String) -> VaultFailure {
        .storage("\(SystemCallError(call: call, number: errno, subject: path))")
    }

    private static func translating<Result>(_ body: () throws -> Result) throws(VaultFailure) -> Result {
        do {
            return try body()
        } catch let failure as VaultFailure {
            throw failure
        } catch let failure as SecretFailure {
            throw .machine(failure)
        } catch {
            throw .storage("the vault's records cannot be read or written: \(error)")
        }
    }
}
