public import Catalogue
import MarketData
import Trading
import Wire

/// From what somebody asks for to what is run.
extension LabService {
    /// The strategy and its version in the catalogue.
    public func version(
        _ version: String?, of strategy: String
    ) throws(LabFailure) -> (strategy: StrategyRecord, version: VersionRecord, config: StrategyConfig) {
        guard let record = try parts.catalogue.strategy(strategy) else {
            throw .notFound(kind: "algorithm", id: strategy)
        }
        guard let found = record.version(version) else {
            throw .notFound(kind: "version", id: version ?? "")
        }
        // It was checked when it came in; the operator's bounds may have changed since, which is no matter here.
        return (record, found, ConfigReader.read(found.config, bounds: ConfigBounds()).config)
    }

    /// Fills in what a request leaves away, and refuses what cannot be run.
    public func job(
        of request: BacktestRequest, strategy: String
    ) throws(LabFailure) -> (job: BacktestJob, owner: String) {
        let (record, version, config) = try version(request.version, of: strategy)
        do throws(FieldFailure) {
            try config.checkNames(of: request.parameters)
            _ = try config.merging(parameters: request.parameters)
        } catch {
            throw .invalid(error)
        }
        let series = try request.series.isEmpty ? [usualSeries(of: config)] : request.series
        var spans: [SeriesSpan] = []
        for (index, key) in series.enumerated() {
            guard let span = try parts.series.span(of: key) else { throw try missing(key, index) }
            spans.append(span)
        }
        let span = spans[0]
        let warmUp = request.warmUp ?? config.lookbackPeriod
        let length = series[0].resolution.milliseconds
        let earliest = span.start.advanced(byMilliseconds: Int64(warmUp) * length)
        let start = request.start ?? min(earliest, span.end.advanced(byMilliseconds: -length))
        let end = request.end ?? span.end
        guard start < end else {
            throw .invalid(FieldFailure(field: "end", reason: "must be after start"))
        }
        guard start < span.end, span.start < end else {
            throw .invalid(
                FieldFailure(
                    field: start < span.end ? "end" : "start",
                    reason: "the stored candles of \(series[0]) are from "
                        + "\(CivilDate(utcDay: span.start.utcDay)) to \(CivilDate(utcDay: span.end.utcDay)), UTC"
                ))
        }
        return (
            BacktestJob(
                strategy: strategy, version: version.version, parameters: request.parameters, series: series,
                start: start, end: end, warmUp: warmUp, capital: request.capital, mode: request.mode,
                costs: request.costs, seed: request.seed), record.owner
        )
    }

    /// What the configuration names, at the venue that has most of it; better as stored than made of shorter candles.
    private func usualSeries(of config: StrategyConfig) throws(LabFailure) -> SeriesKey {
        let stored = try parts.series.spans().filter { $0.series.symbol == config.symbol }
        var found: [(isStored: Bool, span: SeriesSpan)] = []
        for venue in Set(stored.map(\.series.venue)).sorted() {
            let key = SeriesKey(venue: venue, symbol: config.symbol, resolution: config.resolution)
            guard let span = try parts.series.span(of: key) else { continue }
            found.append((stored.contains { $0.series == key }, span))
        }
        let best = found.max { one, other in
            (one.isStored ? 1 : 0, one.span.count, other.span.series.venue)
                < (other.isStored ? 1 : 0, other.span.count, one.span.series.venue)
        }
        guard let best else {
            throw try missing(
                SeriesKey(venue: "any venue", symbol: config.symbol, resolution: config.resolution), 0)
        }
        return best.span.series
    }

    private func missing(_ key: SeriesKey, _ index: Int) throws(LabFailure) -> LabFailure {
        let known = try parts.series.spans().prefix(8).map(\.series.description).joined(separator: ", ")
        let words = known.isEmpty ? "nothing yet; import or download some first" : known
        return .invalid(
            FieldFailure(
                field: "series[\(index)]", reason: "there are no candles of \(key); there are of: \(words)"))
    }
}
