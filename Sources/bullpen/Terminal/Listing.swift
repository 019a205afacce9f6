import Wire

/// A list from the host, shown as a table or as JSON.
struct Listing {
    struct Column {
        let column: Table.Column
        let text: (JSONValue) -> String

        static func text(_ title: String, _ name: String) -> Column {
            Column(column: .left(title)) { Words.text($0[name]) }
        }

        static func judged(_ title: String, _ text: @escaping (JSONValue) -> String) -> Column {
            Column(column: .judged(title), text: text)
        }

        static func amount(_ title: String, _ name: String) -> Column {
            Column(column: .right(title)) { Words.amount($0[name]) }
        }

        static func time(_ title: String, _ name: String) -> Column {
            Column(column: .left(title)) { Words.time($0[name]) }
        }

        /// What was set, as `set` takes it, but what other columns show.
        static func settings(without others: Set<String>) -> Column {
            Column(column: .left("SETTINGS")) { item in
                guard case .object(let members)? = item["settings"] else { return "-" }
                let shown = members.filter { !others.contains($0.name) && $0.value != .array([]) }
                return shown.isEmpty ? "-" : shown.map(KeyValue.text).joined(separator: " ")
            }
        }
    }

    let columns: [Column]
    /// What to say, and what to do next, when there is nothing.
    let whenEmpty: String

    func show(_ items: [JSONValue], _ invocation: Invocation) {
        if invocation.wantsJSON {
            Console.say(JSONValue.members(["items": .array(items)]).text)
            return
        }
        guard !items.isEmpty else {
            Console.say(whenEmpty)
            return
        }
        var table = Table(columns.map(\.column))
        for item in items { table.add(columns.map { $0.text(item) }) }
        for line in table.lines { Console.say(line) }
    }
}

extension Invocation {
    /// Shows one thing: its JSON for programs, otherwise the given lines.
    func show(_ value: JSONValue, _ lines: @autoclosure () -> [String]) {
        for line in wantsJSON ? [value.text] : lines() { Console.say(line) }
    }

    /// The option `--limit` as a number.
    func limit(otherwise standard: Int) throws(CommandFailure) -> Int {
        try integer("limit", in: 1...100_000) ?? standard
    }
}

extension Command.Option {
    static func limit(_ standard: Int) -> Command.Option {
        .value("limit", "number", "At most so many, \(standard) unless told otherwise.")
    }
}
