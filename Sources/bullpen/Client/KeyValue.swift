import Trading
import Wire

/// `key=value` on the command line, as a member of a JSON object.
enum KeyValue {
    /// Numbers, true, false, null and anything in JSON's brackets or quotation marks stand for themselves;
    /// everything else is a string.
    static func member(_ text: String) throws(CommandFailure) -> JSONValue.Member {
        guard let mark = text.firstIndex(of: "="), mark != text.startIndex else {
            throw .usage("\"\(text.prefix(80))\" is not key=value")
        }
        let written = String(text[text.index(after: mark)...])
        return JSONValue.Member(String(text[..<mark]), try value(written))
    }

    /// - Parameter lists: Members that are arrays of strings, and may be written with commas between them.
    static func object(
        _ texts: [String], lists: Set<String> = []
    ) throws(CommandFailure) -> JSONValue {
        var members: [JSONValue.Member] = []
        for text in texts {
            let member = try member(text)
            guard lists.contains(member.name), case .string(let written) = member.value else {
                members.append(member)
                continue
            }
            let elements = written.split(separator: ",").map { JSONValue.string(String($0)) }
            members.append(JSONValue.Member(member.name, .array(elements)))
        }
        return .object(members)
    }

    /// A member as ``object(_:lists:)`` takes it, for people to read.
    static func text(_ member: JSONValue.Member) -> String {
        guard case .array(let elements) = member.value else {
            return "\(member.name)=\(Words.text(member.value))"
        }
        return "\(member.name)=" + elements.map { Words.text($0) }.joined(separator: ",")
    }

    private static func value(_ text: String) throws(CommandFailure) -> JSONValue {
        switch text {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        case _ where FixedDecimal(text) != nil: return .number(text)
        case _ where text.hasPrefix("{") || text.hasPrefix("[") || text.hasPrefix("\""):
            do {
                return try JSONParser.parse(text)
            } catch {
                throw .usage("\"\(text.prefix(80))\" is not JSON: \(error.reason)")
            }
        default: return .string(text)
        }
    }
}
