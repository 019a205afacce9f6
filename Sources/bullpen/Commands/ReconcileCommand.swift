import Wire

extension Command {
    static let reconcile = Command(
        name: "reconcile", group: .trading,
        summary: "Ask the venue what is open, traded and held, and show what differs or is unknown.",
        details: """
            Waits for the answers: a second, or some more when something differs, since a difference must be seen twice.
            Without an account, all are asked. Ends with 0 when venue and books agree and nothing is unknown, else with 1.
            --accept says what it will book and then books it: deposits, withdrawals and conversions become nobody's, and
            orders that add risk pass again. The audit trail keeps who booked what.
            """,
        operands: [Operand(name: "account", explanation: "Its id; all without it.", count: .optional)],
        options: [.flag("accept", "Book what differs as external, so that venue and books agree again.")]
    ) { invocation in
        let server = try Server(invocation)
        let accounts: [String]
        if let account = invocation.optionalOperand("account") {
            accounts = [account]
        } else {
            accounts = try await server.items("/reconciliation").compactMap { $0["account"]?.stringValue }
        }
        var answers: [JSONValue] = []
        for account in accounts {
            let path = "/accounts/\(account.asPathPiece)/reconcile"
            var answer = try await server.post(path, .object([]))
            let differences = differences(answer)
            if invocation.has("accept"), !differences.isEmpty {
                if !invocation.wantsJSON {
                    for line in lines(answer) { Console.say(line) }
                    Console.say("Booking as external on \(Console.harmless(account)): \(words(differences))")
                }
                answer = try await server.post(
                    path, .members(["accept": .bool(true), "expected": .array(differences)]))
            }
            answers.append(answer)
            if !invocation.wantsJSON { for line in lines(answer) { Console.say(line) } }
        }
        if invocation.wantsJSON { Console.say(JSONValue.members(["items": .array(answers)]).text) }
        let open = answers.filter { $0["agrees"]?.boolValue != true }.compactMap {
            $0["account"]?.stringValue
        }
        guard open.isEmpty else {
            throw CommandFailure(
                .error, "not in agreement: \(open.map(Console.harmless).joined(separator: ", "))")
        }
    }

    /// What stands as external, as the host takes it to be accepted.
    private static func differences(_ answer: JSONValue) -> [JSONValue] {
        (answer["balances"]?.arrayValue ?? []).filter { ($0["external"]?.stringValue ?? "0") != "0" }
            .map { .members(["asset": $0["asset"], "amount": $0["external"]]) }
    }

    private static func words(_ differences: [JSONValue]) -> String {
        Console.harmless(
            differences.map { "\(Words.text($0["amount"])) \(Words.text($0["asset"]))" }
                .joined(separator: ", "))
    }

    private static func lines(_ answer: JSONValue) -> [String] {
        let name = [answer["venue"], answer["environment"]].compactMap { $0?.stringValue }
            .joined(separator: " ")
        let state = answer["agrees"]?.boolValue == true ? "agrees" : "DOES NOT AGREE"
        var lines = [
            "\(Words.text(answer["account"])) (\(name)): \(state)\(last(answer))"
        ]
        if let gap = answer["gap"]?.stringValue { lines.append("  the stream of its news is broken: \(gap)") }
        if answer["merging"]?.boolValue == true {
            lines.append("  what happened meanwhile is being asked for")
        }
        if let away = answer["away"]?.stringValue {
            let until =
                answer["away_until"]?.intValue.map { " until \(Words.time(milliseconds: $0)) UTC" } ?? ""
            lines.append("  the venue may not be asked\(until): \(away)")
        }
        for question in answer["orders"]?.arrayValue ?? [] { lines.append(contentsOf: order(question)) }
        if let fault = answer["balances_fault"]?.stringValue {
            lines.append("  balances are not known: \(fault)")
        }
        lines = lines.map(Console.harmless) + balances(answer)
        if let accepted = answer["accepted"]?.arrayValue, !accepted.isEmpty {
            lines.append("  booked as external: \(words(accepted))")
        }
        return lines
    }

    private static func last(_ answer: JSONValue) -> String {
        guard let took = answer["last_milliseconds"]?.intValue else { return ", not asked yet" }
        return ", orders and trades asked at \(Words.time(answer["last_began"])) UTC, which took \(took) ms"
    }

    private static func order(_ question: JSONValue) -> [String] {
        let order = question["order"] ?? .null
        let what =
            switch question["unknown"]?.stringValue {
            case "cancel": "whether it was cancelled"
            case "trades": "its trades"
            default: "what became of it"
            }
        let asked =
            question["asked_at"]?.intValue.map { ", last asked at \(Words.time(milliseconds: $0))" } ?? ""
        var lines = [
            "  order \(Words.text(order["id"])) of \(Words.text(order["strategy"])), "
                + "\(Words.text(order["side"])) \(Words.text(order["quantity"])) \(Words.text(order["symbol"])): "
                + "\(what) is unknown since \(Words.time(question["since"])) UTC\(asked); "
                + Words.text(question["doing"])
        ]
        if let candidates = question["candidates"]?.arrayValue, !candidates.isEmpty {
            lines.append("    it may be: \(candidates.map { Words.text($0) }.joined(separator: ", "))")
        }
        return lines
    }

    private static func balances(_ answer: JSONValue) -> [String] {
        guard answer["compared"]?.boolValue == true else {
            return ["  balances are compared on spot accounts only"]
        }
        guard answer["balances_at"]?.intValue != nil else { return ["  balances were not asked yet"] }
        var lines: [String] = []
        if answer["first_sight"]?.boolValue == true {
            lines.append("  seen for the first time: what is there will be taken as it is")
        }
        var table = Table([
            .left("ASSET"), .right("BOOKED"), .right("VENUE"), .right("DIFFERENCE"), .left("STATE"),
            .left("SINCE"),
        ])
        let rows = answer["balances"]?.arrayValue ?? []
        for row in rows {
            let isExternal = row["state"]?.stringValue == "external"
            let blocks = row["blocking"]?.boolValue == true ? ", blocks what adds risk" : ""
            table.add([
                Words.text(row["asset"]), Words.amount(row["booked"]), Words.amount(row["venue"]),
                Words.amount(row["difference"]),
                (isExternal ? "EXTERNAL" : Words.text(row["state"])) + blocks,
                Words.time(row["since"]),
            ])
        }
        return lines + (rows.isEmpty ? ["  it holds nothing"] : table.lines.map { "  " + $0 })
    }
}
