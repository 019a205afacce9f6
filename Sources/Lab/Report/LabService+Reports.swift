import MarketData
import Posix
import Synchronization

extension LabService {
    /// Works out the report of a run that has ended and gives what `form` makes of it.
    ///
    /// Prices come from the store as it is now; where the series cannot be read the report goes without.
    public func report<Form: Sendable>(
        _ number: Int64, as form: @escaping @Sendable (RunReport) -> Form
    ) async throws(LabFailure) -> Form {
        try await ReportThreads.run { [self] () throws(LabFailure) in
            let title = try run(number).title
            let came = try result(number)
            return form(
                RunReport(id: String(number), title: title, result: came, prices: prices(of: came, number)))
        }
    }

    /// The prices that a run is held against; none where the series cannot be read.
    private func prices(of result: BacktestResult, _ number: Int64) -> PriceHistory {
        guard let source = parts.candles else { return PriceHistory.none }
        do throws(MarketFileFailure) {
            return try RunReport.prices(of: result, in: source)
        } catch {
            log.warning("a report goes without prices", ["run": "\(number)", "cause": "\(error)"])
            return PriceHistory.none
        }
    }

    /// Compares runs that have ended and gives what `form` makes of it; their number is within
    /// ``RunComparison/runLimit``.
    public func comparison<Form: Sendable>(
        _ numbers: [Int64], as form: @escaping @Sendable (RunComparison) -> Form
    ) async throws(LabFailure) -> Form {
        try await ReportThreads.run { [self] () throws(LabFailure) in
            var entries: [RunComparison.Entry] = []
            for number in numbers {
                let (title, came) = (try run(number).title, try result(number))
                entries.append(
                    RunComparison.Entry(
                        id: String(number), title: title, result: came, prices: prices(of: came, number)))
            }
            return form(RunComparison(entries))
        }
    }
}

/// Threads on which reports are worked out: a year of minutes takes a while, and nobody else is to wait for it.
private enum ReportThreads {
    private static let busy = Atomic<Int>(0)
    private static let limit = 4

    /// Runs `body` on a thread of its own.
    ///
    /// - Throws: What `body` throws, or ``LabFailure/unavailable(_:)`` when too many are at work.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(LabFailure) -> Value
    ) async throws(LabFailure) -> Value {
        let others = busy.wrappingAdd(1, ordering: .relaxed).oldValue
        defer { busy.wrappingSubtract(1, ordering: .relaxed) }
        guard others < limit else { throw .unavailable("\(limit) reports are worked out already") }
        let result: Result<Value, LabFailure> = await withCheckedContinuation { continuation in
            do throws(SystemCallError) {
                try Thread.start(name: "report") {
                    do throws(LabFailure) {
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
