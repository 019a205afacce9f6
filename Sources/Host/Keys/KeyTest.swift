internal import Posix
internal import Secrets
internal import Trading
internal import Vault

extension Host {
    /// Tries a key at its venue.
    static func check(
        _ venue: String, _ environment: TradingEnvironment, _ key: SigningKey
    ) async -> KeyCheck {
        KeyCheck(
            .untested, at: Timestamp(milliseconds: WallClock.milliseconds),
            reason: "this version cannot try keys of \(venue)")
    }
}
