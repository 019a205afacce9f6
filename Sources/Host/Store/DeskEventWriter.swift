internal import Trading
internal import Wire

/// Writes a flat JSON object member by member. Events are written at the rate of orders, so without a tree between.
struct DeskEventWriter {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    init() { bytes.reserveCapacity(1024) }

    /// The finished object.
    consuming func finish() -> String {
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func name(_ name: String) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func add(_ name: String, _ text: String) {
        self.name(name)
        JSONValue.writeString(text, to: &bytes)
    }

    mutating func add(_ name: String, _ text: String?) {
        if let text { add(name, text) }
    }

    mutating func add(_ name: String, _ decimal: FixedDecimal) {
        self.name(name)
        bytes.append(UInt8(ascii: "\""))
        decimal.write(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func add(_ name: String, _ decimal: FixedDecimal?) {
        if let decimal { add(name, decimal) }
    }

    mutating func add(_ name: String, _ number: Int64) {
        self.name(name)
        bytes.append(contentsOf: String(number).utf8)
    }

    mutating func add(_ name: String, _ time: Timestamp) { add(name, time.milliseconds) }

    mutating func add(_ name: String, _ value: Bool) {
        self.name(name)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    mutating func add(_ name: String, _ value: JSONValue) {
        self.name(name)
        value.write(to: &bytes)
    }
}
