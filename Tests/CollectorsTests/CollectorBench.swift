import Collectors
import Exchanges
import MarketData
import Net
import Posix
import Simulators
import Synchronization
import TestSupport
import Testing
import Trading
import Wire

/// Collectors in front of a simulated exchange.
final class CollectorBench: Sendable {
    let simulator: Simulator
    let service: CollectorService
    let store: CollectorStore
    let sink = MemorySink()
    let health = Health()
    private let http: HTTPClient
    private let exchange: SimulatedExchange

    /// What the health page would have.
    final class Health: Sendable {
        private let faults = Mutex<[String: String]>([:])

        func note(_ id: String, _ fault: String?) { faults.withLock { $0[id] = fault } }

        subscript(id: String) -> String? { faults.withLock { $0[id] } }
    }

    /// Starts both.
    ///
    /// - Parameters:
    ///   - path: Where the collectors' database is.
    ///   - retry: Quick, unless a test wants to see the usual.
    init(
        _ exchange: SimulatedExchange, path: String,
        retry: Retry = Retry(attempts: 3, pauseMilliseconds: 1, timeoutMilliseconds: 2_000),
        settings: [(name: String, value: String)] = []
    ) async throws {
        var configuration = SimulatorConfiguration(exchange)
        configuration.port = 0
        configuration.settings = settings
        self.exchange = exchange
        simulator = try await Simulator.start(configuration)
        http = try HTTPClient()
        store = try CollectorStore(path: path)
        service = try CollectorService(store: store)
        try await service.begin(
            venues: Self.venues("http://127.0.0.1:\(simulator.port)"), sink: sink, retry: retry,
            log: HostLog(part: "collectors", sink: try .memory())
        ) { [health] in health.note($0, $1) }
    }

    static func venues(_ base: String) -> CollectorVenues {
        CollectorVenues(
            binance: BinanceAddresses(rest: base), binanceTestnet: BinanceAddresses(rest: base),
            coindcx: CoinDCXAddresses(rest: base), coinspot: base)
    }

    func end() async {
        await service.end()
        store.close()
        await simulator.stop()
    }

    func add(_ text: String) async throws -> JSONValue { try await service.add(try JSONParser.parse(text)) }

    func download(_ text: String) async throws -> String {
        let download = try await service.addDownload(try JSONParser.parse(text), by: "anna")
        return try #require(download["id"]?.stringValue)
    }

    /// Waits until a download has ended.
    func ended(_ id: String) async throws -> JSONValue {
        try await until("the download ends") {
            try await service.download(id)["state"]?.stringValue != "running"
        }
        return try await service.download(id)
    }

    func until(_ what: String, _ isTrue: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while try await !isTrue() {
            guard ContinuousClock.now < deadline else { throw Never(what: what) }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    struct Never: Error {
        let what: String
    }

    /// Asks the exchange's control door.
    @discardableResult
    func control(_ method: String, _ path: String, _ body: String) async throws -> JSONValue {
        let answer = try await http.send(
            HTTPRequest(
                method, "http://127.0.0.1:\(simulator.controlPort)/_control\(path)",
                body: .bytes(Array(body.utf8), contentType: "application/json")))
        try #require(answer.status < 300, "\(String(decoding: answer.body, as: UTF8.self))")
        return answer.body.isEmpty ? .null : try JSONParser.parse(answer.body)
    }

    /// The exchange's own answer to a question, as a witness.
    func ask(_ path: String) async throws -> JSONValue {
        let answer = try await http.send(HTTPRequest("GET", "http://127.0.0.1:\(simulator.port)\(path)"))
        return try JSONParser.parse(answer.body)
    }
}
