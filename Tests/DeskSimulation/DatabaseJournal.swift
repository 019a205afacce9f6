import CFaultVFS
import Host
import Journal
import Synchronization
import Trading

/// The host's own journal, SQLite and all, on a disk in memory on which the power can fail.
@safe
final class DatabaseJournal: ModelJournal {
    private static let count = Atomic<Int>(0)
    private let disk: OpaquePointer
    private let name: String
    private var writer: GroupCommitWriter
    private var seed: UInt64
    var isFull = false {
        didSet { unsafe cfaultvfs_set_capacity(disk, isFull ? max(1, cfaultvfs_size(disk)) : 0) }
    }

    /// The catalogue's table, as far as the desk looks at it.
    private static let strategies = MigrationSet(
        name: "catalogue",
        [
            Migration(
                1, "Add strategies",
                "CREATE TABLE strategies (id TEXT PRIMARY KEY, owner TEXT NOT NULL) STRICT")
        ])

    init(seed: UInt64) throws {
        self.seed = seed
        name = "simulation-\(Self.count.wrappingAdd(1, ordering: .relaxed).newValue)"
        guard let disk = unsafe cfaultvfs_create(name) else { preconditionFailure("no memory for a disk") }
        unsafe self.disk = unsafe disk
        do {
            writer = try Self.open(name)
        } catch {
            unsafe cfaultvfs_destroy(disk)
            throw error
        }
    }

    deinit {
        writer.close()
        unsafe cfaultvfs_destroy(disk)
    }

    private static func open(_ name: String) throws -> GroupCommitWriter {
        var options = DatabaseOptions()
        options.vfs = name
        options.synchronous = .full
        options.busyMilliseconds = 0
        return try GroupCommitWriter(
            path: "journal.db", options: options, migrations: [strategies, DeskStore.migrations])
    }

    func write(_ events: [DeskEvent], fails: Bool) -> String? {
        // The code is SQLITE_IOERR_FSYNC.
        if fails { unsafe cfaultvfs_fail_syncs(disk, 1, 1, 1034, seed) }
        defer { if fails { unsafe cfaultvfs_fail_syncs(disk, 0, 0, 0, 0) } }
        return put(events)
    }

    private func put(_ events: [DeskEvent]) -> String? {
        do {
            try writer.writeBlocking { try DeskStore.write(events, at: World.time(0), in: $0) }
            return nil
        } catch {
            return "\(error)"
        }
    }

    func crash(handedOver: [DeskEvent]?, roll: UInt64) {
        isFull = false
        let call = 1 + roll % 40
        unsafe cfaultvfs_cut_after(disk, call)
        if let handedOver { _ = put(handedOver) }
        writer.close()
        let fates = [CFAULTVFS_LOSE_ALL, CFAULTVFS_KEEP_ALL, CFAULTVFS_LOSE_SOME]
        unsafe cfaultvfs_restore(disk, fates[Int(roll >> 32) % 3], roll)
        unsafe cfaultvfs_cut_after(disk, 0)
    }

    func recovered() throws -> DeskSnapshot {
        writer.close()
        writer = try Self.open(name)
        return try writer.writeBlocking { try DeskStore.snapshot(in: $0) }
    }
}
