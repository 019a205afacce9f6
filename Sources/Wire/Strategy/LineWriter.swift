import Trading

/// Appends the parts of one protocol line to a buffer.
///
/// The caller writes `{"type":"…"` first, then members, then ``end()``.
struct LineWriter {
    var bytes: [UInt8]

    /// Starts a line of the given type behind what `bytes` holds already.
    init(appendingTo bytes: consuming [UInt8], type: String) {
        self.bytes = bytes
        // More than most lines have, so that a line by itself does not grow in steps.
        if self.bytes.isEmpty { self.bytes.reserveCapacity(256) }
        raw("{\"type\":\"")
        raw(type)
        raw("\"")
    }

    /// Starts an object without a type.
    init() { bytes = [] }

    mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func name(_ name: String) {
        raw(",\"")
        raw(name)
        raw("\":")
    }

    mutating func string(_ name: String, _ value: String) {
        self.name(name)
        JSONValue.writeString(value, to: &bytes)
    }

    mutating func optionalString(_ name: String, _ value: String?) {
        if let value { string(name, value) }
    }

    /// A word of ours, which needs no escapes.
    mutating func word(_ name: String, _ value: String) {
        self.name(name)
        raw("\"")
        raw(value)
        raw("\"")
    }

    mutating func decimal(_ name: String, _ value: FixedDecimal) {
        self.name(name)
        raw("\"")
        bytes.append(decimal: value)
        raw("\"")
    }

    mutating func optionalDecimal(_ name: String, _ value: FixedDecimal?) {
        if let value { decimal(name, value) }
    }

    mutating func integer(_ name: String, _ value: Int64) {
        self.name(name)
        bytes.append(integer: value)
    }

    mutating func time(_ name: String, _ value: Timestamp) { integer(name, value.milliseconds) }

    /// Written only when true; false is what its absence means.
    mutating func flag(_ name: String, _ value: Bool) {
        guard value else { return }
        self.name(name)
        raw("true")
    }

    mutating func value(_ name: String, _ value: JSONValue) {
        self.name(name)
        value.write(to: &bytes)
    }

    /// An array of objects, each written by `element` as members that start with a comma.
    mutating func objects<Element>(
        _ name: String, _ elements: [Element], element: (Element, inout LineWriter) -> Void
    ) {
        self.name(name)
        raw("[")
        for (index, value) in elements.enumerated() {
            object(index > 0 ? "," : "") { element(value, &$0) }
        }
        raw("]")
    }

    mutating func object(named name: String, members: (inout LineWriter) -> Void) {
        self.name(name)
        object("", members: members)
    }

    private mutating func object(_ separator: String, members: (inout LineWriter) -> Void) {
        raw(separator)
        let start = bytes.count
        members(&self)
        bytes[start] = UInt8(ascii: "{")  // in place of the first member's comma
        raw("}")
    }

    /// Ends the object and the line.
    consuming func end() -> [UInt8] {
        raw("}\n")
        return bytes
    }
}

extension [UInt8] {
    /// Appends the shortest plain decimal text of `value`, the same as its description.
    mutating func append(decimal value: FixedDecimal) {
        if value.isNegative { append(UInt8(ascii: "-")) }
        let (whole, fraction) = value.units.magnitude.quotientAndRemainder(
            dividingBy: FixedDecimal.unitsPerOne.magnitude)
        if let small = UInt64(exactly: whole) {
            append(digits: small, atLeast: 1)
        } else {
            append(contentsOf: String(whole).utf8)
        }
        guard fraction != 0 else { return }
        append(UInt8(ascii: "."))
        var rest = UInt64(fraction)  // below 10¹⁸
        var places = FixedDecimal.scale
        while rest % 10 == 0 {
            rest /= 10
            places -= 1
        }
        append(digits: rest, atLeast: places)
    }

    /// Appends a whole number.
    mutating func append(integer value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(digits: value.magnitude, atLeast: 1)
    }

    private mutating func append(digits value: UInt64, atLeast places: Int) {
        var count = 1
        var ceiling = value / 10
        while ceiling > 0 {
            count += 1
            ceiling /= 10
        }
        let width = Swift.max(count, places)
        let start = self.count
        append(contentsOf: repeatElement(UInt8(ascii: "0"), count: width))
        var rest = value
        var index = start + width - 1
        while rest > 0 {
            self[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
            index -= 1
        }
    }
}
