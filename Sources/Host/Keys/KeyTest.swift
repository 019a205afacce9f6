internal import Exchanges
internal import Net
internal import Posix
internal import Secrets
internal import Trading
internal import Vault

extension Host {
    /// Made once: libwebsockets 4.1 keeps the certificates of each client, some 400 KB, until the process ends.
    private static let outside: Result<(http: HTTPClient, sockets: WebSocketClient), any Error> = Result {
        (http: try HTTPClient(), sockets: try WebSocketClient())
    }

    /// Tries a key at its venue, on a loop of its own: the floor has nothing to do with a key that trades on no account.
    static func check(
        _ name: String, _ environment: VenueEnvironment, _ key: SigningKey,
        _ venues: Configuration.Venues, _ nonces: NonceKeeper
    ) async -> KeyCheck {
        func outcome(_ outcome: KeyCheck.Outcome, _ reason: String) -> KeyCheck {
            KeyCheck(outcome, at: Timestamp(milliseconds: WallClock.milliseconds), reason: reason)
        }
        guard let known = KnownVenue(rawValue: name) else {
            return outcome(.untested, "this version cannot try keys of \(name)")
        }
        do {
            let (http, sockets) = try outside.get()
            let loop = try EventLoop(name: "key-test")
            defer { loop.stop() }
            let id = known.id(environment)
            let result = await withCheckedContinuation { continuation in
                loop.perform {
                    let wall = { Timestamp(milliseconds: WallClock.milliseconds) }
                    switch known {
                    case .binance:
                        let venue = BinanceVenue(
                            venue: id, addresses: venues.binance(environment), http: http, sockets: sockets,
                            loop: loop, keys: { _ in key })
                        venue.examineKey(of: "key-test", wall: wall) { result in
                            venue.end()
                            continuation.resume(returning: result)
                        }
                    case .coindcx:
                        let venue = CoinDCXVenue(
                            venue: id, addresses: venues.coinDCXAddresses, http: http, sockets: sockets,
                            loop: loop, keys: { _ in key })
                        venue.examineKey(of: "key-test", wall: wall) { result in
                            venue.end()
                            continuation.resume(returning: result)
                        }
                    case .coinspot:
                        let venue = CoinSpotVenue(
                            venue: id, base: venues.coinspot, http: http, loop: loop, nonces: nonces,
                            keys: { _ in key })
                        venue.examineKey(of: "key-test", wall: wall) { result in
                            venue.end()
                            continuation.resume(returning: result)
                        }
                    }
                }
            }
            switch result {
            case .success(let found):
                return KeyCheck(
                    .works, at: Timestamp(milliseconds: WallClock.milliseconds),
                    canWithdraw: found.canWithdraw,
                    clockOffsetMilliseconds: found.clockOffsetMilliseconds,
                    currencies: found.balances.count)
            case .failure(.refused(let reason)): return outcome(.refused, reason)
            case .failure(.unsent(let reason)), .failure(.outcomeUnknown(let reason)):
                return outcome(.unreachable, reason)
            }
        } catch {
            return outcome(.unreachable, "\(error)")
        }
    }
}
