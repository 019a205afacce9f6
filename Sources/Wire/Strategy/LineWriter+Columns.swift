extension LineWriter {
    /// A string of decimals in their shortest form with a space between, given as whole numbers.
    mutating func column(_ name: String, _ values: [Int64], digits: Int) {
        self.name(name)
        raw("\"")
        bytes.append(decimals: values, digits: digits)
        raw("\"")
    }

    /// Times as pairs of a start and a count, where each is `step` after the one before.
    mutating func runs(_ name: String, _ times: [Int64], step: Int64) {
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
    mutating func integers(_ name: String, _ values: [Int]) {
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
        var scale: UInt64 = 1
        for _ in 0..<digits { scale *= 10 }
        var output = mutableSpan
        for value in values {
            var magnitude = value.magnitude
            var places = digits
            if scale > 1, magnitude % scale == 0 {
                magnitude /= scale
                places = 0
            } else {
                while places > 0, magnitude % 10 == 0 {
                    magnitude /= 10
                    places -= 1
                }
            }
            if value < 0 {
                output[position] = UInt8(ascii: "-")
                position += 1
            }
            let length = Swift.max(Self.digitCount(magnitude), places + 1) + (places > 0 ? 1 : 0)
            var index = position + length - 1
            for _ in 0..<places {
                output[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
                magnitude /= 10
                index -= 1
            }
            if places > 0 {
                output[index] = UInt8(ascii: ".")
                index -= 1
            }
            repeat {
                output[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
                magnitude /= 10
                index -= 1
            } while magnitude > 0
            position += length
            output[position] = UInt8(ascii: " ")
            position += 1
        }
        removeLast(count - position + 1)
    }

    private static func digitCount(_ value: UInt64) -> Int {
        var (count, rest) = (1, value / 10)
        while rest > 0 {
            count += 1
            rest /= 10
        }
        return count
    }
}
