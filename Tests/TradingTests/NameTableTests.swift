import Testing

@testable import Trading

@Suite struct `A table of names` {
    @Test(arguments: [1, 8, 9, 40])
    func `finds, changes and goes over what it has, few or many, in order`(count: Int) {
        var table = NameTable<String, [Int]>()
        #expect(table.isEmpty)
        for number in 0..<count { table["name \(number)"] = [number] }
        for number in stride(from: 0, to: count, by: 2) { table["name \(number)"]?.append(-number) }
        table["nobody"]?.append(1)
        #expect(table["nobody"] == nil)
        for number in 0..<count {
            #expect(table["name \(number)"] == (number % 2 == 0 ? [number, -number] : [number]))
        }
        #expect(table.map(\.name) == (0..<count).map { "name \($0)" })
        #expect(table.names == table.map(\.name))
        #expect(table.hasAny { $0.first == count - 1 } && !table.hasAny { $0.isEmpty })
    }

    @Test func `gives a name a value where it has none, and only there`() {
        var table = NameTable<String, Int>()
        table["a", default: 5] += 1
        table["a", default: 9] += 1
        #expect(table["a"] == 7)
        #expect(table["b", default: 3] == 3 && table["b"] == nil)
    }
}
