import FoundationEssentials
import Glibc
import Host
import Identity
import Posix
import Sandbox
import Trading
import Wire

/// A host in this process, on a data folder of its own, with everything real: walls, children, journal.
final class BenchHost: Sendable {
    let host: Host
    private let folder: BenchFolder
    let data: String
    let metrics = MetricsRegistry()

    /// The runtimes that strategies run in, made once and kept.
    static func runtimes(_ layout: InstalledLayout) throws -> String {
        let path = FileManager.default.currentDirectoryPath + "/.build/bench-runtimes"
        let installer = RuntimeInstaller(runtimes: path, requirements: layout.profiles + "/runtimes")
        for runtime in [Runtime.bare, .native] { try installer.install(runtime) }
        return path
    }

    /// Opens and starts a host; a feed that takes what is sent to it is called `injected`. In front of an exchange the feed
    /// `prices` and the account `main` are on it.
    init(
        _ surroundings: Surroundings, settings: [String] = [], instruments: Instruments = Instruments(),
        isInMemory: Bool = false, exchange: ExchangeProcess? = nil
    ) async throws {
        folder = try BenchFolder(isInMemory: isInMemory)
        data = folder.path + "/data"
        guard unsafe mkdir(data, 0o755) == 0,
            unsafe symlink(try Self.runtimes(surroundings.layout), data + "/runtimes") == 0
        else { throw SystemCallError(call: "mkdir", number: errno, subject: data) }
        var loader = ConfigurationLoader()
        // The simulated market would run beside what is measured.
        var settings = ["market.speed=1"] + settings
        if let exchange {
            settings.append("venues.binance_testnet=\(exchange.address)")
            let made = try ChildProcess.run(
                surroundings.stage + "/bin/bullpen", ["vault", "init", "--data", data], environment: [])
            guard made.status == .exited(code: 0) else { throw MeasurementFailure(made.output) }
        }
        for setting in settings { loader.take(assignment: setting) }
        host = try await Host(
            configuration: try loader.load(), folder: data, layout: surroundings.layout,
            log: HostLog(part: "host", sink: try LogSink.memory()), metrics: metrics,
            instruments: instruments)
        try await host.start()
        if exchange != nil { try await openAccount() }
    }

    private func openAccount() async throws {
        _ = try await host.identity.addUser(
            "bench", role: .operator, password: "correct horse battery", by: "host")
        _ = try await host.addFeed(ExchangeSetup.feed, by: "bench")
        _ = try await host.addAccount(ExchangeSetup.account, by: "bench")
        _ = try await host.addCredential(ExchangeSetup.credential, by: "bench")
        for _ in 0..<500 {
            if host.health.json["binance-testnet"] == .string("ok") { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw MeasurementFailure("the exchange's account does not open: \(host.health.json.text)")
    }

    /// Uploads a strategy and starts it on a feed that takes what is sent to it; gives its id.
    func start(
        _ content: [UInt8], file: String, name: String, config: JSONValue, feed: String = "injected",
        account: String? = nil
    ) async throws -> String {
        let id = try await host.upload(
            BundleUpload(content: content, fileName: file, name: name, config: config.bytes), by: "bench"
        ).id
        var options = StartOptions(feed: feed)
        if let account { options.account = account }
        _ = try await host.start(id, options: options, by: "bench")
        return id
    }

    /// Waits until a strategy takes prices; gives its process id.
    @discardableResult
    func waitUntilRunning(_ id: String, seconds: Int = 60) async throws -> Int32 {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let status = try await host.status(of: id)
            if status.state == .running, let pid = status.pid { return Int32(pid) }
            guard ContinuousClock.now < deadline, status.state != .quarantined else {
                let lines = try await host.logs(of: id, page: PageRequest(limit: 20)).items.map(\.message)
                throw MeasurementFailure(
                    "\(id) does not run: \(status.json.text) \(lines.joined(separator: "; "))")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Ends the host and everything in it.
    func end() async { await host.drain() }
}

extension MarketEvent {
    /// A trade of BTCUSDT at 50,000, give or take.
    static func benchTrade(_ number: Int) -> MarketEvent {
        .trade(
            MarketTrade(
                symbol: "BTCUSDT", time: Timestamp(milliseconds: WallClock.milliseconds),
                price: FixedDecimal(50_000 + number % 100), quantity: .one))
    }
}
