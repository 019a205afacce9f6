import CZlib
import Journal
import Trading

/// A stretch of one series as it is kept: up to ``slots`` candles by column, as differences, compressed, with a checksum.
///
/// A price differs little from the one before it, a high little from what it is the high of: most numbers fit one or two
/// bytes, which zlib makes somewhat fewer still. The stretch is one of time, so that what is added later, in whatever order,
/// finds its chunk without looking.
///
/// The bytes: a 1 for this form; digits of prices; digits of volumes; four bytes with the size of what follows when it is
/// unpacked, the lowest first; then a zlib stream of the columns, each number as ``ColumnWriter`` writes it: how many slots
/// after the last each candle is; closes and opens as differences from the last close; how far highs are above the higher of
/// open and close, and lows below the lower; volumes.
struct CandleChunk {
    /// For how many candles the stretch of a chunk has room.
    static let slots: Int64 = 1024
    private static let form: UInt8 = 1
    private static let headBytes = 7

    /// Which stretch of time it is, counted from the epoch.
    var place: Int64
    /// When its first and its last candle opened, in milliseconds.
    var first: Int64
    var last: Int64
    /// How many candles it holds.
    var count: Int
    /// CRC-32 of the series, the numbers above and the bytes.
    var checksum: Int64
    var bytes: [UInt8]

    // MARK: - Places

    /// When the slots begin that candles of such a length open at: the epoch, or the Monday before it.
    static func origin(_ resolution: Resolution) -> Int64 {
        resolution.openTime(containing: Timestamp(milliseconds: 0)).milliseconds
    }

    /// Which slot since the origin a candle is that opened at `time`, or that `time` lies in.
    static func slot(of time: Int64, _ resolution: Resolution) -> Int64 {
        (time - origin(resolution)).flooredQuotient(by: resolution.milliseconds)
    }

    /// Which stretch `time` lies in.
    static func place(of time: Int64, _ resolution: Resolution) -> Int64 {
        slot(of: time, resolution).flooredQuotient(by: slots)
    }

    // MARK: - Packing

    /// Packs candles of one stretch.
    init(_ columns: CandleColumns, of key: SeriesKey) {
        guard let first = columns.openTimes.first, let last = columns.openTimes.last else {
            preconditionFailure("an empty chunk")
        }
        place = Self.place(of: first, key.resolution)
        precondition(place == Self.place(of: last, key.resolution), "candles of one stretch")
        (self.first, self.last, count) = (first, last, columns.count)
        let price = Self.spare(
            [columns.open, columns.high, columns.low, columns.close], digits: columns.priceDigits)
        let volume = Self.spare([columns.volume], digits: columns.volumeDigits)
        let payload = Self.payload(
            columns, of: key, price: CandleColumns.power(price), volume: CandleColumns.power(volume))
        bytes = [
            Self.form, UInt8(columns.priceDigits - price), UInt8(columns.volumeDigits - volume),
        ]
        for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: payload.count >> shift)) }
        bytes += Self.packed(payload)
        checksum = 0
        checksum = checksumNow(key)
    }

    private static func payload(
        _ columns: CandleColumns, of key: SeriesKey, price: Int64, volume: Int64
    ) -> [UInt8] {
        var writer = ColumnWriter()
        var slot = place(of: columns.openTimes[0], key.resolution) * slots - 1
        for time in columns.openTimes {
            let next = self.slot(of: time, key.resolution)
            writer.unsigned(UInt64(next - slot - 1))
            slot = next
        }
        var before: Int64 = 0
        for close in columns.close {
            writer.signed(close / price - before)
            before = close / price
        }
        before = 0
        for index in 0..<columns.count {
            writer.signed(columns.open[index] / price - before)
            before = columns.close[index] / price
        }
        for index in 0..<columns.count {
            let higher = max(columns.open[index], columns.close[index])
            writer.unsigned(UInt64((columns.high[index] - higher) / price))
        }
        for index in 0..<columns.count {
            let lower = min(columns.open[index], columns.close[index])
            writer.unsigned(UInt64((lower - columns.low[index]) / price))
        }
        for value in columns.volume { writer.unsigned(UInt64(value / volume)) }
        return writer.bytes
    }

    /// How many of the last digits are nought in all numbers.
    private static func spare(_ columns: [[Int64]], digits: Int) -> Int {
        var spare = digits
        for column in columns {
            for value in column {
                while spare > 0, value % CandleColumns.power(spare) != 0 { spare -= 1 }
                if spare == 0 { return 0 }
            }
        }
        return spare
    }

    private static func packed(_ payload: [UInt8]) -> [UInt8] {
        var size = compressBound(uLong(payload.count))
        var packed = [UInt8](repeating: 0, count: Int(size))
        let result = unsafe packed.withUnsafeMutableBufferPointer { output in
            unsafe payload.withUnsafeBufferPointer { input in
                unsafe compress2(output.baseAddress, &size, input.baseAddress, uLong(input.count), 6)
            }
        }
        precondition(result == Z_OK, "compressBound is the bound")
        packed.removeLast(packed.count - Int(size))
        return packed
    }

    // MARK: - Unpacking

    /// Takes a row `place, first_time, last_time, candles, checksum, columns`.
    init(_ row: borrowing Row) throws(DatabaseFailure) {
        place = try row.integer(0)
        first = try row.integer(1)
        last = try row.integer(2)
        count = try row.int(3)
        checksum = try row.integer(4)
        bytes = try row.blob(5)
    }

    /// Appends the candles to columns with at least as many digits.
    ///
    /// - Throws: ``ChunkFlaw`` when it is not what was written; the columns may then hold a part of it.
    func unpack(of key: SeriesKey, into columns: inout CandleColumns) throws(ChunkFlaw) {
        guard checksum == checksumNow(key) else {
            throw ChunkFlaw("its checksum is not the one that was written")
        }
        guard bytes.count > Self.headBytes, bytes[0] == Self.form else {
            throw ChunkFlaw("it is not of a form that this version knows")
        }
        let (price, volume) = (columns.priceDigits - Int(bytes[1]), columns.volumeDigits - Int(bytes[2]))
        guard price >= 0, volume >= 0, (1...Int(Self.slots)).contains(count) else {
            throw ChunkFlaw("it has more digits than its series, or a count that cannot be")
        }
        var reader = ColumnReader(try unpackedBytes())
        try readTimes(&reader, of: key, into: &columns)
        let base = columns.close.count
        try readPrices(&reader, scale: CandleColumns.power(price), base: base, into: &columns)
        let scale = CandleColumns.power(volume)
        for _ in 0..<count { columns.volume.append(try Self.scaled(try reader.unsigned(), scale)) }
        guard reader.isAtEnd else { throw ChunkFlaw("it holds more than its candles") }
    }

    private func readTimes(
        _ reader: inout ColumnReader, of key: SeriesKey, into columns: inout CandleColumns
    ) throws(ChunkFlaw) {
        let origin = Self.origin(key.resolution)
        let start = place * Self.slots
        var slot = start - 1
        for index in 0..<count {
            let step = try reader.unsigned()
            guard step < UInt64(Self.slots), slot + 1 + Int64(step) < start + Self.slots else {
                throw ChunkFlaw("candle \(index) of it lies outside its stretch of time")
            }
            slot += 1 + Int64(step)
            columns.openTimes.append(origin + slot * key.resolution.milliseconds)
        }
        guard columns.openTimes[columns.openTimes.count - count] == first, columns.openTimes.last == last
        else {
            throw ChunkFlaw("its first and last candle are not those that are written beside it")
        }
    }

    private func readPrices(
        _ reader: inout ColumnReader, scale: Int64, base: Int, into columns: inout CandleColumns
    ) throws(ChunkFlaw) {
        var close: Int64 = 0
        for _ in 0..<count {
            close &+= try reader.signed()
            columns.close.append(try Self.scaled(UInt64(bitPattern: close), scale))
        }
        var before: Int64 = 0
        for index in base..<base + count {
            let open = try Self.scaled(UInt64(bitPattern: before &+ (try reader.signed())), scale)
            columns.open.append(open)
            before = columns.close[index] / scale
        }
        for index in base..<base + count {
            let above = try Self.scaled(try reader.unsigned(), scale)
            let (high, overflow) = max(columns.open[index], columns.close[index]).addingReportingOverflow(
                above)
            guard !overflow else { throw Self.tooLarge }
            columns.high.append(high)
        }
        for index in base..<base + count {
            let below = try Self.scaled(try reader.unsigned(), scale)
            columns.low.append(min(columns.open[index], columns.close[index]) - below)
        }
    }

    private static var tooLarge: ChunkFlaw { ChunkFlaw("a number of it is too large") }

    private static func scaled(_ value: UInt64, _ scale: Int64) throws(ChunkFlaw) -> Int64 {
        guard let value = Int64(exactly: value) else { throw tooLarge }
        let (scaled, overflow) = value.multipliedReportingOverflow(by: scale)
        guard !overflow else { throw tooLarge }
        return scaled
    }

    private func unpackedBytes() throws(ChunkFlaw) -> [UInt8] {
        var size = uLong(0)
        for (index, shift) in [0, 8, 16, 24].enumerated() { size |= uLong(bytes[3 + index]) << uLong(shift) }
        // A time takes two bytes at most, the other numbers ten each.
        guard size <= uLong(count * 52) else { throw ChunkFlaw("it would unpack to too many bytes") }
        let expected = Int(size)
        var payload = [UInt8](repeating: 0, count: expected)
        let result = unsafe payload.withUnsafeMutableBufferPointer { output in
            unsafe bytes.withUnsafeBufferPointer { input in
                unsafe uncompress(
                    output.baseAddress, &size, input.baseAddress! + Self.headBytes,
                    uLong(input.count - Self.headBytes))
            }
        }
        guard result == Z_OK, Int(size) == expected else { throw ChunkFlaw("its bytes cannot be unpacked") }
        return payload
    }

    /// Names the series too, so that a chunk in another's place is found out.
    private func checksumNow(_ key: SeriesKey) -> Int64 {
        let head = Array(
            "\(key.venue)\n\(key.symbol)\n\(key.resolution.milliseconds)\n\(place) \(first) \(last) \(count)\n"
                .utf8)
        return [head, bytes].reduce(0) { sum, part in
            unsafe part.withUnsafeBufferPointer {
                unsafe Int64(crc32(uLong(sum), $0.baseAddress, uInt($0.count)))
            }
        }
    }
}
