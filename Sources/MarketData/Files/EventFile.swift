public import Trading

/// A file of market events in order of time.
public protocol EventFile: AnyObject {
    /// The next event, or nil at the end.
    ///
    /// - Throws: ``MarketFileFailure`` with the line; nothing more can be read then.
    func next() throws(MarketFileFailure) -> MarketEvent?

    /// What was skipped and what is missing so far.
    var report: FileReport { get }
}

/// What a reader does with a row that is wrong.
public enum FlawPolicy: String, Hashable, Sendable, CaseIterable {
    /// Throw at the row.
    case stop
    /// Leave the row out and count it.
    case skip
}

/// What a reader saw in a file so far.
public struct FileReport: Hashable, Sendable {
    /// Rows that became events.
    public internal(set) var rows = 0
    /// Rows left out as wrong.
    public internal(set) var skipped = 0
    /// The first of those, at most 20.
    public internal(set) var problems: [MarketFileFailure] = []
    /// Stretches without candles between two candles.
    public internal(set) var gaps = 0
    /// Candles missing in them.
    public internal(set) var missing: Int64 = 0
    /// The longest of them.
    public internal(set) var largestGap: Gap?

    /// A stretch without candles.
    public struct Gap: Hashable, Sendable {
        /// The open time of the last candle before it.
        public let after: Timestamp
        /// Candles missing.
        public let missing: Int64
    }
}

/// Reads rows of comma-separated plain fields below a given header, and keeps the count of those that are wrong.
final class RowFile {
    /// So many wrong rows, and more than right ones, and the file is not what it is said to be: a small compressed one may
    /// unpack to thousands of millions of empty lines.
    static let mostWrongRows = 100_000
    /// What some programs write before the first line of a UTF-8 text.
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private var lines: LineFile
    private let columns: Int
    private let flaws: FlawPolicy
    var report = FileReport()

    init(path: String, header: String, flaws: FlawPolicy) throws(MarketFileFailure) {
        lines = try LineFile(path: path, maximumLineBytes: 1024)
        columns = header.split(separator: ",").count
        self.flaws = flaws
        let first = try lines.next()
        guard let first else { throw lines.failure(line: 0, "is empty; the first line should be \(header)") }
        let named = first.starts(with: Self.byteOrderMark) ? first.dropFirst(3) : first[...]
        guard named == ArraySlice(header.utf8) else {
            throw lines.failure(line: 1, "should be \(header), and is \(Self.quoted(named))")
        }
    }

    var path: String { lines.path }
    var fractionRead: Double { lines.fractionRead }

    /// The next row that `read` takes, or nil at the end.
    ///
    /// `read` throws what is wrong with a row, in words.
    func next<Value>(
        _ read: ([ArraySlice<UInt8>]) throws(RowFlaw) -> Value
    ) throws(MarketFileFailure) -> Value? {
        while let line = try lines.next() {
            do throws(RowFlaw) {
                let fields = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
                guard fields.count == columns else {
                    throw RowFlaw("has \(fields.count) fields instead of \(columns)")
                }
                let value = try read(fields)
                report.rows += 1
                return value
            } catch {
                let failure = lines.failure(line: lines.lineNumber, error.reason)
                guard flaws == .skip else { throw failure }
                report.skipped += 1
                guard report.skipped <= max(Self.mostWrongRows, report.rows) else {
                    throw lines.failure(
                        line: lines.lineNumber, "is the \(report.skipped)th that is wrong; \(error.reason)")
                }
                if report.problems.count < 20 { report.problems.append(failure) }
            }
        }
        return nil
    }

    static func time(_ field: ArraySlice<UInt8>, _ name: String) throws(RowFlaw) -> Timestamp {
        guard field.count <= 15, field.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int64(String(decoding: field, as: UTF8.self)),
            number <= Timestamp.endOfTime.milliseconds
        else { throw RowFlaw("\(name) \(quoted(field)) is not a time in milliseconds since 1970") }
        return Timestamp(milliseconds: number)
    }

    /// Reads a decimal.
    ///
    /// Digits beyond the eighteenth are cut off: files that went through floating point hold sizes such as
    /// 0.0038217599999999996.
    static func decimal(_ field: ArraySlice<UInt8>, _ name: String) throws(RowFlaw) -> FixedDecimal {
        if let value = FixedDecimal(utf8: field) { return value }
        if let point = field.firstIndex(of: UInt8(ascii: ".")) {
            let digits = field[(point + 1)...]
            if digits.count > FixedDecimal.scale, digits.count <= 40,
                digits.allSatisfy({ (0x30...0x39).contains($0) }),
                let value = FixedDecimal(utf8: field[...(point + FixedDecimal.scale)])
            {
                return value
            }
        }
        throw RowFlaw("\(name) \(quoted(field)) is not a decimal")
    }

    static func positive(_ field: ArraySlice<UInt8>, _ name: String) throws(RowFlaw) -> FixedDecimal {
        let value = try decimal(field, name)
        guard value.isPositive else { throw RowFlaw("\(name) must be above 0") }
        return value
    }

    private static func quoted(_ field: ArraySlice<UInt8>) -> String {
        "\"\(String(decoding: field.prefix(40), as: UTF8.self))\""
    }
}

/// What is wrong with one row, in words.
struct RowFlaw: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}
