public import Journal
public import Posix
public import Trading

/// The paper venue's books in a SQLite database of their own.
///
/// Every call goes through the database's one writing thread, reads too: they queue behind what was to be written
/// before, so an answer never shows what is not durable.
public final class JournalPaperStore: PaperVenueStore {
    private let writer: GroupCommitWriter
    private let loop: EventLoop
    /// How many saves this store has asked for; nil until the books were read. Each save says which one it follows.
    private var sequence: Int64?

    /// Works on a database with ``migrations``, for a venue on `loop`.
    public init(writer: GroupCommitWriter, loop: EventLoop) {
        self.writer = writer
        self.loop = loop
    }

    /// Makes changes durable, all of them or none.
    public func save(
        _ changes: MatchingChanges, _ completion: @escaping (Result<Void, PaperStoreFailure>) -> Void
    ) {
        guard let sequence else {
            let failure = PaperStoreFailure("the books were not read yet")
            loop.atEndOfTurn { completion(.failure(failure)) }
            return
        }
        guard !changes.isEmpty else { return run({ _ in }, completion) }
        self.sequence = sequence + 1
        run({ try PaperVenueTables.save(changes, following: sequence, in: $0) }, completion)
    }

    /// Reads what is committed, and takes saves again.
    public func load(_ completion: @escaping (Result<PaperVenueState, PaperStoreFailure>) -> Void) {
        run({ try PaperVenueTables.load(from: $0) }) { [weak self] result in
            if case .success(let (_, sequence)) = result { self?.sequence = sequence }
            completion(result.map(\.state))
        }
    }

    /// An order by its client's name for it, open or ended.
    public func order(
        _ id: ClientOrderID, on account: AccountID,
        _ completion: @escaping (Result<MatchingOrder?, PaperStoreFailure>) -> Void
    ) {
        run({ try PaperVenueTables.order(id, on: account, in: $0) }, completion)
    }

    /// The open orders of an account, oldest first.
    public func openOrders(
        on account: AccountID, _ completion: @escaping (Result<[MatchingOrder], PaperStoreFailure>) -> Void
    ) {
        run({ try PaperVenueTables.openOrders(on: account, in: $0) }, completion)
    }

    /// An account's trades with a number above `number`, oldest first, at most `limit`.
    public func trades(
        on account: AccountID, after number: Int64, limit: Int,
        _ completion: @escaping (Result<[MatchingTrade], PaperStoreFailure>) -> Void
    ) {
        run({ try PaperVenueTables.trades(on: account, after: number, limit: limit, in: $0) }, completion)
    }

    /// An account.
    public func account(
        _ id: AccountID, _ completion: @escaping (Result<MatchingAccount?, PaperStoreFailure>) -> Void
    ) {
        run({ try PaperVenueTables.accounts(in: $0).first { $0.id == id } }, completion)
    }

    /// Runs an operation on the writer's thread and brings its outcome back to the loop.
    private func run<Outcome: Sendable>(
        _ operation: @escaping @Sendable (Database) throws -> Outcome,
        _ completion: @escaping (Result<Outcome, PaperStoreFailure>) -> Void
    ) {
        let answer = LoopBound(completion, on: loop)
        do throws(WriteFailure) {
            try writer.submit(operation) { result in
                answer.perform { $0(result.mapError { PaperStoreFailure($0.description) }) }
            }
        } catch {
            let failure = PaperStoreFailure(error.description)
            loop.atEndOfTurn { completion(.failure(failure)) }
        }
    }
}
