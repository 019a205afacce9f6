import Trading

/// The streams of a simulated market: named by seed, key, purpose and index, so that any minute of a market can be made
/// without the ones before it.
extension SplitMix64 {
    /// What a stream is for; streams of different purposes are independent.
    enum Purpose: UInt64 {
        case octave = 1
        case regime
        case day
        case shape
        case trades
        case quotes
    }

    /// The stream for one purpose and index.
    init(key: UInt64, purpose: Purpose, index: Int64) {
        self.init(
            seed: Self.mixed(
                Self.mixed(key &+ purpose.rawValue) ^ UInt64(bitPattern: index) &* 0xD6E8_FEB8_6659_FD93))
    }

    /// A key for `name` under `seed`.
    static func key(seed: UInt64, name: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return mixed(seed ^ mixed(hash))
    }

    /// A number in [0, 1), of 53 bits.
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A whole number below `bound`, which is above nought and small.
    mutating func whole(below bound: Int64) -> Int64 { Int64(next() >> 1) % bound }

    /// A bell-shaped number with mean 0 and variance 1, never beyond ±3.47.
    ///
    /// The sum of four uniforms: only additions and one multiplication, so the same on every machine.
    mutating func bell() -> Double {
        (uniform() + uniform() + uniform() + uniform() - 2) * 1.732_050_807_568_877_2
    }
}

/// eˣ by multiplications only, so that every machine gets the same bits; the C library promises no such thing.
///
/// Good to about 13 digits for |x| ≤ 16; `x` beyond that is cut to it.
func exponential(_ x: Double) -> Double {
    let y = min(max(x, -16), 16) / 256
    var sum = 1.0
    var term = 1.0
    for n in 1...8 {
        term *= y / Double(n)
        sum += term
    }
    for _ in 0..<8 { sum *= sum }
    return sum
}
