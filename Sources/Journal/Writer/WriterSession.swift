import CSQLite
import Posix
import Synchronization

/// Figures that the writer's thread fills and others read.
final class WriterCounters: Sendable {
    let figures = Mutex(WriterFigures())
}

/// What the writer's thread does with the operations it has taken.
final class WriterSession {
    private let database: Database
    private let counters: WriterCounters
    /// The most operations in one transaction: bounds how long the first waits for the last.
    private let groupLimit = 1024
    /// How many pages the log may hold before they are copied into the file.
    private let checkpointPages: Int

    init(_ database: Database, counters: WriterCounters, checkpointPages: Int = 1000) {
        self.database = database
        self.counters = counters
        self.checkpointPages = checkpointPages
    }

    /// Runs operations in order, as few transactions as possible, and answers each.
    func run(_ operations: [WriteOperation]) {
        var group: [Change] = []
        for operation in operations {
            switch operation.work {
            case .change(let work): group.append(Change(work: work, fail: operation.fail))
            case .pause(let pause):
                run(group: group)
                group.removeAll()
                pause()
            }
            if group.count == groupLimit {
                run(group: group)
                group.removeAll()
            }
        }
        run(group: group)
    }

    private struct Change {
        let work: @Sendable (Database) throws -> WriteOperation.Announcement
        let fail: @Sendable (WriteFailure) -> Void
    }

    private typealias Outcome = Result<WriteOperation.Announcement, WriteFailure>

    private func run(group: [Change]) {
        guard !group.isEmpty else { return }
        let started = MonotonicClock.nanoseconds
        let outcomes = attempt(group)
        let microseconds = Int((MonotonicClock.nanoseconds - started) / 1000)
        let committed = outcomes.count { if case .success = $0 { true } else { false } }
        counters.figures.withLock {
            $0.failed += group.count - committed
            guard committed > 0 else { return }
            $0.countCommit(microseconds: microseconds, operations: committed)
            $0.logPages = database.logFrames
            $0.fault = nil
        }
        for (change, outcome) in zip(group, outcomes) {
            switch outcome {
            case .success(let announce): announce()
            case .failure(let failure): change.fail(failure)
            }
        }
        checkpointIfDue()
    }

    // MARK: - Transactions

    private func attempt(_ group: [Change]) -> [Outcome] {
        var isSuspect = false
        var outcomes: [Outcome]
        do throws(DatabaseFailure) {
            outcomes = try commitTogether(group, &isSuspect)
        } catch {
            note(error)
            outcomes =
                group.count == 1 ? [.failure(.database(error))] : commitOneByOne(group, &isSuspect)
        }
        return isSuspect ? erase(outcomes) : outcomes
    }

    /// Runs all changes in one transaction. Throws when the transaction was lost, and with it every change.
    private func commitTogether(
        _ group: [Change], _ isSuspect: inout Bool
    ) throws(DatabaseFailure) -> [Outcome] {
        try database.begin()
        var outcomes: [Outcome] = []
        for change in group {
            do {
                try database.begin()
            } catch {
                database.rollBack()
                throw error
            }
            do {
                let announcement = try change.work(database)
                try database.commit()
                outcomes.append(.success(announcement))
            } catch {
                outcomes.append(.failure(Self.failure(error)))
                // `commit` has rolled back already when it was the one that failed.
                database.rollBack(toDepth: 1)
            }
            guard database.isInTransaction else {
                // SQLite has given the whole transaction up: no room, or the disk cannot be read.
                database.rollBack(toDepth: 0)
                throw Self.cause(outcomes.last, path: database.path)
            }
        }
        do throws(DatabaseFailure) {
            try database.commit()
        } catch {
            // The last frame may have reached the disk although the commit failed after it.
            if error.number & 0xff == SQLITE_IOERR { isSuspect = true }
            throw error
        }
        return outcomes
    }

    /// Gives each change a transaction of its own, after one that they shared was lost.
    private func commitOneByOne(_ group: [Change], _ isSuspect: inout Bool) -> [Outcome] {
        var outcomes: [Outcome] = []
        var failuresInARow = 0
        for change in group {
            if failuresInARow >= 3, let last = outcomes.last {
                // It is the disk, not one large change: spare the others the wait.
                outcomes.append(last)
                continue
            }
            do throws(DatabaseFailure) {
                outcomes += try commitTogether([change], &isSuspect)
                failuresInARow = 0
            } catch {
                note(error)
                outcomes.append(.failure(.database(error)))
                failuresInARow += 1
            }
        }
        return outcomes
    }

    /// After a commit failed with its last page perhaps on the disk: writes over it, so that it cannot come back
    /// after a power loss. When that fails too, says so in every failure.
    private func erase(_ outcomes: [Outcome]) -> [Outcome] {
        do throws(DatabaseFailure) {
            let version = try database.rows("PRAGMA user_version") { row throws(DatabaseFailure) in
                try row.integer(0)
            }.first
            try database.begin()
            do throws(DatabaseFailure) {
                try database.run(script: "PRAGMA user_version = \(((version ?? 0) + 1) % 1_000_000)")
            } catch {
                database.rollBack()
                throw error
            }
            try database.commit()
            return outcomes
        } catch {
            note(error)
            return outcomes.map { outcome in
                guard case .failure(.database(var failure)) = outcome else { return outcome }
                failure.mayReappear = true
                return .failure(.database(failure))
            }
        }
    }

    private func checkpointIfDue() {
        guard database.logFrames >= checkpointPages else { return }
        do throws(DatabaseFailure) {
            try database.checkpoint()
        } catch {
            // Nothing is lost: the log holds it all and grows until a checkpoint succeeds.
            note(error)
        }
    }

    private func note(_ failure: DatabaseFailure) {
        counters.figures.withLock { $0.fault = failure }
    }

    private static func failure(_ error: any Error) -> WriteFailure {
        switch error {
        case let failure as DatabaseFailure: .database(failure)
        case let failure as WriteFailure: failure
        default: .operation(error)
        }
    }

    private static func cause(_ outcome: Outcome?, path: String) -> DatabaseFailure {
        if case .failure(.database(let failure)) = outcome { return failure }
        return DatabaseFailure(code: .other, reason: "an operation ended the shared transaction", path: path)
    }
}
