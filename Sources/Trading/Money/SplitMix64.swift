/// Pseudo-random numbers whose whole state is one word: the same seed gives the same numbers on every machine (Steele, Lea
/// and Flood, "Fast splittable pseudorandom number generators", 2014).
///
/// For simulated markets, resampling and jitter, never for secrets. A value like any other, whose seed is the caller's to
/// choose; nothing of the desk's asks for one.
public struct SplitMix64: RandomNumberGenerator, Hashable, Sendable {
    private var state: UInt64

    /// Starts at a seed.
    public init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mixed(state)
    }

    /// A value of which every bit depends on every bit of `value`.
    public static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
