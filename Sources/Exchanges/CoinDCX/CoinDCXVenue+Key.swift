public import Trading

extension CoinDCXVenue {
    /// Tries an account's key by its balances. A key of CoinDCX has all rights, withdrawing included.
    public func examineKey(
        of account: AccountID, wall: @escaping () -> Timestamp,
        _ completion: @escaping (Result<VenueKeyExamination, VenueFailure>) -> Void
    ) {
        balances(on: account) { [self] result in
            // The answer's own time has set the clock.
            let offset = wall().milliseconds - connection.venueTime.milliseconds
            completion(
                result.map {
                    VenueKeyExamination(balances: $0, canWithdraw: true, clockOffsetMilliseconds: offset)
                })
        }
    }
}
