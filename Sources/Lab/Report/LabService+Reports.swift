import MarketData
import Posix

extension LabService {
    /// The whole report of a run that has ended. Prices come from the store as it is now; where the series cannot be read
    /// the report goes without.
    public func report(_ number: Int64) throws(LabFailure) -> RunReport {
        let (run, result) = (try run(number), try result(number))
        var prices = PriceHistory.none
        do throws(MarketFileFailure) {
            if let source = parts.candles { prices = try RunReport.prices(of: result, in: source) }
        } catch {
            log.warning("a report goes without prices", ["run": "\(number)", "cause": "\(error)"])
        }
        return RunReport(id: String(number), title: run.title, result: result, prices: prices)
    }

    /// Runs that have ended side by side; their number is within ``RunComparison/runLimit``.
    public func comparison(_ numbers: [Int64]) throws(LabFailure) -> RunComparison {
        var entries: [RunComparison.Entry] = []
        for number in numbers {
            let (run, result) = (try run(number), try result(number))
            entries.append(RunComparison.Entry(id: String(number), title: run.title, result: result))
        }
        return RunComparison(entries)
    }
}
