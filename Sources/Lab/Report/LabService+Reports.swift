import MarketData
import Posix

extension LabService {
    /// Works out the report of a run that has ended and gives what `form` makes of it.
    ///
    /// Prices come from the store as it is now; where the series cannot be read the report goes without.
    public func report<Form: Sendable>(
        _ number: Int64, as form: @escaping @Sendable (RunReport) -> Form
    ) async throws(LabFailure) -> Form {
        try await reportThreads.run(refused: LabFailure.unavailable) {
            [self] () throws(LabFailure) in
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
        try await reportThreads.run(refused: LabFailure.unavailable) {
            [self] () throws(LabFailure) in
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
private let reportThreads = WorkThreads(name: "report", limit: 4, full: "reports are worked out already")
