@testable import Host

/// bullpen.toml. What is taken must come back the same when it is written and read again.
func fuzzConfiguration(_ bytes: [UInt8]) {
    guard let configuration = load(bytes) else { return }
    precondition(
        load(Array(ConfigurationFile.text(of: configuration).utf8)) == configuration, "a setting changed")
}

private func load(_ bytes: [UInt8]) -> Configuration? {
    var loader = ConfigurationLoader()
    loader.take(text: bytes, calledBy: "fuzz.toml")
    do {
        return try loader.load().configuration
    } catch {
        precondition(!"\(error)".isEmpty)
        return nil
    }
}
