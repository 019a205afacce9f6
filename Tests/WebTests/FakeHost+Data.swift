import Host
import MarketData
import Posix
import Trading
import Wire

/// Stored candles, pretended: one series of ten minutes, from which the second is missing.
extension FakeHost {
    static let series = SeriesKey(venue: "binance", symbol: "BTCUSDT", resolution: Resolution("1m")!)

    private static func columns(of series: SeriesKey) -> CandleColumns {
        var columns = CandleColumns(
            symbol: series.symbol, resolution: series.resolution, priceDigits: 1, volumeDigits: 0)
        for minute in Int64(0)..<10 where minute != 1 {
            _ = columns.append(
                Candle(
                    symbol: series.symbol, resolution: series.resolution,
                    openTime: Timestamp(milliseconds: minute * 60_000), open: FixedDecimal(2),
                    high: FixedDecimal("2.5")!, low: FixedDecimal(1), close: FixedDecimal(2),
                    volume: FixedDecimal(7)))
        }
        return columns
    }

    private func find(_ series: SeriesKey) throws(HostError) {
        guard series == Self.series else { throw .notFound(kind: "series", id: series.text) }
    }

    func dataSeries() async throws(HostError) -> [SeriesSummary] { [] }

    func dataCandles(_ request: CandleRequest) async throws(HostError) -> CandlePage {
        note(
            "candles \(request.series.text) \(request.start?.milliseconds ?? -1) \(request.end?.milliseconds ?? -1) "
                + "\(request.after?.milliseconds ?? -1) \(request.limit)")
        guard request.series == Self.series else {
            let none = CandleColumns(
                symbol: request.series.symbol, resolution: request.series.resolution, priceDigits: 0,
                volumeDigits: 0)
            return CandlePage(series: request.series, basis: nil, columns: none, next: nil)
        }
        return CandlePage(
            series: request.series, basis: Self.series, columns: Self.columns(of: request.series),
            next: Timestamp(milliseconds: 540_000))
    }

    func latestCandles(venue: String?, symbol: String?) async throws(HostError) -> [LatestCandle] {
        let columns = Self.columns(of: Self.series)
        return [LatestCandle(series: Self.series, candle: columns[columns.count - 1])].filter {
            venue ?? $0.series.venue == $0.series.venue && symbol ?? $0.series.symbol == $0.series.symbol
        }
    }

    func dataGaps(
        of series: SeriesKey, from start: Timestamp?, to end: Timestamp?, limit: Int
    ) async throws(HostError) -> CandleGaps {
        try find(series)
        return CandleGaps(series: series, span: nil)
    }

    /// A megabyte of something, so that it takes many pieces.
    func exportCandles(
        of series: SeriesKey, from start: Timestamp?, to end: Timestamp?
    ) async throws(HostError) -> PiecewiseFile {
        note("export \(series.text) \(start?.milliseconds ?? -1) \(end?.milliseconds ?? -1)")
        try find(series)
        let size = 1 << 20
        return PiecewiseFile(size: size) { offset, count in
            (offset..<min(size, offset + count)).map { UInt8($0 >> 8 & 255) }
        }
    }

    func importCandles(_ upload: CandleUpload, by: String) async throws(HostError) -> CandleImport.Outcome {
        note("import \(upload.series.text) \(upload.content.count) by \(by)")
        guard upload.content.starts(with: "time_ms".utf8) else {
            throw .invalid(.init(field: "file", reason: "line 1: should be \(CandleFile.header)"))
        }
        return CandleImport.Outcome()
    }

    func keepCandles(
        of series: SeriesKey, days: Int?, by: String
    ) async throws(HostError) -> SeriesSummary {
        try find(series)
        note("keep \(series.text) \(days ?? 0) by \(by)")
        throw .unavailable("nothing is kept here")
    }

    func deleteCandles(of series: SeriesKey, by: String) async throws(HostError) {
        try find(series)
        note("delete \(series.text) by \(by)")
    }
}
