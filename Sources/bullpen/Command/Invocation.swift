import Host

/// A command line, understood.
struct Invocation: Sendable {
    let command: Command
    fileprivate(set) var operands: [String] = []
    fileprivate(set) var values: [String: [String]] = [:]

    var wantsJSON: Bool { has("json") }

    func has(_ option: String) -> Bool { values[declared(option)] != nil }

    /// The option's value; the last one when it was given more than once.
    func value(_ option: String) -> String? { values[declared(option)]?.last }

    func all(_ option: String) -> [String] { values[declared(option)] ?? [] }

    /// The operand called `name`, which the parser has made sure of.
    func operand(_ name: String) -> String {
        guard let text = optionalOperand(name) else { preconditionFailure("<\(name)> is not required") }
        return text
    }

    func optionalOperand(_ name: String) -> String? {
        guard let index = command.operands.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("\(command.name) declares no operand \(name)")
        }
        return index < operands.count ? operands[index] : nil
    }

    /// Everything from the operand called `name` on.
    func rest(_ name: String) -> [String] {
        guard let index = command.operands.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("\(command.name) declares no operand \(name)")
        }
        return Array(operands.dropFirst(index))
    }

    /// The option's value as a whole number in `range`.
    func integer(_ option: String, in range: ClosedRange<Int>) throws(CommandFailure) -> Int? {
        guard let text = value(option) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .usage(
                "--\(option) is \"\(text)\"; allowed: whole numbers from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// The option's value as one of a set of words.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ option: String, as type: Choice.Type = Choice.self
    ) throws(CommandFailure) -> Choice? {
        guard let text = value(option) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let allowed = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw .usage("--\(option) is \"\(text)\"; allowed: \(allowed)")
        }
        return choice
    }

    private func declared(_ option: String) -> String {
        precondition(
            command.allOptions.contains { $0.name == option }, "\(command.name) declares no --\(option)")
        return option
    }
}

/// Understands a command line by the verbs' own tables.
struct ArgumentParser {
    let commands: [Command]

    enum Result: Sendable {
        case run(Invocation)
        /// Help on a verb, or on all of them.
        case help(Command?)
    }

    /// - Parameter words: The command line without the program's own name.
    func parse(_ words: [String]) throws(CommandFailure) -> Result {
        guard let first = words.first else { throw .usage("a verb is missing; see bullpen help") }
        switch first {
        case "-h", "--help": return .help(nil)
        case "--version": return try parse(["version"])
        case "help":
            guard words.count > 1 else { return .help(nil) }
            let (command, _) = try find(Array(words.dropFirst()))
            return .help(command)
        default: break
        }
        let (command, rest) = try find(words)
        return try parse(rest, of: command)
    }

    private func find(_ words: [String]) throws(CommandFailure) -> (Command, [String]) {
        let first = words[0]
        let family = commands.map(\.name).filter { $0.hasPrefix(first + " ") }
        // Some lists are called `keys list`, others `feeds`; whoever takes one for the other gets what he meant.
        if !family.isEmpty, words.count > 1, words[1] == "list",
            let command = commands.first(where: { $0.name == first && $0.operands.isEmpty })
        {
            return (command, Array(words.dropFirst(2)))
        }
        for length in [2, 1] where words.count >= length {
            let name = words.prefix(length).joined(separator: " ")
            if let command = commands.first(where: { $0.name == name }) {
                return (command, Array(words.dropFirst(length)))
            }
        }
        if !family.isEmpty {
            let given =
                words.count > 1 && !words[1].hasPrefix("-")
                ? "\"\(first) \(words[1])\" is no verb" : "more is needed"
            throw .usage("\(given); there are: \(family.joined(separator: ", "))")
        }
        let verbs = Set(commands.map { String($0.name.prefix { $0 != " " }) })
        let hint = NearestName.of(first, among: verbs).map { "; did you mean \($0)?" } ?? "; see bullpen help"
        throw .usage("\"\(first.prefix(64))\" is no verb\(hint)")
    }

    private func parse(_ words: [String], of command: Command) throws(CommandFailure) -> Result {
        var invocation = Invocation(command: command)
        var rest = words[...]
        var onlyOperands = false
        while let word = rest.popFirst() {
            if onlyOperands || word == "-" || !word.hasPrefix("-") {
                invocation.operands.append(word)
            } else if word == "--" {
                onlyOperands = true
            } else {
                try take(option: word, &rest, into: &invocation)
            }
        }
        if invocation.values["help"] != nil { return .help(command) }
        let required = command.operands.filter { $0.count == .one }
        guard invocation.operands.count >= required.count else {
            throw misuse(command, "<\(required[invocation.operands.count].name)> is missing")
        }
        if command.operands.last?.count != .any, invocation.operands.count > command.operands.count {
            throw misuse(
                command, "\"\(invocation.operands[command.operands.count].prefix(64))\" is one word too many")
        }
        return .run(invocation)
    }

    private func take(
        option word: String, _ rest: inout ArraySlice<String>, into invocation: inout Invocation
    ) throws(CommandFailure) {
        let command = invocation.command
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let given = String(parts[0])
        let found = command.allOptions.first { option in
            given == "--\(option.name)" || option.short.map { given == "-\($0)" } ?? false
        }
        guard let option = found else {
            let names = command.allOptions.map { "--\($0.name)" }
            let hint = NearestName.of(given, among: names).map { "; did you mean \($0)?" } ?? ""
            throw misuse(command, "\(given.prefix(64)) is no option of it\(hint)")
        }
        guard option.value != nil else {
            guard parts.count == 1 else { throw misuse(command, "--\(option.name) takes no value") }
            invocation.values[option.name] = []
            return
        }
        guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
            throw misuse(command, "--\(option.name) needs a value")
        }
        guard option.isRepeatable || invocation.values[option.name] == nil else {
            throw misuse(command, "--\(option.name) stands twice")
        }
        invocation.values[option.name, default: []].append(value)
    }

    private func misuse(_ command: Command, _ reason: String) -> CommandFailure {
        .usage("\(command.name): \(reason); see bullpen \(command.name) --help")
    }
}
