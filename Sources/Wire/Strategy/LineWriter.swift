import Trading

/// Appends the parts of one protocol line to a buffer.
///
/// The caller writes `{"type":"…"` first, then members, then ``end()``.
struct LineWriter {
    var bytes: [UInt8] = []

    /// Starts a line of the given type behind what `output` holds already, which is empty until ``end(into:)``: nobody else
    /// has hold of the bytes meanwhile, so that they grow in place.
    init(takingFrom output: inout [UInt8], type: String) {
        swap(&bytes, &output)
        // More than most lines have, so that a line by itself does not grow in steps.
        if self.bytes.isEmpty { self.bytes.reserveCapacity(256) }
        raw("{\"type\":\"")
        self.bytes.append(contentsOf: type.utf8)
        raw("\"")
    }

    /// Starts an object without a type.
    init() {}

    mutating func raw(_ text: StaticString) { bytes.append(text) }

    mutating func name(_ name: StaticString) {
        raw(",\"")
        raw(name)
        raw("\":")
    }

    mutating func string(_ name: StaticString, _ value: String) {
        self.name(name)
        JSONValue.writeString(value, to: &bytes)
    }

    mutating func optionalString(_ name: StaticString, _ value: String?) {
        if let value { string(name, value) }
    }

    /// A word of ours, which needs no escapes.
    mutating func word(_ name: StaticString, _ value: String) {
        self.name(name)
        raw("\"")
        bytes.append(contentsOf: value.utf8)
        raw("\"")
    }

    mutating func decimal(_ name: StaticString, _ value: FixedDecimal) {
        self.name(name)
        raw("\"")
        bytes.append(decimal: value)
        raw("\"")
    }

    mutating func optionalDecimal(_ name: StaticString, _ value: FixedDecimal?) {
        if let value { decimal(name, value) }
    }

    mutating func integer(_ name: StaticString, _ value: Int64) {
        self.name(name)
        bytes.append(integer: value)
    }

    mutating func time(_ name: StaticString, _ value: Timestamp) { integer(name, value.milliseconds) }

    /// Written only when true; false is what its absence means.
    mutating func flag(_ name: StaticString, _ value: Bool) {
        guard value else { return }
        self.name(name)
        raw("true")
    }

    mutating func value(_ name: StaticString, _ value: JSONValue) {
        self.name(name)
        value.write(to: &bytes)
    }

    /// An array of objects, each written by `element` as members that start with a comma.
    mutating func objects<Element>(
        _ name: StaticString, _ elements: [Element], element: (Element, inout LineWriter) -> Void
    ) {
        self.name(name)
        raw("[")
        for (index, value) in elements.enumerated() {
            object(index > 0 ? "," : "") { element(value, &$0) }
        }
        raw("]")
    }

    mutating func object(named name: StaticString, members: (inout LineWriter) -> Void) {
        self.name(name)
        object("", members: members)
    }

    private mutating func object(_ separator: StaticString, members: (inout LineWriter) -> Void) {
        raw(separator)
        let start = bytes.count
        members(&self)
        bytes[start] = UInt8(ascii: "{")  // in place of the first member's comma
        raw("}")
    }

    /// Ends the object and the line, and gives the bytes back.
    mutating func end(into output: inout [UInt8]) {
        raw("}\n")
        swap(&bytes, &output)
    }
}

extension [UInt8] {
    /// Appends text of ours.
    mutating func append(_ text: StaticString) {
        unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends the shortest plain decimal text of `value`, the same as its description.
    mutating func append(decimal value: FixedDecimal) {
        guard let parts = value.parts else { return append(contentsOf: value.description.utf8) }
        var digits = DigitsFromBehind()
        if parts.fraction != 0 {
            var (rest, places) = (parts.fraction, FixedDecimal.scale)
            // Most have few digits behind the point, so that noughts go by the million first.
            while rest % 1_000_000 == 0 {
                rest /= 1_000_000
                places -= 6
            }
            while rest % 10 == 0 {
                rest /= 10
                places -= 1
            }
            digits.put(rest, atLeast: places)
            digits.put(UInt8(ascii: "."))
        }
        digits.put(parts.whole, atLeast: 1)
        if value.isNegative { digits.put(UInt8(ascii: "-")) }
        digits.append(to: &self)
    }

    /// Appends a whole number.
    mutating func append(integer value: Int64) {
        var digits = DigitsFromBehind()
        digits.put(value.magnitude, atLeast: 1)
        if value < 0 { digits.put(UInt8(ascii: "-")) }
        digits.append(to: &self)
    }
}

/// A number's text, made from its last digit on.
private struct DigitsFromBehind {
    // 20 digits before the point and 18 behind it, point and sign.
    private var bytes = InlineArray<40, UInt8>(repeating: 0x30)
    private var start = 40

    mutating func put(_ byte: UInt8) {
        start -= 1
        bytes[start] = byte
    }

    /// Puts a number's digits before what is there, and noughts before them up to so many places.
    mutating func put(_ value: UInt64, atLeast places: Int) {
        let end = start
        var rest = value
        while rest >= 100 {
            let pair = rest % 100
            rest /= 100
            bytes[start - 1] = 0x30 + UInt8(truncatingIfNeeded: pair % 10)
            bytes[start - 2] = 0x30 + UInt8(truncatingIfNeeded: pair / 10)
            start -= 2
        }
        while rest > 0 {
            put(0x30 + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        }
        while end - start < places { put(0x30) }
    }

    func append(to output: inout [UInt8]) {
        let span = bytes.span.extracting(start..<40)
        unsafe span.withUnsafeBufferPointer { unsafe output.append(contentsOf: $0) }
    }
}
