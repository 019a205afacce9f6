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

    static func object(_ texts: [String]) throws(CommandFailure) -> JSONValue {
        var members: [JSONValue.Member] = []
        for text in texts { members.append(try member(text)) }
        return .object(members)
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
