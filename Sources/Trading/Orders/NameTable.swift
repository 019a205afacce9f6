/// Things by name, in the order in which they came; none is taken out again.
///
/// While they are few a name is found by comparing, which costs a tenth of hashing it. What is found can be changed where it
/// stands.
struct NameTable<Name: Hashable & Sendable, Value: Sendable>: Sendable, Sequence {
    /// Goes over names and values.
    struct Iterator: IteratorProtocol {
        private let table: NameTable
        private var place = 0

        init(_ table: NameTable) { self.table = table }

        mutating func next() -> (name: Name, value: Value)? {
            guard place < table.names.count, let value = table.values[place] else { return nil }
            defer { place += 1 }
            return (table.names[place], value)
        }
    }

    private(set) var names: [Name] = []
    /// None of them is nil; what is optional can be changed through a subscript that may find nothing.
    private var values: [Value?] = []
    /// Where each name stands; empty while they are few.
    private var places: [Name: Int] = [:]

    private static var few: Int { 8 }

    var isEmpty: Bool { names.isEmpty }

    /// What has a name; nil when nothing has. It is not set to nil.
    subscript(name: Name) -> Value? {
        _read {
            if let place = place(of: name) {
                yield values[place]
            } else {
                yield nil
            }
        }
        _modify {
            if let place = place(of: name) {
                yield &values[place]
                precondition(values[place] != nil, "nothing is taken out of the table")
            } else {
                var new: Value?
                yield &new
                if let new { add(name, new) }
            }
        }
    }

    /// What has a name, which `value` is given when nothing has it.
    subscript(name: Name, default value: @autoclosure () -> Value) -> Value {
        get { self[name] ?? value() }
        set { self[name] = newValue }
    }

    /// Whether anything passes a test.
    func hasAny(_ passes: (Value) -> Bool) -> Bool {
        for place in names.indices {
            if let value = values[place], passes(value) { return true }
        }
        return false
    }

    func makeIterator() -> Iterator { Iterator(self) }

    private func place(of name: Name) -> Int? {
        guard names.count <= Self.few else { return places[name] }
        for place in names.indices where names[place] == name { return place }
        return nil
    }

    private mutating func add(_ name: Name, _ value: Value) {
        names.append(name)
        values.append(value)
        if names.count == Self.few + 1 {
            for (place, name) in names.enumerated() { places[name] = place }
        } else if names.count > Self.few {
            places[name] = names.count - 1
        }
    }
}
