public import Wire

/// What a program found that looked at the walls from inside and tried them: `operator/report.py`, or `poke report`.
public struct InsideView: Sendable {
    let user: Int
    let process: Int
    let host: String
    /// Which of /proc, /sys and /dev are there.
    let special: [String]
    /// The error of writing to a folder, 0 when it worked.
    let writes: [String: Int]
    let variables: [String]
    /// The error of each try, 0 when it worked.
    let tries: [String: Int]

    /// Reads the report.
    public init(json: JSONValue) throws(FieldFailure) {
        var reader = try ObjectReader(json)
        user = try reader.integer("user")
        _ = try reader.integer("group")
        process = try reader.integer("process")
        host = try reader.string("host")
        _ = try reader.optionalArray("root")
        special = (try reader.optionalArray("special") ?? []).compactMap(\.stringValue)
        variables = (try reader.optionalArray("variables") ?? []).compactMap(\.stringValue)
        writes = Self.numbers(try reader.required("writes"))
        tries = Self.numbers(try reader.required("tries"))
        try reader.finish()
    }

    private static func numbers(_ value: JSONValue) -> [String: Int] {
        guard case .object(let members) = value else { return [:] }
        return Dictionary(
            members.compactMap { member in member.value.intValue.map { (member.name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }
}
