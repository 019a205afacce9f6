import Glibc
import Posix
import Wire

/// The figures, for people and for programs.
enum Report {
    static func write(_ figures: [(measurement: String, figure: Figure)], to path: String) throws {
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try file.writeAll((json(figures).bytes + [0x0A])[...])
    }

    static func json(_ figures: [(measurement: String, figure: Figure)]) -> JSONValue {
        .members([
            "load_average": .number("\(Machine.load())"),
            "figures": .array(
                figures.map { measurement, figure in
                    .members([
                        "measurement": .string(measurement), "name": .string(figure.name),
                        "value": .number("\(figure.value)"), "unit": .string(figure.unit),
                        "floor_name": .optional(figure.floor?.name),
                        "floor": figure.floor.map { .number("\($0.value)") },
                        "ratio": figure.ratio.map { .number("\($0)") },
                        "promise": figure.promise == nil ? nil : .string(figure.promiseText),
                        "kept": figure.isKept.map { .bool($0) },
                    ])
                }),
        ])
    }

    static func table(_ figures: [(measurement: String, figure: Figure)]) -> [String] {
        let head = ["MEASURED", "VALUE", "FLOOR", "TIMES", "PROMISED", ""]
        let rows = figures.map { _, figure in
            [
                figure.name, "\(Figure.text(figure.value)) \(figure.unit)",
                figure.floor.map { "\(Figure.text($0.value)) (\($0.name))" } ?? "",
                figure.ratio.map { Figure.text($0) } ?? "", figure.promiseText,
                figure.isKept.map { $0 ? "kept" : "NOT KEPT" } ?? "",
            ]
        }
        let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        return ([head] + rows).map { row in
            var line = row.enumerated().map { index, cell in
                cell + String(repeating: " ", count: widths[index] - cell.count)
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
