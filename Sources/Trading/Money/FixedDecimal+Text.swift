extension FixedDecimal: CustomStringConvertible, LosslessStringConvertible {
    /// Reads plain decimal text such as `-12.50`.
    ///
    /// An exponent (`1.0e-05`, as some venues write) is understood. Anything else is nil: spaces, a leading `+`,
    /// a bare point, digits beyond the eighteenth that are not nought, a value out of range.
    public init?(_ text: String) {
        self.init(utf8: text.utf8)
    }

    /// Reads plain decimal text from UTF-8 bytes. See ``init(_:)``.
    public init?(utf8 bytes: some Sequence<UInt8>) {
        var reader = DecimalTextReader()
        for byte in bytes {
            guard reader.take(byte) else { return nil }
        }
        guard let units = reader.units else { return nil }
        self.init(units: units)
    }

    /// Reads plain decimal text where it stands. See ``init(_:)``.
    public init?(utf8 text: Span<UInt8>) {
        if let units = Self.plainUnits(text) {
            self.init(units: units)
            return
        }
        var reader = DecimalTextReader()
        for index in text.indices {
            guard reader.take(text[index]) else { return nil }
        }
        guard let units = reader.units else { return nil }
        self.init(units: units)
    }

    /// The units of what nearly every number is: up to 18 digits, perhaps with a point among them. Nil says nothing: the
    /// reader that knows all forms decides then.
    private static func plainUnits(_ text: Span<UInt8>) -> Int128? {
        guard text.count >= 1, text.count <= 19 else { return nil }
        let isOne = text.count == 1
        // A nought in front is a number of its own, or stands before a point.
        guard text[0] != UInt8(ascii: "0") || isOne || text[1] == UInt8(ascii: ".") else { return nil }
        var digits: UInt64 = 0
        var point = -1
        for index in text.indices {
            let digit = text[index] &- UInt8(ascii: "0")
            if digit <= 9 {
                digits = digits &* 10 &+ UInt64(digit)
            } else {
                guard text[index] == UInt8(ascii: "."), point < 0, index > 0 else { return nil }
                point = index
            }
        }
        // At most 19 characters: without a point there may be a digit too many for 64 bits' comfort.
        if point < 0 { return text.count <= 18 ? Int128(digits) * unitsPerOne : nil }
        let places = text.count - 1 - point
        guard places > 0 else { return nil }
        return Int128(digits) * Int128(powersOfTen[scale - places])
    }

    private static let powersOfTen: [UInt64] = (0...18).map { power in
        (0..<power).reduce(1) { product, _ in product * 10 }
    }

    /// The shortest plain decimal text, without an exponent: `0.00001`, `-12.5`, `3`.
    public var description: String {
        var text: [UInt8] = []
        text.reserveCapacity(41)
        write(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the text that ``description`` has, in ASCII.
    public func write(to output: inout [UInt8]) {
        if isNegative { output.append(UInt8(ascii: "-")) }
        let one = UInt64(Self.unitsPerOne)
        let magnitude = units.magnitude
        let fraction: UInt64
        if let parts {
            Self.write(parts.whole, to: &output)
            fraction = parts.fraction
        } else {
            let (whole, rest) = magnitude.quotientAndRemainder(dividingBy: UInt128(one))
            fraction = UInt64(rest)
            if let whole = UInt64(exactly: whole) {
                Self.write(whole, to: &output)
            } else {
                Self.write(UInt64(whole / UInt128(one)), to: &output)
                Self.write(UInt64(whole % UInt128(one)), digits: Self.scale, to: &output)
            }
        }
        guard fraction != 0 else { return }
        var (rest, digits) = (fraction, Self.scale)
        while rest % 10 == 0 {
            rest /= 10
            digits -= 1
        }
        output.append(UInt8(ascii: "."))
        Self.write(rest, digits: digits, to: &output)
    }

    private static func write(_ number: UInt64, to output: inout [UInt8]) {
        var digits = 1
        var bound: UInt64 = 10
        while number >= bound {
            digits += 1
            let (next, overflow) = bound.multipliedReportingOverflow(by: 10)
            if overflow { break }
            bound = next
        }
        write(number, digits: digits, to: &output)
    }

    /// Appends exactly `digits` digits, with noughts in front.
    private static func write(_ number: UInt64, digits: Int, to output: inout [UInt8]) {
        let start = output.count
        output.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: digits))
        var rest = number
        var place = start + digits
        while rest != 0 {
            place -= 1
            output[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}

/// Collects the digits of a decimal, one byte at a time.
private struct DecimalTextReader {
    private enum Place {
        case start, sign, zero, whole, point, fraction, exponent, exponentSign, exponentDigits
    }

    private var place = Place.start
    private var isNegative = false
    private var digits: Int128 = 0
    private var fractionDigits = 0
    private var exponent = 0
    private var exponentIsNegative = false

    /// Takes the next byte; false when the text cannot be a decimal or is too long to be one.
    mutating func take(_ byte: UInt8) -> Bool {
        switch (place, byte) {
        case (.start, UInt8(ascii: "-")):
            isNegative = true
            place = .sign
            return true
        case (.start, UInt8(ascii: "0")), (.sign, UInt8(ascii: "0")):
            place = .zero
            return true
        case (.start, 0x31...0x39), (.sign, 0x31...0x39), (.whole, 0x30...0x39):
            place = .whole
            return append(byte)
        case (.zero, UInt8(ascii: ".")), (.whole, UInt8(ascii: ".")):
            place = .point
            return true
        case (.point, 0x30...0x39), (.fraction, 0x30...0x39):
            place = .fraction
            fractionDigits += 1
            return fractionDigits <= 60 && append(byte)
        case (.zero, 0x65), (.zero, 0x45), (.whole, 0x65), (.whole, 0x45), (.fraction, 0x65),
            (.fraction, 0x45):
            place = .exponent
            return true
        case (.exponent, UInt8(ascii: "+")), (.exponent, UInt8(ascii: "-")):
            exponentIsNegative = byte == UInt8(ascii: "-")
            place = .exponentSign
            return true
        case (.exponent, 0x30...0x39), (.exponentSign, 0x30...0x39), (.exponentDigits, 0x30...0x39):
            place = .exponentDigits
            exponent = exponent * 10 + Int(byte - 0x30)
            return exponent <= 60
        default:
            return false
        }
    }

    private mutating func append(_ byte: UInt8) -> Bool {
        let (product, tooLarge) = digits.multipliedReportingOverflow(by: 10)
        let (sum, stillTooLarge) = product.addingReportingOverflow(Int128(byte - 0x30))
        digits = sum
        return !tooLarge && !stillTooLarge
    }

    /// The value times 10¹⁸, or nil when the text stopped short, is out of range or finer than the scale.
    var units: Int128? {
        switch place {
        case .zero, .whole, .fraction, .exponentDigits: break
        case .start, .sign, .point, .exponent, .exponentSign: return nil
        }
        var shift = FixedDecimal.scale - fractionDigits + (exponentIsNegative ? -exponent : exponent)
        var value = digits
        while shift > 0, value != 0 {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            value = product
            shift -= 1
        }
        while shift < 0, value != 0 {
            guard value % 10 == 0 else { return nil }
            value /= 10
            shift += 1
        }
        return isNegative ? -value : value
    }
}
