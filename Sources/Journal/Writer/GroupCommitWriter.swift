import Dispatch
import Posix
import Synchronization

/// The one thread that writes to a database.
///
/// Operations that arrive while the disk is busy wait together and share the next transaction, so that one
/// synchronisation makes all of them durable. Each runs in a savepoint: one that throws undoes its own changes and
/// its neighbours' stand. Operations run, and completions are called, in the order of submission, on the writer's
/// thread; whoever needs another thread hops from there.
///
/// An operation may run more than once (when a whole transaction failed, its operations are tried one by one), so it
/// changes the database and nothing else.
public final class GroupCommitWriter: Sendable {
    /// Where the database is.
    public let path: String
    /// The most operations that may wait.
    public let limit: Int
    /// What the check at opening found out.
    public let integrity: IntegrityOutcome
    private let queue: Mutex<Queue>
    private let wakeUp = DispatchSemaphore(value: 0)
    private let ended = DispatchGroup()
    private let counters = WriterCounters()

    /// Opens the database, brings its schema up to date and starts the thread.
    ///
    /// - Parameters:
    ///   - path: The database's file; it is made when missing.
    ///   - migrations: The schema's owners, in the order in which their steps run.
    ///   - limit: The most operations that may wait. Beyond it ``submit(_:completion:)`` refuses.
    public convenience init(
        path: String, options: DatabaseOptions = DatabaseOptions(), migrations: [MigrationSet],
        limit: Int = 16_384
    ) throws(DatabaseFailure) {
        let database = try Database(path: path, options: options)
        try database.migrate(migrations)
        try self.init(taking: database, limit: limit)
    }

    /// Starts the thread on a database that is open and whose schema is in order. ``close()`` ends it.
    public init(taking database: sending Database, limit: Int = 16_384) throws(DatabaseFailure) {
        precondition(limit > 0)
        path = database.path
        integrity = database.integrity
        self.limit = limit
        queue = Mutex(Queue())
        let handover = Handover(database)
        ended.enter()
        do {
            try Thread.start(name: "journal") { [self] in
                if let database = handover.take() { serve(database) }
                ended.leave()
            }
        } catch {
            ended.leave()
            throw DatabaseFailure(code: .other, reason: "no thread: \(error)", path: path)
        }
    }

    // MARK: - Submitting

    /// Queues `operation`.
    ///
    /// - Parameters:
    ///   - operation: Changes the database; runs in a transaction it shares with others. It must not open one of its
    ///     own, except as a savepoint by ``Database/transaction(_:)``.
    ///   - completion: Called once, on the writer's thread, after the change is durable or has failed.
    /// - Throws: ``WriteFailure/overloaded(limit:)`` or ``WriteFailure/closed``; `completion` is not called then.
    public func submit<Result: Sendable>(
        _ operation: @escaping @Sendable (Database) throws -> Result,
        completion: @escaping @Sendable (Swift.Result<Result, WriteFailure>) -> Void
    ) throws(WriteFailure) {
        try enqueue(WriteOperation(operation, completion), limit: limit)
    }

    /// Runs `operation` and waits, suspended, until it is durable.
    public func write<Result: Sendable>(
        _ operation: @escaping @Sendable (Database) throws -> Result
    ) async throws(WriteFailure) -> Result {
        let outcome: Swift.Result<Result, WriteFailure> = await withCheckedContinuation { continuation in
            do throws(WriteFailure) {
                try submit(operation) { continuation.resume(returning: $0) }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        return try outcome.get()
    }

    /// Runs `operation` and blocks the calling thread until it is durable. Never call it from a completion.
    public func writeBlocking<Result: Sendable>(
        _ operation: @escaping @Sendable (Database) throws -> Result
    ) throws(WriteFailure) -> Result {
        let slot = Slot<Result>()
        try submit(operation) { slot.fill($0) }
        return try slot.wait().get()
    }

    /// Calls `completion` once everything submitted before is durable or has failed. Waits in no full queue.
    public func barrier(completion: @escaping @Sendable () -> Void) throws(WriteFailure) {
        try enqueue(WriteOperation(work: .pause(completion), fail: { _ in }), limit: .max)
    }

    /// Blocks until everything submitted before is durable or has failed. Never call it from a completion.
    public func barrier() throws(WriteFailure) {
        let isReached = DispatchSemaphore(value: 0)
        try barrier { isReached.signal() }
        isReached.wait()
    }

    /// Runs `body` while the writer stands still between two transactions and nothing new becomes durable.
    ///
    /// The backup fixes its view of several files this way. `body` runs on the calling thread.
    public func whileHeld<Result>(_ body: () throws -> Result) throws -> Result {
        let (isHeld, mayGo) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let pause: @Sendable () -> Void = {
            isHeld.signal()
            mayGo.wait()
        }
        try enqueue(WriteOperation(work: .pause(pause), fail: { _ in }), limit: .max)
        isHeld.wait()
        defer { mayGo.signal() }
        return try body()
    }

    /// What the writer has done so far.
    public var figures: WriterFigures {
        let waiting = queue.withLock { $0.operations.count }
        var figures = counters.figures.withLock { $0 }
        figures.waiting = waiting
        return figures
    }

    /// Takes nothing more, finishes what waits, closes the database and returns when that is done.
    public func close() {
        let wakes = queue.withLock {
            $0.isClosed = true
            return $0.wakes()
        }
        if wakes { wakeUp.signal() }
        ended.wait()
    }

    private func enqueue(_ operation: WriteOperation, limit: Int) throws(WriteFailure) {
        let outcome: Swift.Result<Bool, WriteFailure> = queue.withLock {
            guard !$0.isClosed else { return .failure(.closed) }
            guard $0.operations.count < limit else { return .failure(.overloaded(limit: limit)) }
            $0.operations.append(operation)
            return .success($0.wakes())
        }
        switch outcome {
        case .success(let wakes): if wakes { wakeUp.signal() }
        case .failure(let failure):
            counters.figures.withLock { $0.refused += 1 }
            throw failure
        }
    }

    // MARK: - The thread

    private func serve(_ database: Database) {
        let session = WriterSession(database, counters: counters)
        while let operations = nextGroup() {
            session.run(operations)
        }
    }

    /// Waits for operations; nil once the writer is closed and none is left.
    private func nextGroup() -> [WriteOperation]? {
        while true {
            let (operations, isClosed) = queue.withLock { $0.take() }
            if !operations.isEmpty { return operations }
            if isClosed { return nil }
            wakeUp.wait()
        }
    }

    private struct Queue {
        var operations: [WriteOperation] = []
        var isClosed = false
        private var isAsleep = false

        /// Whether the thread must be woken; true once per sleep.
        mutating func wakes() -> Bool {
            defer { isAsleep = false }
            return isAsleep
        }

        mutating func take() -> ([WriteOperation], isClosed: Bool) {
            defer { operations.removeAll(keepingCapacity: false) }
            isAsleep = operations.isEmpty && !isClosed
            return (operations, isClosed)
        }
    }
}

/// One thing to do on the writer's thread.
struct WriteOperation: Sendable {
    /// Tells whoever asked that it is durable.
    typealias Announcement = @Sendable () -> Void

    enum Work: Sendable {
        /// Changes the database in a transaction that others share.
        case change(@Sendable (Database) throws -> Announcement)
        /// Runs between two transactions.
        case pause(@Sendable () -> Void)
    }

    let work: Work
    let fail: @Sendable (WriteFailure) -> Void

    init(work: Work, fail: @escaping @Sendable (WriteFailure) -> Void) {
        self.work = work
        self.fail = fail
    }

    init<Outcome: Sendable>(
        _ operation: @escaping @Sendable (Database) throws -> Outcome,
        _ completion: @escaping @Sendable (Result<Outcome, WriteFailure>) -> Void
    ) {
        let change: @Sendable (Database) throws -> Announcement = { database in
            let outcome = try operation(database)
            return { completion(.success(outcome)) }
        }
        self.init(work: .change(change)) { completion(.failure($0)) }
    }
}

/// Carries a connection from the thread that opened it to the one that will own it.
private final class Handover: Sendable {
    private let database: Mutex<Database?>

    init(_ database: sending Database) { self.database = Mutex(database) }

    func take() -> sending Database? {
        database.withLock { database in
            let taken = database
            database = nil
            return taken
        }
    }
}

/// Where a blocked caller waits for its result.
private final class Slot<Result: Sendable>: Sendable {
    private let outcome = Mutex<Swift.Result<Result, WriteFailure>?>(nil)
    private let isFilled = DispatchSemaphore(value: 0)

    func fill(_ result: Swift.Result<Result, WriteFailure>) {
        outcome.withLock { $0 = result }
        isFilled.signal()
    }

    func wait() -> Swift.Result<Result, WriteFailure> {
        isFilled.wait()
        guard let result = outcome.withLock({ $0 }) else { preconditionFailure("signalled without a result") }
        return result
    }
}
