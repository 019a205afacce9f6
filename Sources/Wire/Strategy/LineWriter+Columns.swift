extension LineWriter {
    /// A string of decimals in their shortest form with a space between, given as whole numbers.
    mutating func column(_ name: StaticString, _ values: [Int64], digits: Int) {
        self.name(name)
        raw("\"")
        bytes.append(decimals: values, digits: digits)
        raw("\"")
    }

    /// Times as pairs of a start and a count, where each is `step` after the one before.
    mutating func runs(_ name: StaticString, _ times: [Int64], step: Int64) {
        self.name(name)
        raw("[")
        var index = 0
        while index < times.count {
            var end = index + 1
            while end < times.count, times[end] - times[end - 1] == step { end += 1 }
            if index > 0 { raw(",") }
            raw("[")
            bytes.append(integer: times[index])
            raw(",")
            bytes.append(integer: Int64(end - index))
            raw("]")
            index = end
        }
        raw("]")
    }

    /// An array of whole numbers.
    mutating func integers(_ name: StaticString, _ values: [Int]) {
        self.name(name)
        raw("[")
        for (index, value) in values.enumerated() {
            if index > 0 { raw(",") }
            bytes.append(integer: Int64(value))
        }
        raw("]")
    }
}

extension [UInt8] {
    /// Appends each number with a point before its last `digits` digits, without needless zeros, a space between.
    mutating func append(decimals values: [Int64], digits: Int) {
        guard !values.isEmpty else { return }
        let largest = values.reduce(UInt64(0)) { Swift.max($0, $1.magnitude) }
        // A sign, a nought before the point, the point and a space beside the digits.
        let width = Swift.max(Self.digitCount(largest), digits) + 4
        var position = count
        append(contentsOf: repeatElement(UInt8(ascii: " "), count: values.count * width))
        var output = mutableSpan
        for value in values {
            var magnitude = value.magnitude
            var places = digits
            while places > 0 {
                let (rest, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
                guard digit == 0 else { break }
                magnitude = rest
                places -= 1
            }
            if value < 0 {
                output[position] = UInt8(ascii: "-")
                position += 1
            }
            let end =
                position + Swift.max(Self.digitCount(magnitude), places + 1) + (places > 0 ? 1 : 0)
            var index = end
            if places > 0 {
                // Two digits at a time halve the divisions that wait for each other.
                while places >= 2 {
                    let pair = magnitude % 100
                    magnitude /= 100
                    output[index - 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: pair % 10)
                    output[index - 2] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: pair / 10)
                    index -= 2
                    places -= 2
                }
                if places == 1 {
                    output[index - 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
                    magnitude /= 10
                    index -= 1
                }
                output[index - 1] = UInt8(ascii: ".")
                index -= 1
            }
            while magnitude >= 100 {
                let pair = magnitude % 100
                magnitude /= 100
                output[index - 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: pair % 10)
                output[index - 2] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: pair / 10)
                index -= 2
            }
            if magnitude >= 10 {
                output[index - 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
                magnitude /= 10
                index -= 1
            }
            output[index - 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude)
            output[end] = UInt8(ascii: " ")
            position = end + 1
        }
        removeLast(count - position + 1)
    }

    private static func digitCount(_ value: UInt64) -> Int {
        // What markets have is found at once.
        if value < 100_000_000 {
            if value < 10_000 { return value < 100 ? (value < 10 ? 1 : 2) : (value < 1_000 ? 3 : 4) }
            return value < 1_000_000 ? (value < 100_000 ? 5 : 6) : (value < 10_000_000 ? 7 : 8)
        }
        var (count, rest) = (9, value / 1_000_000_000)
        while rest > 0 {
            count += 1
            rest /= 10
        }
        return count
    }
}
