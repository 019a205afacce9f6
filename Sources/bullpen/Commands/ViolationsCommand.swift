import Wire

extension Command {
    static let violations = Command(
        name: "violations", group: .watching, summary: "Say what the sandbox refused a strategy, and why.",
        details: "Each kind of system call stands once, the latest first, with what to do instead.",
        operands: [.strategy]
    ) { invocation in
        let name = invocation.operand("strategy")
        let server = try Server(invocation)
        let answer = try await server.get(try await server.path(ofStrategy: name) + "/violations")
        let items = answer["items"]?.arrayValue ?? []
        invocation.show(
            answer, items.isEmpty ? ["Nothing was refused to \(name)."] : items.flatMap { lines($0) })
    }

    private static func lines(_ violation: JSONValue) -> [String] {
        let style = Console.style
        let call = "\(Words.text(violation["system_call"]))(\(Words.text(violation["arguments"])))"
        let times = violation["count"]?.intValue ?? 0
        let isFatal = violation["fatal"]?.boolValue ?? false
        let often = times == 1 ? "once" : "\(times) times"
        return [
            "\(isFatal ? style.red("killed for") : style.yellow("refused")) \(Console.harmless(call))",
            "    \(Words.text(violation["words"])): \(Words.text(violation["advice"]))",
            "    " + style.dim("\(often), last at \(Words.time(violation["last"])) in run ")
                + style.dim(Words.text(violation["run"])),
        ]
    }
}
