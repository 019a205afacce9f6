public import Trading
public import Wire

/// Reading what venues write loosely: a number as text or bare, a time in seconds, milliseconds or words.
extension JSONValue {
    /// The text of a string or of a number.
    public var looseText: String? {
        switch self {
        case .string(let text), .number(let text): text
        case .null, .bool, .array, .object: nil
        }
    }

    /// A decimal written as a string or as a number; nil for `NaN`, empty text and whatever else is no decimal.
    ///
    /// Digits beyond the eighteenth, which only a venue's floating point makes, go to the nearest.
    public var looseDecimal: FixedDecimal? {
        guard let text = looseText else { return nil }
        return FixedDecimal(text) ?? Self.rounded(text)
    }

    /// The decimal of a member, nought when it is left out or null; nil when something stands there that is none: a fee that
    /// cannot be read is not no fee.
    func looseAmount(_ name: String) -> FixedDecimal? {
        guard let written = self[name], written != .null else { return .zero }
        return written.looseDecimal
    }

    /// An instant: milliseconds, seconds (ten or eleven digits) or microseconds since the epoch, with or without
    /// decimals, bare or as text; or ISO 8601 text in UTC such as `2026-07-04T05:06:07.000Z`.
    public var looseTime: Timestamp? {
        guard let text = looseText else { return nil }
        if let time = Timestamp(utcText: text) { return time }
        guard let number = looseDecimal, number.isPositive else { return nil }
        let whole = Int64(clamping: number.units / FixedDecimal.unitsPerOne)
        switch whole {
        case ..<100_000_000_000:
            return Timestamp(milliseconds: Int64(number.units / (FixedDecimal.unitsPerOne / 1000)))
        case ..<100_000_000_000_000: return Timestamp(milliseconds: whole)
        default: return Timestamp(milliseconds: whole / 1000)
        }
    }

    /// Expands an exponent and rounds to eighteen digits by hand; nil when it is no plain number at all.
    private static func rounded(_ text: String) -> FixedDecimal? {
        var digits: [UInt8] = []
        var (point, exponent, isNegative) = (Int?.none, 0, false)
        let bytes = Array(text.utf8.prefix(80))
        guard bytes.count == text.utf8.count else { return nil }
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "-") where index == 0: isNegative = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(byte)
            case UInt8(ascii: ".") where point == nil: point = digits.count
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                guard let written = Int(String(decoding: bytes[(index + 1)...], as: UTF8.self)),
                    (-60...60).contains(written)
                else { return nil }
                exponent = written
                return scaled(digits, point: (point ?? digits.count) + exponent, isNegative: isNegative)
            default: return nil
            }
        }
        return scaled(digits, point: point ?? digits.count, isNegative: isNegative)
    }

    private static func scaled(_ digits: [UInt8], point: Int, isNegative: Bool) -> FixedDecimal? {
        guard !digits.isEmpty else { return nil }
        var units: Int128 = 0
        let wanted = point + FixedDecimal.scale
        for place in 0..<max(wanted, 0) {
            let digit = place < digits.count ? Int128(digits[place] - 0x30) : 0
            let (product, tooLarge) = units.multipliedReportingOverflow(by: 10)
            let (sum, stillTooLarge) = product.addingReportingOverflow(digit)
            guard !tooLarge, !stillTooLarge else { return nil }
            units = sum
        }
        if wanted >= 0, wanted < digits.count, digits[wanted] >= UInt8(ascii: "5") {
            guard units < .max else { return nil }
            units += 1
        }
        return FixedDecimal(units: isNegative ? -units : units)
    }
}

extension Timestamp {
    /// Reads `2026-07-04T05:06:07.000Z`: date, `T` or a space, time, an optional fraction, and `Z`, `+00:00` or nothing;
    /// or a date alone. Nil for any other zone.
    init?(utcText text: String) {
        let bytes = Array(text.utf8)
        func number(_ start: Int, _ length: Int) -> Int64? {
            guard start + length <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[start..<start + length] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            return value
        }
        guard bytes.count >= 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            let days = CivilDate(year: Int(year), month: Int(month), day: Int(day))?.utcDay
        else { return nil }
        guard bytes.count > 10 else {
            self.init(milliseconds: days * 86_400_000)
            return
        }
        guard bytes.count >= 19, bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: " "),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        var (place, fraction) = (19, Int64(0))
        if place < bytes.count, bytes[place] == UInt8(ascii: ".") {
            place += 1
            var scale: Int64 = 100
            while place < bytes.count, (0x30...0x39).contains(bytes[place]) {
                fraction += Int64(bytes[place] - 0x30) * scale
                scale /= 10
                place += 1
            }
        }
        guard ["", "Z", "z", "+00:00", "+0000"].contains(String(decoding: bytes[place...], as: UTF8.self))
        else { return nil }
        self.init(
            milliseconds: days * 86_400_000 + ((hour * 60 + minute) * 60 + second) * 1000 + fraction)
    }
}

extension Array<UInt8> {
    /// Lower-case hexadecimal digits.
    var lowerHexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(count * 2)
        for byte in self { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
