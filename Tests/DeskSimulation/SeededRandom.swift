import Trading

/// Small seeded random numbers, the same on every machine and with every compiler.
struct SeededRandom: Sendable {
    private var numbers: SplitMix64

    init(seed: UInt64) {
        numbers = SplitMix64(seed: seed &* 0x2545_F491_4F6C_DD1D &+ 0x9E37_79B9_7F4A_7C15)
    }

    mutating func next() -> UInt64 { numbers.next() }

    /// From 0 to `count - 1`.
    mutating func below(_ count: Int) -> Int {
        Int(((next() >> 32) &* UInt64(count)) >> 32)
    }

    /// Within a range, both ends included.
    mutating func between(_ low: Int, _ high: Int) -> Int { low + below(high - low + 1) }

    /// True so many times in a hundred.
    mutating func percent(_ chance: Int) -> Bool { below(100) < chance }

    mutating func one<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }
}
