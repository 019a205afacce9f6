import CBench
import Net
import Posix
import Wire

extension Measurement {
    /// What our server costs above the library that it stands on.
    static let httpRequests = Measurement(
        name: "http-requests",
        summary: "GET /health and authenticated GET /strategies with wrk, beside a bare libwebsockets server"
    ) { surroundings in
        let host = try await HostUnderLoad(stage: surroundings.stage)
        let port = cbench_bare_server_start()
        guard port > 0 else { throw MeasurementFailure("the bare server does not start") }
        defer { cbench_bare_server_stop() }
        var (bare, health, list, status): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        // In turns, so that what else the machine does falls on all of them.
        for _ in 0..<surroundings.samples(3) {
            bare.append(try Load.requestsPerSecond("http://127.0.0.1:\(port)/health"))
            health.append(try Load.requestsPerSecond(host.address + "/health"))
            list.append(try Load.requestsPerSecond(host.address + "/strategies", token: host.token))
            status.append(
                try Load.requestsPerSecond(
                    host.address + "/strategies/\(host.strategies[0])/status", token: host.token))
        }
        try host.stop()
        let floor = Figure.Floor(name: "bare libwebsockets", value: Samples(bare).median)
        return [
            Figure(name: "GET /health", value: Samples(health).median, unit: "requests/s", floor: floor),
            Figure(
                name: "GET /strategies (\(host.strategies.count)), with a token",
                value: Samples(list).median,
                unit: "requests/s", floor: floor),
            Figure(
                name: "GET …/status, with a token", value: Samples(status).median, unit: "requests/s",
                floor: floor),
        ]
    }
}

private enum Load {
    /// Requests a second over 32 connections for four seconds, after one to warm up.
    static func requestsPerSecond(_ address: String, token: String? = nil) throws -> Double {
        let headers = token.map { ["-H", "Authorization: Bearer \($0)"] } ?? []
        _ = try run(headers, "1s", address)
        return try run(headers, "4s", address)
    }

    private static func run(_ headers: [String], _ duration: String, _ address: String) throws -> Double {
        let ended = try ChildProcess.run(
            "/usr/bin/wrk", ["-t1", "-c32", "-d\(duration)"] + headers + [address], environment: [])
        let lines = ended.output.split(separator: "\n")
        guard !ended.output.contains("Non-2xx"),
            let line = lines.first(where: { $0.hasPrefix("Requests/sec:") }),
            let word = line.split(separator: " ").last, let value = Double(word)
        else { throw MeasurementFailure("wrk said: \(ended.output)") }
        return value
    }
}

/// A host of its own with a few strategies, none of which runs.
private struct HostUnderLoad {
    let address: String
    let token: String
    let strategies: [String]
    private let folder: String
    private let child: Int32

    init(stage: String) async throws {
        folder = "/tmp/bullpen-bench-\(MonotonicClock.nanoseconds)"
        let program = stage + "/bin/bullpen"
        let data = folder
        let made = try ChildProcess.run(
            program, ["runtime", "install", "bare", "--data", data], environment: [])
        guard made.status == .exited(code: 0) else { throw MeasurementFailure(made.output) }
        let output = try Pipe()
        let null = try FileDescriptor.open("/dev/null", 0)
        child = try ChildProcess.spawn(
            program, arguments: [program, "serve", "--data", data, "--port", "18461"],
            descriptors: [null.number, output.writeEnd.number, output.writeEnd.number])
        var said = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !said.contains("Ready.") {
            let count = try output.readEnd.read(into: &buffer)
            guard count > 0 else { throw MeasurementFailure("the host said: \(said)") }
            said += String(decoding: buffer[..<count], as: UTF8.self)
        }
        guard let address = Self.word(behind: "Bullpen is at ", in: said),
            let password = Self.word(behind: "shown only now: ", in: said)
        else { throw MeasurementFailure("the host said: \(said)") }
        self.address = address
        let client = try HTTPClient()
        let login = try await Self.ask(
            client, "POST", address + "/login",
            .members(["name": .string("admin"), "password": .string(password)]))
        let cookie = login.head.headers.first { $0.name.lowercased() == "set-cookie" }?.value ?? ""
        let csrf = try JSONParser.parse(login.body)["csrf_token"]?.stringValue ?? ""
        let made2 = try await Self.ask(
            client, "POST", address + "/tokens", .members(["name": .string("bench")]),
            headers: [("Cookie", String(cookie.prefix { $0 != ";" })), ("X-CSRF-Token", csrf)])
        token = try JSONParser.parse(made2.body)["token"]?.stringValue ?? ""
        var strategies: [String] = []
        for index in 0..<20 {
            let request = HTTPRequest(
                "POST", address + "/strategies?name=bench-\(index)",
                headers: [("Authorization", "Bearer \(token)")],
                body: .bytes(
                    Array("from bullpen import Strategy\n\n\nclass Nothing(Strategy):\n    pass\n".utf8),
                    contentType: "text/x-python"))
            let response = try await client.send(request)
            guard let id = try JSONParser.parse(response.body)["id"]?.stringValue else {
                throw MeasurementFailure(String(decoding: response.body, as: UTF8.self))
            }
            strategies.append(id)
        }
        self.strategies = strategies
    }

    func stop() throws {
        let descriptor = try ChildProcess.open(child)
        try ChildProcess.signal(descriptor, 15)
        try ChildProcess.wait(for: child)
        _ = try ChildProcess.run("/bin/rm", ["-rf", folder], environment: [])
    }

    private static func word(behind text: String, in said: String) -> String? {
        guard let line = said.split(separator: "\n").first(where: { $0.contains(text) }) else { return nil }
        return line.split(separator: " ").last.map(String.init)
    }

    private static func ask(
        _ client: HTTPClient, _ method: String, _ address: String, _ body: JSONValue,
        headers: [(name: String, value: String)] = []
    ) async throws -> HTTPResponse {
        try await client.send(
            HTTPRequest(
                method, address, headers: headers, body: .bytes(body.bytes, contentType: "application/json")))
    }
}
