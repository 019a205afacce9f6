/// A small generator of pseudo-random numbers whose whole state is one word (Steele, Lea, Flood, 2014).
///
/// A stream is named by seed, key, purpose and index, so that any minute of a market can be made without the ones
/// before it.
struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// The stream for one purpose and index.
    init(key: UInt64, purpose: Purpose, index: Int64) {
        state = Self.mixed(
            Self.mixed(key &+ purpose.rawValue) ^ UInt64(bitPattern: index) &* 0xD6E8_FEB8_6659_FD93)
    }

    /// What a stream is for; streams of different purposes are independent.
    enum Purpose: UInt64 {
        case octave = 1
        case regime
        case day
        case shape
        case trades
        case quotes
    }

    /// A key for `name` under `seed`.
    static func key(seed: UInt64, name: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return mixed(seed ^ mixed(hash))
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// The next 64 bits.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mixed(state)
    }

    /// A number in [0, 1).
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
