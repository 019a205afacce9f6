internal import Exchanges
internal import Net
internal import Posix
internal import Secrets
internal import Trading
internal import Vault

extension Host {
    /// Tries a key at its venue, on a loop of its own: the floor has nothing to do with a key that trades on no account.
    static func check(
        _ name: String, _ environment: TradingEnvironment, _ key: SigningKey,
        _ venues: Configuration.Venues
    ) async -> KeyCheck {
        func outcome(_ outcome: KeyCheck.Outcome, _ reason: String) -> KeyCheck {
            KeyCheck(outcome, at: Timestamp(milliseconds: WallClock.milliseconds), reason: reason)
        }
        guard let known = KnownVenue(rawValue: name),
            let world = VenueEnvironment(rawValue: environment.rawValue)
        else { return outcome(.untested, "this version cannot try keys of \(name)") }
        do {
            let (loop, http, sockets) = (
                try EventLoop(name: "key-test"), try HTTPClient(), try WebSocketClient()
            )
            defer { loop.stop() }
            let id = known.id(world)
            let result = await withCheckedContinuation { continuation in
                loop.perform {
                    let wall = { Timestamp(milliseconds: WallClock.milliseconds) }
                    switch known {
                    case .binance:
                        let venue = BinanceVenue(
                            venue: id, addresses: venues.binance(world), http: http, sockets: sockets,
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
                            venue: id, base: venues.coinspot, http: http, loop: loop, keys: { _ in key })
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
