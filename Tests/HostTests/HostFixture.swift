import FoundationEssentials
import Glibc
import Host
import Posix
import Synchronization
import TestSupport
import Testing
import Trading
import Wire

/// All tests with a host: one after another, since each keeps the machine busy.
@Suite(
    "Host", .serialized, .enabled(if: HostFixture.hindrance == nil, "\(HostFixture.hindrance ?? "")"),
    .timeLimit(.minutes(3)))
enum HostTests {}

/// A host in this process, with real walls and real children, asked without HTTP.
final class HostFixture: Sendable {
    let folder: String
    let host: Host
    let log: LogSink
    private let minutes = Atomic<Int64>(0)

    /// The installation that scripts/test stages.
    static let layout = InstalledLayout(prefix: Places.package + "/.build/stage-debug")
    /// The runtimes that scripts/test makes.
    static let runtimes = Places.package + "/.build/test-runtimes"

    /// Why these tests cannot run here; nil when they can.
    static var hindrance: String? {
        if access(layout.confine, X_OK) != 0 { return "\(layout.confine) is missing: scripts/test stages it" }
        if access(runtimes + "/bare", R_OK) != 0 { return "\(runtimes) is missing: scripts/test makes it" }
        return Puppet.hindrance
    }

    /// Opens and starts a host on `folder`, or on a new one. The simulated market has one instrument unless told
    /// otherwise, and runs at a pace that a debug build keeps up with.
    init(folder: String? = nil, settings: [String] = []) async throws {
        self.folder = try Self.prepare(folder ?? Places.makeTemporaryFolder())
        var loader = ConfigurationLoader()
        // `scripts/exam` runs some of these tests as an ordinary user without control groups.
        let replaced =
            getenv("BULLPEN_TEST_GROUPS") == nil ? [] : ["sandbox.without_control_groups=rlimits"]
        for setting in ["market.symbols=BTCUSDT", "market.speed=60"] + replaced + settings {
            loader.take(assignment: setting)
        }
        log = try LogSink.memory()
        host = try await Host(
            configuration: try loader.load(), folder: self.folder, layout: Self.layout,
            log: HostLog(part: "host", sink: log), metrics: MetricsRegistry())
        try await host.start()
    }

    /// Puts the runtimes into a data folder.
    static func prepare(_ folder: String) throws -> String {
        if access(folder + "/runtimes", F_OK) != 0 {
            try #require(symlink(runtimes, folder + "/runtimes") == 0)
        }
        return folder
    }

    /// Ends the host and removes its folder.
    func end() async {
        await host.drain()
        // Only tidiness is lost when the folder stays behind.
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Runs a test on a host of its own, which ends with it however it ends.
    static func run(settings: [String] = [], _ body: (HostFixture) async throws -> Void) async throws {
        let fixture = try await HostFixture(settings: settings)
        do {
            try await body(fixture)
        } catch {
            await fixture.end()
            throw error
        }
        await fixture.end()
    }

    // MARK: - Strategies

    /// Uploads one Python file and gives the strategy's id.
    func upload(_ source: String, name: String = "trial", config: String? = nil) async throws -> String {
        try await host.upload(
            BundleUpload(
                content: Array(source.utf8), fileName: "\(name).py", name: name,
                config: config.map { Array($0.utf8) }),
            by: "ada"
        ).id
    }

    /// Uploads a puppet.
    ///
    /// - Parameters:
    ///   - more: Members of its strategy.json.
    ///   - name: Its name when there is another of its mode.
    func puppet(
        _ mode: String = "plain", _ more: String = "", name: String? = nil
    ) async throws -> String {
        try await host.upload(
            BundleUpload(
                content: Puppet.program.get(), fileName: "main", name: name ?? mode,
                config: Array(Puppet.config(mode: mode, more).utf8)),
            by: "ada"
        ).id
    }

    /// Starts a strategy and waits until it runs.
    func run(_ strategy: String, _ options: StartOptions = StartOptions()) async throws {
        _ = try await host.start(strategy, options: options, by: "ada")
        _ = try await wait(strategy) { $0.state == .running }
    }

    /// Uploads a puppet and lets it run on prices that the test sends.
    func runPuppet(
        _ mode: String = "plain", _ more: String = "",
        _ options: StartOptions = StartOptions(feed: "injected")
    ) async throws -> String {
        let id = try await puppet(mode, more)
        try await run(id, options)
        return id
    }

    /// Makes a puppet write a line of the protocol.
    func say(_ strategy: String, _ line: KeyValuePairs<String, JSONValue?>) async throws {
        _ = try await host.deliver(
            SignalRequest(action: "SAY", data: .members(line)), to: strategy, by: "ada")
    }

    /// Sends a signal that only puppets know.
    func tell(_ strategy: String, _ action: String) async throws {
        _ = try await host.deliver(SignalRequest(action: action), to: strategy, by: "ada")
    }

    /// Makes a puppet ask for an order, and waits until the host has decided over it.
    @discardableResult
    func order(
        _ strategy: String, _ request: String, _ side: String, _ quantity: String, price: String? = nil,
        symbol: String = "BTCUSDT"
    ) async throws -> OrderView {
        try await say(
            strategy,
            [
                "type": .string("order"), "request": .string(request), "symbol": .string(symbol),
                "side": .string(side), "order_type": .string(price == nil ? "market" : "limit"),
                "quantity": .string(quantity), "price": price.map { .string($0) },
            ])
        return try await waitForOrder(strategy, request) { $0.status != .pending }
    }

    /// Waits for an order to be as `isDone` says.
    @discardableResult
    func waitForOrder(
        _ strategy: String, _ request: String, _ isDone: (OrderView) -> Bool
    ) async throws -> OrderView {
        var found: OrderView?
        try await wait("order \(request) of \(strategy)", about: strategy) {
            found = try await orders(strategy).first { $0.request == request }
            return found.map(isDone) ?? false
        }
        return try #require(found)
    }

    /// A strategy's orders, newest first.
    func orders(_ strategy: String) async throws -> [OrderView] {
        try await host.orders(of: strategy, page: PageRequest(limit: 1000)).items
    }

    // MARK: - Prices

    /// Sends the next one-minute candle of the feed for injected prices, all of it at one price.
    func candle(_ price: String, volume: String = "1000", symbol: String = "BTCUSDT") async throws {
        let minute = minutes.add(1, ordering: .relaxed).newValue
        let price = try #require(FixedDecimal(price))
        let candle = Candle(
            symbol: symbol, resolution: try #require(Resolution("1m")),
            openTime: Timestamp(milliseconds: 1_735_689_600_000 + minute * 60_000), open: price, high: price,
            low: price, close: price, volume: try #require(FixedDecimal(volume)))
        _ = try await host.inject([.candle(candle)], into: nil, by: "ada")
    }

    // MARK: - Waiting

    /// Looks again and again until `isDone` says so.
    @discardableResult
    func wait(
        _ strategy: String, seconds: Int = 20, _ isDone: (RunStatusView) -> Bool
    ) async throws -> RunStatusView {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let status = try await host.status(of: strategy)
            if isDone(status) { return status }
            guard ContinuousClock.now < deadline else {
                throw TooLate(
                    what: status.json.text,
                    log: try await lines(strategy).suffix(40).map { String($0.prefix(600)) })
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Looks again and again until `isDone` says so; a failure shows the log of `strategy`.
    func wait(
        _ what: String, about strategy: String? = nil, seconds: Int = 20, _ isDone: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try await !isDone() {
            guard ContinuousClock.now < deadline else {
                var words = log.lines.suffix(20).map { $0 }
                if let strategy { words = try await lines(strategy) }
                throw TooLate(what: what, log: words.suffix(40).map { String($0.prefix(600)) })
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Waits for a line of the strategy's log that contains `text`, and gives it.
    @discardableResult
    func waitForLine(_ strategy: String, _ text: String) async throws -> String {
        var found: String?
        try await wait("\"\(text)\" in the log", about: strategy) {
            found = try await lines(strategy).last { $0.contains(text) }
            return found != nil
        }
        return try #require(found)
    }

    /// The last lines of a strategy's log.
    func lines(_ strategy: String) async throws -> [String] {
        try await host.logs(of: strategy, page: PageRequest(limit: 1000)).items.map {
            "\($0.source): \($0.message)"
        }
    }

    struct TooLate: Error {
        let what: String
        let log: [String]
    }
}
