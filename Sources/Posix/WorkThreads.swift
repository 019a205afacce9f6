internal import Synchronization

extension Thread {
    /// Runs blocking work on a thread of its own, suspended until it is done.
    ///
    /// - Parameters:
    ///   - name: As for ``start(name:stackBytes:_:)``.
    ///   - refused: What is thrown when no thread can be made.
    /// - Throws: What `body` throws, or what `refused` makes of the reason.
    public static func run<Value: Sendable, Failure: Error>(
        name: String, refused: @escaping @Sendable (SystemCallError) -> Failure,
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            do throws(SystemCallError) {
                try start(name: name) {
                    do throws(Failure) {
                        continuation.resume(returning: .success(try body()))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
            } catch {
                continuation.resume(returning: .failure(refused(error)))
            }
        }
        return try result.get()
    }
}

/// Threads for blocking work that somebody waits for: so many at once, and no queue behind them.
public final class WorkThreads: Sendable {
    private let busy = Atomic<Int>(0)
    private let name: String
    private let limit: Int
    private let full: String

    /// Allows for so many threads; none is made before there is work.
    ///
    /// - Parameters:
    ///   - name: As for ``Thread/start(name:stackBytes:_:)``.
    ///   - full: What is said behind the limit when there is more work: `8 requests are at work already`.
    public init(name: String, limit: Int, full: String) {
        precondition(limit > 0)
        self.name = name
        self.limit = limit
        self.full = full
    }

    /// Runs blocking work on a thread of its own, suspended until it is done.
    ///
    /// - Parameter refused: What is thrown when too many are at work, or no thread can be made.
    /// - Throws: What `body` throws, or what `refused` makes of the reason.
    public func run<Value: Sendable, Failure: Error>(
        refused: @escaping @Sendable (String) -> Failure,
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let others = busy.wrappingAdd(1, ordering: .relaxed).oldValue
        defer { busy.wrappingSubtract(1, ordering: .relaxed) }
        guard others < limit else { throw refused("\(limit) \(full)") }
        return try await Thread.run(name: name, refused: { refused("\($0)") }, body)
    }
}
