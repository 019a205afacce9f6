import Glibc
import TestSupport

/// The program itself, in a home of its own, against a stand-in for the host.
final class CommandLineFixture: @unchecked Sendable {
    // Sendable: everything is set once in the initialiser.
    let home = Places.makeTemporaryFolder()
    let address: String
    private let host: ChildProcess

    init() throws {
        host = try ChildProcess(
            "/usr/bin/python3", ["-I", Places.package + "/Tests/CommandTests/fake_host.py"], environment: [:])
        guard let port = host.readLine() else { throw ChildProcess.StartFailure(number: 0) }
        address = "http://127.0.0.1:\(port)"
    }

    deinit {
        host.send(signal: SIGKILL)
        _ = host.finishBlocking()
        // A folder left in /tmp fails no test.
        _ = try? ChildProcess("/bin/rm", ["-r", home], environment: [:]).finishBlocking()
    }

    /// Waits until the host says that it lets a request wait.
    func nextHostLine() -> String? { host.readLine() }

    /// Variables for the program; with a token unless told otherwise.
    func environment(token: String? = "bp_test_token_4711") -> [String: String] {
        var variables = ["HOME": home, "PATH": "/usr/bin:/bin", "BULLPEN_SERVER": address]
        variables["BULLPEN_TOKEN"] = token
        return variables
    }

    @discardableResult
    func run(
        _ arguments: String..., input: String = "", token: String? = "bp_test_token_4711",
        variables: [String: String] = [:]
    ) async throws -> ChildProcess.Ending {
        try await ChildProcess.run(
            Places.products + "/bullpen", arguments,
            environment: environment(token: token).merging(variables) { $1 }, input: input)
    }

    func start(_ arguments: [String]) throws -> ChildProcess {
        try ChildProcess(Places.products + "/bullpen", arguments, environment: environment())
    }

    /// Writes a file into the home and returns its path.
    func write(_ name: String, _ text: String) -> String {
        let path = home + "/" + name
        let file = fopen(path, "w")
        precondition(file != nil, "\(path) cannot be written")
        fputs(text, file)
        fclose(file)
        return path
    }

    /// What a file holds; empty when it is not there.
    func text(of path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
