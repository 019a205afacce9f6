/// How much of something may happen: a steady rate and a burst.
struct TokenBucket {
    /// Tokens a second.
    let rate: Double
    /// The most that can be saved up.
    let burst: Double
    private var tokens: Double
    private var last: UInt64

    /// Begins full. `now` is in nanoseconds on a steady clock.
    init(rate: Double, burst: Double, now: UInt64) {
        precondition(rate > 0 && burst >= 1)
        self.rate = rate
        self.burst = burst
        tokens = burst
        last = now
    }

    /// Takes `count` tokens if they are there.
    mutating func take(_ count: Double = 1, now: UInt64) -> Bool {
        refill(now)
        guard tokens >= count else { return false }
        tokens -= count
        return true
    }

    /// How many tokens are there; less than nought when some are owed.
    mutating func balance(now: UInt64) -> Double {
        refill(now)
        return tokens
    }

    /// Takes `count` tokens that are not there, to be waited for.
    mutating func owe(_ count: Double) { tokens -= count }

    /// How long until `count` tokens are there, in nanoseconds.
    mutating func wait(for count: Double = 1, now: UInt64) -> UInt64 {
        refill(now)
        guard tokens < count else { return 0 }
        return UInt64((count - tokens) / rate * 1e9) + 1
    }

    private mutating func refill(_ now: UInt64) {
        guard now > last else { return }
        tokens = min(burst, tokens + Double(now - last) * rate / 1e9)
        last = now
    }
}
