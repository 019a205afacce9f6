internal import Posix
internal import Synchronization

/// Threads for work that reads and writes the candle store's file: some at once, and no queue behind them.
final class DataThreads: Sendable {
    private let busy = Atomic<Int>(0)
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// Runs `body` on a thread of its own.
    ///
    /// - Throws: What `body` throws, or ``HostError/unavailable(_:)`` when too many are at work.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(HostError) -> Value
    ) async throws(HostError) -> Value {
        let others = busy.wrappingAdd(1, ordering: .relaxed).oldValue
        defer { busy.wrappingSubtract(1, ordering: .relaxed) }
        guard others < limit else {
            throw .unavailable("\(limit) requests for market data are at work already")
        }
        let result: Result<Value, HostError> = await withCheckedContinuation { continuation in
            do throws(SystemCallError) {
                try Thread.start(name: "data") {
                    do throws(HostError) {
                        continuation.resume(returning: .success(try body()))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
            } catch {
                continuation.resume(returning: .failure(.unavailable("\(error)")))
            }
        }
        return try result.get()
    }
}
