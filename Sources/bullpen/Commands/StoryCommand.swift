import Wire

extension Command {
    static let ordersStory = Command(
        name: "orders story", group: .watching, summary: "Tell all that happened to an order.",
        details: """
            Every event with its time (UTC), where it comes from and what changed; requests to the venue and its answers word
            for word, up to 4 KiB each, without keys and signatures.
            """,
        operands: [Operand(name: "order", explanation: "Its id, as \"orders\" lists it.")]
    ) { invocation in
        let story = try await Server(invocation).get(
            "/orders/\(invocation.operand("order").asPathPiece)/story")
        guard !invocation.wantsJSON else { return Console.say(story.text) }
        let order = story["order"] ?? .null
        Console.say(
            Console.harmless(
                "Order \(Words.text(order["id"])) of \(Words.text(order["strategy"])) on account "
                    + "\(Words.text(story["account"])) at \(Words.text(story["venue"])), there "
                    + "\(Words.text(story["client_id"])) (\(Words.text(story["venue_order"])))"))
        Console.say(Console.harmless("Now: \(Words.text(story["summary"]))"))
        if let since = story["unknown_since"], since != .null {
            let questions = story["questions"] ?? .null
            Console.say(
                "Unknown since \(Words.instant(since)); asked \(Words.text(questions["count"])) times, "
                    + "last \(Words.instant(questions["last"]))")
        }
        for entry in story["entries"]?.arrayValue ?? [] { tell(entry) }
        if let count = story["left_out"]?.intValue, count > 0 {
            Console.say("\(count) lines from the middle are left out.")
        }
        if let count = story["lost"]?.intValue, count > 0 {
            Console.say("Too much happened meanwhile: \(count) lines of this and other orders were not kept.")
        }
    }

    private static func tell(_ entry: JSONValue) {
        let source = Words.text(entry["source"])
        let padding = String(repeating: " ", count: max(0, 9 - source.count))
        Console.say(
            Console.harmless(
                "\(Words.instant(entry["time"]))  \(source)\(padding) \(Words.text(entry["text"]))"))
        let indent = String(repeating: " ", count: 35)
        let details = entry["details"] ?? .null
        if let parameters = details["parameters"]?.stringValue, !parameters.isEmpty {
            Console.say(Console.harmless(indent + parameters))
        }
        if let text = details["text"]?.stringValue { Console.say(Console.harmless(indent + text)) }
        var notes: [String] = []
        if details["cut"]?.boolValue == true {
            notes.append("cut, \(Words.text(details["bytes"])) bytes in all")
        }
        if let took = details["took_us"]?.intValue {
            notes.append("took \(took / 1000).\(took / 100 % 10) ms")
        }
        if !notes.isEmpty { Console.say(indent + notes.joined(separator: ", ")) }
    }
}
