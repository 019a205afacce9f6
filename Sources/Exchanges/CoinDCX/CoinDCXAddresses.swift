/// Where CoinDCX, or something that speaks like it, is found. There is no test network.
///
/// Source: docs.coindcx.com, read in 2026.
public struct CoinDCXAddresses: Hashable, Sendable {
    /// Scheme and host of signed calls, ticker and markets.
    public let rest: String
    /// Scheme and host of candles, books and trades.
    public let market: String
    /// Scheme and host of the spot socket.
    public let socket: String

    /// The exchange itself.
    public static let live = CoinDCXAddresses(rest: "https://api.coindcx.com")

    /// Takes the address of the REST interface; the other two follow from it unless they are given.
    ///
    /// For the exchange's own host they are its own; any other host is taken to serve all three, as the simulator does.
    public init(rest: String, market: String = "", socket: String = "") {
        let rest = Self.trimmed(rest)
        let isOwn = rest == "https://api.coindcx.com"
        self.rest = rest
        self.market = market.isEmpty ? (isOwn ? "https://public.coindcx.com" : rest) : Self.trimmed(market)
        if !socket.isEmpty {
            self.socket = Self.trimmed(socket)
        } else if isOwn {
            self.socket = "wss://stream-spot.coindcx.com"
        } else {
            self.socket = rest.hasPrefix("http") ? "ws" + rest.dropFirst(4) : rest
        }
    }

    /// The address of the Engine.IO handshake; long polling does not work there.
    var handshake: String { "\(socket)/socket.io/?EIO=4&transport=websocket" }

    private static func trimmed(_ address: String) -> String {
        var address = address
        while address.hasSuffix("/") { address.removeLast() }
        return address
    }
}
