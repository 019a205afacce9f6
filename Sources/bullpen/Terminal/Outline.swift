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

    /// Members that are instants of now and about: no other number of theirs is as large as one of 1973.
    private static let instants: Set<String> = [
        "from", "last_event", "last_success", "next_due", "since", "time", "to",
    ]

    private static func flat(_ value: JSONValue, path: String, name: String = "") -> [(String, String)] {
        guard case .object(let members) = value else {
            let isInstant =
                (instants.contains(name) || name.hasSuffix("_at")) && (value.intValue ?? 0) > 100_000_000_000
            return [(path, isInstant ? Words.time(value) + " UTC" : Words.text(value))]
        }
        return members.flatMap {
            flat($0.value, path: path.isEmpty ? $0.name : "\(path).\($0.name)", name: $0.name)
        }
    }
}
