import Wire

/// Any JSON object, one member a line.
enum Outline {
    static func lines(_ value: JSONValue) -> [String] {
        let rows = flat(value, path: "")
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { name, text in
            Console.harmless(name + String(repeating: " ", count: width - name.count + 2) + text)
        }
    }

    private static func flat(_ value: JSONValue, path: String) -> [(String, String)] {
        guard case .object(let members) = value else { return [(path, Words.text(value))] }
        return members.flatMap { flat($0.value, path: path.isEmpty ? $0.name : "\(path).\($0.name)") }
    }
}
