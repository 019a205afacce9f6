import Posix
import Secrets
import Trading

/// Nonces: each greater than all that the key was ever used with.
extension CoinSpotVenue {
    /// Sends a signed call, once the mark of its nonce is kept.
    func send(
        _ call: VenueConnection.Call, _ completion: @escaping (Result<VenueAnswer, CallFailure>) -> Void
    ) {
        // Without a key signing says so.
        guard let account = call.account, let name = nonceName(of: account) else {
            return connection.send(call, completion)
        }
        let waiting = LoopBound((connection, call, completion), on: loop)
        let isReady = nonces.prepare(name, at: connection.venueTime) { isKept in
            waiting.perform { connection, call, completion in
                guard isKept else {
                    return completion(.failure(.unsent("the nonce of the next request could not be kept")))
                }
                connection.send(call, completion)
            }
        }
        if isReady { connection.send(call, completion) }
    }

    /// The next nonce of an account's key.
    func nonce(of account: AccountID, at time: Timestamp) throws(CallFailure) -> Int64 {
        guard let name = nonceName(of: account), let nonce = nonces.next(name, at: time) else {
            throw .unsent("the nonce of the request was not kept yet")
        }
        return nonce
    }

    /// The name under which a key's nonces are kept: it follows from the key and gives nothing of it away.
    private func nonceName(of account: AccountID) -> String? {
        if let known = nonceNames[account] { return known }
        guard let key = keys(account) else { return nil }
        let name = "\(venue) \(key.hmacSHA256(Array(key.apiKey.utf8)).lowerHexadecimal.prefix(32))"
        nonceNames[account] = name
        return name
    }

    /// The venue has seen a greater nonce. If the clock explains that, the clock is followed; otherwise somebody used the
    /// key with a finer unit, and there is no way back below that.
    func raiseNonce(of account: AccountID, after answer: VenueAnswer) {
        guard let name = nonceName(of: account) else { return }
        let now = answer.date ?? connection.venueTime
        // The header is cut to seconds, and ours may be estimated from it.
        if nonces.last(name) + 5_000 < now.milliseconds {
            nonces.raise(name, above: now.milliseconds + 1_000)
        } else {
            leap(account)
        }
    }

    /// Goes over to nonces of the size of microseconds, and if those are too small as well, of nanoseconds.
    func leap(_ account: AccountID) {
        guard let known = accounts[account], known.leaps < 2, let name = nonceName(of: account) else {
            return
        }
        known.leaps += 1
        // Whoever used the key may have a clock that is ahead of what is known of the venue's.
        let ahead = connection.venueTime.advanced(byMilliseconds: 10_000).milliseconds
        nonces.raise(name, above: ahead * (known.leaps == 1 ? 1_000 : 1_000_000))
    }
}
