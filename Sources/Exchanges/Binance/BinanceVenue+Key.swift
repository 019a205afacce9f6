public import Trading
import Wire

/// What is known of a key after it was tried.
public struct VenueKeyExamination: Hashable, Sendable {
    /// What the account holds.
    public let balances: [VenueBalance]
    /// Whether the key may withdraw; nil when the venue does not say.
    public let canWithdraw: Bool?
    /// By how much this machine's clock is ahead of the venue's.
    public let clockOffsetMilliseconds: Int64

    /// Describes what was found.
    public init(balances: [VenueBalance], canWithdraw: Bool?, clockOffsetMilliseconds: Int64) {
        self.balances = balances
        self.canWithdraw = canWithdraw
        self.clockOffsetMilliseconds = clockOffsetMilliseconds
    }
}

extension BinanceVenue {
    /// Tries an account's key: the clock, the balances, and what the key may do where the venue tells.
    public func examineKey(
        of account: AccountID, wall: @escaping () -> Timestamp,
        _ completion: @escaping (Result<VenueKeyExamination, VenueFailure>) -> Void
    ) {
        connection.compareClocks { [self] result in
            if case .failure(let failure) = result { return completion(.failure(failure.venueFailure)) }
            let offset = wall().milliseconds - connection.venueTime.milliseconds
            balances(on: account) { [self] result in
                guard case .success(let balances) = result else {
                    return completion(
                        result.map {
                            VenueKeyExamination(
                                balances: $0, canWithdraw: nil, clockOffsetMilliseconds: offset)
                        })
                }
                // The test network has no such question; then nobody says.
                let call = question("/sapi/v1/account/apiRestrictions", [], weight: 1, on: account)
                connection.send(call) { result in
                    var mayWithdraw: Bool?
                    if case .success(let answer) = result {
                        mayWithdraw = answer.body["enableWithdrawals"]?.boolValue
                    }
                    completion(
                        .success(
                            VenueKeyExamination(
                                balances: balances, canWithdraw: mayWithdraw,
                                clockOffsetMilliseconds: offset)))
                }
            }
        }
    }
}
