/// Aligned columns for people.
struct Table {
    enum Alignment { case left, right }

    struct Column {
        let title: String
        var alignment = Alignment.left
        var paint: (String) -> String = { $0 }
    }

    private let columns: [Column]
    private var rows: [[String]] = []

    init(_ columns: [Column]) {
        self.columns = columns
    }

    mutating func add(_ cells: [String]) {
        precondition(cells.count == columns.count)
        rows.append(cells.map(Console.harmless))
    }

    /// The lines, with a head. An empty table has none.
    var lines: [String] {
        guard !rows.isEmpty else { return [] }
        let widths = columns.indices.map { index in
            ([columns[index].title] + rows.map { $0[index] }).map(\.count).max() ?? 0
        }
        let head = line(columns.map(\.title), widths, paint: { _, text in Console.style.bold(text) })
        return [head] + rows.map { line($0, widths, paint: { columns[$0].paint($1) }) }
    }

    private func line(_ cells: [String], _ widths: [Int], paint: (Int, String) -> String) -> String {
        var parts: [String] = []
        for (index, cell) in cells.enumerated() {
            let space = String(repeating: " ", count: widths[index] - cell.count)
            switch columns[index].alignment {
            case .right: parts.append(space + paint(index, cell))
            case .left where index == cells.count - 1: parts.append(paint(index, cell))
            case .left: parts.append(paint(index, cell) + space)
            }
        }
        return parts.joined(separator: "  ")
    }
}

extension Table.Column {
    static func left(_ title: String) -> Table.Column { Table.Column(title: title) }

    static func right(_ title: String) -> Table.Column { Table.Column(title: title, alignment: .right) }

    /// A column of words that are good or bad.
    static func judged(_ title: String) -> Table.Column {
        Table.Column(title: title, paint: Console.style.judged)
    }
}
