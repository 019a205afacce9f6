import Trading

/// One hidden cause of price moves, such as "the crypto market" or "the rupee".
///
/// Its level is a logarithm. Over days it is a sum of octaves of noise, which looks like a random walk over weeks yet
/// never runs away, so that the market is endless. Within a day it is a random walk with clustered volatility, tied
/// at both ends to the levels of the days. Every day can be computed by itself.
struct MarketFactor {
    /// Names the factor's random streams.
    let key: UInt64
    /// The standard deviation of a day's change, as a fraction.
    let dailyVolatility: Double

    static let minutesPerDay = 1440
    private static let octaves: Int64 = 8

    /// The level when `day` begins, counted from the epoch.
    func level(day: Int64) -> Double {
        var sum = 0.0
        var amplitude = dailyVolatility / 2
        for octave in 0..<Self.octaves {
            let period: Int64 = 1 << octave
            let index = day.flooredQuotient(by: period)
            let fraction = Double(day - index * period) / Double(period)
            let here = noise(octave, index)
            sum += amplitude * (here + (noise(octave, index + 1) - here) * fraction)
            amplitude *= 1.414_213_562_373_095_1
        }
        return sum
    }

    private func noise(_ octave: Int64, _ index: Int64) -> Double {
        var random = SplitMix64(key: key, purpose: .octave, index: index << 4 | octave)
        return random.bell()
    }

    private func regime(day: Int64) -> Double {
        var random = SplitMix64(key: key, purpose: .regime, index: day)
        return random.bell()
    }

    /// Adds `weight` times this factor's levels at each minute boundary of `day`, and the variances between them.
    func add(to path: inout DayPath, weight: Double) {
        let count = Self.minutesPerDay
        let start = level(day: path.day)
        let end = level(day: path.day + 1)
        let calm = regime(day: path.day)
        let calmTomorrow = regime(day: path.day + 1)
        // 38 is about √1440; the exponentials below have a mean above 1.
        let base = dailyVolatility / 38 * 0.8
        var random = SplitMix64(key: key, purpose: .day, index: path.day)
        var walk = [0.0]
        walk.reserveCapacity(count + 1)
        var heat = 0.0
        for minute in 0..<count {
            heat = 0.97 * heat + 0.18 * random.bell()
            let season = calm + (calmTomorrow - calm) * Double(minute) / Double(count)
            var sigma = base * exponential(0.35 * season + 0.6 * heat)
            if random.next() % 700 == 0 { sigma *= 5 }
            walk.append(walk[minute] + sigma * random.bell())
            path.variances[minute] += weight * weight * sigma * sigma
        }
        let drift = (end - start) - walk[count]
        for minute in 0..<count {
            path.levels[minute] +=
                weight * (start + walk[minute] + drift * (Double(minute) / Double(count)))
        }
        // Written as the next day writes its first level, so that both are the same to the last bit.
        path.levels[count] += weight * (end + 0 + 0)
    }
}

/// The logarithmic price of one instrument at the minute boundaries of one day.
struct DayPath {
    let day: Int64
    var levels: [Double]
    var variances: [Double]

    init(day: Int64) {
        self.day = day
        levels = Array(repeating: 0, count: MarketFactor.minutesPerDay + 1)
        variances = Array(repeating: 0, count: MarketFactor.minutesPerDay)
    }
}

extension Int64 {
    /// The quotient rounded toward minus infinity; `divisor` is above nought.
    func flooredQuotient(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
