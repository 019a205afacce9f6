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
            guard place < table.names.count, let value = table.values[place + 1] else { return nil }
            defer { place += 1 }
            return (table.names[place], value)
        }
    }

    private(set) var names: [Name] = []
    /// Behind a nil, which is what stands for all that is not there: one place to yield whatever is asked for, since only then
    /// a subscript can be put in where it is used. Called, each access would allocate its frame.
    private var values: [Value?] = [nil]
    /// Where each name's value stands; empty while they are few.
    private var places: [Name: Int] = [:]

    private static var few: Int { 8 }
    private static var nowhere: Int { 0 }

    var isEmpty: Bool { names.isEmpty }

    /// What has a name; nil when nothing has. It is not set to nil.
    subscript(name: Name) -> Value? {
        @inline(__always) _read { yield values[place(of: name)] }
        @inline(__always) _modify {
            let place = place(of: name)
            yield &values[place]
            settle(place, name)
        }
    }

    /// What has a name, which `value` is given when nothing has it.
    subscript(name: Name, default value: @autoclosure () -> Value) -> Value {
        get { self[name] ?? value() }
        set { self[name] = newValue }
    }

    /// A part of what has a name, without a copy of the whole; nil when nothing has it.
    @inline(__always)
    func part<Part>(of name: Name, _ part: (Value) -> Part) -> Part? { values[place(of: name)].map(part) }

    /// Whether anything passes a test.
    func hasAny(_ passes: (Value) -> Bool) -> Bool {
        for case let value? in values where passes(value) { return true }
        return false
    }

    func makeIterator() -> Iterator { Iterator(self) }

    private func place(of name: Name) -> Int {
        guard names.count <= Self.few else { return places[name] ?? Self.nowhere }
        for number in names.indices where names[number] == name { return number + 1 }
        return Self.nowhere
    }

    /// Gives what was put where nothing stands a place of its own.
    private mutating func settle(_ place: Int, _ name: Name) {
        guard place == Self.nowhere else {
            precondition(values[place] != nil, "nothing is taken out of the table")
            return
        }
        guard let value = values[Self.nowhere].take() else { return }
        names.append(name)
        values.append(value)
        if names.count == Self.few + 1 {
            for (number, name) in names.enumerated() { places[name] = number + 1 }
        } else if names.count > Self.few {
            places[name] = names.count
        }
    }
}
