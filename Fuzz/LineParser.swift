import Wire

/// What libFuzzer calls with each input: no bytes may bring a parser down, and what a parser takes must come back the
/// same when it is written and read again. Built and run by `scripts/fuzz`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
    fuzzJSON(bytes)
    fuzzStrategyLine(bytes)
    fuzzHostLine(bytes)
    return 0
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
