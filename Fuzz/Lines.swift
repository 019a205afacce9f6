import Wire

/// Lines from and to a strategy. What a parser takes must come back the same when it is written and read again.
func fuzzLines(_ bytes: [UInt8]) {
    fuzzJSON(bytes)
    fuzzStrategyLine(bytes)
    fuzzHostLine(bytes)
}

private func fuzzJSON(_ bytes: [UInt8]) {
    guard let value = try? JSONParser.parse(bytes) else { return }
    precondition((try? JSONParser.parse(value.bytes)) == value, "JSON changed on its way out and in")
}

private func fuzzStrategyLine(_ bytes: [UInt8]) {
    let message: StrategyMessage
    do throws(LineFailure) {
        message = try StrategyMessage(line: bytes)
    } catch {
        precondition(!error.description.isEmpty)
        return
    }
    let line = message.line
    precondition(!line.dropLast().contains(0x0A), "a line has a line break inside")
    precondition((try? StrategyMessage(line: line.dropLast())) == message, "a message changed")
    // The message parser reads bytes by itself; the tree parser must agree that they are JSON.
    precondition((try? JSONParser.parse(bytes, limits: .line)) != nil, "only one of two parsers took it")
}

private func fuzzHostLine(_ bytes: [UInt8]) {
    guard let message = try? HostMessage(line: bytes[...]) else { return }
    precondition((try? HostMessage(line: message.line.dropLast())) == message, "a host message changed")
}
