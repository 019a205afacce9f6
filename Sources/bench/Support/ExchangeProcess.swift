import Glibc
import Net
import Posix
import Synchronization
import Wire

/// Binance as `bullpen simulate` serves it, in a process of its own, with an account called `main` and no limits of
/// requests: what is measured is what machine and programs bear.
final class ExchangeProcess: Sendable {
    let address: String
    let pid: Int32
    private let control: String
    private let client: HTTPClient
    private let hasEnded = Atomic(false)

    static let key = (name: "simulator-key", secret: "simulator-secret")
    static let balance = 1_000_000_000
    private static let withoutLimits = ["orders_per_10s", "orders_per_day", "weight_per_minute"]

    init(_ surroundings: Surroundings) throws {
        let program = surroundings.stage + "/bin/bullpen"
        var words = [
            program, "simulate", "binance", "--port", "0", "--json", "--set", "max_num_orders=1000000",
        ]
        for name in Self.withoutLimits { words += ["--set", "\(name)=100000000"] }
        for money in ["USDT=\(Self.balance)", "BTC=0", "ETH=0"] { words += ["--balance", money] }
        // So that what was bought can be sold again, for hours.
        words += ["--maker-fee", "0", "--taker-fee", "0"]
        let output = try Pipe()
        let null = try FileDescriptor.open("/dev/null", O_RDONLY)
        pid = try ChildProcess.spawn(
            program, arguments: words, descriptors: [null.number, output.writeEnd.number, 2])
        var said: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !said.contains(0x0A) {
            let count = try output.readEnd.read(into: &buffer)
            guard count > 0 else { throw MeasurementFailure("the exchange does not start") }
            said += buffer.prefix(count)
        }
        let told = try JSONParser.parse(Array(said.prefix { $0 != 0x0A }))
        guard let address = told["address"]?.stringValue, let control = told["control"]?.stringValue else {
            throw MeasurementFailure("the exchange says \(told.text)")
        }
        self.address = address
        self.control = control
        client = try HTTPClient()
    }

    /// What its control door answers.
    func ask(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        let response = try await client.send(
            HTTPRequest(
                method, control + path,
                body: body.map { .bytes($0.bytes, contentType: "application/json") } ?? .none,
                responseLimit: 1 << 30))
        guard response.status < 300 else {
            throw MeasurementFailure("\(method) \(path): \(String(decoding: response.body, as: UTF8.self))")
        }
        return try JSONParser.parse(response.body)
    }

    /// How many orders it has taken since it began, which is the number of the newest.
    func orderCount() async throws -> Int {
        guard let count = try await ask("GET", "")["orders"]?.intValue else {
            throw MeasurementFailure("the exchange counts no orders")
        }
        return count
    }

    /// When it took its first order from number `first` on, in milliseconds since the epoch; nil before there is one.
    func timeOfOrder(from first: Int) async throws -> Int? {
        let books = try await ask("GET", "/books?from=\(first)&after=999999999999")
        return books["accounts"]?.arrayValue?.first?["orders"]?.arrayValue?.first?["created"]?.intValue
    }

    /// Milliseconds that a question to it takes when nobody else asks, over a kept connection.
    func roundTrip() async throws -> Double {
        let begin = MonotonicClock.nanoseconds
        let response = try await client.send(HTTPRequest("GET", address + "/api/v3/time"))
        guard response.status == 200 else { throw MeasurementFailure("the exchange has no time") }
        return Double(MonotonicClock.nanoseconds - begin) / 1e6
    }

    /// Holds the price of BTCUSDT, which tells a quote and a trade.
    func hold(_ price: Int) async throws {
        _ = try await ask(
            "PUT", "/market",
            .members([
                "symbol": .string("BTCUSDT"), "bid": .string("\(price)"), "ask": .string("\(price)"),
                "bid_quantity": .string("1000"), "ask_quantity": .string("1000"),
            ]))
    }

    func end() throws {
        guard hasEnded.exchange(true, ordering: .relaxed) == false else { return }
        try ChildProcess.signal(try ChildProcess.open(pid), SIGTERM)
        try ChildProcess.wait(for: pid)
    }

    /// A measurement that has failed leaves nothing running.
    deinit {
        do { try end() } catch { complain("an exchange stays behind: \(error)") }
    }
}
