import FoundationEssentials
import Glibc
import Net
import Posix
import Synchronization
import Wire

/// `bullpen serve` in a process of its own, which can be killed and started again.
final class ServedHost: Sendable {
    let data: String
    private let folder: BenchFolder
    private let program: String
    private let settings: [String]
    private let client: HTTPClient
    private let state = Mutex(State())

    private struct State {
        var pid: Int32 = 0
        /// When it was started, in milliseconds since the epoch and on the monotonic clock.
        var launched: (wall: Int64, nanoseconds: UInt64) = (0, 0)
        var token = ""
    }

    /// Another than the one that people use.
    private static let port = 18_463
    private static let address = "http://127.0.0.1:\(port)"

    /// A host on a new data folder in front of an exchange, with its prices as the feed `prices` and an account `main` on it.
    init(
        _ surroundings: Surroundings, on exchange: ExchangeProcess, settings: [String] = []
    ) async throws {
        folder = try BenchFolder()
        data = folder.path + "/data"
        program = surroundings.stage + "/bin/bullpen"
        client = try HTTPClient()
        self.settings =
            [
                "venues.binance_testnet=\(exchange.address)", "limits.orders_per_minute=1000000",
                "limits.open_orders=100000", "limits.position_notional=1000000000000",
                "limits.order_notional=1000000000000", "limits.daily_loss=1000000000000",
                "strategy.lines_per_second=1000000", "venues.price_age=3600s", "strategy.max_cpu_share=2",
            ] + settings
        guard unsafe mkdir(data, 0o700) == 0,
            unsafe symlink(try BenchHost.runtimes(surroundings.layout), data + "/runtimes") == 0
        else { throw SystemCallError(call: "mkdir", number: errno, subject: data) }
        let made = try ChildProcess.run(program, ["vault", "init", "--data", data], environment: [])
        guard made.status == .exited(code: 0) else { throw MeasurementFailure(made.output) }
        try launch()
        try await waitUntilReady()
        try await logIn()
        try await open(exchange)
    }

    var pid: Int32 { state.withLock { $0.pid } }
    /// When it was started last, in milliseconds since the epoch.
    var launchedAt: Int64 { state.withLock { $0.launched.wall } }

    // MARK: - Life and death

    /// Starts it and does not wait.
    func launch() throws {
        let output = try FileDescriptor.open(
            folder.path + "/output", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        let null = try FileDescriptor.open("/dev/null", O_RDONLY)
        var words = [program, "serve", "--data", data, "--port", "\(Self.port)"]
        for setting in settings { words += ["--set", setting] }
        let launched = (wall: WallClock.milliseconds, nanoseconds: MonotonicClock.nanoseconds)
        let pid = try ChildProcess.spawn(
            program, arguments: words, descriptors: [null.number, output.number, output.number])
        state.withLock { ($0.pid, $0.launched) = (pid, launched) }
    }

    /// Waits until it says so; gives the milliseconds since it was launched.
    @discardableResult
    func waitUntilReady() async throws -> Double {
        let launched = state.withLock { $0.launched.nanoseconds }
        while !(try said().contains("Ready.")) {
            let process = try ChildProcess.open(pid)
            guard MonotonicClock.nanoseconds - launched < 120_000_000_000,
                try ChildProcess.reap(process) == nil
            else { throw MeasurementFailure("the host says: \(try said())") }
            try await Task.sleep(for: .milliseconds(1))
        }
        return Double(MonotonicClock.nanoseconds - launched) / 1e6
    }

    private func said() throws -> String {
        let file = try FileDescriptor.open(folder.path + "/output", O_RDONLY)
        return String(decoding: try file.read(at: 0, count: max(1, try file.size())), as: UTF8.self)
    }

    func kill() throws { try end(by: SIGKILL) }

    func end() throws { try end(by: SIGTERM) }

    private func end(by signal: Int32) throws {
        let pid = state.withLock { state in
            defer { state.pid = 0 }
            return state.pid
        }
        guard pid > 0 else { return }
        try ChildProcess.signal(try ChildProcess.open(pid), signal)
        try ChildProcess.wait(for: pid)
    }

    /// A measurement that has failed leaves nothing running.
    deinit {
        do { try end() } catch { complain("a host stays behind: \(error)") }
    }

    /// What the newest line of the host's log with that message holds.
    func logged(_ message: String) throws -> JSONValue? {
        let file = try FileDescriptor.open(data + "/logs/host.jsonl", O_RDONLY)
        let text = String(decoding: try file.read(at: 0, count: max(1, try file.size())), as: UTF8.self)
        let wanted = "\"message\":\"\(message)\""
        guard let line = text.split(separator: "\n").last(where: { $0.contains(wanted) }) else { return nil }
        return try JSONParser.parse(String(line))
    }

    // MARK: - Asking

    func ask(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        try await ask(
            HTTPRequest(
                method, Self.address + path,
                body: body.map { .bytes($0.bytes, contentType: "application/json") } ?? .none))
    }

    /// What `GET /metrics` says of one series.
    func metric(_ series: String) async throws -> Double {
        let text = String(
            decoding: try await send(HTTPRequest("GET", Self.address + "/metrics")), as: UTF8.self)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(series + " ") }),
            let value = line.split(separator: " ").last.flatMap({ Double($0) })
        else { throw MeasurementFailure("there is no metric \(series)") }
        return value
    }

    private func ask(_ request: HTTPRequest) async throws -> JSONValue {
        let body = try await send(request)
        return body.isEmpty ? .null : try JSONParser.parse(body)
    }

    private func send(_ request: HTTPRequest) async throws -> [UInt8] {
        var request = request
        request.headers.append(("Authorization", "Bearer \(state.withLock { $0.token })"))
        let response = try await client.send(request)
        guard response.status < 300 else {
            throw MeasurementFailure(
                "\(request.method) \(request.url): \(String(decoding: response.body, as: UTF8.self))")
        }
        return response.body
    }

    private func logIn() async throws {
        guard let line = try said().split(separator: "\n").first(where: { $0.contains("shown only now: ") }),
            let password = line.split(separator: " ").last
        else { throw MeasurementFailure("the host shows no password") }
        let login = try await client.send(
            HTTPRequest(
                "POST", Self.address + "/login",
                body: .bytes(
                    JSONValue.members(["name": .string("admin"), "password": .string(String(password))])
                        .bytes, contentType: "application/json")))
        let cookie = String((login.head["set-cookie"] ?? "").prefix { $0 != ";" })
        let csrf = try JSONParser.parse(login.body)["csrf_token"]?.stringValue ?? ""
        let made = try await client.send(
            HTTPRequest(
                "POST", Self.address + "/tokens", headers: [("Cookie", cookie), ("X-CSRF-Token", csrf)],
                body: .bytes(Array(#"{"name":"bench"}"#.utf8), contentType: "application/json")))
        guard let token = try JSONParser.parse(made.body)["token"]?.stringValue else {
            throw MeasurementFailure("no token: \(String(decoding: made.body, as: UTF8.self))")
        }
        state.withLock { $0.token = token }
    }

    // MARK: - Setting up

    private func open(_ exchange: ExchangeProcess) async throws {
        _ = try await ask("POST", "/feeds", ExchangeSetup.feed)
        _ = try await ask("POST", "/accounts", ExchangeSetup.account)
        _ = try await ask("POST", "/credentials", ExchangeSetup.credential)
        try await waitUntilOpen()
    }

    /// Waits until the account's stream of orders is open and the venue tells what it holds.
    func waitUntilOpen() async throws {
        try await wait(for: "the account") {
            do {
                return try await self.ask("GET", "/accounts/main/balance")["balances"] != nil
            } catch is MeasurementFailure {
                // Until the venue is there, the question is refused.
                return false
            }
        }
    }

    /// Uploads a program that trades and starts it; gives its id.
    func start(_ program: [UInt8], name: String, parameters: KeyValuePairs<String, JSONValue?>) async throws
        -> String
    {
        let config = JSONValue.members([
            "name": .string(name), "pair": .string("BTCUSDT"), "resolution": .string("1m"),
            "cpu_share": .number("1"), "lookback_period": .integer(1), "max_daily_loss": .number("0.99"),
            "orders_at_death": .string("keep"), "custom_params": .members(parameters),
        ])
        let parts = [
            HTTPRequest.Part(
                name: "file", fileName: name, contentType: "application/octet-stream",
                content: .bytes(program)),
            HTTPRequest.Part(name: "config", content: .bytes(config.bytes)),
            HTTPRequest.Part(name: "name", content: .bytes(Array(name.utf8))),
        ]
        let made = try await ask(HTTPRequest("POST", Self.address + "/strategies", body: .form(parts)))
        guard let id = made["id"]?.stringValue else { throw MeasurementFailure(made.text) }
        _ = try await ask(
            "POST", "/strategies/\(id)/start",
            .members([
                "feed": .string("prices"), "account": .string("main"), "capital": .string("10000000"),
            ]))
        do {
            try await wait(for: "\(name) to run") {
                try await self.ask("GET", "/strategies/\(id)/status")["state"] == .string("running")
            }
        } catch let failure as MeasurementFailure {
            let status = try await ask("GET", "/strategies/\(id)/status")
            let log = try await ask("GET", "/strategies/\(id)/logs?limit=20")
            throw MeasurementFailure("\(failure.description): \(status.text), its log: \(log.text)")
        }
        return id
    }

    func signal(_ action: String, to id: String) async throws {
        _ = try await ask("POST", "/strategies/\(id)/signals", .members(["action": .string(action)]))
    }

    /// The newest line of a strategy's log that begins with `word`, once there is one more than `count`.
    func line(_ word: String, of id: String, beyond count: Int) async throws -> String {
        for _ in 0..<500 {
            let lines = (try await ask("GET", "/strategies/\(id)/logs?limit=1000")["items"]?.arrayValue ?? [])
                .compactMap { $0["message"]?.stringValue }.filter { $0.hasPrefix(word) }
            if lines.count > count, let last = lines.last { return last }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw MeasurementFailure("\(id) logs no line with \(word)")
    }

    func wait(
        for what: String, seconds: Int = 60, _ isDone: @Sendable () async throws -> Bool
    ) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(seconds)
        while !(try await isDone()) {
            guard clock.now < deadline else { throw MeasurementFailure("waited in vain for \(what)") }
            try await clock.sleep(for: .milliseconds(20))
        }
    }
}

/// What a host needs in order to trade at an ``ExchangeProcess``.
enum ExchangeSetup {
    static let feed = JSONValue.members([
        "id": .string("prices"), "kind": .string("binance"), "symbols": .array([.string("BTCUSDT")]),
        "resolutions": .array([.string("1m")]),
    ])
    static let account = JSONValue.members([
        "id": .string("main"), "venue": .string("binance"), "currency": .string("USDT"),
        "balance": .string("\(ExchangeProcess.balance)"),
    ])
    static let credential = JSONValue.members([
        "venue": .string("binance"), "account": .string("main"),
        "api_key": .string(ExchangeProcess.key.name), "secret": .string(ExchangeProcess.key.secret),
        "active": .bool(true),
    ])
}
