/// Where Binance, or something that speaks like it, is found.
///
/// Source: binance-spot-api-docs, rest-api.md, web-socket-api.md, web-socket-streams.md and testnet/, read in 2026.
public struct BinanceAddresses: Hashable, Sendable {
    /// Scheme and host of the REST interface, such as `https://api.binance.com`; paths begin with `/api/v3/`.
    public let rest: String
    /// Scheme and host of the market streams, such as `wss://stream.binance.com:9443`.
    public let streams: String
    /// The whole address of the WebSocket API, which carries the user data stream.
    public let socketAPI: String

    /// The exchange itself.
    public static let live = BinanceAddresses(rest: "https://api.binance.com")
    /// The exchange's test network.
    public static let testnet = BinanceAddresses(rest: "https://testnet.binance.vision")

    /// Takes the address of the REST interface; the other two follow from it unless they are given.
    ///
    /// For the exchange's own hosts they are its own; any other host is taken to serve all three, as the simulator does.
    public init(rest: String, streams: String = "", socketAPI: String = "") {
        let rest = Self.trimmed(rest)
        self.rest = rest
        let known = Self.known.first { rest == $0.rest }
        let socket = rest.hasPrefix("http") ? "ws" + rest.dropFirst(4) : rest
        self.streams = streams.isEmpty ? known?.streams ?? socket : Self.trimmed(streams)
        self.socketAPI =
            socketAPI.isEmpty ? known?.socketAPI ?? "\(socket)/ws-api/v3" : Self.trimmed(socketAPI)
    }

    private static func trimmed(_ address: String) -> String {
        var address = address
        while address.hasSuffix("/") { address.removeLast() }
        return address
    }

    private static let known: [(rest: String, streams: String, socketAPI: String)] =
        ["api", "api-gcp", "api1", "api2", "api3", "api4"].map {
            (
                "https://\($0).binance.com", "wss://stream.binance.com:9443",
                "wss://ws-api.binance.com:443/ws-api/v3"
            )
        } + [
            (
                "https://testnet.binance.vision", "wss://stream.testnet.binance.vision",
                "wss://ws-api.testnet.binance.vision/ws-api/v3"
            ),
            (
                "https://demo-api.binance.com", "wss://demo-stream.binance.com",
                "wss://demo-ws-api.binance.com/ws-api/v3"
            ),
        ]
}
