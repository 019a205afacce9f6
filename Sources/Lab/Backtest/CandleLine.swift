internal import MarketData
internal import Trading

/// Writes `candle` lines of one series straight from its columns, the same to the byte as ``HostMessage`` writes them.
struct CandleLine: Sendable {
    private let head: [UInt8]
    private let length: Int64

    init(_ series: SeriesKey) {
        // What stands before the time never changes; symbols have no characters that need an escape.
        head = Array(
            #"{"type":"candle","symbol":"\#(series.symbol)","resolution":"\#(series.resolution)","time":"#
                .utf8)
        length = series.resolution.milliseconds
    }

    func write(_ piece: CandleColumns, _ row: Int, to line: inout [UInt8]) {
        line.append(contentsOf: head)
        line.append(whole: piece.openTimes[row])
        line.append(text: #","close_time":"#)
        line.append(whole: piece.openTimes[row] + length)
        line.append(text: #","open":""#)
        line.append(decimal: piece.open[row], digits: piece.priceDigits)
        line.append(text: #"","high":""#)
        line.append(decimal: piece.high[row], digits: piece.priceDigits)
        line.append(text: #"","low":""#)
        line.append(decimal: piece.low[row], digits: piece.priceDigits)
        line.append(text: #"","close":""#)
        line.append(decimal: piece.close[row], digits: piece.priceDigits)
        line.append(text: #"","volume":""#)
        line.append(decimal: piece.volume[row], digits: piece.volumeDigits)
        line.append(text: "\"}\n")
    }
}

extension [UInt8] {
    mutating func append(text: StaticString) {
        unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// A whole number in decimal.
    mutating func append(whole value: Int64) { append(decimal: value, digits: 0) }

    /// A number with a point before its last `digits` digits, in its shortest form.
    mutating func append(decimal value: Int64, digits: Int) {
        var magnitude = value.magnitude
        var places = digits
        while places > 0, magnitude % 10 == 0 {
            magnitude /= 10
            places -= 1
        }
        // From behind: 20 digits, a point, a nought before it.
        var text = InlineArray<24, UInt8>(repeating: 0x30)
        var index = 24
        var written = 0
        repeat {
            if written == places, places > 0 {
                index -= 1
                text[index] = 0x2E
            }
            index -= 1
            text[index] = 0x30 + UInt8(truncatingIfNeeded: magnitude % 10)
            magnitude /= 10
            written += 1
        } while magnitude > 0 || written <= places
        if value < 0 { append(0x2D) }
        for place in index..<24 { append(text[place]) }
    }
}
