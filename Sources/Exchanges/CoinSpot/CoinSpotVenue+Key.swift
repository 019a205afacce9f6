public import Trading

extension CoinSpotVenue {
    /// Tries an account's key, read-only or not, by its balances. Whether it may withdraw the venue does not say.
    public func examineKey(
        of account: AccountID, wall: @escaping () -> Timestamp,
        _ completion: @escaping (Result<VenueKeyExamination, VenueFailure>) -> Void
    ) {
        send(question("my/balances", on: account)) { [self] result in
            // The answer's own time has set the clock.
            let offset = wall().milliseconds - connection.venueTime.milliseconds
            completion(
                result.mapError(\.venueFailure).flatMap { answer in
                    guard let totals = Self.totals(answer.body) else {
                        return .failure(.outcomeUnknown("balances that cannot be read"))
                    }
                    let balances = totals.sorted { $0.key < $1.key }.map {
                        VenueBalance(currency: $0.key, total: $0.value, locked: .zero)
                    }
                    return .success(
                        VenueKeyExamination(
                            balances: balances, canWithdraw: nil, clockOffsetMilliseconds: offset))
                })
        }
    }
}
