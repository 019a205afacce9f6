import Glibc
import Journal
import Posix
import Synchronization
import TestSupport

@testable import Identity

/// A database in a folder of its own, and a clock that stands still until it is moved.
final class IdentityFixture: Sendable {
    let folder = Places.makeTemporaryFolder()
    let writer: GroupCommitWriter
    let clock = Mutex<Int64>(1_800_000_000_000)

    init() throws {
        writer = try GroupCommitWriter(
            path: "\(folder)/journal.db", migrations: [IdentitySchema.migrations])
    }

    deinit {
        writer.close()
        for suffix in ["", "-wal", "-shm"] { unlink("\(folder)/journal.db\(suffix)") }
        rmdir(folder)
    }

    func service(
        _ change: (inout IdentityService.Settings) -> Void = { _ in }
    ) async throws -> IdentityService {
        var settings = IdentityService.Settings()
        settings.passwordCost = .trivial
        change(&settings)
        return try await IdentityService(
            writer: writer, settings: settings, log: HostLog(part: "identity", sink: .memory()),
            now: { [self] in clock.withLock { $0 } })
    }

    func advance(seconds: Int64) { clock.withLock { $0 += seconds * 1000 } }
}
