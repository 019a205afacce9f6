import Wire

extension Command {
    static let status = Command(
        name: "status", group: .watching, summary: "Say how a strategy, or the host, is.",
        details: """
            Ends with 3 when the strategy is not running or no host answers, as service scripts expect.
            """,
        operands: [
            Operand(
                name: "strategy", explanation: "The strategy's id or name; without it, the host.",
                count: .optional)
        ]
    ) { invocation in
        let server = try Server(invocation)
        guard let strategy = invocation.optionalOperand("strategy") else {
            let health = try await server.get("/health")
            invocation.show(health, hostLines(health, server.address))
            return
        }
        let status = try await server.get(try await server.path(ofStrategy: strategy) + "/status")
        invocation.show(status, strategyLines(strategy, status))
        let state = Words.text(status["state"])
        guard !["stopped", "quarantined", "backing_off"].contains(state) else {
            throw CommandFailure(.notRunning, "\(strategy) is not running")
        }
    }

    private static func hostLines(_ health: JSONValue, _ address: String) -> [String] {
        let state = Words.text(health["status"])
        var lines = ["\(address): \(Console.style.judged(state)), version \(Words.text(health["version"]))"]
        if case .object(let parts) = health["parts"] {
            lines += parts.map { "  \($0.name): \(Console.style.judged(Words.text($0.value)))" }
        }
        return lines
    }

    private static func strategyLines(_ name: String, _ status: JSONValue) -> [String] {
        let state = Words.text(status["state"])
        let usage = status["usage"]
        let currency = status["currency"]?.stringValue.map { " " + $0 } ?? ""
        let money = { (name: String) in Words.amount(status[name]) + currency }
        var rows: [(String, String)] = [
            ("state", Console.style.judged(state) + " since " + Words.time(status["since"])),
            ("reason", Console.harmless(Words.text(status["reason"]))), ("run", Words.text(status["run"])),
            ("feed", Words.text(status["feed"])), ("account", Words.text(status["account"])),
            ("equity", money("equity")), ("realised", money("realised_pnl")),
            ("unrealised", money("unrealised_pnl")),
            ("restarts", Words.text(status["restarts"])),
            ("processor", Words.text(usage?["cpu_seconds"]) + " s"),
            (
                "memory",
                "\(Words.bytes(usage?["memory_bytes"])) of \(Words.bytes(usage?["memory_limit_bytes"]))"
            ),
        ]
        if let share = usage?["cpu_throttled_share"].flatMap({ Double(Words.text($0)) }), share >= 0.005 {
            rows.append(
                ("held back", "\(Int((share * 100).rounded())) % of the last minute by its cpu_share"))
        }
        if let refused = status["violations"]?.intValue, refused > 0 {
            rows.append(("refused", "\(refused) system calls: bullpen violations \(name)"))
        }
        if let door = status["start"]?["door"] {
            rows.append(
                ("started", "\(Words.text(door)) in \(Words.text(status["start"]?["milliseconds"])) ms"))
        }
        let gaps = (status["limits"]?["not_promised"]?.arrayValue ?? []).map { Words.text($0) }
        if !gaps.isEmpty { rows.append(("no promise", gaps.joined(separator: ", "))) }
        for position in status["position"]?.arrayValue ?? [] {
            rows.append(
                (
                    "position",
                    "\(Words.amount(position["quantity"])) \(Words.text(position["symbol"])) at "
                        + Words.amount(position["average_price"])
                ))
        }
        if case .number = status["next_start"] {
            rows.append(("next start", Words.time(status["next_start"])))
        }
        return rows.filter { $0.1 != "-" }.map { row in
            row.0 + String(repeating: " ", count: 12 - row.0.count) + row.1
        }
    }
}
